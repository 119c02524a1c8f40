/// A page of `?children`.
package struct ListingDocument: Codable, Equatable, Sendable {
    /// The node whose children these are.
    package var path: String
    /// The revision that all pages of this listing show.
    package var revision: UInt64
    package var nodes: [NodeDocument]
    /// The cursor of the next page; absent on the last.
    package var next: String?

    package init(path: String, revision: UInt64, nodes: [NodeDocument], next: String? = nil) {
        self.path = path
        self.revision = revision
        self.nodes = nodes
        self.next = next
    }
}

/// The answer to `?children&count`.
package struct CountDocument: Codable, Equatable, Sendable {
    package var path: String
    package var revision: UInt64
    package var count: UInt64

    package init(path: String, revision: UInt64, count: UInt64) {
        self.path = path
        self.revision = revision
        self.count = count
    }
}

/// The answer to DELETE: the node that was, without its value, and how many nodes went.
package struct DeletionDocument: Codable, Equatable, Sendable {
    package var node: NodeDocument
    package var deletedCount: UInt64

    package init(node: NodeDocument, deletedCount: UInt64) {
        self.node = node
        self.deletedCount = deletedCount
    }

    private enum CodingKeys: String, CodingKey {
        case deletedCount = "deleted_count"
    }

    package init(from decoder: any Decoder) throws {
        node = try NodeDocument(from: decoder)
        deletedCount = try decoder.container(keyedBy: CodingKeys.self).decode(UInt64.self, forKey: .deletedCount)
    }

    package func encode(to encoder: any Encoder) throws {
        try node.encode(to: encoder)
        var members = encoder.container(keyedBy: CodingKeys.self)
        try members.encode(deletedCount, forKey: .deletedCount)
    }
}

/// The answer to `?recursive&batch` while nodes are left: send the request again.
package struct PartialDeletionDocument: Codable, Equatable, Sendable {
    package var path: String
    package var revision: UInt64
    /// How many nodes went in this revision.
    package var deletedCount: UInt64
    /// Always true.
    package var more: Bool

    package init(path: String, revision: UInt64, deletedCount: UInt64) {
        self.path = path
        self.revision = revision
        self.deletedCount = deletedCount
        self.more = true
    }

    private enum CodingKeys: String, CodingKey {
        case path, revision, more
        case deletedCount = "deleted_count"
    }
}

/// The answer to a repeated write when the revision of the first one is not kept any more: what happened, without
/// the node.
package struct OmittedNodeDocument: Codable, Equatable, Sendable {
    package var path: String
    /// The revision of the write.
    package var revision: UInt64
    /// Always true.
    package var valuesOmitted: Bool
    /// Of an increment: the number after it.
    package var value: String?
    /// Of a deletion: how many nodes went.
    package var deletedCount: UInt64?

    package init(path: String, revision: UInt64, value: String? = nil, deletedCount: UInt64? = nil) {
        self.path = path
        self.revision = revision
        self.valuesOmitted = true
        self.value = value
        self.deletedCount = deletedCount
    }

    private enum CodingKeys: String, CodingKey {
        case path, revision, value
        case valuesOmitted = "values_omitted"
        case deletedCount = "deleted_count"
    }
}
