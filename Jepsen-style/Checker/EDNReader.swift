/// Values in EDN, as Jepsen and Knossos print them. Keywords and symbols become texts, sequences lists, sets lists in
/// one order, records maps; tags are dropped. Ratios and numbers beyond 64 bits are kept as their digits.
extension ByteScanner {
    /// - Returns: `nil` at the end of what surrounds the value (`)`, `]`, `}` or the end of all).
    mutating func ednValue() throws(HistoryError) -> HistoryValue? {
        while true {
            try skipEDNSpace()
            switch byte {
            case UInt8(ascii: "#"):
                if let value = try ednDispatch() { return value }
            case UInt8(ascii: "^"):
                position += 1
                try ednIgnored()
            case UInt8(ascii: "'"), UInt8(ascii: "@"), UInt8(ascii: "`"): position += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"): return nil
            default: return isAtEnd ? nil : try ednPlainValue()
            }
        }
    }

    private mutating func ednPlainValue() throws(HistoryError) -> HistoryValue {
        switch byte {
        case UInt8(ascii: "("): return .list(try ednSequence(until: UInt8(ascii: ")")))
        case UInt8(ascii: "["): return .list(try ednSequence(until: UInt8(ascii: "]")))
        case UInt8(ascii: "{"): return .map(try ednMap())
        case UInt8(ascii: "\""): return .text(try ednText())
        case UInt8(ascii: "\\"): return .text(try ednCharacter())
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return try ednNumber()
        case UInt8(ascii: "-") where byte(after: 1).isDigit: return try ednNumber()
        case UInt8(ascii: "+") where byte(after: 1).isDigit: return try ednNumber()
        case UInt8(ascii: ":"):
            position += 1
            if byte == UInt8(ascii: ":") { position += 1 }
            return .text(try ednWord())
        default:
            switch try ednWord() {
            case "nil": return .null
            case "true": return .bool(true)
            case "false": return .bool(false)
            case let symbol: return .text(symbol)
            }
        }
    }

    mutating func skipEDNSpace() throws(HistoryError) {
        while position < end {
            switch bytes[position] {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"), 0x0C,
                UInt8(ascii: ","):
                position += 1
            case UInt8(ascii: ";"): skipLine()
            default: return
            }
        }
    }

    mutating func skipLine() {
        while position < end, bytes[position] != UInt8(ascii: "\n") { position += 1 }
    }

    private mutating func ednSequence(until close: UInt8) throws(HistoryError) -> [HistoryValue] {
        try enter()
        position += 1
        var values: [HistoryValue] = []
        while let value = try ednValue() { values.append(value) }
        try expect(close, "a sequence without its end")
        leave()
        return values
    }

    private mutating func ednMap() throws(HistoryError) -> [HistoryValue: HistoryValue] {
        try enter()
        position += 1
        var fields: [HistoryValue: HistoryValue] = [:]
        while true {
            let start = position
            guard let name = try ednValue() else { break }
            guard let value = try ednValue() else { throw error("a name without its value") }
            guard fields.updateValue(value, forKey: name) == nil else {
                throw HistoryError("a name that this map has already", at: start, in: bytes)
            }
        }
        try expect(UInt8(ascii: "}"), "a map without its end")
        leave()
        return fields
    }

    /// What begins with `#`: a set, an ignored value, or a tag, which is dropped.
    /// - Returns: `nil` when nothing came of it and the next value counts.
    private mutating func ednDispatch() throws(HistoryError) -> HistoryValue? {
        position += 1
        switch byte {
        case UInt8(ascii: "{"): return .list(HistoryValue.inOneOrder(try ednSequence(until: UInt8(ascii: "}"))))
        case UInt8(ascii: "_"):
            position += 1
            try ednIgnored()
            return nil
        case UInt8(ascii: "#"):
            position += 1
            return .text(try ednWord())
        case UInt8(ascii: "\""): return .text(try ednText())
        case UInt8(ascii: "'"):
            position += 1
            return nil
        default:
            if byte == UInt8(ascii: ":") { position += 1 }
            _ = try ednWord()
            return nil
        }
    }

    private mutating func ednIgnored() throws(HistoryError) {
        try enter()
        guard try ednValue() != nil else { throw error("a value should stand here") }
        leave()
    }

    private mutating func ednText() throws(HistoryError) -> String {
        position += 1
        let start = position
        while position < end {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                let text = try text(from: start)
                position += 1
                return text
            case UInt8(ascii: "\\"): return try escapedText(from: start)
            default: position += 1
            }
        }
        throw error("a text without its end")
    }

    private mutating func ednCharacter() throws(HistoryError) -> String {
        position += 1
        let start = position
        // The first byte belongs to the character, whatever it is: \( is one.
        position += 1
        while position < end, !Self.endsWord(bytes[position]) { position += 1 }
        guard position <= end else {
            position = end
            throw error("a character should stand here")
        }
        switch try text(from: start) {
        case "newline": return "\n"
        case "return": return "\r"
        case "space": return " "
        case "tab": return "\t"
        case "formfeed": return "\u{C}"
        case "backspace": return "\u{8}"
        case let name where name.utf8.count == 5 && name.hasPrefix("u"):
            guard let code = UInt32(name.dropFirst(), radix: 16), let scalar = Unicode.Scalar(code) else {
                throw HistoryError("no such character", at: start, in: bytes)
            }
            return String(Character(scalar))
        case let character where character.unicodeScalars.count == 1: return character
        default: throw HistoryError("no such character", at: start, in: bytes)
        }
    }

    private mutating func ednNumber() throws(HistoryError) -> HistoryValue {
        let start = position
        if byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") { position += 1 }
        _ = skipDigits()
        switch byte {
        case UInt8(ascii: "/"):
            position += 1
            guard skipDigits() > 0 else { throw error("a ratio needs digits") }
            try expectEndOfWord()
            return .text(try text(from: start))
        case UInt8(ascii: "N"):
            let value = try number(from: start, isWhole: true)
            position += 1
            try expectEndOfWord()
            return value
        case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "M"):
            if byte == UInt8(ascii: ".") {
                position += 1
                _ = skipDigits()
            }
            if byte | 0x20 == UInt8(ascii: "e") {
                position += 1
                if byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") { position += 1 }
                guard skipDigits() > 0 else { throw error("an exponent needs digits") }
            }
            let value = try number(from: start, isWhole: false)
            if byte == UInt8(ascii: "M") { position += 1 }
            try expectEndOfWord()
            return value
        default:
            try expectEndOfWord()
            return try number(from: start, isWhole: true)
        }
    }

    private func expectEndOfWord() throws(HistoryError) {
        guard isAtEnd || Self.endsWord(bytes[position]) else { throw error("this is no number") }
    }

    private mutating func ednWord() throws(HistoryError) -> String {
        let start = position
        while position < end, !Self.endsWord(bytes[position]) { position += 1 }
        guard position > start else { throw error("this is no EDN value") }
        return try text(from: start)
    }

    private static func endsWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0...0x20, UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\""), UInt8(ascii: "("),
            UInt8(ascii: ")"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"):
            true
        default: false
        }
    }
}

extension HistoryValue {
    /// The elements of a set in an order that they alone decide, so that equal sets become equal lists.
    fileprivate static func inOneOrder(_ elements: [HistoryValue]) -> [HistoryValue] {
        // Most sets are of numbers, and long.
        let numbers = elements.compactMap(\.int)
        if numbers.count == elements.count { return numbers.sorted().map { .int($0) } }
        let described = elements.map { (text: $0.description, element: $0) }
        return described.sorted { $0.text.precedesByBytes($1.text) }.map(\.element)
    }
}
