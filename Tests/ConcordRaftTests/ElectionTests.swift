import ConcordRaft
import Testing

/// Terms, votes and who may ask for them.
struct ElectionTests {
    @Test func `A member alone leads at once and commits without anyone`() {
        var seat = Seat(1, of: 1)
        seat.turn()
        #expect(seat.role == .leader)
        #expect(seat.committed.map(\.kind) == [.noop])
        seat.turn { _ = $0.propose([1]) }
        #expect(seat.committed.map(\.kind) == [.noop, .commands])
    }

    @Test func `A follower waits between T and 2T and then asks without raising its term`() {
        for seed in UInt64(0)..<200 {
            var seat = Seat(1, seed: seed)
            #expect(seat.raft.nextDeadline >= 250 && seat.raft.nextDeadline <= 500, "seed \(seed)")
            let asked = seat.passDeadline()
            #expect(seat.role == .preCandidate && seat.term == 0, "seed \(seed)")
            #expect(asked.map(\.term) == [Term(1), Term(1)], "seed \(seed)")
            #expect(asked.map(\.to) == [MemberID(2), MemberID(3)], "seed \(seed)")
            #expect(seat.allWrites.isEmpty, "seed \(seed)")
        }
    }

    @Test func `A majority of pre-votes and then of votes makes a leader, that begins its term with a no-op`() {
        var seat = Seat(1, term: 4, log: entries([1, 4]))
        let left = seat.win(by: 2)
        #expect(seat.role == .leader && seat.term == 5 && seat.leader == 1)
        #expect(seat.terms == [1, 4, 5])
        #expect(left.to(3).appends.first?.entries.first?.kind == .noop)
        #expect(left.to(3).appends.first?.previousIndex == LogIndex(2))
        #expect(seat.standings.map(\.role) == [.preCandidate, .candidate, .leader])
    }

    @Test func `One vote a term, also for the same asker again and across a crash`() {
        var seat = Seat(1, term: 2)
        #expect(seat.receive(message(2, 1, 3, voteRequest(0, 0))) == [message(1, 2, 3, voteResponse(3, true))])
        #expect(seat.receive(message(3, 1, 3, voteRequest(9, 2))) == [message(1, 3, 3, voteResponse(3, false))])
        #expect(seat.receive(message(2, 1, 3, voteRequest(0, 0))) == [message(1, 2, 3, voteResponse(3, true))])
        let written = seat.allWrites.compactMap(\.hardState)
        #expect(written.last == HardState(term: Term(3), votedFor: MemberID(2)))

        var again = Seat(1, term: 3, votedFor: 2)
        #expect(again.receive(message(3, 1, 3, voteRequest(9, 2))) == [message(1, 3, 3, voteResponse(3, false))])
        #expect(again.receive(message(2, 1, 3, voteRequest(0, 0))) == [message(1, 2, 3, voteResponse(3, true))])
    }

    @Test func `Term and vote are one write, and no answer leaves before it is durable`() {
        var seat = Seat(1, term: 2)
        seat.diskIsHeld = true
        #expect(seat.receive(message(2, 1, 3, voteRequest(0, 0))).isEmpty)
        #expect(seat.writes.map(\.hardState) == [HardState(term: Term(3), votedFor: MemberID(2))])
        #expect(seat.finishWrites() == [message(1, 2, 3, voteResponse(3, true))])
    }

    @Test func `A vote survives the step from candidate to follower within a term`() {
        var seat = Seat(1)
        seat.passDeadline()
        seat.receive(message(2, 1, 0, preVoteResponse(1, true)))
        #expect(seat.role == .candidate)
        seat.receive(message(3, 1, 1, heartbeat()))
        #expect(seat.role == .follower && seat.leader == 3)
        seat.turn(at: seat.now + 600)
        #expect(seat.receive(message(2, 1, 1, voteRequest(9, 0))).isEmpty, "a log without term is no log")
        #expect(seat.receive(message(2, 1, 1, voteRequest(0, 0))) == [message(1, 2, 1, voteResponse(1, false))])
    }

    @Test func `The vote for itself counts only when it is durable`() {
        var seat = Seat(1, of: 2)
        seat.passDeadline()
        seat.diskIsHeld = true
        seat.receive(message(2, 1, 0, preVoteResponse(1, true)))
        seat.receive(message(2, 1, 1, voteResponse(1, true)))
        #expect(seat.role == .candidate)
        _ = seat.finishWrites()
        #expect(seat.role == .leader)
    }

