import ConcordBytes
import ConcordRaft
import Testing

/// Letting go of the beginning of the log, and taking over a snapshot in its place (dissertation §5).
struct SnapshotTests {
    private func base(_ index: UInt64, term: UInt64, _ configuration: Configuration? = nil) -> LogBase {
        LogBase(
            position: LogPosition(index: LogIndex(index), term: Term(term), clock: 0),
            configuration: configuration ?? voters(3))
    }

    /// A follower of member 2 in `term` with this log, all of it committed but the last `open` entries.
    private func follower(_ terms: [UInt64], in term: UInt64, open: Int = 0) -> Seat {
        var seat = Seat(1, term: term, log: entries(terms))
        let last = UInt64(terms.count)
        seat.receive(message(2, 1, term, append(after: last, terms.last ?? 0, commit: last - UInt64(open))))
        return seat
    }

    /// A leader of three whose log is released up to `released`; all is committed by member 2.
    private func leader(_ count: Int, released: UInt64) -> Seat {
        var seat = Seat(1, term: 1, log: entries(Array(repeating: 1, count: count)))
        seat.win(by: 2)
        seat.receive(message(2, 1, seat.term, matched(UInt64(count) + 1)))
        seat.turn { $0.release(upTo: LogIndex(released)) }
        return seat
    }

    // MARK: The log

    @Test func `Releasing keeps the position of the last entry that is gone`() {
        var log = RaftLog(base: base(0, term: 0))
        for entry in entries([1, 1, 2, 2, 3]) { log.append(entry) }
        log.release(upTo: LogIndex(3))
        #expect(log.released.index == LogIndex(3) && log.released.term == Term(2))
        #expect(log.firstIndex == LogIndex(4) && log.lastIndex == LogIndex(5))
        #expect(log.term(at: LogIndex(2)) == nil && log.term(at: LogIndex(4)) == Term(2))
        log.release(upTo: LogIndex(2))
        #expect(log.released.index == LogIndex(3), "what is released does not come back")
        log.release(upTo: LogIndex(5))
        #expect(log.lastIndex == LogIndex(5) && log.lastTerm == Term(3) && log.batch(from: LogIndex(5)).isEmpty)
    }

    @Test func `A configuration outlives the entry that it came with`() {
        var log = RaftLog(base: base(0, term: 0))
        var writer = ByteWriter()
        voters(5).encode(into: &writer)
        log.append(entries([1])[0])
        log.append(Entry(index: LogIndex(2), term: Term(1), clock: 0, kind: .configuration, payload: writer.bytes))
        log.append(entries([1], from: 3)[0])
        #expect(log.base(at: LogIndex(1))?.configuration == voters(3))
        #expect(log.base(at: LogIndex(3))?.configuration == voters(5))
        log.release(upTo: LogIndex(3))
        #expect(log.configuration == voters(5) && log.base(at: LogIndex(3))?.configuration == voters(5))
        #expect(log.marks.count == 1)
        #expect(log.base(at: LogIndex(2)) == nil && log.base(at: LogIndex(4)) == nil)
    }

    @Test func `A configuration before the snapshot's is not taken for a later one`() {
        var writer = ByteWriter()
        voters(5).encode(into: &writer)
        var log = entries([1, 1, 1], from: 8)
        log[0] = Entry(index: LogIndex(8), term: Term(1), clock: 0, kind: .configuration, payload: writer.bytes)
        let restored = RestoredLog(
            hardState: HardState(term: Term(1), votedFor: nil), base: base(9, term: 1, voters(3)),
            released: LogPosition(index: LogIndex(7), term: Term(1), clock: 0), entries: log)
        let seat = Seat(1, restored: restored)
        #expect(seat.raft.configuration == voters(3))
        #expect(seat.raft.commitIndex == LogIndex(9) && seat.raft.lastIndex == LogIndex(10))
    }

    // MARK: Taking over a snapshot

