package import ConcordModel
package import ConcordRaft

/// What one member says to another over the peer port, after the handshake.
package enum PeerMessage: Equatable, Sendable {
    case raft(Message)
    /// A write that reached a follower: the leader appends it, the follower finds the outcome when it applies
    /// the entry. Never sent on: one hop at most.
    case forward(Command)
    /// The asked member did not append the write with this sequence and never will.
    case forwardRefused(sequence: UInt64, overloaded: Bool)
    /// Formation: the hash of (names, ids, peer addresses) that this member would form.
    case announce(ClusterID)
    /// Formation: I am formed, with this initial configuration.
    case formed(ClusterID, Configuration)
}
