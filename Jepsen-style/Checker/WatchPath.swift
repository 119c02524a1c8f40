/// A path as watches tell it. As the tree has it, bytes are what counts, for equality as for order.
struct WatchPath: Hashable, Comparable, CustomStringConvertible {
    let text: String

    init(_ text: String) {
        self.text = text
    }

    var description: String { text }

    static let root = WatchPath("/")

    static func == (one: WatchPath, other: WatchPath) -> Bool { one.text.hasSameBytes(as: other.text) }

    static func < (one: WatchPath, other: WatchPath) -> Bool { one.text.precedesByBytes(other.text) }

    func isBelow(_ path: WatchPath) -> Bool {
        let prefix = path == .root || path.text.isEmpty ? "/" : path.text + "/"
        return text.utf8.count > prefix.utf8.count && text.utf8.starts(with: prefix.utf8)
    }

    func isChild(of path: WatchPath) -> Bool {
        let slash = Array(text.utf8).lastIndex(of: UInt8(ascii: "/"))
        return isBelow(path) && slash == (path == .root ? 0 : path.text.utf8.count)
    }
}
