import ConcordBytes

/// Why bytes are not JSON as the API takes it.
package struct JSONError: Error, Equatable, Sendable {
    package enum Reason: Equatable, Sendable, CaseIterable {
        case empty
        case notUTF8
        case unexpectedByte
        case unexpectedEnd
        case trailingBytes
        case tooDeep
        case controlCharacter
        case escape
        case loneSurrogate
        case number
        case numberTooLarge
        case duplicateMember
    }

    package var reason: Reason
    /// Where, in bytes from the beginning.
    package var offset: Int

    package init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    package var detail: String {
        switch reason {
        case .empty: "the body is empty; send a JSON document"
        case .notUTF8: "the body is not UTF-8"
        case .unexpectedByte: "the body is not JSON: an unexpected character at byte \(offset)"
        case .unexpectedEnd: "the body is not JSON: it ends at byte \(offset) in the middle of a value"
        case .trailingBytes: "the body is not JSON: something follows the document at byte \(offset)"
        case .tooDeep: "the JSON is nested more than \(StrictJSON.depthMax) deep at byte \(offset)"
        case .controlCharacter: "a string holds a bare control character at byte \(offset); escape it"
        case .escape: "a string holds an unknown escape at byte \(offset)"
        case .loneSurrogate: "a string holds half a surrogate pair at byte \(offset)"
        case .number: "a number is malformed at byte \(offset)"
        case .numberTooLarge:
            "the number at byte \(offset) is too large, or too close to zero; integers must be below 2^53"
        case .duplicateMember: "an object has the member at byte \(offset) twice"
        }
    }
}

/// A scan of JSON from outside by the letter of RFC 8259, before a decoder sees it: Foundation's accepts duplicate
/// members and trailing commas, and recurses as deep as it is told to.
///
/// It makes nothing of the document; it only refuses what two readers could understand differently.
package struct StrictJSON: ~Copyable {
    package static let depthMax = 64
    /// Digits of a number: more of them tell nothing that a double could hold.
    static let numberBytesMax = 1024

    private let bytes: [UInt8]
    private var position = 0
    /// The names seen in each object that is open; `nil` for an array.
    private var open: [Set<[UInt8]>?] = []

    /// Refuses `bytes` unless they are one JSON document.
    package static func check(_ bytes: [UInt8]) throws(JSONError) {
        guard !bytes.isEmpty else { throw JSONError(.empty, at: 0) }
        guard UTF8Text.isValid(bytes) else { throw JSONError(.notUTF8, at: 0) }
        var scan = StrictJSON(bytes: bytes)
        try scan.document()
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// What may come next.
    private enum Expected {
        case value
        case firstElementOrEnd
        case firstNameOrEnd
        case name
        /// After a value: a comma, the end of its container, or of the document.
        case next
    }

    private mutating func document() throws(JSONError) {
        var expected = Expected.value
        while true {
            skipSpace()
            guard position < bytes.count else {
                guard case .next = expected, open.isEmpty else { throw JSONError(.unexpectedEnd, at: position) }
                return
            }
            switch expected {
            case .value: expected = try value()
            case .firstElementOrEnd: expected = take(UInt8(ascii: "]")) ? close() : try value()
            case .firstNameOrEnd: expected = take(UInt8(ascii: "}")) ? close() : try name()
            case .name: expected = try name()
            case .next: expected = try next()
            }
        }
    }

    private mutating func value() throws(JSONError) -> Expected {
        let byte = bytes[position]
        switch byte {
        case UInt8(ascii: "{"):
            try push([])
            return .firstNameOrEnd
        case UInt8(ascii: "["):
            try push(nil)
            return .firstElementOrEnd
        case UInt8(ascii: "\""):
            try skipString()
        case UInt8(ascii: "t"):
            try word("true")
        case UInt8(ascii: "f"):
            try word("false")
        case UInt8(ascii: "n"):
            try word("null")
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            var number = JSONNumberScan(bytes: bytes, position: position)
            try number.check()
            position = number.position
        default:
            throw JSONError(.unexpectedByte, at: position)
        }
        return .next
    }

    private mutating func push(_ names: Set<[UInt8]>?) throws(JSONError) {
        guard open.count < StrictJSON.depthMax else { throw JSONError(.tooDeep, at: position) }
        open.append(names)
        position += 1
    }

    private mutating func close() -> Expected {
        open.removeLast()
        return .next
    }

    private mutating func name() throws(JSONError) -> Expected {
        guard bytes[position] == UInt8(ascii: "\"") else { throw JSONError(.unexpectedByte, at: position) }
        let start = position
        let name = try readString()
        guard open[open.count - 1]?.insert(name).inserted == true else { throw JSONError(.duplicateMember, at: start) }
        skipSpace()
        guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
        guard take(UInt8(ascii: ":")) else { throw JSONError(.unexpectedByte, at: position) }
        return .value
    }

    private mutating func next() throws(JSONError) -> Expected {
        guard let innermost = open.last else { throw JSONError(.trailingBytes, at: position) }
        let isObject = innermost != nil
        if take(UInt8(ascii: ",")) { return isObject ? .name : .value }
        guard take(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
            throw JSONError(.unexpectedByte, at: position)
        }
        return close()
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func word(_ text: StaticString) throws(JSONError) {
        guard bytes[position...].starts(with: text) else { throw JSONError(.unexpectedByte, at: position) }
        position += text.utf8CodeUnitCount
    }

    private mutating func skipString() throws(JSONError) {
        var string = JSONStringScan(bytes: bytes, position: position)
        try string.scan()
        position = string.position
    }

    /// The string at the position with its escapes resolved: `"\u0061"` and `"a"` are one name.
    private mutating func readString() throws(JSONError) -> [UInt8] {
        var string = JSONStringScan(bytes: bytes, position: position)
        string.decoded = []
        try string.scan()
        position = string.position
        return string.decoded ?? []
    }
}
