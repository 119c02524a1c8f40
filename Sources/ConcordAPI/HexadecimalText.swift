import ConcordBytes

/// Ids as the API writes them: hexadecimal digits of fixed number.
package enum HexadecimalText {
    /// 16 digits.
    package static func text(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// 32 digits.
    package static func text(_ value: UInt128) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 32 - digits.count) + digits
    }

    /// Exactly 32 digits of either case.
    package static func number128(_ digits: ArraySlice<UInt8>) -> UInt128? {
        guard digits.count == 32 else { return nil }
        var number: UInt128 = 0
        for digit in digits {
            guard let value = digit.hexadecimalValue else { return nil }
            number = number << 4 | UInt128(value)
        }
        return number
    }
}