    @Test func `A snapshot ahead of the log replaces it`() {
        var seat = follower([1, 1, 1], in: 3, open: 2)
        seat.diskIsHeld = true
        seat.turn {
            let taken = $0.install(base(10, term: 2, voters(5)))
            #expect(taken)
        }
        #expect(seat.raft.commitIndex == LogIndex(10) && seat.raft.lastIndex == LogIndex(10))
        #expect(seat.raft.configuration == voters(5))
        let write = seat.writes.last
        #expect(write?.base == base(10, term: 2).position && write?.entries.isEmpty == true)
        let answers = seat.receive(message(2, 1, 3, append(after: 10, 2, [3], commit: 10)))
        #expect(answers.appendResults.isEmpty, "what follows the snapshot is not durable yet")
        #expect(seat.writes.last?.base == nil && seat.writes.last?.entries.map(\.index.rawValue) == [11])
        #expect(seat.finishWrites().appendResults == [.matched(LogIndex(11))])
        #expect(seat.committed.map(\.index.rawValue) == [1])
    }

    @Test func `The leader learns of the snapshot at once, since it is durable`() {
        var seat = follower([1], in: 3)
        seat.diskIsHeld = true
        let answers = seat.turn {
            let taken = $0.install(base(10, term: 2))
            #expect(taken)
        }
        #expect(answers.appendResults == [.matched(LogIndex(10))] && answers.map(\.to.rawValue) == [2])
    }

    @Test func `A log that holds the snapshot's last entry is kept`() {
        var seat = follower([1, 2, 2, 2, 2], in: 2, open: 4)
        seat.turn {
            let taken = $0.install(base(3, term: 2))
            #expect(taken)
        }
        #expect(seat.terms == [1, 2, 2, 2, 2], "entries behind the snapshot may have been acknowledged")
        #expect(seat.raft.commitIndex == LogIndex(3))
        #expect(seat.allWrites.allSatisfy { $0.base == nil })
        seat.receive(message(2, 1, 2, append(after: 5, 2, commit: 5)))
        #expect(seat.committed.map(\.index.rawValue) == [1, 4, 5], "entries 2 and 3 are in the snapshot")
    }

    @Test func `A branch that was given up is dropped as a whole`() {
        var seat = follower([1, 2, 2, 2, 2], in: 4, open: 4)
        seat.turn {
            let taken = $0.install(base(3, term: 3))
            #expect(taken)
        }
        #expect(seat.raft.lastIndex == LogIndex(3) && seat.raft.term(at: LogIndex(3)) == Term(3))
        #expect(seat.raft.durableIndex == LogIndex(3))
    }

    @Test func `A late write of that branch makes nothing durable that stands in its place`() {
        var seat = follower([1, 2], in: 2, open: 1)
        seat.diskIsHeld = true
        seat.receive(message(2, 1, 2, append(after: 2, 2, [2, 2, 2])))
        seat.turn {
            let taken = $0.install(base(3, term: 3))
            #expect(taken)
        }
        seat.receive(message(3, 1, 4, append(after: 3, 3, [4, 4])))
        #expect(seat.terms.suffix(2) == [4, 4] && seat.raft.lastIndex == LogIndex(5))
        let early = seat.finishWrites(1).filter { $0.to == MemberID(3) }
        #expect(early.appendResults.isEmpty && seat.raft.durableIndex == LogIndex(3))
        let answers = seat.finishWrites().filter { $0.to == MemberID(3) }
        #expect(answers.appendResults == [.matched(LogIndex(5))])
    }

    @Test func `A snapshot of what is committed here already changes nothing`() {
        var seat = follower([1, 1, 1, 1], in: 1)
        let before = seat.raft
        seat.turn { raft in
            let taken = [raft.install(base(4, term: 1)), raft.install(base(2, term: 1))]
            #expect(taken == [false, false])
        }
        #expect(seat.terms == [1, 1, 1, 1] && seat.raft.commitIndex == before.commitIndex)
        #expect(seat.allWrites.allSatisfy { $0.base == nil })
    }

    @Test func `A leader takes over no snapshot`() {
        var seat = Seat(1, term: 1, log: entries([1, 1]))
        seat.win(by: 2)
        seat.turn {
            let taken = $0.install(base(2, term: 1))
            #expect(!taken)
        }
        #expect(seat.role == .leader)
    }

