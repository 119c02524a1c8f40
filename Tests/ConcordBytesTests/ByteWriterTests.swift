import ConcordBytes
import Testing

@Suite struct ByteWriterTests {
    @Test func everyKindOfValueHasItsBytes() {
        var writer = ByteWriter(capacity: 64)
        writer.write(UInt8(0x01))
        writer.write(UInt16(0x0302))
        writer.write(UInt32(0x0706_0504))
        writer.write(UInt64(0x0f0e_0d0c_0b0a_0908))
        writer.write(UInt128(0x1f1e_1d1c_1b1a_1918_1716_1514_1312_1110))
        #expect(writer.bytes == (0x01...0x1f).map { UInt8($0) })

        writer = ByteWriter()
        writer.write(Int64(-2))
        #expect(writer.bytes == [0xFE] + [UInt8](repeating: 0xFF, count: 7))

        writer = ByteWriter()
        writer.write(true)
        writer.write(false)
        writer.writeBytes([7, 8])
        writer.writeString("é")
        writer.writeRaw([9])
        writer.writeRaw([1, 2, 3, 4][1...2])
        writer.writeRaw("ok")
        #expect(writer.bytes == [1, 0, 2, 0, 0, 0, 7, 8, 2, 0, 0, 0, 0xC3, 0xA9, 9, 2, 3, 0x6F, 0x6B])
    }

    @Test func aLengthIsPatchedInWhereItBelongs() {
        var writer = ByteWriter()
        writer.writeRaw([UInt8](repeating: 0xAA, count: 6))
        writer.patch(0x0403_0201, at: 2)
        #expect(writer.bytes == [0xAA, 0xAA, 1, 2, 3, 4])
    }

    @Test func aPatchBehindTheEndIsOurBug() async {
        await #expect(processExitsWith: .failure) {
            var writer = ByteWriter()
            writer.write(UInt32(0))
            writer.patch(1, at: 1)
        }
    }

    @Test(arguments: 0...17)
    func paddingReachesTheNextMultiple(length: Int) {
        var writer = ByteWriter()
        writer.writeRaw([UInt8](repeating: 1, count: length))
        writer.pad(to: 8)
        #expect(writer.count == (length + 7) / 8 * 8)
        #expect(writer.bytes[length...].allSatisfy { $0 == 0 })
    }
}