    @Test func `The end of an earlier write does not make the own vote count`() {
        var seat = Seat(1)
        seat.diskIsHeld = true
        seat.receive(message(3, 1, 1, heartbeat()))
        seat.passDeadline()
        seat.receive(message(2, 1, 1, preVoteResponse(2, true)))
        seat.receive(message(2, 1, 2, voteResponse(2, true)))
        #expect(seat.role == .candidate && seat.writes.count == 2)
        _ = seat.finishWrites(1)
        #expect(seat.role == .candidate)
        _ = seat.finishWrites(1)
        #expect(seat.role == .leader)
    }

    @Test func `Votes from outside of the configuration and repeated ones are not counted`() {
        var seat = Seat(1, of: 5)
        seat.passDeadline()
        for voter: UInt128 in [2, 2, 77, 78, 79] { seat.receive(message(voter, 1, 0, preVoteResponse(1, true))) }
        #expect(seat.role == .preCandidate)
        seat.receive(message(3, 1, 0, preVoteResponse(1, true)))
        #expect(seat.role == .candidate)
        for voter: UInt128 in [2, 2, 77, 78, 79] { seat.receive(message(voter, 1, 1, voteResponse(1, true))) }
        #expect(seat.role == .candidate)
        seat.receive(message(5, 1, 1, voteResponse(1, true)))
        #expect(seat.role == .leader)
    }

    @Test func `An answer to an earlier candidacy is not counted`() {
        var seat = Seat(1)
        seat.passDeadline()
        seat.receive(message(2, 1, 0, preVoteResponse(1, true)))
        seat.passDeadline()
        seat.receive(message(2, 1, 0, preVoteResponse(1, true)), message(3, 1, 0, preVoteResponse(1, true)))
        #expect(seat.role == .preCandidate && seat.term == 1)
        seat.receive(message(2, 1, 1, preVoteResponse(2, true)))
        seat.receive(message(2, 1, 1, voteResponse(1, true)), message(3, 1, 2, voteResponse(2, false)))
        seat.receive(message(2, 1, 2, voteResponse(1, true)))
        #expect(seat.role == .candidate && seat.term == 2)
    }

    @Test func `A candidate that fails goes back to asking first`() {
        var seat = Seat(1)
        seat.passDeadline()
        seat.receive(message(2, 1, 0, preVoteResponse(1, true)))
        #expect(seat.role == .candidate && seat.term == 1)
        let asked = seat.passDeadline()
        #expect(seat.role == .preCandidate && seat.term == 1)
        #expect(asked == [message(1, 2, 2, preVoteRequest(0, 0)), message(1, 3, 2, preVoteRequest(0, 0))])
    }

    @Test(arguments: [([1, 2], 3, 1, false), ([1, 2], 1, 2, false), ([1, 2], 2, 2, true), ([1, 1, 1], 1, 2, true)])
    func `Only a log at least as far gets a vote`(log: [UInt64], index: UInt64, term: UInt64, granted: Bool) {
        var seat = Seat(1, term: 2, log: entries(log))
        #expect(seat.receive(message(2, 1, 3, preVoteRequest(index, term))).first?.body == preVoteResponse(3, granted))
        #expect(seat.term == 2)
        #expect(seat.receive(message(2, 1, 3, voteRequest(index, term))).first?.body == voteResponse(3, granted))
        #expect(seat.term == 3)
    }

    @Test func `A leader refuses pre-votes and votes`() {
        var seat = Seat(1)
        seat.win(by: 2)
        #expect(seat.receive(message(3, 1, 9, preVoteRequest(9, 8))) == [message(1, 3, 1, preVoteResponse(9, false))])
        #expect(seat.receive(message(3, 1, 9, voteRequest(9, 8))) == [message(1, 3, 1, voteResponse(9, false))])
        #expect(seat.role == .leader && seat.term == 1)
    }

    @Test func `A follower stands by its leader for T after its last word, and no longer`() {
        var seat = Seat(1)
        seat.receive(message(2, 1, 1, heartbeat()))
        seat.turn(at: 249)
        #expect(seat.receive(message(3, 1, 2, preVoteRequest(0, 0))) == [message(1, 3, 1, preVoteResponse(2, false))])
        #expect(seat.receive(message(3, 1, 2, voteRequest(0, 0))) == [message(1, 3, 1, voteResponse(2, false))])
        #expect(seat.term == 1 && seat.leader == 2)
        seat.turn(at: 250)
        #expect(seat.receive(message(3, 1, 2, preVoteRequest(0, 0))) == [message(1, 3, 1, preVoteResponse(2, true))])
    }

