// What goes into the core and what comes out of it, as values. The core has no clock, disk, network, thread
// or randomness: whoever drives it tells it the time and does what it asks for.

/// The numbers of a cluster's elections, in milliseconds.
package struct RaftSettings: Equatable, Sendable {
    package var heartbeatMilliseconds: UInt64
    /// T: a follower waits between T and 2T without a leader before it asks for votes.
    package var electionTimeoutMilliseconds: UInt64
    /// Entries in one append message, at most `RaftLimits.appendEntriesMax`.
    package var appendEntriesMax: Int
    /// Append messages sent to a follower and not acknowledged yet, at most `RaftLimits.inflightMessagesMax`.
    package var inflightMessagesMax: Int

    package init(
        heartbeatMilliseconds: UInt64 = 50, electionTimeoutMilliseconds: UInt64 = 250,
        appendEntriesMax: Int = RaftLimits.appendEntriesMax, inflightMessagesMax: Int = RaftLimits.inflightMessagesMax
    ) {
        precondition(
            heartbeatMilliseconds > 0 && heartbeatMilliseconds * 2 <= electionTimeoutMilliseconds,
            "an election timeout must hold at least two heartbeats")
        precondition(
            1...RaftLimits.appendEntriesMax ~= appendEntriesMax
                && 1...RaftLimits.inflightMessagesMax ~= inflightMessagesMax,
            "an append must carry something and stay within the limits of the protocol")
        self.heartbeatMilliseconds = heartbeatMilliseconds
        self.electionTimeoutMilliseconds = electionTimeoutMilliseconds
        self.appendEntriesMax = appendEntriesMax
        self.inflightMessagesMax = inflightMessagesMax
    }
}

/// What a member knows when it starts: what its disk holds.
package struct RestoredLog: Sendable {
    package var hardState: HardState
    /// What the restored state has applied: that of a snapshot, or the initial configuration before the first entry.
    package var base: LogBase
    /// What the entries follow; at or before the base.
    package var released: LogPosition
    /// All durable entries behind `released`, without a hole. They reach the base, and hold it unless it is released.
    package var entries: [Entry]

    package init(hardState: HardState, base: LogBase, released: LogPosition, entries: [Entry]) {
        self.hardState = hardState
        self.base = base
        self.released = released
        self.entries = entries
    }

    /// What a member without a snapshot knows: all entries from index 1 on.
    package init(hardState: HardState, initialConfiguration: Configuration, entries: [Entry]) {
        self.init(
            hardState: hardState, base: LogBase(position: .start, configuration: initialConfiguration),
            released: .start, entries: entries)
    }
}

/// Numbers the writes that the core asks for, 1, 2, 3, …; the disk finishes them in this order.
package struct WriteSequence: Comparable, Hashable, Sendable {
    package let rawValue: UInt64

    package init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Durable from the start.
    package static var zero: WriteSequence { WriteSequence(0) }

    package static func < (left: WriteSequence, right: WriteSequence) -> Bool { left.rawValue < right.rawValue }
}

/// Something to make durable: first the hard state, then the base, then the entries.
package struct LogWrite: Equatable, Sendable {
    package var sequence: WriteSequence
    package var hardState: HardState?
    /// Set when a snapshot was installed that the log cannot be joined to: all entries are dropped, and the log goes
    /// on behind this position. The snapshot is durable.
    package var base: LogPosition?
    /// Contiguous. They replace whatever the log holds from the first one's index on.
    package var entries: [Entry]

    package init(
        sequence: WriteSequence, hardState: HardState?, base: LogPosition? = nil, entries: [Entry]
    ) {
        self.sequence = sequence
        self.hardState = hardState
        self.base = base
        self.entries = entries
    }
}

/// A message and the write that must be durable before it may leave this member.
package struct OutboundMessage: Equatable, Sendable {
    package var message: Message
    package var after: WriteSequence

    package init(message: Message, after: WriteSequence) {
        self.message = message
        self.after = after
    }
}

package enum Role: Equatable, Sendable {
    case follower
    case preCandidate
    case candidate
    case leader
}

/// Where this member stands.
package struct Standing: Equatable, Sendable {
    package var role: Role
    package var term: Term
    /// The leader of `term` as far as this member knows.
    package var leader: MemberID?

    package init(role: Role, term: Term, leader: MemberID?) {
        self.role = role
        self.term = term
        self.leader = leader
    }
}

/// The answer to a read barrier: reads that began before the barrier may be answered from any state that has
/// applied `index` (dissertation §6.4).
package struct ReadyBarrier: Equatable, Sendable {
    package var id: UInt64
    package var index: LogIndex

    package init(id: UInt64, index: LogIndex) {
        self.id = id
        self.index = index
    }
}

/// What the core wants since it was last asked.
package struct Output: Sendable {
    package var write: LogWrite?
    package var messages: [OutboundMessage] = []
    /// Newly committed entries, in order, each exactly once; after a `reinstall` those behind the snapshot once more.
    package var committed: [Entry] = []
    package var readyBarriers: [ReadyBarrier] = []
    /// Barriers that got no answer and never will: ask again with a new id.
    package var lostBarriers: [UInt64] = []
    /// A transfer of leadership that came to nothing: this member leads on.
    package var abandonedTransfer: AbandonedTransfer?
    /// Set when this member gave its leadership up because its disk hangs: for how long it has been waiting.
    package var hungWriteMilliseconds: UInt64?
    /// Set when role, term or leader changed since the last output.
    package var standing: Standing?

    package init() {}
}

/// What became of a proposal.
package enum ProposeResult: Equatable, Sendable {
    /// It will stand at `index` if the entry of that index turns out to have this `term`.
    case accepted(index: LogIndex, term: Term)
    case notLeader
    /// Leadership is being handed over: offer it again to the next leader, or here if that comes to nothing.
    case transferring
    /// Too many bytes wait for their commit.
    case overloaded
}
