// Asking for votes and giving them (dissertation §3.4, §4.2.3, §9.6).

extension Raft {
    /// Whether a follower holds on to its leader, or is the leader. Then it helps nobody to take the place.
    package var protectsLeader: Bool {
        switch role {
        case .leader: true
        case .follower: leader != nil && now < timer.loyalUntil
        case .preCandidate, .candidate: false
        }
    }

    /// Whether a voter's answer comes when the one who asked has found a leader again: its term is no reason to
    /// leave that leader (dissertation §4.2.3). A leader of too low a term learns of it from whom it leads.
    func isLateForFollower(_ answer: Message) -> Bool {
        answer.term > term && role == .follower && protectsLeader
    }

    /// A member of any configuration that may still turn out to be the current one may stand: else a quorum
    /// could need the one log of a member that takes itself to be removed (dissertation §4.2.2).
    var mayStand: Bool {
        guard !isDiskHung, let least = leastWorthy, lastEntry >= least else { return false }
        let current = log.marks.lastIndex { $0.index <= commitIndex } ?? 0
        return log.marks[current...].contains { $0.configuration.isVoter(id) }
    }

    /// The leader of this term is known to lead no more.
    mutating func leaderIsGone(_ member: MemberID) {
        guard role == .follower, leader == member else { return }
        setLeader(nil)
        timer.leaderIsGone(now: now)
    }

    /// Asks whether a vote could be won, without raising any term by it (dissertation §9.6).
    mutating func beginPreVote() {
        guard mayStand else {
            becomeFollower(of: nil)
            timer.restart(now: now)
            return
        }
        role = .preCandidate
        setLeader(nil)
        votes = [id]
        timer.preVoteBegan(now: now)
        guard !hasWon else {
            beginCandidacy()
            return
        }
        askVoters(in: term.next) { .preVoteRequest($0) }
    }

    /// - Parameter byTransfer: the leader asked for it.
    mutating func beginCandidacy(byTransfer: Bool = false) {
        role = .candidate
        votes = []
        vote(for: id, in: term.next)
        timer.candidacyBegan(now: now)
        askVoters(in: term) { request in
            var request = request
            request.isByTransfer = byTransfer
            return .voteRequest(request)
        }
    }

    private mutating func askVoters(in requested: Term, _ body: (Message.VoteRequest) -> Message.Body) {
        let request = Message.VoteRequest(lastIndex: log.lastIndex, lastTerm: log.lastTerm)
        for member in log.configuration.members where member.id != id && member.role != .learner {
            post(Message(from: id, to: member.id, term: requested, body: body(request)), after: .zero)
        }
    }

    private var hasWon: Bool {
        log.configuration.hasQuorum { votes.contains($0) }
    }

    /// A candidate's vote for itself counts when it is durable, as any other.
    mutating func countOwnVote() {
        guard ledger.finished >= ledger.hardStateSequence, !votes.contains(id) else { return }
        votes.append(id)
        if hasWon { becomeLeader() }
    }

    mutating func countPreVote(from member: MemberID, _ response: Message.VoteResponse) {
        guard role == .preCandidate, response.granted, response.requestedTerm == term.next else { return }
        guard !votes.contains(member) else { return }
        votes.append(member)
        if hasWon { beginCandidacy() }
    }

    mutating func countVote(from member: MemberID, _ response: Message.VoteResponse) {
        guard role == .candidate, response.granted, response.requestedTerm == term else { return }
        guard !votes.contains(member) else { return }
        votes.append(member)
        if hasWon { becomeLeader() }
    }

    /// Promises nothing, and but for `yieldPreVote` changes nothing here, not even a timer: else a member that can ask
    /// but never win would keep the others from trying.
    mutating func answerPreVote(_ message: Message, _ request: Message.VoteRequest) {
        let granted = message.term > term && !protectsLeader && isUpToDate(request)
        if granted { yieldPreVote(to: message.from, request) }
        send(.preVoteResponse(.init(requestedTerm: message.term, granted: granted)), to: message.from)
    }

    /// After a leader's death all ask within some milliseconds, and two that both may stand split the votes. So
    /// whoever has not asked yet lets the other one go first, and so does the lesser of two that have; once, and for
    /// 10 ms.
    private mutating func yieldPreVote(to other: MemberID, _ request: Message.VoteRequest) {
        switch role {
        case .follower: break
        case .preCandidate:
            let theirs = (request.lastTerm, request.lastIndex, other)
            guard theirs > (log.lastTerm, log.lastIndex, id) else { return }
        case .candidate, .leader: return
        }
        if timer.yieldsOnce(now: now) { becomeFollower(of: nil) }
    }

    mutating func answerVote(_ candidate: MemberID, _ request: Message.VoteRequest) {
        if hardState.votedFor == nil, isUpToDate(request) {
            vote(for: candidate, in: term)
            becomeFollower(of: leader)
            timer.votedForOther(now: now)
        }
        let granted = hardState.votedFor == candidate
        send(.voteResponse(.init(requestedTerm: term, granted: granted)), to: candidate)
    }

    /// Whether the asking log is at least as far as this one is, or was: so a leader holds all that is committed
    /// (dissertation §3.6.1).
    private func isUpToDate(_ request: Message.VoteRequest) -> Bool {
        leastWorthy.map { LastEntry(term: request.lastTerm, index: request.lastIndex) >= $0 } ?? false
    }

    /// Whoever speaks in a lower term is told the higher one; a member that is silent to them would keep an old
    /// leader leading nobody, or a restarted member out for ever.
    mutating func answerOutdated(_ message: Message) {
        switch message.body {
        case .voteRequest:
            send(.voteResponse(.init(requestedTerm: message.term, granted: false)), to: message.from)
        case .append, .heartbeat, .leaderResigned, .doubtInquiry, .timeoutNow:
            send(.newerTerm, to: message.from)
        case .barrierRequest(let request):
            send(.barrierResponse(.init(id: request.id, index: nil)), to: message.from)
        case .preVoteRequest, .preVoteResponse, .voteResponse, .appendResponse, .heartbeatResponse,
            .barrierResponse, .doubtAnswer, .newerTerm:
            break
        }
    }
}