    /// Seed 20001 of the simulator: a voter with a slow disk refused a pre-vote long after its asker had found its
    /// leader again, in a newer term; and the asker left that leader for it.
    @Test(arguments: [preVoteResponse(2, false), voteResponse(3, false)])
    func `A late answer of a newer term draws no follower from its leader`(answer: Message.Body) {
        var seat = Seat(1)
        seat.receive(message(2, 1, 1, heartbeat()))
        seat.receive(message(3, 1, 3, answer))
        #expect(seat.term == 1 && seat.leader == 2)
        seat.turn(at: 250)
        seat.receive(message(3, 1, 3, answer))
        #expect(seat.term == 3 && seat.leader == nil, "whoever has no leader learns of the term")
    }

    @Test func `Granting a pre-vote moves no timer and forgets no leader`() {
        var seat = Seat(1)
        seat.receive(message(2, 1, 1, heartbeat()))
        seat.turn(at: 250)
        let deadline = seat.raft.nextDeadline
        seat.receive(message(3, 1, 2, preVoteRequest(0, 0)))
        #expect(seat.raft.nextDeadline == deadline && seat.leader == 2 && seat.allWrites.count == 1)
    }

    @Test func `A refused vote moves no timer, a given one does`() {
        var seat = Seat(1, term: 1, log: entries([1]))
        let deadline = seat.raft.nextDeadline
        seat.turn(at: 200)
        seat.receive(message(3, 1, 2, voteRequest(0, 0)))
        #expect(seat.raft.nextDeadline == deadline)
        seat.receive(message(3, 1, 3, voteRequest(1, 1)))
        #expect(seat.raft.nextDeadline >= 450)
    }

    @Test func `A pre-candidate forgets its leader and grants pre-votes`() {
        var seat = Seat(1)
        seat.receive(message(2, 1, 1, heartbeat()))
        seat.passDeadline()
        #expect(seat.role == .preCandidate && seat.leader == nil)
        #expect(seat.receive(message(3, 1, 2, preVoteRequest(0, 0))).first?.body == preVoteResponse(2, true))
    }

