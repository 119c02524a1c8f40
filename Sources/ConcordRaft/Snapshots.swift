// Letting go of the beginning of the log, and taking over a snapshot in its place (dissertation §5).
//
// What a snapshot holds is committed, whoever sent it and whenever: so it may be taken over at any time, and needs no
// term. The bytes travel outside the core, which learns of a snapshot only when it is durable here.

extension Raft {
    /// What a snapshot of everything up to `index` stands for. `nil` when that entry is released; the present one of the
    /// state is not.
    package func base(at index: LogIndex) -> LogBase? {
        log.base(at: index)
    }

    /// Forgets the entries up to `index`. A follower that lacks one of them will need a snapshot.
    /// - Parameter index: of a snapshot that is durable here, or before it.
    package mutating func release(upTo index: LogIndex) {
        precondition(index <= deliveredIndex, "entries were released that were not handed over")
        log.release(upTo: index)
    }

    /// Takes over a snapshot that is durable here.
    ///
    /// A log that holds the snapshot's last entry is kept: what stands behind it may have been acknowledged. Any other
    /// log ends before that entry or is of a branch that was given up, and is dropped as a whole.
    /// - Returns: false when the snapshot brings nothing new, or this member leads (then it holds all that is committed).
    package mutating func install(_ base: LogBase) -> Bool {
        let position = base.position
        guard position.index > commitIndex, role != .leader else { return false }
        if position.term > term { adopt(position.term) }
        if log.term(at: position.index) != position.term {
            log = RaftLog(base: base)
            ledger.reset(to: position)
        }
        commitIndex = position.index
        deliveredIndex = position.index
        seenClock = max(seenClock, position.clock)
        if let leader {
            send(
                .appendResponse(.init(result: .matched(position.index), round: 0)), to: leader, durable: position.index)
        }
        return true
    }

    /// Takes over a snapshot although its entry may be committed here already: what was made of the log was wrong. The
    /// committed entries behind the snapshot are handed over once more.
    /// - Returns: false when the log does not reach back to the snapshot, or this member leads and does not reach it.
    package mutating func reinstall(_ base: LogBase) -> Bool {
        let position = base.position
        if position.index > commitIndex { return install(base) }
        guard log.term(at: position.index) == position.term else { return false }
        deliveredIndex = position.index
        return true
    }
}
