// Comparing bytes from outside with words of ours, without making a `String` of either.

extension Array where Element == UInt8 {
    /// Whether the bytes of `range` are exactly those of `text`. A range outside the array matches nothing.
    @inlinable package func matches(_ text: StaticString, in range: Range<Int>) -> Bool {
        guard range.count == text.utf8CodeUnitCount, range.lowerBound >= 0, range.upperBound <= count else {
            return false
        }
        let start = range.lowerBound
        return text.withUTF8Buffer { expected in
            var offset = 0
            // Safe: the buffer lives during the closure, and `offset` stays below its count.
            while offset < expected.count {
                guard unsafe self[start + offset] == expected[offset] else { return false }
                offset += 1
            }
            return true
        }
    }

    /// The same for a lower-case `text`, where ASCII letters of the array may be of either case.
    @inlinable package func matchesIgnoringCase(_ text: StaticString, in range: Range<Int>) -> Bool {
        guard range.count == text.utf8CodeUnitCount, range.lowerBound >= 0, range.upperBound <= count else {
            return false
        }
        let start = range.lowerBound
        return text.withUTF8Buffer { expected in
            var offset = 0
            // Safe: the buffer lives during the closure, and `offset` stays below its count.
            while offset < expected.count {
                guard unsafe self[start + offset].asciiLowercased == expected[offset] else { return false }
                offset += 1
            }
            return true
        }
    }
}

extension ArraySlice where Element == UInt8 {
    /// Whether the slice is exactly `text`.
    @inlinable package func equals(_ text: StaticString) -> Bool {
        count == text.utf8CodeUnitCount && starts(with: text)
    }

    /// Whether the slice begins with `text`.
    @inlinable package func starts(with text: StaticString) -> Bool {
        guard count >= text.utf8CodeUnitCount else { return false }
        let start = startIndex
        return text.withUTF8Buffer { expected in
            var offset = 0
            // Safe: the buffer lives during the closure, and `offset` stays below its count.
            while offset < expected.count {
                guard unsafe self[start + offset] == expected[offset] else { return false }
                offset += 1
            }
            return true
        }
    }
}

extension UInt8 {
    /// The lower-case letter of an upper-case ASCII letter; any other byte as it is.
    @inlinable package var asciiLowercased: UInt8 {
        self &- UInt8(ascii: "A") < 26 ? self | 0x20 : self
    }

    @inlinable package var isASCIIDigit: Bool { self &- UInt8(ascii: "0") < 10 }

    /// The value of a hexadecimal digit.
    @inlinable package var hexadecimalValue: UInt8? {
        if isASCIIDigit { return self &- UInt8(ascii: "0") }
        let letter = asciiLowercased &- UInt8(ascii: "a")
        return letter < 6 ? letter &+ 10 : nil
    }
}
