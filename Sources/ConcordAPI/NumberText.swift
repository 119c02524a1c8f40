import ConcordBytes

/// Durations as the API writes them: a whole number and a unit, `250ms`, `2s`, `5m`, `1h`.
package enum DurationText {
    /// In milliseconds; `nil` for anything else, also for a number that 64 bits cannot hold.
    package static func milliseconds(_ text: ArraySlice<UInt8>) -> UInt64? {
        let digits = text.prefix { $0.isASCIIDigit }
        guard !digits.isEmpty, let factor = factor(text[digits.endIndex...]) else { return nil }
        guard let number = DecimalText.number(digits) else { return nil }
        let (milliseconds, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : milliseconds
    }

    /// The text of a duration, with the largest unit that tells it exactly.
    package static func text(milliseconds: UInt64) -> String {
        for (unit, factor) in [("h", 3_600_000), ("m", 60_000), ("s", 1000)] as [(String, UInt64)]
        where milliseconds > 0 && milliseconds % factor == 0 {
            return "\(milliseconds / factor)\(unit)"
        }
        return "\(milliseconds)ms"
    }

    private static func factor(_ unit: ArraySlice<UInt8>) -> UInt64? {
        if unit.equals("ms") { return 1 }
        if unit.equals("s") { return 1000 }
        if unit.equals("m") { return 60_000 }
        return unit.equals("h") ? 3_600_000 : nil
    }
}

/// Whole numbers in decimal digits.
package enum DecimalText {
    /// Above every number of the API: 2⁵³ is where a JSON reader may begin to round (RFC 8259 §6).
    package static let limit: UInt64 = 1 << 53

    /// `nil` for anything but digits, and for what 64 bits cannot hold.
    package static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        guard !digits.isEmpty else { return nil }
        var number: UInt64 = 0
        for digit in digits {
            guard digit.isASCIIDigit else { return nil }
            let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(UInt64(digit - 0x30))
            guard !overflow && !carry else { return nil }
            number = sum
        }
        return number
    }
}
