import ConcordRaft
import Testing

/// A member whose log lacks what it had.
struct DoubtTests {
    private func doubtful(
        _ terms: [UInt64], term: UInt64 = 4, claim: LastEntry? = nil, isDamage: Bool = false, members: Int = 3
    ) -> Seat {
        let doubt = Doubt(term: Term(term), claim: claim, isDamage: isDamage)
        return Seat(
            1,
            restored: RestoredLog(
                hardState: HardState(term: Term(term), votedFor: nil, doubt: doubt),
                initialConfiguration: voters(members), entries: entries(terms)))
    }

    private func last(_ term: UInt64, _ index: UInt64) -> LastEntry {
        LastEntry(term: Term(term), index: LogIndex(index))
    }

    /// The answer of a member whose configuration is the same.
    private func answer(
        of member: UInt128, _ term: UInt64, _ last: LastEntry, doubtful: Bool = false, to seat: Seat
    ) -> Message {
        var other = Seat(
            member,
            restored: RestoredLog(
                hardState: HardState(term: Term(term), votedFor: nil),
                initialConfiguration: seat.raft.configuration, entries: []))
        let answers = other.receive(message(1, member, term, .doubtInquiry))
        guard case .doubtAnswer(var answer)? = answers.first?.body else {
            Issue.record("an inquiry got no answer")
            return message(member, 1, term, .newerTerm)
        }
        (answer.last, answer.isDoubtful) = (last, doubtful)
        return message(member, 1, term, .doubtAnswer(answer))
    }

    private func grants(_ seat: inout Seat, _ candidate: UInt128, _ term: UInt64, _ last: LastEntry) -> Bool {
        let request = voteRequest(last.index.rawValue, last.term.rawValue)
        return seat.receive(message(candidate, 1, term, request)).contains { $0.body == voteResponse(term, true) }
    }

