import ConcordBytes

/// One string of a JSON document (RFC 8259 §7).
struct JSONStringScan {
    let bytes: [UInt8]
    var position: Int
    /// Set before the scan to have the text collected.
    var decoded: [UInt8]?

    init(bytes: [UInt8], position: Int) {
        self.bytes = bytes
        self.position = position
    }

    /// From one quotation mark to behind the other.
    mutating func scan() throws(JSONError) {
        position += 1
        while true {
            guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return
            case UInt8(ascii: "\\"): try escape()
            case 0..<0x20: throw JSONError(.controlCharacter, at: position - 1)
            default: decoded?.append(byte)
            }
        }
    }

    private mutating func escape() throws(JSONError) {
        guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): decoded?.append(byte)
        case UInt8(ascii: "b"): decoded?.append(0x08)
        case UInt8(ascii: "f"): decoded?.append(0x0C)
        case UInt8(ascii: "n"): decoded?.append(0x0A)
        case UInt8(ascii: "r"): decoded?.append(0x0D)
        case UInt8(ascii: "t"): decoded?.append(0x09)
        case UInt8(ascii: "u"): try unicodeEscape()
        default: throw JSONError(.escape, at: position - 2)
        }
    }

    private mutating func unicodeEscape() throws(JSONError) {
        let start = position - 2
        var value = UInt32(try hexadecimal())
        if value & 0xFC00 == 0xD800 {
            guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            else { throw JSONError(.loneSurrogate, at: start) }
            position += 2
            let low = UInt32(try hexadecimal())
            guard low & 0xFC00 == 0xDC00 else { throw JSONError(.loneSurrogate, at: start) }
            value = 0x10000 + (value & 0x3FF) << 10 + (low & 0x3FF)
        }
        guard let scalar = Unicode.Scalar(value) else { throw JSONError(.loneSurrogate, at: start) }
        decoded?.append(contentsOf: Array(String(scalar).utf8))
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
            guard let digit = bytes[position].hexadecimalValue else { throw JSONError(.escape, at: position) }
            value = value << 4 | UInt16(digit)
            position += 1
        }
        return value
    }
}

/// One number of a JSON document (RFC 8259 §6).
struct JSONNumberScan {
    let bytes: [UInt8]
    var position: Int

    init(bytes: [UInt8], position: Int) {
        self.bytes = bytes
        self.position = position
    }

    /// The grammar, and that the number can be held: an integer below 2⁵³, anything else as a finite double, which is
    /// zero only where the number is.
    mutating func check() throws(JSONError) {
        let start = position
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        let digits = position
        try takeDigits(from: start)
        guard bytes[digits] != UInt8(ascii: "0") || position == digits + 1 else { throw JSONError(.number, at: start) }
        let integerEnd = position
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            try takeDigits(from: start)
        }
        let digitsEnd = position
        if position < bytes.count, bytes[position].asciiLowercased == UInt8(ascii: "e") {
            position += 1
            if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
                position += 1
            }
            try takeDigits(from: start)
        }
        if position == integerEnd {
            guard let number = DecimalText.number(bytes[digits..<integerEnd]), number < DecimalText.limit else {
                throw JSONError(.numberTooLarge, at: start)
            }
        } else {
            guard position - start <= StrictJSON.numberBytesMax,
                let number = Double(String(decoding: bytes[start..<position], as: UTF8.self)), number.isFinite,
                !number.isZero || bytes[digits..<digitsEnd].allSatisfy({ !(0x31...0x39).contains($0) })
            else { throw JSONError(.numberTooLarge, at: start) }
        }
    }

    private mutating func takeDigits(from start: Int) throws(JSONError) {
        let first = position
        while position < bytes.count && bytes[position].isASCIIDigit { position += 1 }
        guard position > first else {
            throw position < bytes.count ? JSONError(.number, at: start) : JSONError(.unexpectedEnd, at: position)
        }
    }
}
