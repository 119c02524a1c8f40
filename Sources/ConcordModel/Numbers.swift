/// The number that orders everything: one more for each command that changed a node, lock, lease, guard or
/// topic. It is the version of nodes, the position in a watch and the fencing token of a lock.
@usableFromInline package struct Revision: Comparable, Hashable, Sendable {
    @usableFromInline package let rawValue: UInt64

    @inlinable package init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Before the first change.
    @inlinable package static var zero: Revision { Revision(0) }

    @inlinable package static func < (left: Revision, right: Revision) -> Bool {
        left.rawValue < right.rawValue
    }

    @inlinable package var next: Revision { Revision(rawValue + 1) }
}

/// The number of a leadership as users see it: the Raft term of the last entry applied.
@usableFromInline package struct Epoch: Comparable, Hashable, Sendable {
    @usableFromInline package let rawValue: UInt64

    @inlinable package init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    @inlinable package static var zero: Epoch { Epoch(0) }

    @inlinable package static func < (left: Epoch, right: Epoch) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// A lease: the revision of its grant.
@usableFromInline package struct LeaseID: Hashable, Sendable {
    @usableFromInline package let rawValue: UInt64

    @inlinable package init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }
}
