/// Which member sent a write to the leader, and which one it was: so a member may send it again, and finds
/// the outcome of its own when the entry is applied.
package struct Origin: Equatable, Sendable {
    /// The member's 128-bit id.
    package var member: UInt128
    /// The member's boot counter; a restarted member never uses a number of an earlier boot again.
    package var boot: UInt64
    /// 1, 2, 3, … within the boot.
    package var sequence: UInt64
    /// Every sequence up to and including this one has been answered, and is never asked for again.
    package var done: UInt64

    package init(member: UInt128, boot: UInt64, sequence: UInt64, done: UInt64) {
        self.member = member
        self.boot = boot
        self.sequence = sequence
        self.done = done
    }
}

/// The header `Concord-Client`: what makes a library's call take effect exactly once.
package struct ClientCall: Equatable, Sendable {
    package var client: UInt128
    package var sequence: UInt64
    package var done: UInt64

    package init(client: UInt128, sequence: UInt64, done: UInt64) {
        self.client = client
        self.sequence = sequence
        self.done = done
    }
}

/// How a repeated request is recognised.
package enum RetryIdentity: Equatable, Sendable {
    case none
    case client(ClientCall)
    /// `Idempotency-Key`: 1 to 128 bytes.
    case key([UInt8])
}

/// One request to change the state, as it stands in the log.
package struct Command: Equatable, Sendable {
    package var origin: Origin?
    package var retry: RetryIdentity
    /// Who asked; empty until there is authentication.
    package var principal: [UInt8]
    /// For what a leader decides by itself: it has an effect only in an entry of this term.
    package var decidedIn: Epoch?
    /// The feature level that was in force where it was written: never above the one that is in force where it is
    /// applied, for what that member had applied stands before it in the log.
    package var featureLevel: UInt16
    /// Milliseconds since 1970 on the proposing member, for display only.
    package var wallMilliseconds: UInt64
    package var operation: Operation

    package init(
        operation: Operation, origin: Origin? = nil, retry: RetryIdentity = .none, principal: [UInt8] = [],
        decidedIn: Epoch? = nil, featureLevel: UInt16 = ModelLimits.featureLevelFirst, wallMilliseconds: UInt64 = 0
    ) {
        self.operation = operation
        self.origin = origin
        self.retry = retry
        self.principal = principal
        self.decidedIn = decidedIn
        self.featureLevel = featureLevel
        self.wallMilliseconds = wallMilliseconds
    }
}
