/// SipHash-2-4 with a 128-bit result (Aumasson and Bernstein 2012, and the reference code's 128-bit form).
///
/// The key is fixed, so that every member computes the same hash: it tells different records apart, it does
/// not authenticate them.
package enum SipHash128 {
    package static func hash(_ bytes: [UInt8]) -> UInt128 {
        var state = State()
        var position = 0
        while position + 8 <= bytes.count {
            state.compress(word(bytes, at: position, count: 8))
            position += 8
        }
        let last = word(bytes, at: position, count: bytes.count - position) | UInt64(bytes.count & 0xFF) << 56
        state.compress(last)
        return state.finish()
    }

    @inline(__always)
    private static func word(_ bytes: [UInt8], at position: Int, count: Int) -> UInt64 {
        var value: UInt64 = 0
        for offset in 0..<count {
            value |= UInt64(bytes[position + offset]) << UInt64(8 * offset)
        }
        return value
    }

    private struct State {
        // The key is the bytes 0, 1, … 15, as in the reference test vectors.
        var v0: UInt64 = 0x736f_6d65_7073_6575 ^ 0x0706_0504_0302_0100
        var v1: UInt64 = 0x646f_7261_6e64_6f6d ^ 0x0f0e_0d0c_0b0a_0908 ^ 0xee
        var v2: UInt64 = 0x6c79_6765_6e65_7261 ^ 0x0706_0504_0302_0100
        var v3: UInt64 = 0x7465_6462_7974_6573 ^ 0x0f0e_0d0c_0b0a_0908

        @inline(__always)
        mutating func compress(_ word: UInt64) {
            v3 ^= word
            round()
            round()
            v0 ^= word
        }

        mutating func finish() -> UInt128 {
            v2 ^= 0xee
            for _ in 0..<4 { round() }
            let low = v0 ^ v1 ^ v2 ^ v3
            v1 ^= 0xdd
            for _ in 0..<4 { round() }
            let high = v0 ^ v1 ^ v2 ^ v3
            return UInt128(high) << 64 | UInt128(low)
        }

        @inline(__always)
        private mutating func round() {
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

        @inline(__always)
        private func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
            value << count | value >> (64 - count)
        }
    }
}
