// Being led: heartbeats and appends (dissertation §3.5).

extension Raft {
    /// Takes `member` as the leader of this term.
    /// - Returns: false when the term has another one; then two members disagree on who won it.
    private mutating func isLed(by member: MemberID, clusterClock: UInt64) -> Bool {
        guard role != .leader, leader == nil || leader == member else {
            contradictionsCount += 1
            return false
        }
        becomeFollower(of: member)
        timer.heardLeader(now: now)
        seenClock = max(seenClock, clusterClock)
        return true
    }

    mutating func answerHeartbeat(_ member: MemberID, _ heartbeat: Message.Heartbeat) {
        guard isLed(by: member, clusterClock: heartbeat.clusterClock) else { return }
        send(.heartbeatResponse(.init(round: heartbeat.round)), to: member)
    }

    mutating func answerAppend(_ member: MemberID, _ request: Message.AppendRequest) {
        guard isLed(by: member, clusterClock: request.clusterClock) else { return }
        guard request.previousIndex <= commitIndex || log.term(at: request.previousIndex) == request.previousTerm
        else {
            refuseAppend(from: member, request)
            return
        }
        guard takeEntries(of: request) else {
            contradictionsCount += 1
            return
        }
        // Only this much is proven to be the leader's; behind it an older leader's entries may stand.
        let proven = LogIndex(request.previousIndex.rawValue + UInt64(request.entries.count))
        commitIndex = max(commitIndex, min(request.commit, proven))
        acknowledge(max(proven, commitIndex), round: request.round, to: member)
    }

    private mutating func refuseAppend(from member: MemberID, _ request: Message.AppendRequest) {
        let hint = log.lastIndex(atOrBelow: request.previousIndex, termAtMost: request.previousTerm)
        let result = Message.AppendResponse.Result.conflict(
            previousIndex: request.previousIndex, hintIndex: hint, hintTerm: log.term(at: hint) ?? .zero)
        send(.appendResponse(.init(result: result, round: request.round)), to: member)
    }

    /// Appends what is missing here. Removes entries only from the first one on that conflicts: a late or
    /// repeated append must not shorten the log (dissertation §3.5). What is committed equals every leader's
    /// log and is passed over.
    /// - Returns: false, with nothing changed, when the entries contradict the committed ones.
    private mutating func takeEntries(of request: Message.AppendRequest) -> Bool {
        if let held = log.term(at: request.previousIndex), held != request.previousTerm { return false }
        var missing = request.entries[...]
        while let entry = missing.first, entry.index <= log.lastIndex {
            if let held = log.term(at: entry.index), held != entry.term {
                guard entry.index > commitIndex else { return false }
                break
            }
            missing.removeFirst()
        }
        guard let first = missing.first else { return true }
        let before = first.index.previous
        guard let position = log.position(at: before) else { return false }
        guard first.term >= position.term, first.clock >= position.clock else { return false }
        if first.index <= log.lastIndex { truncateLog(from: first.index) }
        for entry in missing { appendToLog(entry) }
        return true
    }

    /// Answers of one turn that wait for the same write are one answer.
    private mutating func acknowledge(_ index: LogIndex, round: UInt64, to member: MemberID) {
        let after = max(ledger.sequence(covering: index), ledger.hardStateSequence)
        if let last = output.messages.last, last.message.to == member, last.message.term == term,
            last.after == after, case .appendResponse(let earlier) = last.message.body,
            case .matched(let earlierIndex) = earlier.result
        {
            output.messages[output.messages.count - 1].message.body = .appendResponse(
                .init(result: .matched(max(index, earlierIndex)), round: max(round, earlier.round)))
            return
        }
        send(.appendResponse(.init(result: .matched(index), round: round)), to: member, durable: index)
    }
}
