import ConcordAPI
import ConcordModel

/// A path as it stands behind `/v1/kv` in a URL. Held against the rules of docs/semantics.md, written once more here: what is
/// accepted is what the rules accept, it is decoded exactly once, and one node has one canonical spelling.
func fuzz(_ input: [UInt8]) {
    var parts = InputBytes(input)
    let second = parts.piece()
    let first = parts.remaining()
    let path = accepted(first)
    let decoded = decodedOnce(first)
    precondition((path != nil) == (decoded.map(isWellFormed) ?? false), "path and rules disagree")
    guard let path else { return }
    precondition(path.bytes == decoded, "a path is not decoded once")
    checkCanonical(path)
    checkFamily(path)
    if let other = accepted(second) {
        precondition((path == other) == (path.percentEncoded == other.percentEncoded), "two paths have one spelling")
        let (key, otherKey) = (Key(path.bytes), Key(other.bytes))
        precondition((path == other) == (key == otherKey), "two paths are one key")
        precondition(!(key < otherKey && otherKey < key), "keys have no order")
    }
    checkSequential(parent: path, prefix: second)
}

private func accepted(_ encoded: [UInt8]) -> NodePath? { try? NodePath(percentEncoded: encoded[...]) }

private func checkCanonical(_ path: NodePath) {
    let spelling = path.percentEncoded
    precondition(spelling.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x3F && $0 != 0x23 }, "not fit for a URL")
    precondition(accepted(spelling) == path, "the canonical spelling names another node")
    precondition(decodedOnce(spelling) == path.bytes, "the canonical spelling is not decoded to the path")
    precondition((try? NodePath(path.text)) == path, "the text names another node")
}

/// Ancestors of a path are paths, and a key lies below its ancestors.
private func checkFamily(_ path: NodePath) {
    var key = Key(path.bytes)
    var levels = 0
    while let parent = key.parent {
        precondition(accepted(NodePath.percentEncode(parent.bytes)) != nil, "a parent is no path")
        precondition(key.isBelow(parent) && !parent.isBelow(key) && parent < key, "a key is not below its parent")
        precondition(parent.bytes + [Key.separator] + key.name == key.bytes, "a key is not its parent and its name")
        key = parent
        levels += 1
    }
    precondition(key.isRoot && levels <= NodePath.levelsMax, "a path does not begin at the root")
}

private func checkSequential(parent: NodePath, prefix: [UInt8]) {
    let isAccepted: Void? = try? NodePath.checkSequential(parent: parent.bytes, prefix: prefix[...])
    let child = parent.bytes + [Key.separator] + prefix + [UInt8](repeating: 0x30, count: 20)
    let isPath = !prefix.contains(Key.separator) && isWellFormed(child)
    precondition((isAccepted != nil) == isPath, "prefix and rules disagree")
}

/// `nil` where `%` is not followed by two digits, or stands for a slash.
private func decodedOnce(_ encoded: [UInt8]) -> [UInt8]? {
    var decoded: [UInt8] = []
    var rest = encoded[...]
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "%") else {
            decoded.append(byte)
            continue
        }
        let digits = rest.prefix(2)
        rest = rest.dropFirst(2)
        let isHexadecimal = digits.count == 2 && digits.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
        guard isHexadecimal, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16) else { return nil }
        guard value != Key.separator else { return nil }
        decoded.append(value)
    }
    return decoded
}

private func isWellFormed(_ path: [UInt8]) -> Bool {
    guard !path.isEmpty else { return true }
    guard path.first == Key.separator, path.count <= 4096, let text = String(validating: path, as: UTF8.self) else {
        return false
    }
    let components = path.dropFirst().split(separator: Key.separator, omittingEmptySubsequences: false)
    let isFree = text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    return isFree && components.count <= 64
        && components.allSatisfy { !$0.isEmpty && $0.count <= 255 && ![[0x2E], [0x2E, 0x2E]].contains([UInt8]($0)) }
}
