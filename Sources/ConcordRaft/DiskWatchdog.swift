// A leader whose own disk hangs. Its heartbeats go on, for nothing that can be done without the disk waits for it, and
// its followers' disks carry its commits as long as they are enough without it (dissertation §10.2.1). So nobody else
// ever notices, and where they are not enough nothing is committed any more, although others could do it without this
// member: it must go by itself (hashicorp/raft#503).

extension RaftSettings {
    /// How long a leader's write may take: max(2 s, 4T), far longer than any fsync of a disk that works, and long enough
    /// that one slow moment of a shared disk changes no leader.
    package var diskPatienceMilliseconds: UInt64 { max(2000, 4 * electionTimeoutMilliseconds) }
}

extension Raft {
    /// Whether this leader's disk has been busy with one write for too long while another voter's has done more: then
    /// somebody else can do better. Where all disks hang, another leader would be no help.
    ///
    /// One other voter is enough. To wait until a quorum has persisted more would be to wait for what may never come: a
    /// leader that reaches one follower of two keeps that one from electing the other, and the two of them commit nothing
    /// without the leader's disk (docs/decisions/0021).
    private var isHeldUpByItsDisk: Bool {
        guard let oldest = ledger.pending.first, now >= oldest.issuedAt + settings.diskPatienceMilliseconds else {
            return false
        }
        return log.configuration.members.contains { member in
            guard member.role != .learner, let position = leadership.position(of: member.id) else { return false }
            return leadership.peers[position].match > ledger.durableIndex
        }
    }

    /// Gives leadership up if the disk hangs. What waits here for its commit is decided by the next leaders, as ever.
    mutating func giveUpIfDiskHangs() {
        guard isHeldUpByItsDisk, let oldest = ledger.pending.first else { return }
        output.hungWriteMilliseconds = now - oldest.issuedAt
        hungWrite = oldest.sequence
        giveUpLeadership()
    }

    /// Whether the write that cost this member its leadership is still not done. Until then it does not stand: its vote
    /// for itself would wait behind that write, and pre-votes that it asks for would hold the others up.
    var isDiskHung: Bool {
        guard let hungWrite else { return false }
        return ledger.finished < hungWrite
    }
}
