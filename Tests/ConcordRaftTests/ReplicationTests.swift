import ConcordBytes
import ConcordRaft
import Testing

/// The log: what followers accept, what leaders commit.
struct ReplicationTests {
    /// Dissertation figure 3.6 (paper figure 7): the leader of term 8 and six ways for a log to differ from it.
    @Test(
        arguments: [
            [1, 1, 1, 4, 4, 5, 5, 6, 6],
            [1, 1, 1, 4],
            [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
            [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
            [1, 1, 1, 4, 4, 4, 4],
            [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
        ] as [[UInt64]])
    func `Every log of figure 7 becomes the leader's`(log: [UInt64]) {
        let leaderLog: [UInt64] = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6]
        var leader = Seat(1, term: 7, log: entries(leaderLog))
        var follower = Seat(2, term: 7, log: entries(log))
        var towards = leader.win(by: 3).to(2)
        var exchanges = 0
        while !towards.isEmpty, exchanges < 20 {
            exchanges += 1
            let answers = towards.flatMap { follower.receive($0) }
            towards = answers.flatMap { leader.receive($0) }.to(2)
        }
        #expect(follower.terms == leaderLog + [8])
        #expect(follower.raft.commitIndex == LogIndex(11))
        #expect(exchanges <= 6, "whole terms are passed over at once")
        #expect(leader.raft.progress(now: leader.now)[1].matchIndex == LogIndex(11))
    }

    /// Dissertation figure 3.7 (paper figure 8).
    @Test func `An entry of an earlier term is not committed by counting, but with the first of the own term`() {
        var leader = Seat(1, of: 5, term: 3, log: entries([1, 2]))
        leader.passDeadline()
        leader.receive(message(2, 1, 3, preVoteResponse(4, true)), message(3, 1, 3, preVoteResponse(4, true)))
        leader.receive(message(2, 1, 4, voteResponse(4, true)), message(3, 1, 4, voteResponse(4, true)))
        #expect(leader.terms == [1, 2, 4])
        leader.receive(message(2, 1, 4, matched(2)), message(3, 1, 4, matched(2)))
        #expect(leader.raft.commitIndex == .zero && leader.committed.isEmpty, "three of five hold index 2")
        leader.receive(message(2, 1, 4, matched(3)))
        #expect(leader.raft.commitIndex == .zero)
        leader.receive(message(3, 1, 4, matched(3)))
        #expect(leader.committed.map(\.index.rawValue) == [1, 2, 3])
    }

    @Test func `A late or repeated append never shortens the log`() {
        var seat = Seat(1)
        let first = message(2, 1, 1, append(after: 0, 0, [1, 1]))
        let second = message(2, 1, 1, append(after: 2, 1, [1, 1], commit: 4))
        for sent in [first, second, first, second, first] { seat.receive(sent) }
        #expect(seat.terms == [1, 1, 1, 1])
        #expect(seat.committed.map(\.index.rawValue) == [1, 2, 3, 4])
        #expect(seat.allWrites.flatMap(\.entries).count == 4, "nothing is written twice")
    }

    @Test func `A conflict removes the entry and all behind it`() {
        var seat = Seat(1, term: 3, log: entries([1, 2, 2, 2, 3]))
        seat.receive(message(2, 1, 4, append(after: 1, 1, [4])))
        #expect(seat.terms == [1, 4])
        #expect(seat.allWrites.flatMap(\.entries).map(\.index.rawValue) == [2])
    }

    @Test func `An append that proves nothing removes nothing and commits nothing`() {
        var seat = Seat(1, term: 3, log: entries([1, 2, 3]))
        let left = seat.receive(message(2, 1, 4, append(after: 3, 4, [], commit: 3)))
        #expect(
            left.appendResults == [.conflict(previousIndex: LogIndex(3), hintIndex: LogIndex(3), hintTerm: Term(3))])
        #expect(seat.terms == [1, 2, 3] && seat.raft.commitIndex == .zero)
    }

    @Test func `A refusal says how far the logs can agree at best`() {
        var seat = Seat(1, term: 6, log: entries([1, 4, 4, 4, 6, 6]))
        let behind = seat.receive(message(2, 1, 7, append(after: 9, 5)))
        #expect(
            behind.appendResults == [.conflict(previousIndex: LogIndex(9), hintIndex: LogIndex(4), hintTerm: Term(4))])
        let within = seat.receive(message(2, 1, 7, append(after: 5, 3)))
        #expect(
            within.appendResults == [.conflict(previousIndex: LogIndex(5), hintIndex: LogIndex(1), hintTerm: Term(1))])
        var fresh = Seat(3, term: 6)
        #expect(
            fresh.receive(message(2, 3, 7, append(after: 5, 3))).appendResults
                == [.conflict(previousIndex: LogIndex(5), hintIndex: .zero, hintTerm: .zero)])
    }

    @Test func `Commit goes as far as the append proves and as the leader says, whichever is less`() {
        var seat = Seat(1, term: 1, log: entries([1, 1, 1, 1, 1]))
        seat.receive(message(2, 1, 2, append(after: 2, 1, [], commit: 5)))
        #expect(seat.raft.commitIndex == LogIndex(2), "what stands behind index 2 may be an old leader's")
        seat.receive(message(2, 1, 2, append(after: 2, 1, [1], commit: 5)))
        #expect(seat.raft.commitIndex == LogIndex(3))
        seat.receive(message(2, 1, 2, append(after: 3, 1, [2, 2], commit: 4)))
        #expect(seat.raft.commitIndex == LogIndex(4))
        seat.receive(message(2, 1, 2, append(after: 5, 2, [], commit: 3)))
        #expect(seat.raft.commitIndex == LogIndex(4), "never back")
        #expect(seat.committed.map(\.term.rawValue) == [1, 1, 1, 2])
    }

    @Test func `A commit index beyond the follower's log does not lead beyond it`() {
        var seat = Seat(1)
        seat.receive(message(2, 1, 1, append(after: 0, 0, [1], commit: 1_000_000)))
        #expect(seat.raft.commitIndex == LogIndex(1) && seat.committed.count == 1)
    }

    @Test func `No heartbeat, vote or barrier moves the commit index`() {
        var seat = Seat(1, term: 1, log: entries([1, 1]))
        seat.receive(
            message(2, 1, 2, heartbeat(round: 1 << 40, clock: 99)),
            message(2, 1, 2, .barrierResponse(.init(id: 1, index: LogIndex(2)))))
        #expect(seat.raft.commitIndex == .zero && seat.raft.clusterClock == 99)
    }

    @Test func `What is committed is never taken back, whatever an append says`() {
        var seat = Seat(1)
        seat.receive(message(2, 1, 1, append(after: 0, 0, [1, 1, 1], commit: 3)))
        for body in [append(after: 1, 1, [4]), append(after: 0, 0, [4, 4, 4, 4]), append(after: 2, 4, [4])] {
            #expect(seat.receive(message(3, 1, 5, body)).appendResults.isEmpty)
        }
        #expect(seat.terms == [1, 1, 1] && seat.raft.contradictionsCount == 3)
    }

    @Test func `An append from before the committed prefix is no conflict`() {
        var seat = Seat(1)
        seat.receive(message(2, 1, 1, append(after: 0, 0, [1, 1, 1], commit: 3)))
        let left = seat.receive(message(2, 1, 1, append(after: 0, 0, [1])))
        #expect(left.appendResults == [.matched(LogIndex(3))], "all that is committed equals the leader's log")
        let further = seat.receive(message(2, 1, 1, append(after: 1, 1, [1, 1, 1])))
        #expect(further.appendResults == [.matched(LogIndex(4))])
        #expect(seat.terms == [1, 1, 1, 1])
    }

    @Test func `Appends of one turn are answered once`() {
        var seat = Seat(1)
        let left = seat.receive(
            message(2, 1, 1, append(after: 0, 0, [1])), message(2, 1, 1, append(after: 1, 1, [1, 1], round: 2)))
        #expect(left.appendResults == [.matched(LogIndex(3))])
        #expect(seat.allWrites.count == 1)
    }

    @Test func `A leader sends on without waiting, up to a limit, and goes on when answers come`() {
        var leader = Seat(1, of: 2)
        leader.win(by: 2)
        leader.receive(message(2, 1, 1, matched(1)))
        var sent: [Message.AppendRequest] = []
        for number in 0..<(RaftLimits.inflightMessagesMax + 20) {
            sent += leader.turn { _ = $0.propose([UInt8(number)]) }.appends.filter { !$0.entries.isEmpty }
        }
        #expect(sent.count == RaftLimits.inflightMessagesMax)
        #expect(sent.map(\.previousIndex.rawValue) == (1...UInt64(sent.count)).map { $0 })
        let more = leader.receive(message(2, 1, 1, matched(UInt64(sent.count) + 1))).appends
        #expect(more.map(\.entries.count) == [20])
    }

    @Test func `A message carries a limited number of bytes, and a larger entry travels alone`() {
        var leader = Seat(1, of: 2)
        leader.win(by: 2)
        leader.receive(message(2, 1, 1, matched(1)))
        let left = leader.turn { raft in
            for bytes in [400_000, 400_000, 400_000, 3_000_000, 10] {
                _ = raft.propose([UInt8](repeating: 1, count: bytes))
            }
        }
        #expect(left.appends.map(\.entries.count) == [2, 1, 1])
        #expect(left.appends.flatMap(\.entries).map(\.index.rawValue) == [2, 3, 4, 5], "then the limit under way")
        for sent in left {
            var writer = ByteWriter()
            sent.encode(into: &writer)
            var reader = ByteReader(writer.bytes)
            #expect((try? Message(decoding: &reader)) == sent)
        }
    }

    @Test func `Too many uncommitted bytes are refused, and accepted again when they are committed`() {
        var leader = Seat(1)
        leader.win(by: 2)
        let large = [UInt8](repeating: 0, count: RaftLimits.payloadBytesMax - 100)
        var accepted = 0
        leader.turn { raft in
            while accepted < 10, case .accepted = raft.propose(large) { accepted += 1 }
            #expect(raft.propose([1]) != .overloaded)
            #expect(raft.propose(large) == .overloaded)
        }
        #expect(accepted == 4)
        leader.receive(message(2, 1, 1, matched(4)))
        leader.turn { #expect($0.propose(large) != .overloaded) }
    }

    @Test func `Only a leader takes proposals`() {
        var seat = Seat(1)
        seat.turn { #expect($0.propose([1]) == .notLeader) }
        seat.passDeadline()
        seat.turn { #expect($0.propose([1]) == .notLeader) }
        seat.receive(message(2, 1, 0, preVoteResponse(1, true)))
        #expect(seat.role == .candidate)
        seat.turn { #expect($0.propose([1]) == .notLeader) }
        seat.receive(message(2, 1, 1, voteResponse(1, true)))
        seat.turn { #expect($0.propose([1]) == .accepted(index: LogIndex(2), term: Term(1))) }
        #expect(seat.raft.lastIndex == LogIndex(2))
    }

    @Test func `Followers learn at once what was committed, and only once`() {
        var leader = Seat(1)
        leader.win(by: 2)
        leader.receive(message(2, 1, 1, matched(1)), message(3, 1, 1, matched(1)))
        leader.turn { _ = $0.propose([1]) }
        let left = leader.receive(message(2, 1, 1, matched(2)))
        #expect(left.to(2).appends.map(\.commit.rawValue) == [2] && left.to(3).appends.map(\.commit.rawValue) == [2])
        #expect(left.appends.allSatisfy { $0.entries.isEmpty } && left.count == 2)
        #expect(leader.receive(message(3, 1, 1, matched(2))).isEmpty)
    }

    @Test func `A follower that has everything gets one message a heartbeat, that tells the commit again`() {
        var leader = Seat(1)
        leader.win(by: 2)
        leader.receive(message(2, 1, 1, matched(1)), message(3, 1, 1, matched(1)))
        for _ in 0..<3 {
            let left = leader.turn(at: leader.now + 50)
            #expect(left.count == 2 && left.appends.map(\.commit.rawValue) == [1, 1])
        }
    }

    @Test func `A new commit travels with new entries where there are some`() {
        var leader = Seat(1)
        leader.win(by: 2)
        leader.receive(message(2, 1, 1, matched(1)), message(3, 1, 1, matched(1)))
        leader.turn { _ = $0.propose([1]) }
        let left = leader.turn { raft in
            raft.receive(message(2, 1, 1, matched(2)))
            _ = raft.propose([2])
        }
        #expect(left.count == 2)
        #expect(left.appends.map(\.entries.count) == [1, 1] && left.appends.map(\.commit.rawValue) == [2, 2])
    }

    @Test func `A follower whose probe was lost is asked again at the next heartbeat`() {
        var leader = Seat(1)
        leader.win(by: 2)
        #expect(leader.turn { _ = $0.propose([1]) }.to(2).isEmpty, "one probe at a time")
        let again = leader.turn(at: leader.now + 50).to(2).appends
        #expect(again.map(\.previousIndex.rawValue) == [0] && again[0].entries.isEmpty)
        let on = leader.receive(message(2, 1, 1, matched(0))).to(2).appends
        #expect(on.flatMap(\.entries).count == 2)
    }

    @Test func `Entries and commits that a broken connection swallowed are sent again`() {
        var leader = Seat(1, of: 2)
        leader.win(by: 2)
        leader.receive(message(2, 1, 1, matched(1)))
        var follower = Seat(2, of: 2)
        follower.receive(message(1, 2, 1, append(after: 0, 0, [1])))
        for number in UInt8(0)..<5 { leader.turn { _ = $0.propose([number]) } }
        var rounds = 0
        while follower.raft.commitIndex < LogIndex(6), rounds < 10 {
            rounds += 1
            let left = leader.turn(at: leader.now + 50)
            for sent in left {
                for answer in follower.receive(sent) {
                    for next in leader.receive(answer) { for last in follower.receive(next) { leader.receive(last) } }
                }
            }
        }
        #expect(rounds <= 3 && follower.terms == [1, 1, 1, 1, 1, 1])
    }

    @Test func `An old refusal does not take a follower back`() {
        var leader = Seat(1, of: 2, term: 1, log: entries([1, 1, 1]))
        leader.win(by: 2)
        let refusal = message(
            2, 1, 2,
            .appendResponse(
                .init(
                    result: .conflict(previousIndex: LogIndex(3), hintIndex: LogIndex(1), hintTerm: Term(1)), round: 1))
        )
        #expect(leader.receive(refusal).appends.map(\.previousIndex.rawValue) == [1])
        leader.receive(message(2, 1, 2, matched(4)))
        #expect(leader.receive(refusal).isEmpty)
        #expect(leader.raft.progress(now: leader.now)[1].nextIndex == LogIndex(5))
    }

    @Test func `An acknowledgement of what the leader does not hold is not believed`() {
        var leader = Seat(1)
        leader.win(by: 2)
        leader.receive(message(2, 1, 1, matched(50)))
        #expect(leader.raft.commitIndex == .zero && leader.raft.contradictionsCount == 1)
    }

    @Test func `An old leader never sends its entries in a term that it did not win`() {
        var seat = Seat(1)
        seat.win(by: 2)
        seat.receive(message(2, 1, 1, matched(1)), message(3, 1, 1, matched(1)))
        let left = seat.turn { raft in
            _ = raft.propose([1])
            raft.receive(message(3, 1, 2, heartbeat()))
        }
        #expect(left.appends.isEmpty && seat.terms == [1, 1] && seat.leader == 3)
    }

    @Test func `A configuration holds from its append on, and no longer when it is replaced`() {
        var writer = ByteWriter()
        let wider = Configuration(members: voters(4).members, intent: 7)
        wider.encode(into: &writer)
        var seat = Seat(1)
        let entry = Entry(index: LogIndex(1), term: Term(1), clock: 0, kind: .configuration, payload: writer.bytes)
        let request = Message.AppendRequest(
            previousIndex: .zero, previousTerm: .zero, commit: .zero, round: 1, clusterClock: 0, entries: [entry])
        seat.receive(message(2, 1, 1, .append(request)))
        #expect(seat.raft.configuration == wider)
        seat.receive(message(3, 1, 2, append(after: 0, 0, [2])))
        #expect(seat.raft.configuration == voters(3))
    }

    @Test func `The cluster clock goes on from the highest seen, in entries and heartbeats`() {
        var seat = Seat(1)
        seat.receive(message(2, 1, 1, heartbeat(clock: 5_000)))
        seat.win(by: 3)
        #expect(seat.raft.clusterClock == 5_000)
        seat.turn(at: seat.now + 40) { _ = $0.propose([1]) }
        seat.receive(message(2, 1, 2, matched(2)))
        #expect(seat.committed.map(\.clock) == [5_000, 5_040])
        #expect(seat.raft.clusterClock == 5_040)
    }
}
