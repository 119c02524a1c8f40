/// How far a member has got, as its leader sees it.
package struct MemberProgress: Equatable, Sendable {
    package var id: MemberID
    /// Everything up to here is durable there and equals the leader's log.
    package var matchIndex: LogIndex
    package var nextIndex: LogIndex
    /// Since the leader last heard from it.
    package var silentMilliseconds: UInt64

    package init(id: MemberID, matchIndex: LogIndex, nextIndex: LogIndex, silentMilliseconds: UInt64) {
        self.id = id
        self.matchIndex = matchIndex
        self.nextIndex = nextIndex
        self.silentMilliseconds = silentMilliseconds
    }
}

extension Raft {
    package var standing: Standing { Standing(role: role, term: term, leader: leader) }

    /// In milliseconds; `tick` no later than this.
    package var nextDeadline: UInt64 {
        let barriers = askedBarriers.oldestAskedAt.map { $0 + settings.electionTimeoutMilliseconds }
        switch role {
        case .leader: return min(leadership.heartbeatDueAt, quorumContactEnd, leadership.transfer?.deadline ?? .max)
        case .follower, .preCandidate, .candidate: return min(timer.deadline, barriers ?? .max)
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
                silentMilliseconds: now < peer.heardAt ? 0 : now - peer.heardAt)
        }
    }
}