    @Test func `Whoever speaks in a lower term is told the higher one`() {
        var seat = Seat(1, term: 7)
        let newer = [message(1, 2, 7, .newerTerm)]
        #expect(seat.receive(message(2, 1, 6, heartbeat())) == newer)
        #expect(seat.receive(message(2, 1, 6, append(after: 0, 0, [1]))) == newer)
        #expect(seat.receive(message(2, 1, 6, .leaderResigned)) == newer)
        #expect(seat.receive(message(2, 1, 6, voteRequest(5, 5))) == [message(1, 2, 7, voteResponse(6, false))])
        #expect(seat.receive(message(2, 1, 7, preVoteRequest(5, 5))) == [message(1, 2, 7, preVoteResponse(7, false))])
        #expect(
            seat.receive(message(2, 1, 6, .barrierRequest(.init(id: 3))))
                == [message(1, 2, 7, .barrierResponse(.init(id: 3, index: nil)))])
        #expect(seat.raft.lastIndex == .zero)
    }

    @Test func `An answer of a lower term is neither answered nor counted`() {
        var seat = Seat(1, term: 7)
        for body in [voteResponse(6, true), preVoteResponse(7, true), matched(3), .newerTerm] {
            #expect(seat.receive(message(2, 1, 6, body)).isEmpty)
        }
        #expect(seat.term == 7 && seat.allWrites.isEmpty)
    }

    /// Dropped, it would cost an election T: the asker could not win before the voter had stood itself.
    @Test func `A pre-vote of a member of a lower term is counted`() {
        var seat = Seat(1, term: 5)
        seat.passDeadline()
        #expect(seat.role == .preCandidate)
        seat.receive(message(2, 1, 3, preVoteResponse(5, true)))
        #expect(seat.role == .preCandidate)
        seat.receive(message(2, 1, 3, preVoteResponse(6, true)))
        #expect(seat.role == .candidate && seat.term == 6)
    }

    @Test(arguments: [voteResponse(3, false), preVoteResponse(3, false), matched(0), .newerTerm])
    func `A leader that meets a higher term follows it at once`(body: Message.Body) {
        var seat = Seat(1)
        seat.win(by: 2)
        seat.receive(message(3, 1, 8, body))
        #expect(seat.role == .follower && seat.term == 8 && seat.leader == nil)
        #expect(seat.allWrites.last?.hardState == HardState(term: Term(8), votedFor: nil))
    }

    /// The leader is partitioned away while a follower with an old log has a higher term, and one that still
    /// remembers the old leader has the longer log. Each needs the other's help: the one must learn the term
    /// from a refusal, the other must not refuse for the sake of a leader that it has stopped hearing.
    @Test func `Pre-vote and CheckQuorum do not block each other after a partition`() {
        var behind = Seat(2, term: 3, log: entries([1]), seed: 5)
        var ahead = Seat(3, term: 2, log: entries([1, 2]), seed: 6)
        ahead.receive(message(1, 3, 2, heartbeat()))
        behind.passDeadline()
        let refused = ahead.turn(at: ahead.raft.nextDeadline) { _ in }
        #expect(ahead.role == .preCandidate && ahead.leader == nil)
        #expect(refused.to(2).map(\.term) == [Term(3)])
        let answers = behind.receive(refused.to(2)[0])
        #expect(answers == [message(2, 3, 3, preVoteResponse(3, false))])
        ahead.receive(answers[0])
        #expect(ahead.term == 3 && ahead.role == .follower)
        let again = ahead.passDeadline()
        let granted = behind.receive(again.to(2)[0])
        #expect(granted == [message(2, 3, 3, preVoteResponse(4, true))])
        let asks = ahead.receive(granted[0])
        #expect(ahead.role == .candidate && ahead.term == 4)
        ahead.receive(behind.receive(asks.to(2)[0])[0])
        #expect(ahead.role == .leader)
    }

    @Test func `A restarted member of a low term helps to form a quorum`() {
        var stale = Seat(3, term: 1)
        #expect(stale.receive(message(2, 3, 9, preVoteRequest(4, 8))) == [message(3, 2, 1, preVoteResponse(9, true))])
        #expect(stale.receive(message(2, 3, 9, voteRequest(4, 8))) == [message(3, 2, 9, voteResponse(9, true))])
        stale.receive(message(2, 3, 9, heartbeat()))
        #expect(stale.term == 9 && stale.leader == 2)
    }

    @Test func `A member that does not vote does not stand`() {
        var members = voters(3).members
        members[0].role = .learner
        var learner = Seat(1, configuration: Configuration(members: members))
        #expect(learner.passDeadline().isEmpty && learner.role == .follower)
        var outsider = Seat(9)
        #expect(outsider.passDeadline().isEmpty && outsider.role == .follower)
    }

    @Test(arguments: [Configuration.Role.incoming, .outgoing])
    func `A voter of one half of a joint configuration can win both halves`(role: Configuration.Role) {
        var members = voters(4).members
        members[0].role = role
        var seat = Seat(1, configuration: Configuration(members: members))
        seat.passDeadline()
        seat.receive(message(2, 1, 0, preVoteResponse(1, true)))
        #expect(seat.role == .preCandidate, "two of four and one of three are no majorities")
        seat.receive(message(3, 1, 0, preVoteResponse(1, true)))
        #expect(seat.role == .candidate)
        seat.receive(message(2, 1, 1, voteResponse(1, true)), message(4, 1, 1, voteResponse(1, true)))
        #expect(seat.role == .leader)
        seat.receive(message(2, 1, 1, matched(1)))
        #expect(seat.committed.isEmpty)
        seat.receive(message(3, 1, 1, matched(1)))
        #expect(seat.committed.count == 1)
    }

    @Test func `Two leaders of one term are never both believed`() {
        var seat = Seat(1)
        seat.receive(message(2, 1, 1, heartbeat()))
        #expect(seat.receive(message(3, 1, 1, append(after: 0, 0, [1]))).isEmpty)
        #expect(seat.raft.contradictionsCount == 1 && seat.raft.lastIndex == .zero && seat.leader == 2)
        var leader = Seat(1)
        leader.win(by: 2)
        #expect(leader.receive(message(3, 1, 1, heartbeat())).isEmpty)
        #expect(leader.role == .leader && leader.raft.contradictionsCount == 1)
    }
}
