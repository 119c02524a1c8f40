import ConcordRaft
import Testing

/// Reads without log entries (dissertation §6.4).
struct ReadBarrierTests {
    private func answer(_ round: UInt64) -> Message.Body { .heartbeatResponse(.init(round: round)) }

    /// A leader of term 1 whose no-op is committed, and the newest round that it has begun.
    private func settledLeader() -> Seat {
        var leader = Seat(1)
        leader.win(by: 2)
        leader.receive(message(2, 1, 1, matched(1)), message(3, 1, 1, matched(1)))
        return leader
    }

    private func round(in messages: [Message]) -> UInt64 {
        (messages.rounds + messages.appends.map(\.round)).max() ?? 0
    }

    @Test func `A barrier is confirmed by a round that began after it, and by no older one`() {
        var leader = settledLeader()
        let older = round(in: leader.turn(at: leader.now + 50))
        let newer = round(in: leader.turn { $0.readBarrier(id: 7) })
        #expect(newer == older + 1)
        leader.receive(message(2, 1, 1, answer(older)), message(3, 1, 1, answer(older)))
        #expect(leader.ready.isEmpty)
        leader.receive(message(2, 1, 1, answer(newer)))
        #expect(leader.ready == [ReadyBarrier(id: 7, index: LogIndex(1))])
        leader.receive(message(3, 1, 1, answer(newer)))
        #expect(leader.ready.count == 1)
    }

    @Test func `A new leader answers no barrier before an entry of its term is committed`() {
        var leader = Seat(1, term: 1, log: entries([1, 1]))
        let left = leader.win(by: 2)
        leader.turn { $0.readBarrier(id: 1) }
        leader.receive(message(2, 1, 2, answer(round(in: left))))
        let later = leader.turn(at: leader.now + 60)
        leader.receive(message(2, 1, 2, answer(round(in: later))), message(3, 1, 2, matched(2)))
        #expect(leader.ready.isEmpty)
        let begun = leader.receive(message(2, 1, 2, matched(3)))
        #expect(leader.raft.commitIndex == LogIndex(3) && leader.ready.isEmpty)
        leader.receive(message(3, 1, 2, answer(round(in: begun))))
        #expect(leader.ready == [ReadyBarrier(id: 1, index: LogIndex(3))])
    }

    @Test func `All barriers of a turn share one round`() {
        var leader = settledLeader()
        let left = leader.turn { raft in
            for id in UInt64(1)...50 { raft.readBarrier(id: id) }
            raft.receive(message(3, 1, 1, .barrierRequest(.init(id: 5))))
        }
        #expect(left.to(2).count == 1 && left.to(3).count == 1)
        let answers = leader.receive(message(2, 1, 1, answer(round(in: left))))
        #expect(leader.ready.map(\.id) == Array(1...50))
        #expect(answers == [message(1, 3, 1, .barrierResponse(.init(id: 5, index: LogIndex(1))))])
    }

    @Test func `A barrier gives at least what was committed when it was asked`() {
        var leader = settledLeader()
        leader.turn { _ = $0.propose([1]) }
        let left = leader.turn { raft in
            raft.receive(message(2, 1, 1, matched(2)))
            raft.readBarrier(id: 1)
        }
        leader.receive(message(3, 1, 1, answer(round(in: left))))
        #expect(leader.ready == [ReadyBarrier(id: 1, index: LogIndex(2))])
    }

    @Test func `A member alone answers as soon as its no-op is committed`() {
        var seat = Seat(1, of: 1)
        seat.diskIsHeld = true
        seat.turn { $0.readBarrier(id: 1) }
        #expect(seat.lost == [1], "no leader yet")
        _ = seat.finishWrites()
        seat.turn { $0.readBarrier(id: 2) }
        #expect(seat.role == .leader && seat.ready.isEmpty)
        _ = seat.finishWrites()
        #expect(seat.ready == [ReadyBarrier(id: 2, index: LogIndex(1))])
        seat.turn { $0.readBarrier(id: 3) }
        #expect(seat.ready.last == ReadyBarrier(id: 3, index: LogIndex(1)))
    }

