/// The name of a node: any bytes, ordered as unsigned bytes. `/` separates a node from its parent; the root
/// is the empty key, its children are `/a`, theirs `/a/b`.
///
/// Which names are well-formed is a rule of a front end (for the HTTP API: `ConcordAPI`), not of a key.
@usableFromInline package struct Key: Comparable, Hashable, Sendable {
    @usableFromInline package let bytes: [UInt8]

    @inlinable package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// A key from text, as tests and programs write it: `"/a/b"`.
    package init(text: String) {
        self.bytes = text == "/" ? [] : [UInt8](text.utf8)
    }

    /// The ancestor of all others.
    @inlinable package static var root: Key { Key([]) }

    @inlinable package var isRoot: Bool { bytes.isEmpty }

    @inlinable package static func < (left: Key, right: Key) -> Bool {
        let count = Swift.min(left.bytes.count, right.bytes.count)
        var index = 0
        while index < count {
            let (a, b) = (left.bytes[index], right.bytes[index])
            if a != b { return a < b }
            index += 1
        }
        return left.bytes.count < right.bytes.count
    }

    /// Everything before the last `/`; `nil` for the root and for a key without `/`.
    package var parent: Key? {
        guard let slash = bytes.lastIndex(of: Key.separator) else { return nil }
        return Key([UInt8](bytes[..<slash]))
    }

    /// The bytes behind the last `/`.
    package var name: ArraySlice<UInt8> {
        guard let slash = bytes.lastIndex(of: Key.separator) else { return bytes[...] }
        return bytes[(slash + 1)...]
    }

    /// Whether this key lies strictly below `ancestor`.
    package func isBelow(_ ancestor: Key) -> Bool {
        bytes.count > ancestor.bytes.count
            && bytes[ancestor.bytes.count] == Key.separator
            && bytes.starts(with: ancestor.bytes)
    }

    /// The key's text for people; bytes that are not UTF-8 are shown replaced.
    package var text: String {
        isRoot ? "/" : String(decoding: bytes, as: UTF8.self)
    }

    package static let separator = UInt8(ascii: "/")
}
