import ConcordBytes
import Testing

@Suite struct CRC32CTests {
    /// RFC 3720, appendix B.4, and the check value of the catalogue of CRC algorithms.
    @Test func theKnownVectors() {
        #expect(CRC32C.checksum([]) == 0)
        #expect(CRC32C.checksum([UInt8]("123456789".utf8)) == 0xE306_9283)
        #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(CRC32C.checksum([UInt8](0..<32)) == 0x46DD_794E)
        #expect(CRC32C.checksum([UInt8]((0..<32).reversed())) == 0x113F_DB5C)
        let readCommand: [UInt8] = [
            0x01, 0xC0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
            0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18,
            0x28, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        ]
        #expect(CRC32C.checksum(readCommand) == 0xD996_3A56)
    }

    @Test(arguments: 1...100 as ClosedRange<UInt64>)
    func equalsTheBitByBitDefinition(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let bytes = (0..<Int(random.below(200))).map { _ in UInt8(random.below(256)) }
        let start = UInt32(truncatingIfNeeded: random.next())
        #expect(CRC32C.checksum(bytes) == bitByBit(bytes[...], seed: 0), "seed \(seed)")
        #expect(CRC32C.checksum(bytes, seed: start) == bitByBit(bytes[...], seed: start), "seed \(seed)")
        let lower = Int(random.below(UInt64(bytes.count + 1)))
        let upper = lower + Int(random.below(UInt64(bytes.count - lower + 1)))
        let part = CRC32C.checksum(bytes, in: lower..<upper, seed: start)
        #expect(part == bitByBit(bytes[lower..<upper], seed: start), "seed \(seed)")
    }

    @Test func chainingEqualsTheChecksumOfTheWhole() {
        let bytes = [UInt8](0..<100)
        for cut in 0...bytes.count {
            let first = CRC32C.checksum(bytes, in: 0..<cut)
            #expect(CRC32C.checksum(bytes, in: cut..<bytes.count, seed: first) == CRC32C.checksum(bytes))
        }
    }

    @Test func everyFlippedBitIsNoticed() {
        let bytes = [UInt8](0..<64)
        let sum = CRC32C.checksum(bytes)
        for bit in 0..<bytes.count * 8 {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(CRC32C.checksum(damaged) != sum)
        }
    }

    private func bitByBit(_ bytes: ArraySlice<UInt8>, seed: UInt32) -> UInt32 {
        var crc = ~seed
        for byte in bytes {
            for bit in 0..<8 {
                let feedback = (crc ^ UInt32(byte >> UInt8(bit))) & 1
                crc >>= 1
                if feedback == 1 { crc ^= 0x82F6_3B78 }
            }
        }
        return ~crc
    }
}
