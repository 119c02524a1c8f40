import ConcordBytes
import ConcordRaft
import Testing

/// Changes of membership in the core: who is counted, who may stand, who is told, who catches up.
@Suite struct MembershipTests {
    static func configuration(_ roles: [(UInt128, Configuration.Role)], intent: UInt64 = 1) -> Configuration {
        Configuration(
            members: roles.map {
                Configuration.Member(id: MemberID($0.0), name: "m\($0.0)", peerAddress: "h\($0.0):1", role: $0.1)
            }, intent: intent)
    }

    static func entry(_ index: UInt64, _ term: UInt64, _ configuration: Configuration) -> Entry {
        Entry(
            index: LogIndex(index), term: Term(term), clock: 0, kind: .configuration, payload: configuration.payload)
    }

    /// Member 1 leads term 1, and its first entry is committed by the acknowledgement of member 2.
    private static func leader(of members: Int = 3) -> Seat {
        var seat = Seat(1, of: members)
        seat.win(by: 2)
        seat.receive(message(2, 1, 1, matched(1)))
        precondition(members < 2 || seat.raft.commitIndex == LogIndex(1), "the first entry was to be committed")
        return seat
    }

    // MARK: Rules

    @Test func `Voters change by a joint configuration only, learners as they like`() {
        let three = MembershipTests.configuration([(1, .voter), (2, .voter), (3, .voter)])
        let learning = MembershipTests.configuration([(1, .voter), (2, .voter), (3, .voter), (4, .learner)])
        let joint = MembershipTests.configuration([(1, .outgoing), (2, .voter), (3, .voter), (4, .incoming)])
        let final = MembershipTests.configuration([(2, .voter), (3, .voter), (4, .voter)])
        #expect(three.mayBeFollowed(by: learning) && learning.mayBeFollowed(by: three))
        #expect(learning.mayBeFollowed(by: joint) && joint.mayBeFollowed(by: final))
        #expect(!three.mayBeFollowed(by: final) && !learning.mayBeFollowed(by: final))
        #expect(!joint.mayBeFollowed(by: three) && !joint.mayBeFollowed(by: joint) && !final.mayBeFollowed(by: joint))
    }

