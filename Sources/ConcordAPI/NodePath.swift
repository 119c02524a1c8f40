import ConcordBytes

/// Why a path is refused.
package enum PathError: Error, Equatable, Sendable, CaseIterable {
    case notAbsolute
    case emptyComponent
    case trailingSlash
    case dotComponent
    case encodedSlash
    case controlCharacter
    case percentEncoding
    case notUTF8
    case tooLong
    case tooDeep
    case componentTooLong

    /// What is wrong and what to send instead.
    package var detail: String {
        switch self {
        case .notAbsolute: "a path begins with /"
        case .emptyComponent: "a component of the path is empty; write /a/b, not //a//b"
        case .trailingSlash: "the path ends with /; leave it out (the root is /v1/kv itself)"
        case .dotComponent: "a component of the path is . or ..; write the path without them"
        case .encodedSlash: "the path holds %2F; a component cannot contain a slash"
        case .controlCharacter: "the path holds a control character"
        case .percentEncoding: "a % of the path is not followed by two hexadecimal digits; write %25 for % itself"
        case .notUTF8: "the path is not valid UTF-8"
        case .tooLong: "the path is longer than \(NodePath.bytesMax) bytes"
        case .tooDeep: "the path has more than \(NodePath.levelsMax) levels"
        case .componentTooLong: "a component of the path is longer than \(NodePath.componentBytesMax) bytes"
        }
    }
}

/// The path of a node as the HTTP API allows it: components between slashes, each one valid UTF-8, none of them
/// empty, `.` or `..`, without control characters. One node has one path; it is decoded exactly once.
package struct NodePath: Hashable, Sendable {
    package static let bytesMax = 4096
    package static let levelsMax = 64
    package static let componentBytesMax = 255

    /// `/a/b`; nothing for the root.
    package let bytes: [UInt8]

    /// The ancestor of all others.
    package static let root = NodePath(checked: [])

    private init(checked bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// A path as people write it: `/a/b`, and `/` for the root.
    package init(_ text: String) throws(PathError) {
        let bytes = [UInt8](text.utf8)
        guard bytes != [NodePath.slash] else {
            self = .root
            return
        }
        self.bytes = try NodePath.check(bytes[...], isEncoded: false)
    }

    /// The rest of a request's path behind `/v1/kv`, percent-encoded: empty for the root.
    package init(percentEncoded: ArraySlice<UInt8>) throws(PathError) {
        self.bytes = percentEncoded.isEmpty ? [] : try NodePath.check(percentEncoded, isEncoded: true)
    }

    package var text: String {
        bytes.isEmpty ? "/" : String(decoding: bytes, as: UTF8.self)
    }

    /// As it stands behind `/v1/kv` in a URL.
    package var percentEncoded: [UInt8] { NodePath.percentEncode(bytes) }

    /// Encodes all bytes but those that a path may hold as they are (RFC 3986 §3.3), and slashes.
    package static func percentEncode(_ bytes: [UInt8]) -> [UInt8] {
        let digits: [UInt8] = [UInt8]("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        encoded.reserveCapacity(bytes.count)
        for byte in bytes {
            if isPlain(byte) {
                encoded.append(byte)
            } else {
                encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return encoded
    }

    /// Whether `prefix` and 20 digits make a child of `parent`. The prefix may be empty.
    package static func checkSequential(parent: [UInt8], prefix: ArraySlice<UInt8>) throws(PathError) {
        guard !prefix.contains(slash) else { throw .encodedSlash }
        var child = parent
        child.append(slash)
        child += prefix
        child += [UInt8](repeating: UInt8(ascii: "0"), count: 20)
        _ = try check(child[...], isEncoded: false)
    }

    private static let slash = UInt8(ascii: "/")

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "!"),
            UInt8(ascii: "$"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "("), UInt8(ascii: ")"),
            UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "="),
            UInt8(ascii: ":"), UInt8(ascii: "@"), slash:
            true
        default:
            false
        }
    }

    /// Decodes and checks in one pass.
    private static func check(_ input: ArraySlice<UInt8>, isEncoded: Bool) throws(PathError) -> [UInt8] {
        guard input.first == slash else { throw .notAbsolute }
        var path: [UInt8] = []
        path.reserveCapacity(input.count)
        var componentStart = 1
        var levels = 1
        var isASCII = true
        var index = input.startIndex + 1
        path.append(slash)
        while index < input.endIndex {
            var byte = input[index]
            index += 1
            if byte == slash {
                try checkComponent(path, from: componentStart, isLast: false)
                levels += 1
                componentStart = path.count + 1
            } else if byte == UInt8(ascii: "%") && isEncoded {
                guard index + 1 < input.endIndex, let high = input[index].hexadecimalValue,
                    let low = input[index + 1].hexadecimalValue
                else { throw .percentEncoding }
                byte = high << 4 | low
                index += 2
                guard byte != slash else { throw .encodedSlash }
            }
            guard byte >= 0x20 && byte != 0x7F else { throw .controlCharacter }
            if byte >= 0x80 { isASCII = false }
            path.append(byte)
        }
        try checkComponent(path, from: componentStart, isLast: true)
        if !isASCII { try checkText(path) }
        guard path.count <= bytesMax else { throw .tooLong }
        guard levels <= levelsMax else { throw .tooDeep }
        return path
    }

    private static func checkComponent(_ path: [UInt8], from start: Int, isLast: Bool) throws(PathError) {
        switch path.count - start {
        case 0: throw isLast ? .trailingSlash : .emptyComponent
        case 1 where path[start] == UInt8(ascii: "."): throw .dotComponent
        case 2 where path[start] == UInt8(ascii: ".") && path[start + 1] == UInt8(ascii: "."): throw .dotComponent
        case (componentBytesMax + 1)...: throw .componentTooLong
        default: return
        }
    }

    /// UTF-8 that is well-formed (no overlong forms, no surrogates) and without the control characters U+0080
    /// to U+009F, which are C2 80 to C2 9F.
    private static func checkText(_ path: [UInt8]) throws(PathError) {
        guard UTF8Text.isValid(path) else { throw .notUTF8 }
        for index in 1..<path.count where path[index - 1] == 0xC2 && path[index] < 0xA0 {
            throw .controlCharacter
        }
    }
}
