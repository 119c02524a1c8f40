/// How much a line of the log matters.
package enum LogLevel: UInt8, Comparable, Sendable {
    case debug
    case info
    case warning
    case error

    var name: StaticString {
        switch self {
        case .debug: "debug"
        case .info: "info"
        case .warning: "warning"
        case .error: "error"
        }
    }

    package static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}

/// What stands behind a field's name.
package enum LogValue: Equatable, Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByStringInterpolation
{
    case text(String)
    case number(UInt64)

    package init(stringLiteral value: String) { self = .text(value) }
    package init(integerLiteral value: UInt64) { self = .number(value) }
}

/// One line of the log: a JSON object with `time`, `level`, `event` and the event's own fields.
///
/// Whatever was put in comes out as one line of printable characters, at most some kilobytes long: what a client
/// or peer sent cannot forge a line, move a terminal's cursor or fill a disk.
package enum LogLine {
    /// Bytes of one text, before escaping. Longer ones end in `…`.
    static let textBytesMax = 1024
    static let fieldsMax = 24

    package static func encode(
        wallMilliseconds: UInt64, level: LogLevel, event: StaticString, fields: [(StaticString, LogValue)]
    ) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(160)
        line.append(contentsOf: "{\"time\":\"".utf8)
        appendTime(wallMilliseconds, to: &line)
        line.append(contentsOf: "\",\"level\":\"\(level.name)\",\"event\":\"\(event)\"".utf8)
        for (name, value) in fields.prefix(fieldsMax) {
            line.append(contentsOf: ",\"\(name)\":".utf8)
            switch value {
            case .number(let number): line.append(contentsOf: "\(number)".utf8)
            case .text(let text): appendText(text, to: &line)
            }
        }
        line.append(contentsOf: "}\n".utf8)
        return line
    }

    private static func appendText(_ text: String, to line: inout [UInt8]) {
        line.append(UInt8(ascii: "\""))
        var count = 0
        for scalar in text.unicodeScalars {
            count += UTF8.width(scalar)
            if count > textBytesMax {
                line.append(contentsOf: "…".utf8)
                break
            }
            switch scalar {
            case "\"": line.append(contentsOf: "\\\"".utf8)
            case "\\": line.append(contentsOf: "\\\\".utf8)
            case "\n": line.append(contentsOf: "\\n".utf8)
            case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || isInvisible(scalar):
                let digits = String(scalar.value, radix: 16)
                line.append(contentsOf: "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8)
            default: line.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
        line.append(UInt8(ascii: "\""))
    }

    /// Line separators, and marks that turn the direction of the text behind them.
    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        (0x200B...0x200F).contains(scalar.value) || (0x2028...0x202E).contains(scalar.value)
            || (0x2066...0x2069).contains(scalar.value) || scalar.value == 0xFEFF
    }

    /// `2026-01-31T23:59:59.999Z` (RFC 3339), by the days-to-date algorithm of the proleptic Gregorian calendar.
    private static func appendTime(_ wallMilliseconds: UInt64, to line: inout [UInt8]) {
        let (days, inDay) = (Int(wallMilliseconds / 86_400_000), Int(wallMilliseconds % 86_400_000))
        // Counted from 1 March of year 0, so that the leap day is the last one of a year.
        let shifted = days + 719_468
        let (era, dayOfEra) = (shifted / 146_097, shifted % 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        appendDigits(year, count: 4, to: &line)
        line.append(UInt8(ascii: "-"))
        appendDigits(month, count: 2, to: &line)
        line.append(UInt8(ascii: "-"))
        appendDigits(day, count: 2, to: &line)
        line.append(UInt8(ascii: "T"))
        appendDigits(inDay / 3_600_000, count: 2, to: &line)
        line.append(UInt8(ascii: ":"))
        appendDigits(inDay / 60_000 % 60, count: 2, to: &line)
        line.append(UInt8(ascii: ":"))
        appendDigits(inDay / 1000 % 60, count: 2, to: &line)
        line.append(UInt8(ascii: "."))
        appendDigits(inDay % 1000, count: 3, to: &line)
        line.append(UInt8(ascii: "Z"))
    }

    private static func appendDigits(_ value: Int, count: Int, to line: inout [UInt8]) {
        let text = "\(value)"
        line.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: max(0, count - text.utf8.count)))
        line.append(contentsOf: text.utf8)
    }
}
