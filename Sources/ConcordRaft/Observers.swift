/// How far a member has got, as its leader sees it.
package struct MemberProgress: Equatable, Sendable {
    package var id: MemberID
    /// Everything up to here is durable there and equals the leader's log.
    package var matchIndex: LogIndex
    package var nextIndex: LogIndex
    /// Since the leader last heard from it.
    package var silentMilliseconds: UInt64
    /// The leader's log does not reach back to what it lacks.
    package var needsSnapshot: Bool

    package init(
        id: MemberID, matchIndex: LogIndex, nextIndex: LogIndex, silentMilliseconds: UInt64,
        needsSnapshot: Bool = false
    ) {
        self.id = id
        self.matchIndex = matchIndex
        self.nextIndex = nextIndex
        self.silentMilliseconds = silentMilliseconds
        self.needsSnapshot = needsSnapshot
    }
}

extension Raft {
    package var standing: Standing { Standing(role: role, term: term, leader: leader) }

    /// In milliseconds; `tick` no later than this.
    package var nextDeadline: UInt64 {
        let barriers = askedBarriers.oldestAskedAt.map { $0 + settings.electionTimeoutMilliseconds }
        let inquiry = isDoubtful ? inquiry.askAgainAt : .max
        switch role {
        case .leader:
            let transfer = leadership.transfer?.deadline ?? .max
            return min(leadership.heartbeatDueAt, quorumContactEnd, transfer, inquiry)
        case .follower, .preCandidate, .candidate: return min(timer.deadline, barriers ?? .max, inquiry)
        }
    }

    package var lastIndex: LogIndex { log.lastIndex }

    /// Entries up to this one are durable here.
    package var durableIndex: LogIndex { ledger.durableIndex }

    /// The highest cluster clock seen or made, in milliseconds of leadership.
    package var clusterClock: UInt64 { seenClock }

    /// The latest configuration in the log, committed or not.
    package var configuration: Configuration { log.configuration }

    /// `nil` where the log holds no entry; 0 at index 0.
    package func term(at index: LogIndex) -> Term? {
        log.term(at: index)
    }

    /// All entries of `range`, which must be here.
    package func entries(in range: ClosedRange<LogIndex>) -> [Entry] {
        Array(log.entries(in: range))
    }

    /// Of all members, in order of id; empty on a member that does not lead.
    package func progress(now: UInt64) -> [MemberProgress] {
        guard role == .leader else { return [] }
        return configuration.members.compactMap { member in
            if member.id == id {
                return MemberProgress(
                    id: id, matchIndex: ledger.durableIndex, nextIndex: log.lastIndex.next, silentMilliseconds: 0)
            }
            guard let position = leadership.position(of: member.id) else { return nil }
            let peer = leadership.peers[position]
            return MemberProgress(
                id: member.id, matchIndex: peer.match, nextIndex: peer.next,
                silentMilliseconds: now < peer.heardAt ? 0 : now - peer.heardAt,
                needsSnapshot: peer.needsSnapshot)
        }
    }

    /// Of a leader: the members that cannot be brought on by its log alone, in order of id.
    package var membersThatNeedSnapshot: [MemberID] {
        role == .leader ? leadership.peers.filter(\.needsSnapshot).map(\.id) : []
    }

    /// The last entry that the log holds no more.
    package var releasedIndex: LogIndex { log.released.index }
}
