package import ConcordBytes
package import ConcordModel

// The node document as bytes: the same members in the same order as `NodeDocument`.

extension ByteWriter {
    /// - Parameter withValue: the reply tells values; a node without one then has `"value":null`.
    package mutating func writeNodeDocument(_ node: Node, withValue: Bool) {
        writeRaw("{\"path\":")
        writePath(node.key)
        if withValue {
            write(UInt8(ascii: ","))
            writeJSONValueMember(node.value)
        }
        writeNodeMembers(node)
        write(UInt8(ascii: "}"))
    }

    /// A node as it was before its deletion, and how many went with it.
    package mutating func writeDeletionDocument(_ node: Node, deletedCount: UInt64) {
        writeRaw("{\"path\":")
        writePath(node.key)
        writeNodeMembers(node)
        writeRaw(",\"deleted_count\":")
        writeJSONNumber(deletedCount)
        write(UInt8(ascii: "}"))
    }

    /// A counter after an increment: its node, with the number as the value.
    package mutating func writeCounterDocument(_ node: Node, number: Int64) {
        writeRaw("{\"path\":")
        writePath(node.key)
        writeRaw(",\"value\":\"")
        writeRaw([UInt8](String(number).utf8))
        write(UInt8(ascii: "\""))
        writeNodeMembers(node)
        write(UInt8(ascii: "}"))
    }

    private mutating func writePath(_ key: Key) {
        if key.isRoot {
            writeRaw("\"/\"")
        } else {
            writeJSONStringRepaired(key.bytes)
        }
    }

    private mutating func writeNodeMembers(_ node: Node) {
        switch node.kind {
        case .persistent: writeRaw(",\"kind\":\"persistent\",\"revision\":")
        case .ephemeral: writeRaw(",\"kind\":\"ephemeral\",\"revision\":")
        case .container: writeRaw(",\"kind\":\"container\",\"revision\":")
        case .ttl: writeRaw(",\"kind\":\"ttl\",\"revision\":")
        }
        writeJSONNumber(node.modifyRevision.rawValue)
        writeRaw(",\"create_revision\":")
        writeJSONNumber(node.createRevision.rawValue)
        writeRaw(",\"version\":")
        writeJSONNumber(node.version)
        if let lease = node.lease {
            writeRaw(",\"lease\":\"")
            writeHexadecimal(lease.rawValue)
            writeRaw("\",\"child_revision\":")
        } else {
            writeRaw(",\"lease\":null,\"child_revision\":")
        }
        writeJSONNumber(node.childRevision.rawValue)
        writeRaw(",\"children_count\":")
        writeJSONNumber(node.childrenCount)
    }
}

extension NodeDocument {
    /// The document of a node of the state.
    package init(_ node: Node, withValue: Bool) {
        let value: Value = withValue ? node.value.map { .bytes($0) } ?? .none : .omitted
        self.init(
            path: node.key.text, value: value, kind: node.kind.word, revision: node.modifyRevision.rawValue,
            createRevision: node.createRevision.rawValue, version: node.version,
            lease: node.lease.map { HexadecimalText.text($0.rawValue) }, childRevision: node.childRevision.rawValue,
            childrenCount: node.childrenCount)
    }
}
