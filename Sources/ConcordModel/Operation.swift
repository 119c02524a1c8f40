/// What a write must find, judged in `apply`.
package enum Condition: Equatable, Sendable {
    case none
    /// `If-Match: *`
    case exists
    /// `If-None-Match: *`
    case absent
    /// `If-Match: "r1", "r2"`: the node exists and its modify revision is one of these.
    case modifiedAt([Revision])
}

/// Creates a node or replaces its value.
package struct PutOperation: Equatable, Sendable {
    package var key: Key
    package var value: [UInt8]?
    package var condition: Condition
    /// Creates missing parents as nodes without a value.
    package var createsParents: Bool
    /// A front end with a flat key space does not ask for a parent.
    package var needsParent: Bool

    package init(
        key: Key, value: [UInt8]?, condition: Condition = .none, createsParents: Bool = false, needsParent: Bool = true
    ) {
        self.key = key
        self.value = value
        self.condition = condition
        self.createsParents = createsParents
        self.needsParent = needsParent
    }
}

/// Creates a child of `parent` named `prefix` and the next number of the parent's counter, zero-padded.
package struct CreateSequentialOperation: Equatable, Sendable {
    package var parent: Key
    package var prefix: [UInt8]
    package var value: [UInt8]?
    /// Digits of the number; 20 hold any 64-bit number.
    package var width: UInt8
    package var createsParents: Bool

    package init(parent: Key, prefix: [UInt8], value: [UInt8]?, width: UInt8 = 20, createsParents: Bool = false) {
        self.parent = parent
        self.prefix = prefix
        self.value = value
        self.width = width
        self.createsParents = createsParents
    }
}

/// Adds to a node whose value is a decimal 64-bit number.
package struct IncrementOperation: Equatable, Sendable {
    package var key: Key
    package var amount: Int64
    package var condition: Condition

    package init(key: Key, amount: Int64, condition: Condition = .none) {
        self.key = key
        self.amount = amount
        self.condition = condition
    }
}

package struct DeleteOperation: Equatable, Sendable {
    package var key: Key
    package var condition: Condition
    /// Also everything below, in the same revision; without it a node with children is refused.
    package var recursive: Bool
    /// With `recursive`: at most this many nodes, from the bottom up; 0 for all in one revision.
    package var batch: UInt32

    package init(key: Key, condition: Condition = .none, recursive: Bool = false, batch: UInt32 = 0) {
        self.key = key
        self.condition = condition
        self.recursive = recursive
        self.batch = batch
    }
}

/// One change of the replicated state.
package enum Operation: Equatable, Sendable {
    case put(PutOperation)
    case createSequential(CreateSequentialOperation)
    case increment(IncrementOperation)
    case delete(DeleteOperation)
    /// Replaces the named settings, all or none.
    case changeSettings([SettingValue])
    /// Raises the rules that `apply` follows to a level that every member supports. Never proposed by a client.
    case raiseFeatureLevel(UInt16)
    /// Begins a change of membership, if none is under way.
    case changeMembers(ChangeMembersOperation)
    /// Takes a change back, as long as its joint configuration is not in the log.
    case cancelMemberChange
    /// Takes over what a member told of itself. Never proposed by a client.
    case memberInfo(MemberInfoOperation)
}