    @Test func `A configuration that its term may not have yet is our own mistake`() async {
        await #expect(processExitsWith: .failure) {
            var seat = Seat(1)
            seat.win(by: 2)
            seat.turn { _ = $0.propose(MembershipTests.configuration([(1, .voter), (2, .voter), (3, .voter)])) }
        }
        await #expect(processExitsWith: .failure) {
            var seat = MembershipTests.leader()
            seat.turn { _ = $0.propose(MembershipTests.configuration([(1, .voter), (2, .voter)])) }
        }
    }

    // MARK: Counting

    @Test func `A joint configuration holds as soon as it is in the log`() {
        var seat = MembershipTests.leader()
        let joint = MembershipTests.configuration([
            (1, .voter), (2, .voter), (3, .outgoing), (4, .incoming), (5, .incoming),
        ])
        seat.turn { _ = $0.propose(joint) }
        seat.receive(message(2, 1, 1, matched(2)))
        #expect(seat.raft.commitIndex == LogIndex(1), "the old half agrees, two of four of the new do not suffice")
        seat.receive(message(4, 1, 1, matched(2)))
        #expect(seat.raft.commitIndex == LogIndex(2))
    }

    @Test func `An acknowledgement of a learner counts for nothing`() {
        var seat = MembershipTests.leader()
        seat.turn {
            _ = $0.propose(MembershipTests.configuration([(1, .voter), (2, .voter), (3, .voter), (4, .learner)]))
        }
        seat.receive(message(4, 1, 1, matched(2)))
        #expect(seat.raft.commitIndex == LogIndex(1))
        seat.receive(message(2, 1, 1, matched(2)))
        #expect(seat.raft.commitIndex == LogIndex(2))
    }

    @Test func `A learner never stands, and its vote counts for nothing`() {
        let four = MembershipTests.configuration([(1, .voter), (2, .voter), (3, .voter), (4, .learner)])
        var learner = Seat(4, configuration: four)
        for _ in 0..<5 { #expect(learner.passDeadline().isEmpty) }
        #expect(learner.role == .follower && learner.term == 0)
        var voter = Seat(1, configuration: four)
        #expect(voter.passDeadline().to(4).isEmpty)
        voter.receive(message(4, 1, 0, preVoteResponse(1, true)))
        #expect(voter.role == .preCandidate)
        voter.receive(message(2, 1, 0, preVoteResponse(1, true)))
        voter.receive(message(4, 1, 1, voteResponse(1, true)))
        #expect(voter.role == .candidate)
    }

    /// Reliability row 13: a candidate that is in one half only must still vote for itself there.
    @Test func `Who votes in the old half only can win by it, with a majority of the new half`() {
        let joint = MembershipTests.configuration(
            [(1, .outgoing), (2, .outgoing), (3, .voter), (4, .incoming), (5, .incoming)])
        var seat = Seat(1, term: 1, log: [MembershipTests.entry(1, 1, joint)], configuration: voters(3))
        seat.passDeadline()
        for voter in [3, 4] as [UInt128] { seat.receive(message(voter, 1, 1, preVoteResponse(2, true))) }
        #expect(seat.role == .candidate)
        seat.receive(message(3, 1, 2, voteResponse(2, true)))
        #expect(seat.role == .candidate, "two of three of the old half, one of three of the new")
        seat.receive(message(4, 1, 2, voteResponse(2, true)))
        #expect(seat.role == .leader)
    }

    /// Reliability row 6.
    @Test func `Votes and acknowledgements from outside of the configuration are not counted`() {
        var seat = Seat(1)
        seat.passDeadline()
        for stranger in 7...9 as ClosedRange<UInt128> {
            seat.receive(message(stranger, 1, 0, preVoteResponse(1, true)))
        }
        #expect(seat.role == .preCandidate)
        seat.receive(message(2, 1, 0, preVoteResponse(1, true)))
        for stranger in 7...9 as ClosedRange<UInt128> { seat.receive(message(stranger, 1, 1, voteResponse(1, true))) }
        #expect(seat.role == .candidate)
        seat.receive(message(2, 1, 1, voteResponse(1, true)))
        #expect(seat.role == .leader)
        for stranger in 7...9 as ClosedRange<UInt128> { seat.receive(message(stranger, 1, 1, matched(1))) }
        #expect(seat.raft.commitIndex == .zero)
    }

    @Test func `A leader that is in touch with one half of a joint configuration only steps down`() {
        var seat = MembershipTests.leader()
        seat.turn {
            _ = $0.propose(
                MembershipTests.configuration(
                    [(1, .voter), (2, .outgoing), (3, .outgoing), (4, .incoming), (5, .incoming)]))
        }
        for _ in 0..<20 where seat.role == .leader {
            let rounds = seat.turn(at: seat.now + 50).rounds + [0]
            seat.receive(message(2, 1, 1, .heartbeatResponse(.init(round: rounds.max() ?? 0))))
        }
        #expect(seat.role == .follower)
    }

    // MARK: Truncation

    /// Reliability rows 72 and 74.
    @Test func `A configuration that is overwritten holds no longer, and two of them neither`() {
        let (first, second) = (
            MembershipTests.configuration([(1, .voter), (2, .voter), (3, .voter), (4, .learner)]),
            MembershipTests.configuration([(1, .voter), (2, .voter), (3, .outgoing), (4, .incoming)])
        )
        var seat = Seat(
            1, term: 2, log: entries([1]) + [MembershipTests.entry(2, 2, first), MembershipTests.entry(3, 2, second)])
        #expect(seat.raft.configuration == second && seat.raft.configurationIndex == LogIndex(3))
        seat.receive(message(2, 1, 3, append(after: 2, 2, [3])))
        #expect(seat.raft.configuration == first)
        seat.receive(message(2, 1, 4, append(after: 1, 1, [4])))
        #expect(seat.raft.configuration == voters(3) && seat.raft.configurationIndex == .zero)
        // It stands by the configuration that it has gone back to.
        let asked = seat.turn(at: seat.raft.nextDeadline + 1000)
        #expect(Set(asked.map(\.to.rawValue)) == [2, 3])
    }

    // MARK: Catching up

    @Test func `A learner is caught up when a round lasted less than an election timeout`() {
        var seat = MembershipTests.leader()
        seat.turn {
            _ = $0.propose(MembershipTests.configuration([(1, .voter), (2, .voter), (3, .voter), (4, .learner)]))
        }
        func keepQuorum() {
            let round = seat.turn(at: seat.now + 50).rounds.max() ?? 0
            seat.receive(message(2, 1, 1, matched(2, round: round)))
        }
        seat.receive(message(4, 1, 1, matched(1)))
        #expect(!seat.raft.isCaughtUp(MemberID(4)))
        for _ in 0..<6 { keepQuorum() }
        seat.turn { _ = $0.propose([1]) }
        seat.receive(message(4, 1, 1, matched(2)))
        #expect(!seat.raft.isCaughtUp(MemberID(4)), "the first round took 300 ms")
        seat.receive(message(4, 1, 1, matched(3)))
        #expect(seat.raft.isCaughtUp(MemberID(4)), "the second one took no time")
        for _ in 0..<6 { keepQuorum() }
        #expect(!seat.raft.isCaughtUp(MemberID(4)), "it fell silent")
        #expect(!seat.raft.isCaughtUp(MemberID(2)), "a voter is no learner")
    }

    // MARK: Leaving

    @Test func `A leader outside of the final configuration leads until that is committed, and says so`() {
        var seat = MembershipTests.leader()
        seat.turn { _ = $0.propose(MembershipTests.configuration([(1, .outgoing), (2, .voter), (3, .voter)])) }
        seat.receive(message(2, 1, 1, matched(2)), message(3, 1, 1, matched(2)))
        #expect(seat.raft.commitIndex == LogIndex(2) && seat.role == .leader)
        seat.turn { _ = $0.propose(MembershipTests.configuration([(2, .voter), (3, .voter)])) }
        seat.receive(message(2, 1, 1, matched(3)))
        #expect(seat.raft.commitIndex == LogIndex(2) && seat.role == .leader, "its own copy counts for nothing")
        let last = seat.receive(message(3, 1, 1, matched(3)))
        #expect(seat.raft.commitIndex == LogIndex(3) && seat.role == .follower)
        for other in [2, 3] as [UInt128] {
            #expect(last.to(other).appends.last?.commit == LogIndex(3))
            #expect(last.to(other).contains { $0.body == .leaderResigned })
        }
        for _ in 0..<5 { #expect(seat.passDeadline().isEmpty, "it stands no more") }
    }

    /// Reliability row 75: of two, the leader goes.
    @Test func `Of two members the leader is removed, and the other one goes on alone at once`() {
        let cluster = SimulatedCluster(2, seed: 5)
        cluster.run(2000)
        guard let leader = cluster.leader else { Issue.record("no leader"); return }
        let other = 1 - leader
        let ids = [leader, other].map { UInt128($0 + 1) }
        cluster.turn(leader) {
            _ = $0.propose(MembershipTests.configuration([(ids[0], .outgoing), (ids[1], .voter)]))
        }
        cluster.run(50)
        cluster.turn(leader) { _ = $0.propose(MembershipTests.configuration([(ids[1], .voter)])) }
        cluster.run(60)
        #expect(cluster.leader == other && !cluster.isLeader(leader))
        let committed = cluster.committedCount
        cluster.crash(leader)
        cluster.propose(at: other)
        cluster.run(20)
        #expect(cluster.committedCount == committed + 1)
        #expect(cluster.violations == [])
    }

    @Test func `A follower that is removed gets the entry that says so, and its commit, and is then let go`() {
        var seat = MembershipTests.leader()
        seat.turn { _ = $0.propose(MembershipTests.configuration([(1, .voter), (2, .voter), (3, .outgoing)])) }
        seat.receive(message(2, 1, 1, matched(2)), message(3, 1, 1, matched(2)))
        seat.turn { _ = $0.propose(MembershipTests.configuration([(1, .voter), (2, .voter)])) }
        let told = seat.receive(message(2, 1, 1, matched(3)), message(3, 1, 1, matched(3)))
        #expect(told.to(3).appends.last?.commit == LogIndex(3))
        let round = seat.turn(at: seat.now + 50).to(3).appends.last?.round ?? 0
        #expect(round > 0, "it is asked whether it has heard")
        seat.receive(message(3, 1, 1, matched(3, round: round)), message(2, 1, 1, matched(3, round: round)))
        let next = seat.turn(at: seat.now + 50) { _ = $0.propose([1]) }
        #expect(next.to(3).isEmpty && !next.to(2).isEmpty)
    }

    @Test func `A dead follower that is removed is not sent to for ever`() {
        var seat = MembershipTests.leader()
        seat.turn { _ = $0.propose(MembershipTests.configuration([(1, .voter), (2, .voter), (3, .outgoing)])) }
        seat.receive(message(2, 1, 1, matched(2)))
        seat.turn { _ = $0.propose(MembershipTests.configuration([(1, .voter), (2, .voter)])) }
        var last: UInt64 = 0
        let start = seat.now
        for _ in 0..<100 {
            let sent = seat.turn(at: seat.now + 50)
            let round = sent.to(2).rounds.max() ?? sent.to(2).appends.map(\.round).max() ?? 0
            seat.receive(message(2, 1, 1, matched(3, round: round)))
            if !sent.to(3).isEmpty { last = seat.now }
        }
        #expect(seat.role == .leader)
        #expect(last >= start + 2400 && last <= start + 2600, "ten election timeouts")
    }

    @Test func `A new leader goes on to tell those whom an entry in doubt has removed`() {
        let log = [
            MembershipTests.entry(1, 1, MembershipTests.configuration([(1, .voter), (2, .voter), (3, .outgoing)])),
            MembershipTests.entry(2, 1, MembershipTests.configuration([(1, .voter), (2, .voter)])),
        ]
        var seat = Seat(1, term: 1, log: log)
        let first = seat.win(by: 2)
        #expect(!first.to(3).isEmpty && seat.role == .leader)
    }

    /// The promise of stickiness: somebody who was removed and does not know it asks again and again.
    @Test func `A removed member disturbs nobody`() {
        var follower = Seat(2, term: 1, log: entries([1]))
        follower.receive(message(1, 2, 1, append(after: 1, 1, commit: 1)))
        let answers = follower.receive(
            message(9, 2, 5, preVoteRequest(9, 4)), message(9, 2, 5, voteRequest(9, 4)))
        #expect(follower.term == 1 && follower.leader == 1)
        #expect(answers.allSatisfy { $0.term == Term(1) })
        #expect(!answers.contains { $0.body == voteResponse(5, true) || $0.body == preVoteResponse(5, true) })
    }
}
