/// The bytes of a path or of a value. Texts that Unicode calls equal are two names to the system, so bytes are what
/// counts, for equality as for order.
package struct ByteText: Sendable {
    package let bytes: [UInt8]
    /// FNV-1a over the bytes, computed once: paths are looked up far more often than they are made.
    let fingerprint: UInt64

    package init(bytes: [UInt8]) {
        self.bytes = bytes
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        fingerprint = hash
    }

    package init(_ text: String) {
        self.init(bytes: Array(text.utf8))
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }
}

extension ByteText: Hashable, Comparable {
    package static func == (one: ByteText, other: ByteText) -> Bool {
        one.fingerprint == other.fingerprint && one.bytes == other.bytes
    }

    package static func < (one: ByteText, other: ByteText) -> Bool {
        one.bytes.lexicographicallyPrecedes(other.bytes)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(fingerprint)
    }
}

// MARK: - As a path: `/a/b`; the root is empty

extension ByteText {
    static let root = ByteText(bytes: [])
    private static let separator = UInt8(ascii: "/")

    /// `nil` for a text that names no node: `/` is the root, all others begin with `/`, do not end with it, and have
    /// no empty component.
    init?(path text: String) {
        var bytes = Array(text.utf8)
        guard bytes.first == ByteText.separator else { return nil }
        if bytes.count == 1 {
            bytes = []
        } else {
            var previous: UInt8 = 0
            for byte in bytes {
                if byte == ByteText.separator, previous == ByteText.separator { return nil }
                previous = byte
            }
            if previous == ByteText.separator { return nil }
        }
        self.init(bytes: bytes)
    }

    var pathText: String { bytes.isEmpty ? "/" : text }
    var isRoot: Bool { bytes.isEmpty }

    /// `nil` for the root.
    var parent: ByteText? {
        guard let slash = bytes.lastIndex(of: ByteText.separator) else { return nil }
        return ByteText(bytes: Array(bytes[..<slash]))
    }

    /// The child of the root that this path is or lies below; the root itself for the root.
    var top: ByteText {
        guard let second = bytes.dropFirst().firstIndex(of: ByteText.separator) else { return self }
        return ByteText(bytes: Array(bytes[..<second]))
    }

    func isBelow(_ ancestor: ByteText) -> Bool {
        bytes.count > ancestor.bytes.count && bytes[ancestor.bytes.count] == ByteText.separator
            && bytes.starts(with: ancestor.bytes)
    }

    func isChild(of parent: ByteText) -> Bool {
        isBelow(parent) && !bytes.dropFirst(parent.bytes.count + 1).contains(ByteText.separator)
    }

    /// Whether one is the other, or lies below it.
    func isInLine(with other: ByteText) -> Bool {
        self == other || isBelow(other) || other.isBelow(self)
    }

    /// The child that a sequential creation makes.
    func child(prefix: ByteText, number: Int64, digits: Int) -> ByteText {
        let written = Array(String(number).utf8)
        let zeros = [UInt8](repeating: UInt8(ascii: "0"), count: max(0, digits - written.count))
        return ByteText(bytes: bytes + [ByteText.separator] + prefix.bytes + zeros + written)
    }

    /// All paths strictly below this one lie between these two, in the order of bytes.
    var below: (lower: ByteText, upper: ByteText) {
        (ByteText(bytes: bytes + [ByteText.separator]), ByteText(bytes: bytes + [ByteText.separator + 1]))
    }
}
