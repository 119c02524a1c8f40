import ConcordModel
import ConcordRaft
import ConcordStorage

/// Whom a leader asks next to take over that should not lead itself, as its disk is full or its state is wrong. Each has
/// its turn: one that answers may not be able to take over all the same, as its own disk hangs.
struct HandoverTurns: Sendable {
    private var notBefore: UInt64
    /// Who was asked and has not taken over.
    private var tried: [MemberID] = []

    /// - Parameter notBefore: in milliseconds of the member's clock.
    init(notBefore: UInt64 = 0) { self.notBefore = notBefore }

    /// To whom to try to hand over now; counts as a try.
    /// - Parameters:
    ///   - candidates: the best first.
    ///   - pause: how long to wait after this try, in milliseconds.
    mutating func next(of candidates: [MemberID], now: UInt64, pause: UInt64) -> MemberID? {
        guard let best = candidates.first, now >= notBefore else { return nil }
        notBefore = now + pause
        let untried = candidates.first { !tried.contains($0) }
        if untried == nil { tried = [] }
        tried.append(untried ?? best)
        return untried ?? best
    }
}

extension Replica {
    /// Those whom this leader has heard of within an election timeout, itself among them.
    var liveMembers: [MemberProgress] {
        raft?.progress(now: now).filter { $0.silentMilliseconds < start.raft.electionTimeoutMilliseconds } ?? []
    }

    /// The other live members that may lead, the most caught up first, and of equals the first by id.
    func successors(where mayLead: (MemberID) -> Bool) -> [MemberID] {
        let others = liveMembers.filter { progress in
            let role = raft?.configuration.member(progress.id)?.role
            return progress.id != record.id && (role == .voter || role == .incoming) && mayLead(progress.id)
        }
        return others.sorted { ($0.matchIndex, $1.id) > ($1.matchIndex, $0.id) }.map(\.id)
    }
}
