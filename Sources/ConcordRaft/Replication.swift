// A leader's side of replication (dissertation §3.5, §10.2).

extension Raft {
    mutating func receiveAppendResponse(from member: MemberID, _ response: Message.AppendResponse) {
        guard role == .leader else { return }
        guard let position = leadership.heard(from: member, round: response.round, now: now) else { return }
        switch response.result {
        case .matched(let index):
            guard index <= log.lastIndex else {
                contradictionsCount += 1
                return
            }
            leadership.peers[position].matched(index, now: now)
            leadership.peers[position].catchUp?.reached(
                index, last: log.lastIndex, now: now, timeout: settings.electionTimeoutMilliseconds)
            advanceCommitAsLeader()
        case .conflict(let previousIndex, let hintIndex, let hintTerm):
            retreat(position, previousIndex: previousIndex, hintIndex: hintIndex, hintTerm: hintTerm)
        }
        answerConfirmedBarriers()
    }

    mutating func receiveHeartbeatResponse(from member: MemberID, _ response: Message.HeartbeatResponse) {
        guard role == .leader else { return }
        guard leadership.heard(from: member, round: response.round, now: now) != nil else { return }
        answerConfirmedBarriers()
    }

    /// Goes on where the two logs may agree. A refusal of something that has been acknowledged since, or that is
    /// not the probe under way, is old and says nothing.
    private mutating func retreat(
        _ position: Int, previousIndex: LogIndex, hintIndex: LogIndex, hintTerm: Term
    ) {
        let peer = leadership.peers[position]
        guard previousIndex > peer.match, previousIndex < peer.next else { return }
        if peer.mode == .probing, previousIndex != peer.next.previous { return }
        guard previousIndex > log.released.index else {
            leadership.peers[position].probe(from: log.firstIndex, needsSnapshot: true)
            return
        }
        let bound = min(hintIndex, log.lastIndex, previousIndex.previous)
        let agreed = max(peer.match, log.lastIndex(atOrBelow: bound, termAtMost: hintTerm))
        leadership.peers[position].probe(from: agreed.next)
    }

    /// Sends each follower all that it lacks and has room for, in as few messages as can be.
    mutating func replicate(roundBegan: Bool) {
        for position in leadership.peers.indices {
            if roundBegan { probeIfSilent(position) }
            if leadership.peers[position].next < log.firstIndex {
                let peer = leadership.peers[position]
                leadership.peers[position].probe(from: log.firstIndex, needsSnapshot: peer.needsSnapshot)
            }
            switch leadership.peers[position].mode {
            case .probing: sendProbe(position, roundBegan: roundBegan)
            case .replicating: sendOn(position, roundBegan: roundBegan)
            }
        }
    }

    /// A follower that answers nothing is not sent one turn's entries after another.
    private mutating func probeIfSilent(_ position: Int) {
        let peer = leadership.peers[position]
        guard peer.mode == .replicating, now >= peer.heardAt + settings.electionTimeoutMilliseconds else { return }
        leadership.peers[position].probe(from: peer.match.next)
    }

    /// The first probe carries entries, since the guess is good; its repetitions carry none. Its answer may have
    /// to wait for the follower's disk, so the round has a heartbeat of its own.
    private mutating func sendProbe(_ position: Int, roundBegan: Bool) {
        let peer = leadership.peers[position]
        if !peer.probeIsOut {
            sendAppend(position, entries: log.batch(from: peer.next, entriesMax: settings.appendEntriesMax))
        } else if roundBegan, peer.isStalled(now: now, patience: settings.heartbeatMilliseconds) {
            sendAppend(position, entries: [])
        }
        if roundBegan { sendHeartbeat(position) }
    }

    private mutating func sendOn(_ position: Int, roundBegan: Bool) {
        var sentSome = false
        while leadership.peers[position].hasRoom(messagesMax: settings.inflightMessagesMax),
            leadership.peers[position].next <= log.lastIndex
        {
            let next = leadership.peers[position].next
            sendAppend(position, entries: log.batch(from: next, entriesMax: settings.appendEntriesMax))
            sentSome = true
        }
        if roundBegan, leadership.peers[position].isQuiet {
            // Everything before it is durable there: the answer comes at once, as to a heartbeat, and a
            // commit index that was lost on the way is told again.
            sendAppend(position, entries: [])
            return
        }
        if roundBegan { sendHeartbeat(position) }
        if !sentSome, owesWord(to: leadership.peers[position], roundBegan: roundBegan) {
            sendAppend(position, entries: [])
        }
    }

    /// Whether a follower must be told of a new commit index, or be asked what became of what it was sent.
    private func owesWord(to peer: Progress, roundBegan: Bool) -> Bool {
        if peer.commitTold < min(commitIndex, peer.next.previous) { return true }
        return roundBegan && peer.isStalled(now: now, patience: settings.heartbeatMilliseconds)
    }

    /// The entries need not be durable here: this disk and the follower's work at the same time
    /// (dissertation §10.2.1).
    private mutating func sendAppend(_ position: Int, entries: ArraySlice<Entry>) {
        let id = leadership.peers[position].id
        let previous = leadership.peers[position].next.previous
        guard let previousTerm = log.term(at: previous) else { return }
        let proven = entries.last?.index ?? previous
        leadership.peers[position].sent(entries: entries, now: now)
        leadership.peers[position].toldCommit(min(commitIndex, proven))
        let request = Message.AppendRequest(
            previousIndex: previous, previousTerm: previousTerm, commit: commitIndex, round: leadership.round,
            clusterClock: leadership.clusterClock(now: now), entries: Array(entries))
        send(.append(request), to: id)
    }

    private mutating func sendHeartbeat(_ position: Int) {
        let heartbeat = Message.Heartbeat(
            round: leadership.round, clusterClock: leadership.clusterClock(now: now))
        send(.heartbeat(heartbeat), to: leadership.peers[position].id)
    }
}
