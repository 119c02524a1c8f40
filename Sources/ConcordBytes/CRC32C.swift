/// CRC-32C (Castagnoli polynomial, RFC 3720 appendix B.4), computed eight bytes at a time.
package enum CRC32C {
    /// The checksum of `bytes`, continued from `seed`: a seed of another checksum chains the two.
    package static func checksum(_ bytes: [UInt8], seed: UInt32 = 0) -> UInt32 {
        checksum(bytes, in: 0..<bytes.count, seed: seed)
    }

    /// The checksum of `range` of `bytes`.
    package static func checksum(_ bytes: [UInt8], in range: Range<Int>, seed: UInt32 = 0) -> UInt32 {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= bytes.count, "a checksum's range lies outside its bytes")
        var crc = ~seed
        let table = tables
        // Safe: both buffers outlive the closure and every index below is within the range checked above.
        unsafe bytes.withUnsafeBufferPointer { input in
            unsafe table.withUnsafeBufferPointer { table in
                var position = range.lowerBound
                while position + 8 <= range.upperBound {
                    let low = crc ^ (unsafe word(input, at: position))
                    let high = unsafe word(input, at: position + 4)
                    crc = unsafe table[0x700 + Int(low & 0xFF)] ^ table[0x600 + Int(low >> 8 & 0xFF)]
                    crc = unsafe crc ^ table[0x500 + Int(low >> 16 & 0xFF)] ^ table[0x400 + Int(low >> 24)]
                    crc = unsafe crc ^ table[0x300 + Int(high & 0xFF)] ^ table[0x200 + Int(high >> 8 & 0xFF)]
                    crc = unsafe crc ^ table[0x100 + Int(high >> 16 & 0xFF)] ^ table[Int(high >> 24)]
                    position += 8
                }
                while position < range.upperBound {
                    crc = unsafe crc >> 8 ^ table[Int((crc ^ UInt32(input[position])) & 0xFF)]
                    position += 1
                }
            }
        }
        return ~crc
    }

    // Safe: the caller has checked that four bytes from `position` on lie in the buffer.
    @inline(__always)
    private static func word(_ input: UnsafeBufferPointer<UInt8>, at position: Int) -> UInt32 {
        let low = unsafe UInt32(input[position]) | UInt32(input[position + 1]) << 8
        let high = unsafe UInt32(input[position + 2]) << 16 | UInt32(input[position + 3]) << 24
        return low | high
    }

    /// Eight tables of 256 entries: table k advances a byte over k further zero bytes.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var crc = UInt32(byte)
            for _ in 0..<8 {
                crc = crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0x82F6_3B78
            }
            tables[byte] = crc
        }
        for table in 1..<8 {
            for byte in 0..<256 {
                let previous = tables[(table - 1) * 256 + byte]
                tables[table * 256 + byte] = previous >> 8 ^ tables[Int(previous & 0xFF)]
            }
        }
        return tables
    }()
}