    @Test func `A committed snapshot replaces a wrong state, and all behind it is handed over again`() {
        var seat = follower([1, 1, 1, 1], in: 1, open: 1)
        #expect(seat.committed.map(\.index.rawValue) == [1, 2, 3])
        seat.turn { raft in
            let taken = [raft.reinstall(base(2, term: 3)), raft.reinstall(base(1, term: 1))]
            #expect(taken == [false, true], "one of another branch is no snapshot of this log")
        }
        #expect(seat.committed.map(\.index.rawValue) == [1, 2, 3, 2, 3])
        #expect(seat.terms == [1, 1, 1, 1] && seat.raft.commitIndex == LogIndex(3), "the log is as good as ever")
        seat.turn { $0.release(upTo: LogIndex(2)) }
        seat.turn { raft in
            let taken = [raft.reinstall(base(1, term: 1)), raft.reinstall(base(2, term: 1))]
            #expect(taken == [false, true], "what follows it must be here")
        }
        #expect(seat.committed.suffix(1).map(\.index.rawValue) == [3])
        seat.turn {
            let taken = $0.reinstall(base(9, term: 2))
            #expect(taken)
        }
        #expect(seat.raft.commitIndex == LogIndex(9) && seat.committed.count == 6)
    }

    @Test func `A write that was under way does not count for the log that came after it`() {
        var seat = follower([1], in: 1)
        seat.diskIsHeld = true
        seat.receive(message(2, 1, 1, append(after: 1, 1, [1, 1, 1], commit: 1)))
        seat.turn {
            let taken = $0.install(base(3, term: 2))
            #expect(taken)
        }
        // The old branch's entry 4 becomes durable; the new log's entry 4 is not.
        seat.receive(message(3, 1, 3, append(after: 3, 2, [3], commit: 3)))
        let early = seat.finishWrites(1).filter { $0.term == Term(3) }
        #expect(!early.appendResults.contains(.matched(LogIndex(4))))
        let late = seat.finishWrites().filter { $0.term == Term(3) }
        #expect(late.appendResults.contains(.matched(LogIndex(4))))
    }

    @Test func `A member that was behind in terms takes over the snapshot's`() {
        var seat = Seat(1, term: 1)
        seat.turn {
            let taken = $0.install(base(5, term: 4))
            #expect(taken)
        }
        #expect(seat.term == 4 && seat.raft.lastIndex == LogIndex(5))
    }

    @Test func `The cluster clock of a snapshot is taken over, whether the log is kept or not`() {
        for terms in [[1], [1, 2, 2, 2]] as [[UInt64]] {
            var seat = follower(terms, in: 2, open: terms.count - 1)
            var taken = base(3, term: 2)
            taken.position.clock = 700
            seat.turn {
                let isTaken = $0.install(taken)
                #expect(isTaken)
            }
            #expect(seat.raft.clusterClock == 700, "terms \(terms)")
            seat.win(by: 2)
            #expect(seat.role == .leader && seat.allWrites.last?.entries.last?.clock ?? 0 >= 700, "terms \(terms)")
        }
    }

    // MARK: The leader's side

    @Test func `A follower that lacks released entries is found to need a snapshot`() {
        var seat = leader(10, released: 8)
        #expect(seat.raft.membersThatNeedSnapshot.isEmpty, "nobody has said what member 3 holds")
        let refusal = Message.Body.appendResponse(
            .init(
                result: .conflict(previousIndex: LogIndex(10), hintIndex: LogIndex(2), hintTerm: Term(1)), round: 1))
        let probe = seat.receive(message(3, 1, seat.term, refusal)).to(3).appends
        #expect(probe.map(\.previousIndex) == [LogIndex(8)] && probe.first?.previousTerm == Term(1))
        let second = Message.Body.appendResponse(
            .init(result: .conflict(previousIndex: LogIndex(8), hintIndex: LogIndex(2), hintTerm: Term(1)), round: 1))
        let answer = seat.receive(message(3, 1, seat.term, second))
        #expect(seat.raft.membersThatNeedSnapshot == [MemberID(3)])
        #expect(answer.to(3).appends.isEmpty, "probes go on at the pace of heartbeats")
    }

