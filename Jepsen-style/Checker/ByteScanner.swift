/// Reads bytes one after the other and knows where it is. What it reads is from outside: anything may be there.
struct ByteScanner {
    let bytes: [UInt8]
    var position = 0
    /// One past the last byte that may be read.
    var end: Int
    /// How deep the value that is being read stands inside others.
    var depth = 0
    /// Values of more levels than this are refused: what reads them calls itself.
    static let depthMax = 100

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        end = bytes.count
    }

    /// The next byte; 0, which no form of history has outside of texts, at the end.
    var byte: UInt8 { position < end ? bytes[position] : 0 }

    var isAtEnd: Bool { position >= end }

    func byte(after distance: Int) -> UInt8 {
        position + distance < end ? bytes[position + distance] : 0
    }

    func error(_ message: String) -> HistoryError {
        HistoryError(message, at: position, in: bytes)
    }

    mutating func skipSpace() {
        while position < end {
            switch bytes[position] {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): position += 1
            default: return
            }
        }
    }

    mutating func expect(_ byte: UInt8, _ message: String) throws(HistoryError) {
        guard self.byte == byte, !isAtEnd else { throw error(message) }
        position += 1
    }

    /// Takes `word` if it stands here.
    mutating func take(_ word: String) -> Bool {
        var index = position
        for byte in word.utf8 {
            guard index < end, bytes[index] == byte else { return false }
            index += 1
        }
        position = index
        return true
    }

    /// The bytes from `start` up to here, as text.
    func text(from start: Int) throws(HistoryError) -> String {
        // What is ASCII, and most is, need not be validated.
        var all: UInt8 = 0
        for index in start..<position { all |= bytes[index] }
        if all < 0x80 { return String(decoding: bytes[start..<position], as: UTF8.self) }
        guard let text = String(validating: bytes[start..<position], as: UTF8.self) else {
            throw HistoryError("this is not UTF-8", at: start, in: bytes)
        }
        return text
    }

    mutating func enter() throws(HistoryError) {
        depth += 1
        guard depth <= Self.depthMax else { throw error("more than \(Self.depthMax) values inside each other") }
    }

    mutating func leave() {
        depth -= 1
    }
}

/// Why something is no history, and where.
package struct HistoryError: Error, Equatable, Sendable, CustomStringConvertible {
    package var message: String
    /// Both counted from 1; the column in bytes.
    package var line: Int
    package var column: Int

    package var description: String { "line \(line), column \(column): \(message)" }

    init(_ message: String, at position: Int, in bytes: [UInt8]) {
        self.message = message
        line = 1
        column = 1
        for index in 0..<min(position, bytes.count) {
            if bytes[index] == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else {
                column += 1
            }
        }
    }
}
