package enum NodeKind: UInt8, Sendable, CaseIterable {
    case persistent = 1
    case ephemeral = 2
    case container = 3
    case ttl = 4

    /// The word of the API.
    package var word: String {
        switch self {
        case .persistent: "persistent"
        case .ephemeral: "ephemeral"
        case .container: "container"
        case .ttl: "ttl"
        }
    }
}

/// A node as a reader sees it at one revision. It carries the counters of ZooKeeper's `Stat` and of etcd's
/// `KeyValue`.
package struct Node: Equatable, Sendable {
    package var key: Key
    /// `nil` for a node without a value: a mere directory, or when the reader asked for no values.
    package var value: [UInt8]?
    package var kind: NodeKind
    package var createRevision: Revision
    package var modifyRevision: Revision
    /// 1 when created, one more with each write of the value.
    package var version: UInt64
    package var lease: LeaseID?
    /// The revision of the last creation or removal of a child; the creation's own before any.
    package var childRevision: Revision
    /// How often the set of children changed.
    package var childVersion: UInt64
    package var childrenCount: UInt64

    package init(
        key: Key, value: [UInt8]?, kind: NodeKind, createRevision: Revision, modifyRevision: Revision,
        version: UInt64, lease: LeaseID?, childRevision: Revision, childVersion: UInt64, childrenCount: UInt64
    ) {
        self.key = key
        self.value = value
        self.kind = kind
        self.createRevision = createRevision
        self.modifyRevision = modifyRevision
        self.version = version
        self.lease = lease
        self.childRevision = childRevision
        self.childVersion = childVersion
        self.childrenCount = childrenCount
    }
}