    @Test func `Not knowing how far its log went, it votes for nobody and does not stand`() {
        var seat = doubtful([1, 1, 2])
        #expect(seat.raft.isDoubtful)
        #expect(!grants(&seat, 2, 5, last(4, 1000)))
        #expect(
            seat.receive(message(2, 1, 6, preVoteRequest(1000, 4))).contains { $0.body == preVoteResponse(6, false) })
        for _ in 0..<20 {
            let sent = seat.passDeadline()
            #expect(sent.allSatisfy { $0.body == .doubtInquiry })
        }
        #expect(seat.role == .follower)
    }

    @Test func `Knowing how far its log went, it votes as if it still had it`() {
        var seat = doubtful([1, 1, 2], claim: last(3, 6))
        #expect(!grants(&seat, 2, 5, last(3, 5)), "an entry that this member acknowledged may be missing there")
        #expect(!grants(&seat, 2, 6, last(2, 90)))
        #expect(grants(&seat, 2, 7, last(3, 6)))
        #expect(seat.raft.isDoubtful, "a vote fetches nothing")
    }

    @Test func `It does not stand with less than it had`() {
        var seat = doubtful([1, 1, 2], claim: last(3, 6))
        for _ in 0..<10 { seat.passDeadline() }
        #expect(seat.role == .follower && seat.term == 4)
    }

    @Test func `It asks all others, in a term above those in which it was counted`() {
        var seat = doubtful([1, 1, 2], members: 5)
        let asked = seat.turn(at: 10)
        #expect(asked.filter { $0.body == .doubtInquiry }.map(\.to.rawValue) == [2, 3, 4, 5])
        #expect(asked.allSatisfy { $0.term == Term(4) })
        #expect(seat.turn(at: 11).isEmpty, "not in every turn")
        #expect(!seat.turn(at: 70).isEmpty, "but again, as long as it is in doubt")
    }

    @Test func `Whoever is asked adopts the term durably before it answers`() {
        var leader = Seat(2, term: 1, log: entries([1]))
        leader.win(by: 3)
        leader.diskIsHeld = true
        #expect(leader.receive(message(1, 2, 9, .doubtInquiry)).allSatisfy { $0.term < Term(9) })
        #expect(leader.role == .follower && leader.term == 9)
        let answers = leader.finishWrites()
        #expect(
            answers.contains { if case .doubtAnswer(let answer) = $0.body { answer.last == last(2, 2) } else { false } }
        )
    }

    @Test func `An entry of a later leader's term ends the doubt, once it is durable`() {
        var seat = doubtful([1, 1, 2])
        seat.diskIsHeld = true
        seat.receive(message(2, 1, 5, append(after: 3, 2, [3, 3])))
        seat.receive(message(2, 1, 5, append(after: 5, 3, [5])))
        #expect(seat.raft.isDoubtful)
        _ = seat.finishWrites()
        #expect(!seat.raft.isDoubtful)
        seat.diskIsHeld = false
        // Until then it stands by the leader that it heard.
        seat.turn(at: 300)
        #expect(grants(&seat, 3, 7, last(5, 6)))
        #expect(seat.allWrites.compactMap(\.hardState).last?.doubt == nil, "and it is forgotten with the next vote")
    }

    @Test func `Old entries of a later leader do not end it`() {
        var seat = doubtful([1, 1, 2])
        let answers = seat.receive(message(2, 1, 5, append(after: 3, 2, [3, 3])))
        #expect(answers.appendResults == [.matched(LogIndex(5))], "they count only with one of the leader's own term")
        #expect(seat.raft.isDoubtful)
        #expect(!grants(&seat, 3, 6, last(3, 9)))
        #expect(seat.allWrites.compactMap(\.hardState).last?.doubt != nil)
    }

    @Test func `When all others have answered, the best of their logs is enough`() {
        var seat = doubtful([1, 1, 2])
        seat.receive(answer(of: 2, 4, last(3, 5), to: seat))
        #expect(!grants(&seat, 2, 5, last(3, 5)), "one has not answered")
        seat.receive(answer(of: 3, 5, last(3, 7), to: seat))
        #expect(!grants(&seat, 2, 6, last(3, 6)))
        #expect(grants(&seat, 3, 7, last(3, 7)))
    }

    @Test func `An answer of a member that is in doubt itself is never a no`() {
        var seat = doubtful([1, 1, 2], claim: last(3, 6), isDamage: true)
        seat.receive(answer(of: 2, 4, last(2, 3), doubtful: true, to: seat))
        seat.receive(answer(of: 3, 4, last(2, 4), to: seat))
        #expect(!grants(&seat, 3, 5, last(2, 4)), "this member and the other may have committed what both have lost")
        #expect(grants(&seat, 3, 6, last(3, 6)))
    }

    @Test func `What no quorum can have held is given up`() {
        var seat = doubtful([1, 1, 2], claim: last(3, 6), isDamage: true)
        seat.receive(answer(of: 2, 4, last(2, 5), to: seat))
        seat.receive(answer(of: 3, 4, last(2, 4), to: seat))
        #expect(grants(&seat, 2, 5, last(2, 5)))
    }

    /// A final configuration, and what came after it, needs the new half alone.
    @Test func `What one half of a joint configuration may have committed is not given up`() {
        func member(_ id: UInt128, _ role: Configuration.Role) -> Configuration.Member {
            Configuration.Member(id: MemberID(id), name: "m\(id)", peerAddress: "m\(id):1", role: role)
        }
        let joint = Configuration(members: [
            member(1, .voter), member(2, .outgoing), member(3, .outgoing), member(4, .incoming), member(5, .incoming),
        ])
        let doubt = Doubt(term: Term(4), claim: last(3, 6), isDamage: true)
        for (other, isLost) in [(UInt128(4), true), (2, true), (0, false)] {
            var seat = Seat(
                1,
                restored: RestoredLog(
                    hardState: HardState(term: Term(4), votedFor: nil, doubt: doubt), initialConfiguration: joint,
                    entries: entries([1, 1, 2])))
            for id in 2...5 as ClosedRange<UInt128> {
                seat.receive(answer(of: id, 4, last(2, 4), doubtful: id == other, to: seat))
            }
            #expect(seat.raft.isLossBeyondRepair == isLost, "with \(other)")
            #expect(grants(&seat, 3, 5, last(2, 4)) == !isLost, "with \(other)")
        }
    }

    @Test func `After a power cut of all, the writes that were cut short hold nobody up`() {
        var seat = doubtful([1, 1, 2], claim: last(3, 6))
        seat.receive(answer(of: 2, 4, last(2, 3), doubtful: true, to: seat))
        seat.receive(answer(of: 3, 4, last(2, 3), doubtful: true, to: seat))
        seat.passDeadline()
        while seat.role == .follower { seat.passDeadline() }
        #expect(seat.role == .preCandidate)
        #expect(grants(&seat, 2, 5, last(2, 3)))
    }

    @Test func `Another configuration than its own leaves the question open`() {
        var seat = doubtful([1, 1, 2])
        seat.receive(answer(of: 2, 4, last(3, 5), to: seat))
        let other = Message.DoubtAnswer(last: last(3, 5), isDoubtful: false, configuration: 1)
        seat.receive(message(3, 1, 4, .doubtAnswer(other)))
        #expect(!grants(&seat, 2, 5, last(3, 9)))
    }
}
