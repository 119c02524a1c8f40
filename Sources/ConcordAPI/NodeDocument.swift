import FoundationEssentials

/// A node as the API shows it.
package struct NodeDocument: Equatable, Sendable {
    /// The value, and whether it was told.
    package enum Value: Equatable, Sendable {
        /// The reply tells no values: that of a write, or a listing of names.
        case omitted
        /// The node has none: it is a mere directory.
        case none
        /// `"value"` when it is UTF-8, else `"value_base64"`.
        case bytes([UInt8])
    }

    /// The absolute path, `/` for the root.
    package var path: String
    /// The value, when the reply tells values.
    package var value: Value
    /// `persistent`, `ephemeral`, `container` or `ttl`.
    package var kind: String
    /// The revision of the last change of its value.
    package var revision: UInt64
    /// The revision of its creation.
    package var createRevision: UInt64
    /// 1 when created, one more with each write.
    package var version: UInt64
    /// The lease it lives by, 16 hexadecimal digits.
    package var lease: String?
    /// The revision of the last creation or removal of a child.
    package var childRevision: UInt64
    /// How many children it has.
    package var childrenCount: UInt64

    /// A node from its members.
    package init(
        path: String, value: Value = .omitted, kind: String = "persistent", revision: UInt64, createRevision: UInt64,
        version: UInt64, lease: String? = nil, childRevision: UInt64, childrenCount: UInt64 = 0
    ) {
        self.path = path
        self.value = value
        self.kind = kind
        self.revision = revision
        self.createRevision = createRevision
        self.version = version
        self.lease = lease
        self.childRevision = childRevision
        self.childrenCount = childrenCount
    }

    /// The value's bytes; `nil` when there is none or the reply tells none.
    package var bytes: [UInt8]? {
        guard case .bytes(let bytes) = value else { return nil }
        return bytes
    }

    /// The value as text; `nil` when there is none or it is not UTF-8.
    package var text: String? {
        bytes.flatMap { String(validating: $0, as: UTF8.self) }
    }
}

extension NodeDocument: Codable {
    private enum CodingKeys: String, CodingKey {
        case path, value
        case valueBase64 = "value_base64"
        case kind, revision
        case createRevision = "create_revision"
        case version, lease
        case childRevision = "child_revision"
        case childrenCount = "children_count"
    }

    /// Reads a node document.
    package init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            path: try members.decode(String.self, forKey: .path), value: try NodeDocument.value(members),
            kind: try members.decode(String.self, forKey: .kind),
            revision: try members.decode(UInt64.self, forKey: .revision),
            createRevision: try members.decode(UInt64.self, forKey: .createRevision),
            version: try members.decode(UInt64.self, forKey: .version),
            lease: try members.decodeIfPresent(String.self, forKey: .lease),
            childRevision: try members.decode(UInt64.self, forKey: .childRevision),
            childrenCount: try members.decode(UInt64.self, forKey: .childrenCount))
    }

    private static func value(_ members: KeyedDecodingContainer<CodingKeys>) throws -> Value {
        if let text = try members.decodeIfPresent(String.self, forKey: .value) { return .bytes([UInt8](text.utf8)) }
        if let data = try members.decodeIfPresent(Data.self, forKey: .valueBase64) { return .bytes([UInt8](data)) }
        return members.contains(.value) ? .none : .omitted
    }

    /// Writes a node document.
    package func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: CodingKeys.self)
        try members.encode(path, forKey: .path)
        switch value {
        case .omitted: break
        case .none: try members.encodeNil(forKey: .value)
        case .bytes(let bytes):
            if let text = String(validating: bytes, as: UTF8.self) {
                try members.encode(text, forKey: .value)
            } else {
                try members.encode(Data(bytes), forKey: .valueBase64)
            }
        }
        try members.encode(kind, forKey: .kind)
        try members.encode(revision, forKey: .revision)
        try members.encode(createRevision, forKey: .createRevision)
        try members.encode(version, forKey: .version)
        try members.encode(lease, forKey: .lease)
        try members.encode(childRevision, forKey: .childRevision)
        try members.encode(childrenCount, forKey: .childrenCount)
    }
}
