/// Whether bytes are text.
package enum UTF8Text {
    /// Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
    package static func isValid(_ bytes: [UInt8]) -> Bool {
        do {
            _ = try UTF8Span(validating: bytes.span)
            return true
        } catch {
            return false
        }
    }

    /// Bytes of a request as an error may repeat them: bounded, and with everything escaped that could begin a
    /// line of a log or mean something to a terminal.
    package static func quoted(_ bytes: ArraySlice<UInt8>, max: Int = 64) -> String {
        var text = "'"
        for byte in bytes.prefix(max) {
            if byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "\\") && byte != UInt8(ascii: "'") {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return text + (bytes.count > max ? "…'" : "'")
    }
}
