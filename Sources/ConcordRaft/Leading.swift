// Winning, leading and ceasing to lead.

extension Raft {
    mutating func becomeLeader() {
        precondition(role == .candidate, "only a candidate can win")
        role = .leader
        setLeader(id)
        votes = []
        leadership = Leadership(
            firstIndex: log.lastIndex.next, clusterClock: seenClock, uncommittedBytes: uncommittedBytes, now: now)
        followConfigurationsInDoubt()
        _ = appendAsLeader([], kind: .noop)
    }

    private var uncommittedBytes: Int {
        guard commitIndex < log.lastIndex else { return 0 }
        return log.entries(in: commitIndex.next...log.lastIndex).reduce(0) {
            $0 + $1.payload.count + Entry.overheadBytes
        }
    }

    mutating func appendAsLeader(_ payload: [UInt8], kind: EntryKind) -> LogIndex {
        let clock = leadership.clusterClock(now: now)
        let entry = Entry(index: log.lastIndex.next, term: term, clock: clock, kind: kind, payload: payload)
        appendToLog(entry)
        leadership.accepted(bytes: payload.count + Entry.overheadBytes)
        if kind == .configuration {
            leadership.follow(
                log.configuration, leader: id, at: log.lastIndex, now: now,
                timeout: settings.electionTimeoutMilliseconds)
        }
        return entry.index
    }

    /// The end of a turn: begins a round if one is due, and sends each follower what it lacks.
    mutating func actAsLeader() {
        let barriersMayBegin = !leadership.barriers.waiting.isEmpty && commitIndex >= leadership.firstIndex
        let roundBegins = barriersMayBegin || now >= leadership.heartbeatDueAt
        if roundBegins {
            leadership.beginRound(
                now: now, heartbeat: settings.heartbeatMilliseconds, window: settings.electionTimeoutMilliseconds)
        }
        if barriersMayBegin { leadership.barriers.begin(round: leadership.round, index: commitIndex) }
        replicate(roundBegan: roundBegins)
        continueTransfer(roundBegan: roundBegins)
        leadership.dropDeparted(now: now)
        answerConfirmedBarriers()
        if leadsFromOutside { giveUpLeadership() }
    }

    /// When this leader must step down unless more answers come: a quorum's contact, counted from when the
    /// answered round *began*, is T old then (CheckQuorum, dissertation §6.2).
    var quorumContactEnd: UInt64 {
        let contact = log.configuration.quorumValue { member in
            if member == id { return now }
            return leadership.position(of: member).map { leadership.peers[$0].roundContactAt }
        }
        return (contact ?? 0) + settings.electionTimeoutMilliseconds
    }

    /// Steps down within the term, and says so to all: whoever hears it need not wait for its timer.
    mutating func giveUpLeadership() {
        for peer in leadership.peers { send(.leaderResigned, to: peer.id) }
        becomeFollower(of: nil)
    }

    /// Barriers end with leadership; entries do not: what becomes of them the next leaders decide.
    mutating func endLeadership() {
        timer.restart(now: now)
        for barrier in leadership.barriers.takeAll() {
            if barrier.requester == id {
                output.lostBarriers.append(barrier.id)
            } else {
                send(.barrierResponse(.init(id: barrier.id, index: nil)), to: barrier.requester)
            }
        }
        leadership = Leadership()
    }

    /// Commits what a quorum has made durable, if it is of this term; entries before it are committed with it.
    /// An entry of an earlier term is never committed by counting: a quorum holding it does not keep it from
    /// being overwritten (dissertation §3.6.2, figure 3.7).
    mutating func advanceCommitAsLeader() {
        let reached = log.configuration.quorumValue { member in
            if member == id { return ledger.durableIndex }
            return leadership.position(of: member).map { leadership.peers[$0].match }
        }
        guard let reached, reached > commitIndex, log.term(at: reached) == term else { return }
        let bytes = log.entries(in: commitIndex.next...reached).reduce(0) {
            $0 + $1.payload.count + Entry.overheadBytes
        }
        commitIndex = reached
        leadership.committed(bytes: bytes)
    }
}
