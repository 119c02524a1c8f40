package import ConcordBytes
import FoundationEssentials

// JSON written straight into the bytes of a reply, for the few documents that every request pays for. The tests
// hold it against Foundation's decoder.

extension ByteWriter {
    /// A JSON string of `text`, or false, and nothing written, when it is not UTF-8.
    package mutating func writeJSONString(_ text: [UInt8]) -> Bool {
        guard UTF8Text.isValid(text) else { return false }
        writeValidJSONString(text)
        return true
    }

    /// A JSON string of bytes that are UTF-8. Quotation mark, backslash and control characters are escaped, all
    /// else stands for itself (RFC 8259 §7).
    private mutating func writeValidJSONString(_ text: [UInt8]) {
        write(UInt8(ascii: "\""))
        var runStart = 0
        var index = 0
        let end = text.count
        while index < end {
            let byte = text[index]
            if byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") && byte != 0x7F {
                index += 1
                continue
            }
            if runStart < index { writeRaw(text[runStart..<index]) }
            writeEscape(byte)
            index += 1
            runStart = index
        }
        if runStart < end { writeRaw(runStart == 0 ? text[...] : text[runStart..<end]) }
        write(UInt8(ascii: "\""))
    }

    private mutating func writeEscape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): writeRaw("\\\"")
        case UInt8(ascii: "\\"): writeRaw("\\\\")
        case 0x08: writeRaw("\\b")
        case 0x09: writeRaw("\\t")
        case 0x0A: writeRaw("\\n")
        case 0x0C: writeRaw("\\f")
        case 0x0D: writeRaw("\\r")
        default:
            writeRaw("\\u00")
            writeHexadecimal(byte)
        }
    }

    /// A JSON string of `text`; bytes that are not UTF-8 become replacement characters.
    package mutating func writeJSONStringRepaired(_ text: [UInt8]) {
        if !writeJSONString(text) {
            writeValidJSONString([UInt8](String(decoding: text, as: UTF8.self).utf8))
        }
    }

    /// The members `"value":"…"`, `"value_base64":"…"` or `"value":null`.
    package mutating func writeJSONValueMember(_ value: [UInt8]?) {
        guard let value else {
            writeRaw("\"value\":null")
            return
        }
        let start = bytes.count
        writeRaw("\"value\":")
        if !writeJSONString(value) {
            bytes.removeLast(bytes.count - start)
            writeRaw("\"value_base64\":\"")
            writeRaw([UInt8](Data(value).base64EncodedData()))
            write(UInt8(ascii: "\""))
        }
    }

    package mutating func writeJSONNumber(_ value: UInt64) {
        if value < 10 {
            write(UInt8(truncatingIfNeeded: value) + 0x30)
            return
        }
        var divisor: UInt64 = 10
        while value / divisor >= 10 { divisor *= 10 }
        var rest = value
        while divisor > 0 {
            write(UInt8(truncatingIfNeeded: rest / divisor) + 0x30)
            rest %= divisor
            divisor /= 10
        }
    }

    /// Two digits.
    package mutating func writeHexadecimal(_ byte: UInt8) {
        writeHexadecimalDigit(byte >> 4)
        writeHexadecimalDigit(byte & 15)
    }

    private mutating func writeHexadecimalDigit(_ digit: UInt8) {
        write(digit < 10 ? digit + 0x30 : digit + (UInt8(ascii: "a") - 10))
    }

    /// 16 digits, as lease ids are written.
    package mutating func writeHexadecimal(_ value: UInt64) {
        for shift in stride(from: 56, through: 0, by: -8) {
            writeHexadecimal(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }
}
