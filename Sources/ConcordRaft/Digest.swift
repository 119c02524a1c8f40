package import ConcordBytes

// What a member will do, as words for a hash: two values with equal words answer equal inputs equally, as long as
// the driver lets time pass in the ways named below. The explorer tells states apart by it.

extension Raft {
    /// Adds all that decides what this value will do. Only between two turns, when no output waits.
    ///
    /// Of time there is only what a comparison with the present can tell: whether a follower still stands by its
    /// leader, and whether a follower's answer is overdue. Left out are therefore:
    ///
    /// - when the election timer fires, and how fast it tries again: the driver fires it when it likes, but never
    ///   in the 10 ms steps of a fast election, where alone a pre-vote is taken back for another one's;
    /// - when a leader must step down for want of answers or because its disk hangs, when it gives a transfer up, and when it takes one follower
    ///   for silent: the driver never lets T pass while a member leads;
    /// - when barriers were asked: the driver lets either no time pass or so much that all of them expire.
    ///
    /// Numbers of writes count from the last finished one, since nothing else is ever compared.
    package func digest(into hash: inout SipHashStream) {
        hash.add(roleWord)
        hash.add(term.rawValue)
        hash.add(hardState.votedFor?.rawValue ?? 0)
        hash.add(isDoubtful ? UInt64(1) : 0)
        hash.add(isDiskHung ? UInt64(1) : 0)
        hash.add(leader?.rawValue ?? 0)
        hash.add(commitIndex.rawValue)
        hash.add(deliveredIndex.rawValue)
        hash.add(seenClock)
        hash.add(contradictionsCount)
        hash.add(now < timer.loyalUntil ? UInt64(1) : 0)
        log.digest(into: &hash)
        ledger.digest(into: &hash)
        hash.add(UInt64(votes.count))
        for voter in votes.sorted() { hash.add(voter.rawValue) }
        hash.add(UInt64(askedBarriers.asked.count))
        for barrier in askedBarriers.asked { hash.add(barrier.id) }
        if role == .leader {
            leadership.digest(into: &hash, now: now, patience: settings.heartbeatMilliseconds)
        }
    }

    private var roleWord: UInt64 {
        switch role {
        case .follower: 1
        case .preCandidate: 2
        case .candidate: 3
        case .leader: 4
        }
    }
}

extension RaftLog {
    fileprivate func digest(into hash: inout SipHashStream) {
        hash.add(firstIndex.rawValue)
        hash.add(lastIndex.rawValue)
        guard firstIndex <= lastIndex else { return }
        for entry in entries(in: firstIndex...lastIndex) {
            hash.add(entry.term.rawValue)
            hash.add(entry.clock)
            hash.add(UInt64(entry.kind.rawValue))
            hash.add(entry.payload, from: 0, count: entry.payload.count)
        }
    }
}

extension WriteLedger {
    /// Between two turns everything was handed out, so the present log says the rest.
    fileprivate func digest(into hash: inout SipHashStream) {
        hash.add(durableIndex.rawValue)
        hash.add(distance(to: lastIssued))
        hash.add(distance(to: hardStateSequence))
        hash.add(UInt64(pending.count))
        for write in pending {
            hash.add(distance(to: write.sequence))
            hash.add(write.reach.rawValue)
        }
    }

    private func distance(to sequence: WriteSequence) -> UInt64 {
        sequence <= finished ? 0 : sequence.rawValue - finished.rawValue
    }
}

extension Leadership {
    fileprivate func digest(into hash: inout SipHashStream, now: UInt64, patience: UInt64) {
        hash.add(firstIndex.rawValue)
        hash.add(round)
        hash.add(clusterClock(now: now))
        for peer in peers { peer.digest(into: &hash, now: now, patience: patience) }
        hash.add(transfer?.target.rawValue ?? 0)
        hash.add(transfer?.isOrdered == true ? UInt64(1) : 0)
        hash.add(UInt64(barriers.waiting.count))
        for barrier in barriers.waiting { barrier.digest(into: &hash) }
        hash.add(UInt64(barriers.begun.count))
        for barrier in barriers.begun {
            barrier.waiting.digest(into: &hash)
            hash.add(barrier.round)
            hash.add(barrier.index.rawValue)
        }
    }
}

extension LeaderBarriers.Waiting {
    fileprivate func digest(into hash: inout SipHashStream) {
        hash.add(id)
        hash.add(requester.rawValue)
    }
}

extension Progress {
    fileprivate func digest(into hash: inout SipHashStream, now: UInt64, patience: UInt64) {
        hash.add(mode == .probing ? UInt64(1) : 2)
        hash.add(match.rawValue)
        hash.add(next.rawValue)
        hash.add(commitTold.rawValue)
        hash.add(probeIsOut ? UInt64(1) : 0)
        hash.add(needsSnapshot ? UInt64(1) : 0)
        hash.add(confirmedRound)
        hash.add(isStalled(now: now, patience: patience) ? UInt64(1) : 0)
        hash.add(departure?.index.rawValue ?? 0)
        hash.add(departure?.knownByRound ?? 0)
        if let catchUp { hash.add(catchUp.isDone ? UInt64.max : catchUp.target.rawValue) }
        hash.add(UInt64(inflight.count))
        for sent in inflight { hash.add(sent.lastIndex.rawValue) }
    }
}
