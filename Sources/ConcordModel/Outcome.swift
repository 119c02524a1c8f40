/// What became of one operation.
package struct OperationResult: Equatable, Sendable {
    package enum Status: UInt8, Sendable {
        case created = 1
        case replaced = 2
        case deleted = 3
        case settingsChanged = 4
        /// A change of membership is under way; `number` is its own.
        case memberChangeBegun = 5
        /// A change of membership is taken back; `number` is its own.
        case memberChangeCancelled = 6
        /// What a member told is known to all.
        case memberInfoChanged = 7
    }

    package var status: Status
    package var key: Key
    /// The node after the operation (before it, for a deletion), without its value. `nil` for an operation
    /// without a node and in a replay from below the history's floor.
    package var node: Node?
    /// The number that was made: of a sequential name, a counter or a change of membership; of a deletion, how many
    /// nodes went.
    package var number: Int64?

    package init(status: Status, key: Key, node: Node?, number: Int64? = nil) {
        self.status = status
        self.key = key
        self.node = node
        self.number = number
    }
}

/// Why `apply` refused. The raw value is its number on disk.
package enum RefusalCode: UInt8, Sendable, CaseIterable {
    case notFound = 1
    case parentNotFound = 2
    case notEmpty = 3
    case revisionMismatch = 4
    case alreadyExists = 5
    case limitExceeded = 6
    /// The idempotency tables are full. Not stored.
    case overloaded = 7
    case idempotencyConflict = 8
    case clientExpired = 9
    case conflict = 10
    case noSpace = 11
    case tooLarge = 12
    case invalidRequest = 13
    /// The origin's sequence is already done, or its boot is older than the newest: without effect.
    case superseded = 14
    /// Decided by a leader of another term: without effect.
    case otherTerm = 15
    /// A change of membership is under way; the number is its own.
    case memberChangeUnderWay = 16
    /// The id or the peer address to add is a member's, or the id was one's.
    case memberKnown = 17
    case memberNotFound = 18
    /// The change would leave nobody who votes.
    case noVoterLeft = 19
    /// There is no change of membership to cancel.
    case noMemberChange = 20
    /// The change of membership is so far that it can only be finished; the number is its own.
    case memberChangeTooFar = 21
    /// The feature level in force, which the number tells, does not have the operation yet.
    case featureLevelTooLow = 22
    /// What a member told in a later start is known already.
    case memberInfoOutdated = 23
}

package struct Refusal: Equatable, Sendable {
    package var code: RefusalCode
    package var key: Key?
    /// The node as it is, for a failed condition.
    package var node: Node?
    /// The limit or number that the detail speaks of.
    package var number: UInt64?
    /// The setting that was hit.
    package var setting: Setting?

    package init(
        _ code: RefusalCode, key: Key? = nil, node: Node? = nil, number: UInt64? = nil, setting: Setting? = nil
    ) {
        self.code = code
        self.key = key
        self.node = node
        self.number = number
        self.setting = setting
    }
}

/// The answer to a command, decided in `apply`.
package struct Outcome: Equatable, Sendable {
    package enum Verdict: Equatable, Sendable {
        case applied([OperationResult])
        case refused(Refusal)
    }

    /// The command's own revision when it changed something (of a replay: the first one's), else the revision
    /// of the state that it was judged by.
    package var revision: Revision
    package var verdict: Verdict
    /// The command was a repetition; this is the first one's outcome.
    package var replayed: Bool
    /// A replay whose nodes lie below the history's floor.
    package var valuesOmitted: Bool

    package init(revision: Revision, verdict: Verdict, replayed: Bool = false, valuesOmitted: Bool = false) {
        self.revision = revision
        self.verdict = verdict
        self.replayed = replayed
        self.valuesOmitted = valuesOmitted
    }
}
