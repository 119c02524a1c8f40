import ConcordBytes
import ConcordRaft
import Testing

/// The three traces by which D. Ongaro showed that changes of single servers were unsafe before the first entry of the
/// leader's term is committed (raft-dev, July 2015): a leader changes the members, is cut off, another one changes them
/// otherwise, and the first comes back. With his rule, and by joint consensus, the second leader's change cannot be
/// committed by a quorum that does not know the first one's; here both are tried.
@Suite struct RaftDevTraceTests {
    struct Trace: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// The voters before either change.
        var before: [UInt128]
        /// What each of two leaders would make of them.
        var first: [UInt128]
        var second: [UInt128]
    }

    static let traces = [
        Trace(
            testDescription: "one is added, one is removed", before: [1, 2, 3, 4], first: [1, 2, 3, 4, 5],
            second: [2, 3, 4]),
        Trace(
            testDescription: "one is added, another one is added", before: [1, 2, 3, 4], first: [1, 2, 3, 4, 5],
            second: [1, 2, 3, 4, 6]),
        Trace(
            testDescription: "one is removed, another one is removed", before: [1, 2, 3, 4, 5], first: [1, 2, 3, 4],
            second: [2, 3, 4, 5]),
    ]

    private static func joint(_ before: [UInt128], _ after: [UInt128], intent: UInt64) -> Configuration {
        let all = Set(before).union(after).sorted()
        return MembershipTests.configuration(
            all.map { id in
                (id, before.contains(id) ? (after.contains(id) ? .voter : .outgoing) : .incoming)
            }, intent: intent)
    }

    @Test(arguments: traces) func `No quorum of the one change is without a member of every quorum of the other`(
        trace: Trace
    ) {
        let one = RaftDevTraceTests.joint(trace.before, trace.first, intent: 1)
        let other = RaftDevTraceTests.joint(trace.before, trace.second, intent: 2)
        let ids = Set(trace.before + trace.first + trace.second).sorted()
        for code in 0..<(1 << ids.count) {
            func agrees(_ id: MemberID) -> Bool { code >> (ids.firstIndex(of: id.rawValue) ?? 0) & 1 == 1 }
            #expect(!one.hasQuorum(where: agrees) || !other.hasQuorum { !agrees($0) }, "\(code)")
        }
    }

    /// Leader 1 appends its change and is cut off; leader 2 wins by the old members and must commit an entry of its own
    /// term before it may append another change. Then leader 1 cannot win any more, by whatever members it counts.
    @Test(arguments: traces) func `The leader that comes back cannot win against what was committed since`(trace: Trace)
    {
        let configuration = MembershipTests.configuration(trace.before.map { ($0, .voter) }, intent: 0)
        var leader = Seat(1, term: 1, log: entries([1]), configuration: configuration)
        leader.win(by: 2)
        leader = Seat(
            1, term: 2,
            log: entries([1]) + [
                MembershipTests.entry(2, 2, RaftDevTraceTests.joint(trace.before, trace.first, intent: 1))
            ],
            configuration: configuration)
        // Member 2 led term 3: a majority of the old members holds its first entry, and thus something newer.
        let holders = Set(trace.before.filter { $0 != 1 }.prefix(trace.before.count / 2 + 1))
        leader.passDeadline()
        var won = false
        for voter in Set(trace.before + trace.first) where voter != 1 {
            var seat = Seat(
                voter, term: 3, log: holders.contains(voter) ? entries([1, 3]) : entries([1]),
                configuration: configuration)
            let answers = seat.receive(message(1, voter, 4, voteRequest(2, 2)))
            for answer in answers where answer.body == voteResponse(4, true) {
                #expect(!holders.contains(voter))
                leader.receive(message(voter, 1, 2, preVoteResponse(3, true)))
            }
            won = won || leader.role == .candidate
        }
        #expect(!won, "\(trace) is won by the leader that was cut off")
    }

    @Test func `A change is appended only once an entry of the leader's own term is committed`() {
        var seat = Seat(1, term: 1, log: entries([1]))
        seat.win(by: 2)
        #expect(seat.raft.leadershipStart == LogIndex(2))
        #expect(seat.raft.commitIndex < LogIndex(2))
        seat.receive(message(2, 1, 2, matched(2)))
        #expect(seat.raft.commitIndex == LogIndex(2))
        let learning = MembershipTests.configuration([(1, .voter), (2, .voter), (3, .voter), (4, .learner)])
        seat.turn { #expect($0.propose(learning) == .accepted(index: LogIndex(3), term: Term(2))) }
    }
}
