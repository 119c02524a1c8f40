import ConcordRaft
import Testing

/// When a leader must give up, and how fast others may begin.
struct CheckQuorumTests {
    private func heartbeatResponse(_ round: UInt64) -> Message.Body {
        .heartbeatResponse(.init(round: round))
    }

    @Test func `A leader without answers steps down after T, says so, and keeps its entries`() {
        var seat = Seat(1)
        seat.win(by: 2)
        let start = seat.now
        seat.turn { _ = $0.propose([9]) }
        seat.turn(at: start + 249)
        #expect(seat.role == .leader)
        let left = seat.turn(at: start + 250)
        #expect(seat.role == .follower && seat.term == 1 && seat.leader == nil)
        #expect(left == [message(1, 2, 1, .leaderResigned), message(1, 3, 1, .leaderResigned)])
        #expect(seat.terms == [1, 1])
        #expect(seat.raft.nextDeadline >= start + 500)
    }

    @Test func `Answers to rounds of this leader keep it; the age of a round counts, not of its answer`() {
        var seat = Seat(1)
        let first = seat.win(by: 2).to(2).rounds[0]
        let start = seat.now
        seat.turn(at: start + 100)
        seat.turn(at: start + 200)
        seat.receive(message(2, 1, 1, heartbeatResponse(first)))
        #expect(seat.role == .leader)
        seat.turn(at: start + 250)
        #expect(seat.role == .follower, "the answered round began T ago")
    }

    @Test func `A fresh answer of one follower of two is enough`() {
        var seat = Seat(1)
        seat.win(by: 2)
        var newest: UInt64 = 0
        for _ in 0..<40 {
            newest = seat.turn(at: seat.now + 50).to(2).rounds.last ?? newest
            seat.receive(message(2, 1, 1, heartbeatResponse(newest)))
            #expect(seat.role == .leader)
        }
    }

    @Test func `Requests of others, rounds never begun and answers from outside keep nobody in office`() {
        var seat = Seat(1)
        seat.win(by: 2)
        let start = seat.now
        seat.turn(at: start + 200)
        seat.receive(
            message(2, 1, 2, preVoteRequest(5, 1)), message(2, 1, 1, .barrierRequest(.init(id: 4))),
            message(2, 1, 1, heartbeatResponse(4_000)), message(66, 1, 1, heartbeatResponse(2)))
        seat.turn(at: start + 250)
        #expect(seat.role == .follower)
    }

    @Test func `A lost leader connection ends loyalty and starts asking within 10 ms, every 10 ms for one T`() {
        for seed in UInt64(0)..<50 {
            var seat = Seat(1, seed: seed)
            seat.receive(message(2, 1, 1, heartbeat()))
            seat.turn { $0.leaderConnectionLost(MemberID(3)) }
            #expect(seat.leader == 2, "another member's connection says nothing")
            seat.turn { $0.leaderConnectionLost(MemberID(2)) }
            #expect(seat.leader == nil && seat.role == .follower)
            #expect(seat.receive(message(3, 1, 2, preVoteRequest(0, 0))).last?.body == preVoteResponse(2, true))
            #expect(seat.raft.nextDeadline <= 10)
            var asked = 0
            while seat.raft.nextDeadline <= 250 {
                asked += seat.passDeadline().count / 2
                #expect(seat.role == .preCandidate && seat.term == 1)
            }
            #expect((24...27).contains(asked), "seed \(seed): asked \(asked) times")
        }
    }

    @Test func `A heartbeat of the leader that seemed lost ends the hurry`() {
        var seat = Seat(1)
        seat.receive(message(2, 1, 1, heartbeat()))
        seat.turn { $0.leaderConnectionLost(MemberID(2)) }
        seat.receive(message(2, 1, 1, heartbeat()))
        #expect(seat.leader == 2 && seat.raft.nextDeadline >= 250)
    }

    @Test func `A split vote after a fast start is tried again after 10 to 30 ms, doubling`() {
        for seed in UInt64(0)..<50 {
            var seat = Seat(1, seed: seed)
            seat.receive(message(2, 1, 1, heartbeat()))
            seat.turn { $0.leaderConnectionLost(MemberID(2)) }
            var bound: (UInt64, UInt64) = (10, 30)
            for _ in 0..<2 {
                let asked = seat.passDeadline()
                #expect(asked.count == 2 && seat.role == .preCandidate)
                let began = seat.now
                seat.receive(message(3, 1, seat.term, preVoteResponse(seat.term + 1, true)))
                #expect(seat.role == .candidate)
                let wait = seat.raft.nextDeadline - began
                #expect(wait >= bound.0 && wait <= bound.1, "seed \(seed): \(wait)")
                bound = (bound.0 * 2, bound.1 * 2)
            }
        }
    }

