import ConcordBytes

/// One member of a Raft cluster: what it must remember, what it says and what it knows to be committed
/// (Ongaro, *Consensus: Bridging Theory and Practice*, 2014; here "the dissertation").
///
/// A value without clock, disk or network. A turn is: `tick` with the present time, then any inputs, then
/// `takeOutput` once. Nothing of a turn is visible outside before that.
package struct Raft: Sendable {
    package let id: MemberID
    let settings: RaftSettings
    private(set) var now: UInt64
    var role = Role.follower
    private(set) var hardState: HardState
    private(set) var leader: MemberID?
    var log: RaftLog
    var ledger: WriteLedger
    package internal(set) var commitIndex: LogIndex
    var deliveredIndex: LogIndex
    var seenClock: UInt64
    var timer: ElectionTimer
    /// Who granted this member's present pre-vote or vote.
    var votes: [MemberID] = []
    var leadership = Leadership()
    var askedBarriers = FollowerBarriers()
    var inquiry = DoubtInquiry()
    /// The write that hung when this member gave its leadership up for it.
    var hungWrite: WriteSequence?
    var output = Output()
    var reportedStanding: Standing

    /// Messages that contradict what is committed, or a leader of a term that had another one. Each is ignored;
    /// any of them means that some member has lost what it had made durable.
    package internal(set) var contradictionsCount: UInt64 = 0

    /// - Parameter now: the monotonic clock in milliseconds; all times given to this value are of that clock.
    /// - Parameter seed: chooses election timeouts.
    package init(id: MemberID, settings: RaftSettings, restored: RestoredLog, seed: UInt64, now: UInt64) {
        self.id = id
        self.settings = settings
        self.now = now
        hardState = restored.hardState
        log = RaftLog(restored: restored)
        precondition(
            log.lastTerm <= restored.hardState.term,
            "the log holds an entry of a term that the hard state has not reached: a vote may be forgotten")
        ledger = WriteLedger(durableIndex: log.lastIndex)
        commitIndex = restored.base.position.index
        deliveredIndex = restored.base.position.index
        seenClock = log.lastClock
        // Members that were given one seed must not wait in step.
        var ownRandom = SeededRandom(seed: UInt64(truncatingIfNeeded: id.rawValue ^ id.rawValue >> 64))
        let ownSeed = seed ^ ownRandom.next()
        timer = ElectionTimer(timeout: settings.electionTimeoutMilliseconds, seed: ownSeed)
        reportedStanding = Standing(role: .follower, term: restored.hardState.term, leader: nil)
        if log.configuration.isQuorum(id) {
            timer.startAtOnce(now: now)
        } else {
            timer.restart(now: now)
        }
    }

    /// Time has passed. Comes first in a turn.
    package mutating func tick(now time: UInt64) {
        now = max(now, time)
        expireAskedBarriers()
        askAboutDoubt()
        switch role {
        case .leader:
            seenClock = max(seenClock, leadership.clusterClock(now: now))
            if now >= quorumContactEnd { giveUpLeadership() } else { giveUpIfDiskHangs() }
        case .follower, .preCandidate, .candidate:
            if now >= timer.deadline { beginPreVote() }
        }
    }

    package mutating func receive(_ message: Message) {
        guard message.to == id, message.from != id, message.isWellFormed else { return }
        switch message.body {
        case .preVoteRequest(let request):
            answerPreVote(message, request)
            return
        case .voteRequest(let request) where message.term >= term && !request.isByTransfer && protectsLeader:
            send(.voteResponse(.init(requestedTerm: message.term, granted: false)), to: message.from)
            return
        case .preVoteResponse where isLateForFollower(message), .voteResponse where isLateForFollower(message):
            return
        case .preVoteResponse(let response) where message.term < term:
            // Whoever grants a pre-vote promises nothing, so a voter that has seen fewer terms counts, too.
            countPreVote(from: message.from, response)
            return
        default:
            break
        }
        if message.term > term { adopt(message.term) }
        guard message.term == term else {
            answerOutdated(message)
            return
        }
        receiveOfThisTerm(message)
    }

    private mutating func receiveOfThisTerm(_ message: Message) {
        switch message.body {
        case .preVoteRequest:
            break
        case .preVoteResponse(let response):
            countPreVote(from: message.from, response)
        case .voteRequest(let request):
            answerVote(message.from, request)
        case .voteResponse(let response):
            countVote(from: message.from, response)
        case .append(let request):
            answerAppend(message.from, request)
        case .appendResponse(let response):
            receiveAppendResponse(from: message.from, response)
        case .heartbeat(let heartbeat):
            answerHeartbeat(message.from, heartbeat)
        case .heartbeatResponse(let response):
            receiveHeartbeatResponse(from: message.from, response)
        case .barrierRequest(let request):
            receiveBarrierRequest(from: message.from, id: request.id)
        case .barrierResponse(let response):
            receiveBarrierResponse(from: message.from, response)
        case .leaderResigned:
            leaderIsGone(message.from)
        case .doubtInquiry:
            answerDoubt(of: message.from)
        case .doubtAnswer(let answer):
            receiveDoubtAnswer(from: message.from, answer)
        case .timeoutNow(let order):
            receiveTimeoutNow(from: message.from, order)
        case .newerTerm:
            break
        }
    }

    /// Appends `payload` to the log if this member leads.
    package mutating func propose(_ payload: [UInt8], kind: EntryKind = .commands) -> ProposeResult {
        guard role == .leader else { return .notLeader }
        guard leadership.transfer == nil else { return .transferring }
        precondition(payload.count <= RaftLimits.payloadBytesMax, "a proposal is larger than an entry may be")
        let bytes = payload.count + Entry.overheadBytes
        let waiting = leadership.uncommittedBytes
        guard waiting == 0 || waiting + bytes <= RaftLimits.uncommittedBytesMax else { return .overloaded }
        return .accepted(index: appendAsLeader(payload, kind: kind), term: term)
    }

    /// Asks for an index that reads which began before now may be answered from. The answer is in
    /// `Output.readyBarriers` or `Output.lostBarriers`.
    /// - Parameter barrier: never used before since this member started.
    package mutating func readBarrier(id barrier: UInt64) {
        switch role {
        case .leader: addBarrier(barrier, requester: id)
        case .follower: askLeader(barrier)
        case .preCandidate, .candidate: output.lostBarriers.append(barrier)
        }
    }

    /// Every write up to and including `sequence` is durable.
    package mutating func persisted(_ sequence: WriteSequence) {
        ledger.finish(sequence)
        switch role {
        case .leader: advanceCommitAsLeader()
        case .candidate: countOwnVote()
        case .follower, .preCandidate: break
        }
    }

    /// The connection that `member` sent its appends on was closed, and one redial was refused or met another
    /// boot.
    package mutating func leaderConnectionLost(_ member: MemberID) {
        leaderIsGone(member)
    }

    /// Stops leading at once, so that others elect a leader fast: for a planned stop.
    package mutating func resign() {
        guard role == .leader else { return }
        replicate(roundBegan: false)
        giveUpLeadership()
        timer.resigned(now: now)
    }

    /// Everything since the last call.
    package mutating func takeOutput() -> Output {
        if role == .leader { actAsLeader() }
        output.write = ledger.issue(hardState: hardState, log: log, now: now)
        if deliveredIndex < commitIndex {
            output.committed = Array(log.entries(in: deliveredIndex.next...commitIndex))
            deliveredIndex = commitIndex
        }
        if standing != reportedStanding {
            output.standing = standing
            reportedStanding = standing
        }
        defer { output = Output() }
        return output
    }
}

