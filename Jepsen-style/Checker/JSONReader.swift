/// Values in JSON (RFC 8259). Strict, but for one thing: numbers beyond 64 bits are kept as their digits.
extension ByteScanner {
    mutating func jsonValue() throws(HistoryError) -> HistoryValue {
        skipSpace()
        switch byte {
        case UInt8(ascii: "\""): return .text(try jsonText())
        case UInt8(ascii: "{"): return .map(try jsonObject())
        case UInt8(ascii: "["): return .list(try jsonArray())
        case UInt8(ascii: "n") where take("null"): return .null
        case UInt8(ascii: "t") where take("true"): return .bool(true)
        case UInt8(ascii: "f") where take("false"): return .bool(false)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try jsonNumber()
        default: throw error(isAtEnd ? "it ends where a value should stand" : "this is no JSON value")
        }
    }

    private mutating func jsonArray() throws(HistoryError) -> [HistoryValue] {
        try enter()
        position += 1
        skipSpace()
        var values: [HistoryValue] = []
        if byte != UInt8(ascii: "]") {
            repeat { values.append(try jsonValue()) } while takeComma()
        }
        try expect(UInt8(ascii: "]"), "a list goes on with , or ends with ]")
        leave()
        return values
    }

    private mutating func jsonObject() throws(HistoryError) -> [HistoryValue: HistoryValue] {
        try enter()
        position += 1
        skipSpace()
        // Most objects in histories are nodes.
        var fields = [HistoryValue: HistoryValue](minimumCapacity: 4)
        if byte != UInt8(ascii: "}") {
            repeat {
                let start = position
                let name = try jsonName()
                guard fields.updateValue(try jsonValue(), forKey: .text(name)) == nil else {
                    throw HistoryError("the name \(name) stands here twice", at: start, in: bytes)
                }
            } while takeComma()
        }
        try expect(UInt8(ascii: "}"), "an object goes on with , or ends with }")
        leave()
        return fields
    }

    /// A name and its colon.
    mutating func jsonName() throws(HistoryError) -> String {
        skipSpace()
        guard byte == UInt8(ascii: "\"") else { throw error("a name in quotes should stand here") }
        let name = try jsonText()
        skipSpace()
        try expect(UInt8(ascii: ":"), "a colon should stand here")
        return name
    }

    mutating func takeComma() -> Bool {
        skipSpace()
        guard byte == UInt8(ascii: ",") else { return false }
        position += 1
        return true
    }

    mutating func jsonText() throws(HistoryError) -> String {
        position += 1
        let start = position
        while position < end {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                let text = try text(from: start)
                position += 1
                return text
            case UInt8(ascii: "\\"): return try escapedText(from: start)
            case 0..<0x20: throw error("a control character inside a text")
            default: position += 1
            }
        }
        throw error("a text without its end")
    }

    /// The rest of a text that has escapes; those of JSON and those of EDN are the same.
    mutating func escapedText(from start: Int) throws(HistoryError) -> String {
        var text = try text(from: start)
        while position < end {
            let from = position
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return text
            case UInt8(ascii: "\\"):
                position += 1
                text.unicodeScalars.append(try escapedScalar())
            default:
                while position < end, bytes[position] != UInt8(ascii: "\""), bytes[position] != UInt8(ascii: "\\") {
                    position += 1
                }
                text += try self.text(from: from)
            }
        }
        throw error("a text without its end")
    }

    private mutating func escapedScalar() throws(HistoryError) -> Unicode.Scalar {
        let letter = byte
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "'"): return Unicode.Scalar(letter)
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "u"):
            let high = try hexadecimal()
            if let scalar = Unicode.Scalar(high) { return scalar }
            guard high < 0xDC00, take("\\u") else { throw error("half of a surrogate pair") }
            let low = try hexadecimal()
            guard (0xDC00...0xDFFF).contains(low),
                let scalar = Unicode.Scalar(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
            else { throw error("half of a surrogate pair") }
            return scalar
        default:
            position -= 1
            throw error("no such escape")
        }
    }

    private mutating func hexadecimal() throws(HistoryError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt32(byte - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt32(byte - UInt8(ascii: "A") + 10)
            default: throw error("four hexadecimal digits should stand here")
            }
            position += 1
        }
        return value
    }

    private mutating func jsonNumber() throws(HistoryError) -> HistoryValue {
        let start = position
        if byte == UInt8(ascii: "-") { position += 1 }
        if byte == UInt8(ascii: "0"), byte(after: 1).isDigit { throw error("a number does not begin with 0") }
        guard skipDigits() > 0 else { throw error("a number needs digits") }
        var isWhole = true
        if byte == UInt8(ascii: ".") {
            isWhole = false
            position += 1
            guard skipDigits() > 0 else { throw error("digits should stand behind the point") }
        }
        if byte | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            position += 1
            if byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") { position += 1 }
            guard skipDigits() > 0 else { throw error("an exponent needs digits") }
        }
        let number = try number(from: start, isWhole: isWhole)
        // JSON knows one kind of number (RFC 8259 §6): writers put 1.0 where others put 1.
        guard case .real(let real) = number, let whole = Int64(exactly: real), abs(real) < 0x1p53 else { return number }
        return .int(whole)
    }

    mutating func skipDigits() -> Int {
        let start = position
        while byte.isDigit { position += 1 }
        return position - start
    }

    /// The number that was read from `start` up to here.
    func number(from start: Int, isWhole: Bool) throws(HistoryError) -> HistoryValue {
        if isWhole, let whole = wholeNumber(from: start) { return .int(whole) }
        let digits = try text(from: start)
        if isWhole { return .text(digits) }
        guard let real = Double(digits), real.isFinite else {
            throw HistoryError("a number out of range", at: start, in: bytes)
        }
        return .real(real)
    }

    private func wholeNumber(from start: Int) -> Int64? {
        let isNegative = bytes[start] == UInt8(ascii: "-")
        let isSigned = isNegative || bytes[start] == UInt8(ascii: "+")
        var value: Int64 = 0
        for index in (isSigned ? start + 1 : start)..<position {
            let digit = Int64(bytes[index] & 0x0F)
            let (tenfold, overflows) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowsToo) =
                isNegative ? tenfold.subtractingReportingOverflow(digit) : tenfold.addingReportingOverflow(digit)
            if overflows || overflowsToo { return nil }
            value = sum
        }
        return value
    }
}

extension UInt8 {
    var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }
}
