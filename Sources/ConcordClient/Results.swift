/// Where a member stood when it answered.
public struct ConcordPosition: Hashable, Sendable {
    /// Of a write: its own revision. Of a read: that of the state it saw.
    public let revision: UInt64
    /// The leadership under which the member's last entry was written.
    public let epoch: UInt64

    /// A position of these numbers.
    public init(revision: UInt64, epoch: UInt64) {
        self.revision = revision
        self.epoch = epoch
    }
}

/// A node of the tree at one revision.
public struct ConcordNode: Hashable, Sendable {
    /// Where it stands: `/a/b`.
    public let path: String
    /// `nil` for a node without a value (a mere directory), and in replies that carry no values.
    public let value: ConcordValue?
    /// `persistent`, `ephemeral`, `container` or `ttl`.
    public let kind: String
    /// The revision of its last change: what `Condition.revision` compares.
    public let revision: UInt64
    /// The revision that created it.
    public let createRevision: UInt64
    /// 1 when created, one more with each write.
    public let version: UInt64
    /// The revision of the last creation or removal of a child.
    public let childRevision: UInt64
    /// How many children it has.
    public let childrenCount: UInt64
    /// The lease that it dies with: 16 hex digits.
    public let lease: String?

    /// A node of these facts.
    public init(
        path: String, value: ConcordValue?, kind: String, revision: UInt64, createRevision: UInt64, version: UInt64,
        childRevision: UInt64, childrenCount: UInt64, lease: String?
    ) {
        self.path = path
        self.value = value
        self.kind = kind
        self.revision = revision
        self.createRevision = createRevision
        self.version = version
        self.childRevision = childRevision
        self.childrenCount = childrenCount
        self.lease = lease
    }
}

/// What a read saw.
public struct ReadResult: Hashable, Sendable {
    /// The node, with its value.
    public let node: ConcordNode
    /// The state that was read.
    public let position: ConcordPosition
}

/// What a write did.
public struct WriteResult: Hashable, Sendable {
    /// The node after the write (of a deletion: before it), without its value. `nil` only in the answer to a
    /// retry so late that the members no longer keep that revision.
    public let node: ConcordNode?
    /// The node was not there before.
    public let created: Bool
    /// Of `increment`: the number after it.
    public let number: Int64?
    /// Of `delete`: how many nodes went.
    public let deletedCount: UInt64?
    /// An earlier attempt had taken effect already, and this is its outcome.
    public let replayed: Bool
    /// The write's own revision.
    public let position: ConcordPosition
}

/// What a write must find; otherwise it changes nothing and fails with `revisionMismatch`, `alreadyExists` or
/// `notFound`.
public enum Condition: Hashable, Sendable {
    /// Whatever is there.
    case none
    /// No node yet.
    case absent
    /// A node, whatever its revision.
    case present
    /// A node last changed at this revision.
    case revision(UInt64)
    /// A node last changed at one of these revisions; at least one, at most 64.
    case anyRevision([UInt64])
}

/// How fresh a read must be.
public enum Consistency: Hashable, Sendable {
    /// Reflects every write acknowledged before the read began.
    case linearizable
    /// The asked member's own state, possibly old.
    case local
    /// The asked member's own state, of this revision or a later one; the member waits for it.
    case atLeast(revision: UInt64)
}
