/// Turns the text of a flag, an environment variable or a positional argument into a value.
package struct ValueParser<Value: Sendable>: Sendable {
    /// How the value is called in a usage line: `DURATION`.
    package let placeholder: String
    /// What would be right, as the end of a sentence: "a duration with its unit, such as 250ms".
    package let expectation: String
    /// A list: it may be given several times, and the texts are joined by commas.
    package let repeats: Bool
    /// The value, or `nil` for a text that is none.
    package let parse: @Sendable (String) -> Value?

    package init(
        placeholder: String, expectation: String, repeats: Bool = false, parse: @escaping @Sendable (String) -> Value?
    ) {
        self.placeholder = placeholder
        self.expectation = expectation
        self.repeats = repeats
        self.parse = parse
    }

    /// The same parser under another name in the usage line.
    package func named(_ placeholder: String) -> ValueParser<Value> {
        ValueParser(placeholder: placeholder, expectation: expectation, repeats: repeats, parse: parse)
    }
}

extension ValueParser where Value == String {
    /// Any text, but for an empty one.
    package static var text: ValueParser<String> {
        ValueParser(placeholder: "TEXT", expectation: "a text that is not empty") { $0.isEmpty ? nil : $0 }
    }

    /// Any text, an empty one too.
    package static var anyText: ValueParser<String> {
        ValueParser(placeholder: "TEXT", expectation: "a text") { $0 }
    }

    /// The name of a file or directory.
    package static func path(_ placeholder: String = "FILE") -> ValueParser<String> {
        ValueParser(placeholder: placeholder, expectation: "the name of a file or directory") { $0.isEmpty ? nil : $0 }
    }

    /// One of a few words.
    package static func choice(of words: [String]) -> ValueParser<String> {
        let all = words.joined(separator: ", ")
        return ValueParser(placeholder: words.joined(separator: "|"), expectation: "one of \(all)") {
            words.contains($0) ? $0 : nil
        }
    }
}

extension ValueParser where Value == Int {
    /// A decimal number within `range`.
    package static func integer(in range: ClosedRange<Int>, _ placeholder: String = "N") -> ValueParser<Int> {
        let expectation =
            range.upperBound == Int.max
            ? "a whole number of at least \(range.lowerBound)"
            : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return ValueParser(placeholder: placeholder, expectation: expectation) { text in
            guard let value = DecimalText.integer(text), range.contains(value) else { return nil }
            return value
        }
    }

    /// Bytes: a plain number, or one with a binary unit.
    package static func size(in range: ClosedRange<Int> = 0...Int.max) -> ValueParser<Int> {
        let bounds = range == 0...Int.max ? "" : ", from \(range.lowerBound) to \(range.upperBound) bytes"
        return ValueParser(
            placeholder: "SIZE",
            expectation: "a number of bytes with a unit of B, KiB, MiB or GiB, such as 64KiB\(bounds)"
        ) { text in
            guard let value = DecimalText.size(text), range.contains(value) else { return nil }
            return value
        }
    }
}

extension ValueParser where Value == UInt16 {
    /// A TCP port; 0, which lets the system choose, only where `allowsZero`.
    package static func port(allowsZero: Bool = false) -> ValueParser<UInt16> {
        let lowest: UInt16 = allowsZero ? 0 : 1
        return ValueParser(placeholder: "PORT", expectation: "a port from \(lowest) to 65535") { text in
            guard let port = DecimalText.port(text), port >= lowest else { return nil }
            return port
        }
    }
}

extension ValueParser where Value == Duration {
    /// A duration with its unit; without one it is refused, so that nobody has to guess.
    package static func duration(in range: ClosedRange<Duration>? = nil) -> ValueParser<Duration> {
        let bounds =
            range.map { ", from \(DecimalText.text($0.lowerBound)) to \(DecimalText.text($0.upperBound))" } ?? ""
        return ValueParser(
            placeholder: "DURATION",
            expectation: "a duration with its unit, such as 250ms, 2s, 5m or 1h\(bounds)"
        ) { text in
            guard let value = DecimalText.duration(text) else { return nil }
            if let range, !range.contains(value) { return nil }
            return value
        }
    }
}

extension ValueParser where Value == HostPort {
    /// `HOST:PORT`, with an IPv6 address in brackets.
    package static func hostPort(allowsPortZero: Bool = false) -> ValueParser<HostPort> {
        ValueParser(
            placeholder: "HOST:PORT", expectation: "a host and a port, such as 127.0.0.1:7400 or [::1]:7400"
        ) { text in
            guard let value = HostPort(text), value.port > 0 || allowsPortZero else { return nil }
            return value
        }
    }
}

extension ValueParser where Value == WebAddress {
    /// `http://HOST:PORT`, without a path.
    package static var url: ValueParser<WebAddress> {
        ValueParser(
            placeholder: "URL", expectation: "a URL of scheme, host and port, such as http://127.0.0.1:7400"
        ) { WebAddress($0) }
    }
}

extension ValueParser {
    /// Values with commas between them, in one text or in several flags; at least one.
    package static func list<Element>(of element: ValueParser<Element>) -> ValueParser<[Element]>
    where Value == [Element] {
        ValueParser<[Element]>(
            placeholder: "\(element.placeholder),…",
            expectation: "values separated by commas, each \(element.expectation)",
            repeats: true
        ) { text in
            var elements: [Element] = []
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                guard let value = element.parse(String(part)) else { return nil }
                elements.append(value)
            }
            return elements
        }
    }
}