// What the roles share. All changes of term, leader and log pass through here.
extension Raft {
    var term: Term { hardState.term }

    /// Moves to a higher term, as a follower of nobody yet.
    mutating func adopt(_ newer: Term) {
        precondition(newer > term, "a member would go back to a term that it has left")
        hardState = HardState(term: newer, votedFor: nil, doubt: isDoubtful ? hardState.doubt : nil)
        ledger.hardStateChanged()
        becomeFollower(of: nil)
    }

    /// Gives this member's only vote of the term.
    mutating func vote(for candidate: MemberID, in newTerm: Term) {
        precondition(
            newTerm > term || (newTerm == term && hardState.votedFor == nil), "a member would vote twice in a term")
        hardState = HardState(term: newTerm, votedFor: candidate, doubt: isDoubtful ? hardState.doubt : nil)
        ledger.hardStateChanged()
    }

    mutating func becomeFollower(of newLeader: MemberID?) {
        if role == .leader { endLeadership() }
        role = .follower
        setLeader(newLeader)
    }

    /// A barrier is asked of one leader; with another one it is asked anew.
    mutating func setLeader(_ newLeader: MemberID?) {
        guard newLeader != leader else { return }
        leader = newLeader
        if newLeader == nil { timer.forgetLeader() }
        output.lostBarriers.append(contentsOf: askedBarriers.takeAll())
    }

    mutating func appendToLog(_ entry: Entry) {
        log.append(entry)
        seenClock = max(seenClock, entry.clock)
    }

    mutating func truncateLog(from index: LogIndex) {
        precondition(index > commitIndex, "a committed entry would be removed")
        log.truncate(from: index)
        ledger.truncated(from: index)
    }

    /// - Parameter index: the message leaves only when everything up to here is durable.
    mutating func send(_ body: Message.Body, to member: MemberID, durable index: LogIndex = .zero) {
        let message = Message(from: id, to: member, term: term, body: body)
        post(message, after: ledger.sequence(covering: index))
    }

    /// Any message shows this member's term, so none leaves before that is durable.
    mutating func post(_ message: Message, after sequence: WriteSequence) {
        output.messages.append(OutboundMessage(message: message, after: max(sequence, ledger.hardStateSequence)))
    }
}
