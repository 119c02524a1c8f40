package import ConcordModel
package import ConcordRaft

/// What one member says to another over the peer port, after the handshake.
package enum PeerMessage: Equatable, Sendable {
    case raft(Message)
    /// A write that reached a follower: the leader appends it, the follower finds the outcome when it applies
    /// the entry. Never sent on: one hop at most.
    case forward(Command)
    /// The asked member did not append the write of this boot and sequence and never will.
    case forwardRefused(boot: UInt64, sequence: UInt64, overloaded: Bool)
    /// Formation: the hash of (names, ids, peer addresses) that this member would form.
    case announce(ClusterID)
    /// `GET /v1/cluster` at a follower: where does everyone stand?
    case positionsRequest(id: UInt64)
    case positionsResponse(id: UInt64, [MemberPosition])
    /// A client of a follower wants another leader: its id or name, or `nil` for any.
    case transferRequest(id: UInt64, target: String?)
    /// Said at once, and once more if nothing comes of what was under way.
    case transferResponse(id: UInt64, TransferAnswer)
    /// Formation: I am formed, with this initial configuration.
    case formed(ClusterID, Configuration)
    /// A leader brings on a member that its log cannot bring on.
    case snapshotChunk(SnapshotChunk)
    case snapshotStatus(SnapshotStatus)
    /// As of this index, which the sender has applied, the receiver is a member no more, and never will be again.
    case removed(LogIndex)
    /// Without a leader, to those whom the sender does not ask for votes: has it been removed?
    case membershipRequest
    /// To the leader: whether the sender's disk has no room for what comes next.
    case diskSpace(isFull: Bool)
    /// The write of this boot and sequence needs room, and no quorum has any: it was not appended and never will be.
    case forwardRefusedForSpace(boot: UInt64, sequence: UInt64)
    /// What the sender's state is, or that it does not trust it.
    case stateReport(StateReport)
    /// The sender's state is wrong: the leader is asked for a snapshot of this entry or a later one.
    case snapshotRequest(from: LogIndex)
}

/// How far a member has got, as the leader knows it.
package struct MemberPosition: Equatable, Sendable {
    package var id: MemberID
    package var matchIndex: LogIndex
    package var lag: UInt64
    package var silentMilliseconds: UInt64

    package init(id: MemberID, matchIndex: LogIndex, lag: UInt64, silentMilliseconds: UInt64) {
        self.id = id
        self.matchIndex = matchIndex
        self.lag = lag
        self.silentMilliseconds = silentMilliseconds
    }
}