    @Test func `A follower that got its snapshot goes on with the log`() {
        var seat = leader(10, released: 8)
        for previous in [UInt64(10), 8] {
            seat.receive(
                message(
                    3, 1, seat.term,
                    .appendResponse(
                        .init(
                            result: .conflict(
                                previousIndex: LogIndex(previous), hintIndex: LogIndex(2), hintTerm: Term(1)), round: 1)
                    ))
            )
        }
        let sent = seat.receive(message(3, 1, seat.term, matched(9))).to(3).appends
        #expect(seat.raft.membersThatNeedSnapshot.isEmpty)
        #expect(sent.map(\.previousIndex) == [LogIndex(9)] && sent.first?.entries.count == 2)
    }

    @Test func `Who needs a snapshot still does when more is released, or an old word of it comes late`() {
        var seat = leader(10, released: 6)
        for previous in [UInt64(10), 6] {
            seat.receive(
                message(
                    3, 1, seat.term,
                    .appendResponse(
                        .init(
                            result: .conflict(
                                previousIndex: LogIndex(previous), hintIndex: LogIndex(2), hintTerm: Term(1)), round: 1)
                    ))
            )
        }
        #expect(seat.raft.membersThatNeedSnapshot == [MemberID(3)])
        let released = seat.turn { $0.release(upTo: LogIndex(8)) }
        #expect(seat.raft.membersThatNeedSnapshot == [MemberID(3)])
        #expect(!released.to(3).appends.contains { !$0.entries.isEmpty }, "it has no use for them")
        seat.receive(message(3, 1, seat.term, matched(2)))
        #expect(seat.raft.membersThatNeedSnapshot == [MemberID(3)], "what it has had all along brings it no further")
        let sent = seat.receive(message(3, 1, seat.term, matched(8))).to(3).appends
        #expect(seat.raft.membersThatNeedSnapshot.isEmpty)
        #expect(sent.map(\.previousIndex) == [LogIndex(8)])
    }

    @Test func `A probe is repeated with the heartbeats, and finds the snapshot whose word was lost`() {
        var seat = leader(10, released: 8)
        for previous in [UInt64(10), 8] {
            seat.receive(
                message(
                    3, 1, seat.term,
                    .appendResponse(
                        .init(
                            result: .conflict(
                                previousIndex: LogIndex(previous), hintIndex: LogIndex(2), hintTerm: Term(1)), round: 1)
                    ))
            )
        }
        var probes: [Message.AppendRequest] = []
        for _ in 0..<4 {
            probes += seat.passDeadline().to(3).appends
            seat.receive(message(2, 1, seat.term, matched(11, round: 100)))
        }
        #expect(!probes.isEmpty && probes.allSatisfy { $0.previousIndex == LogIndex(8) && $0.entries.isEmpty })
    }

    @Test func `A follower whose next entry was released meanwhile is probed anew`() {
        var seat = Seat(1, term: 1, log: entries(Array(repeating: 1, count: 10)))
        seat.win(by: 2)
        seat.receive(message(3, 1, seat.term, matched(2)))
        seat.receive(message(2, 1, seat.term, matched(11)))
        let sent = seat.turn { $0.release(upTo: LogIndex(9)) }.to(3).appends
        // Everything was sent and not acknowledged: nothing is missing as far as anyone knows.
        #expect(sent.allSatisfy { $0.previousIndex >= LogIndex(9) })
        for _ in 0..<12 where seat.role == .leader {
            seat.passDeadline()
            seat.receive(message(2, 1, seat.term, matched(11, round: 1000)))
        }
        let silent = seat.passDeadline().to(3).appends
        #expect(silent.allSatisfy { $0.previousIndex >= LogIndex(9) })
    }

    @Test func `An append from before the released prefix removes nothing`() {
        var seat = follower([1, 1, 1, 1, 1, 1], in: 1)
        seat.turn { $0.release(upTo: LogIndex(4)) }
        for previous in UInt64(0)...4 {
            let answer = seat.receive(
                message(2, 1, 1, append(after: previous, previous == 0 ? 0 : 1, [1, 1], commit: 6)))
            #expect(answer.appendResults == [.matched(LogIndex(6))], "after \(previous)")
        }
        #expect(seat.raft.lastIndex == LogIndex(6) && seat.raft.contradictionsCount == 0)
    }
}
