/// SipHash-2-4 with a 128-bit result (Aumasson and Bernstein 2012, and the reference code's 128-bit form).
///
/// The key is fixed, so that every member computes the same hash: it tells different records apart, it does
/// not authenticate them.
package enum SipHash128 {
    package static func hash(_ bytes: [UInt8]) -> UInt128 {
        var stream = SipHashStream()
        let whole = bytes.count & ~7
        stream.addWords(of: bytes, count: whole)
        var last = UInt64(bytes.count & 0xFF) << 56
        for offset in whole..<bytes.count {
            last |= UInt64(bytes[offset]) << UInt64(8 * (offset - whole))
        }
        return stream.finish(last: last)
    }
}

/// The same hash of a record that is told word by word, without being written into a buffer first. What is
/// hashed is the words as little-endian bytes, in the order in which they were added.
@usableFromInline package struct SipHashStream: Sendable {
    // The key is the bytes 0, 1, … 15, as in the reference test vectors.
    @usableFromInline var v0: UInt64 = 0x736f_6d65_7073_6575 ^ 0x0706_0504_0302_0100
    @usableFromInline var v1: UInt64 = 0x646f_7261_6e64_6f6d ^ 0x0f0e_0d0c_0b0a_0908 ^ 0xee
    @usableFromInline var v2: UInt64 = 0x6c79_6765_6e65_7261 ^ 0x0706_0504_0302_0100
    @usableFromInline var v3: UInt64 = 0x7465_6462_7974_6573 ^ 0x0f0e_0d0c_0b0a_0908
    @usableFromInline var wordsCount: UInt64 = 0

    @inlinable package init() {}

    @inlinable package mutating func add(_ word: UInt64) {
        wordsCount &+= 1
        compress(word)
    }

    @inlinable package mutating func add(_ word: UInt128) {
        add(UInt64(truncatingIfNeeded: word))
        add(UInt64(truncatingIfNeeded: word >> 64))
    }

    /// `count` bytes of `bytes` from `start`, behind their count and filled up with zeros to whole words.
    @inlinable package mutating func add(_ bytes: [UInt8], from start: Int, count: Int) {
        precondition(start >= 0 && count >= 0 && start + count <= bytes.count, "a hash reaches beyond its bytes")
        add(UInt64(count))
        var position = start
        let end = start + count
        // Safe: the buffer outlives the closure and every load lies within the range checked above.
        unsafe bytes.withUnsafeBytes { buffer in
            while position + 8 <= end {
                add(UInt64(littleEndian: unsafe buffer.loadUnaligned(fromByteOffset: position, as: UInt64.self)))
                position += 8
            }
        }
        guard position < end else { return }
        var last: UInt64 = 0
        for offset in position..<end {
            last |= UInt64(bytes[offset]) << UInt64(8 * (offset - position))
        }
        add(last)
    }

    @inlinable package consuming func finish() -> UInt128 {
        finish(last: (wordsCount &* 8 & 0xFF) << 56)
    }

    /// Compresses the first `count` bytes, a multiple of eight.
    mutating func addWords(of bytes: [UInt8], count: Int) {
        // Safe: the buffer outlives the closure and `count` is at most its length.
        unsafe bytes.withUnsafeBytes { buffer in
            var position = 0
            while position < count {
                compress(UInt64(littleEndian: unsafe buffer.loadUnaligned(fromByteOffset: position, as: UInt64.self)))
                position += 8
            }
        }
    }

    @inlinable consuming func finish(last: UInt64) -> UInt128 {
        compress(last)
        v2 ^= 0xee
        for _ in 0..<4 { round() }
        let low = v0 ^ v1 ^ v2 ^ v3
        v1 ^= 0xdd
        for _ in 0..<4 { round() }
        let high = v0 ^ v1 ^ v2 ^ v3
        return UInt128(high) << 64 | UInt128(low)
    }

    @inlinable mutating func compress(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
    }

    @inlinable @inline(__always)
    mutating func round() {
        v0 &+= v1
        v1 = rotate(v1, 13) ^ v0
        v0 = rotate(v0, 32)
        v2 &+= v3
        v3 = rotate(v3, 16) ^ v2
        v0 &+= v3
        v3 = rotate(v3, 21) ^ v0
        v2 &+= v1
        v1 = rotate(v1, 17) ^ v2
        v2 = rotate(v2, 32)
    }

    @inlinable @inline(__always)
    func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
        value << count | value >> (64 - count)
    }
}