    @Test func `A follower asks its leader and takes one answer, of its term and its leader only`() {
        var seat = Seat(1)
        seat.receive(message(2, 1, 3, heartbeat()))
        #expect(seat.turn { $0.readBarrier(id: 9) } == [message(1, 2, 3, .barrierRequest(.init(id: 9)))])
        let body = Message.Body.barrierResponse(.init(id: 9, index: LogIndex(4)))
        seat.receive(
            message(2, 1, 2, body), message(3, 1, 3, body),
            message(2, 1, 3, .barrierResponse(.init(id: 10, index: LogIndex(4)))))
        #expect(seat.ready.isEmpty)
        seat.receive(message(2, 1, 3, body), message(2, 1, 3, body))
        #expect(seat.ready == [ReadyBarrier(id: 9, index: LogIndex(4))] && seat.lost.isEmpty)
    }

    @Test func `A change of term or leader loses what was asked, and a late answer finds nobody`() {
        var seat = Seat(1)
        seat.receive(message(2, 1, 3, heartbeat()))
        seat.turn { $0.readBarrier(id: 1) }
        seat.receive(message(3, 1, 4, heartbeat()))
        #expect(seat.lost == [1])
        seat.receive(
            message(2, 1, 3, .barrierResponse(.init(id: 1, index: LogIndex(4)))),
            message(3, 1, 4, .barrierResponse(.init(id: 1, index: LogIndex(4)))))
        #expect(seat.ready.isEmpty && seat.lost == [1])
        seat.turn { $0.readBarrier(id: 2) }
        seat.receive(message(3, 1, 4, .barrierResponse(.init(id: 2, index: nil))))
        #expect(seat.lost == [1, 2])
        seat.turn { $0.readBarrier(id: 3) }
        seat.turn { $0.leaderConnectionLost(MemberID(3)) }
        #expect(seat.lost == [1, 2, 3])
        seat.turn { $0.readBarrier(id: 4) }
        #expect(seat.lost == [1, 2, 3, 4], "nobody to ask")
    }

    @Test func `A question without an answer for T is lost`() {
        var seat = Seat(1)
        seat.receive(message(2, 1, 3, heartbeat()))
        seat.turn { $0.readBarrier(id: 1) }
        seat.turn(at: 200) { $0.receive(message(2, 1, 3, heartbeat())) }
        #expect(seat.raft.nextDeadline == 250 && seat.lost.isEmpty)
        seat.turn(at: 250)
        #expect(seat.lost == [1] && seat.leader == 2)
    }

    @Test func `A leader that steps down loses its own barriers and tells the askers`() {
        var leader = settledLeader()
        leader.turn { raft in
            raft.readBarrier(id: 1)
            raft.receive(message(3, 1, 1, .barrierRequest(.init(id: 5))))
        }
        let left = leader.turn { raft in
            raft.readBarrier(id: 2)
            raft.receive(message(2, 1, 4, .newerTerm))
        }
        #expect(leader.lost == [1, 2])
        #expect(left == [message(1, 3, 4, .barrierResponse(.init(id: 5, index: nil)))])
        leader.receive(message(2, 1, 1, answer(40)), message(3, 1, 1, answer(40)))
        #expect(leader.ready.isEmpty)
    }

    @Test func `Whoever does not lead says so`() {
        var seat = Seat(1, term: 2)
        #expect(
            seat.receive(message(3, 1, 2, .barrierRequest(.init(id: 5))))
                == [message(1, 3, 2, .barrierResponse(.init(id: 5, index: nil)))])
    }

    @Test func `Too many barriers are refused`() {
        var leader = Seat(1)
        leader.win(by: 2)
        leader.turn { raft in
            for id in UInt64(1)...UInt64(RaftLimits.barriersMax) { raft.readBarrier(id: id) }
            #expect(raft.takeOutput().lostBarriers.isEmpty)
            raft.readBarrier(id: 0)
        }
        #expect(leader.lost == [0])
    }
}