    @Test func `Whoever resigns leads no more, says so after its last entries, and stands back for 2T`() {
        var seat = Seat(1)
        seat.win(by: 2)
        seat.receive(message(2, 1, 1, matched(1)), message(3, 1, 1, matched(1)))
        let start = seat.now
        let left = seat.turn { raft in
            _ = raft.propose([5])
            raft.readBarrier(id: 8)
            raft.resign()
            #expect(raft.propose([6]) == .notLeader)
        }
        #expect(left.to(2).appends.last?.entries.count == 1)
        #expect(left.to(2).last?.body == .leaderResigned && left.to(3).last?.body == .leaderResigned)
        #expect(seat.lost == [8] && seat.role == .follower && seat.term == 1 && seat.terms == [1, 1])
        #expect(seat.raft.nextDeadline >= start + 500)
        #expect(seat.receive(message(2, 1, 2, preVoteRequest(2, 1))).first?.body == preVoteResponse(2, true))
        seat.receive(message(2, 1, 2, voteRequest(2, 1)))
        #expect(seat.raft.nextDeadline >= start + 500)
    }

    @Test func `A resignation counts only from the leader of the present term`() {
        var seat = Seat(1, term: 1)
        seat.receive(message(2, 1, 1, heartbeat()))
        seat.receive(message(3, 1, 1, .leaderResigned))
        #expect(seat.leader == 2)
        seat.receive(message(2, 1, 1, .leaderResigned))
        #expect(seat.leader == nil && seat.raft.nextDeadline <= 10)
        seat.receive(message(3, 1, 2, heartbeat()))
        #expect(seat.receive(message(2, 1, 1, .leaderResigned)) == [message(1, 2, 2, .newerTerm)])
        #expect(seat.leader == 3)
    }

    @Test func `A member alone that resigns leads again after its pause`() {
        var seat = Seat(1, of: 1)
        seat.turn()
        seat.turn { $0.resign() }
        #expect(seat.role == .follower)
        let deadline = seat.raft.nextDeadline
        #expect(deadline >= 500)
        seat.turn(at: deadline)
        #expect(seat.role == .leader && seat.term == 2)
    }
}

extension CheckQuorumTests {
    /// Two members that both lost their leader ask each other at once.
    @Test func `Of two that ask at once in a hurry the lesser lets the other go first, once`() {
        func hurried(_ id: UInt128) -> Seat {
            var seat = Seat(id, term: 1, log: entries([1]))
            seat.receive(message(3, id, 1, heartbeat()))
            seat.turn { $0.leaderConnectionLost(MemberID(3)) }
            seat.passDeadline()
            return seat
        }
        let grant = preVoteResponse(2, true)
        var lesser = hurried(1)
        #expect(lesser.receive(message(2, 1, 2, preVoteRequest(1, 1))) == [message(1, 2, 1, grant)])
        lesser.receive(message(2, 1, 1, grant))
        #expect(lesser.role == .follower && lesser.raft.nextDeadline == lesser.now + 10, "it takes its question back")
        lesser.passDeadline()
        lesser.receive(message(2, 1, 2, preVoteRequest(1, 1)), message(2, 1, 1, grant))
        #expect(lesser.role == .candidate, "the other one may be unable to win")
        var greater = hurried(2)
        greater.receive(message(1, 2, 2, preVoteRequest(1, 1)), message(1, 2, 1, grant))
        #expect(greater.role == .candidate)
    }

    /// Four that are left of five asked within 10 ms, two won their pre-votes, and the votes were split.
    @Test func `Whoever is asked in a hurry before it has asked itself lets the other go first, once`() {
        for seed in UInt64(0)..<50 {
            var seat = Seat(4, of: 5, term: 1, log: entries([1]), seed: seed)
            seat.receive(message(5, 4, 1, heartbeat()))
            seat.turn { $0.leaderConnectionLost(MemberID(5)) }
            // One that asks in the same millisecond has asked already.
            guard seat.raft.nextDeadline > seat.now else { continue }
            let answer = seat.receive(message(1, 4, 2, preVoteRequest(1, 1)))
            #expect(answer == [message(4, 1, 1, preVoteResponse(2, true))])
            #expect(seat.role == .follower && seat.raft.nextDeadline == seat.now + 10, "seed \(seed)")
            // The other one may be unable to win.
            seat.receive(message(2, 4, 2, preVoteRequest(1, 1)))
            #expect(seat.raft.nextDeadline == seat.now + 10)
            seat.passDeadline()
            #expect(seat.role == .preCandidate, "seed \(seed)")
        }
    }
}
