import ConcordRaft
import Testing

/// Leadership that goes to a chosen member (dissertation §3.10).
struct TransferTests {
    /// A leader of term 1 whose followers hold its first entry.
    private static func leader(of members: Int = 3, configuration: Configuration? = nil) -> Seat {
        var seat = Seat(1, of: members, configuration: configuration)
        seat.win(by: 2)
        for follower in seat.raft.configuration.members.map(\.id.rawValue) where follower != 1 {
            seat.receive(message(follower, 1, 1, matched(1)))
        }
        return seat
    }

    private static func configuration(_ roles: [Configuration.Role]) -> Configuration {
        var members = voters(roles.count).members
        for (position, role) in roles.enumerated() { members[position].role = role }
        return Configuration(members: members)
    }

    private static func transfer(_ seat: inout Seat, to target: UInt128?) -> (TransferResult, [Message]) {
        var result = TransferResult.notLeader
        let left = seat.turn { result = $0.transferLeadership(to: target.map { MemberID($0) }) }
        return (result, left)
    }

    // MARK: The leader

    @Test func `The target is told to stand once it holds the leader's last entry on its disk, and never before`() {
        var seat = Self.leader()
        seat.turn {
            _ = $0.propose([1])
            _ = $0.propose([2])
        }
        let (result, left) = Self.transfer(&seat, to: 2)
        #expect(result == .underWay(MemberID(2)))
        #expect(left.orders.isEmpty)
        #expect(seat.turn(at: seat.now + 50).orders.isEmpty, "a round does not change that")
        #expect(seat.receive(message(2, 1, 1, matched(2))).orders.isEmpty)
        #expect(seat.receive(message(3, 1, 1, matched(3))).orders.isEmpty, "another one is as far")
        let last = seat.receive(message(2, 1, 1, matched(3)))
        #expect(last.orders == [3] && last.to(2).orders == [3])
        #expect(seat.role == .leader)
    }

    @Test func `A target that has everything is told at once, and again in each round`() {
        var seat = Self.leader()
        #expect(Self.transfer(&seat, to: 3).1.to(3).orders == [1])
        #expect(seat.turn().orders.isEmpty)
        #expect(seat.turn(at: seat.now + 50).to(3).orders == [1])
    }

    @Test func `Nothing is proposed meanwhile; after T without a new leader the old one leads on`() {
        var seat = Self.leader()
        let start = seat.now
        _ = Self.transfer(&seat, to: 2)
        for step in UInt64(1)...4 {
            let round = seat.turn(at: start + step * 50).to(2).newestRound
            seat.receive(
                message(2, 1, 1, .heartbeatResponse(.init(round: round))),
                message(3, 1, 1, .heartbeatResponse(.init(round: round))))
            seat.turn { #expect($0.propose([7]) == .transferring) }
        }
        #expect(seat.raft.nextDeadline <= start + 250)
        seat.turn(at: start + 249) { #expect($0.propose([7]) == .transferring) }
        #expect(seat.raft.transferTarget == MemberID(2) && seat.abandoned.isEmpty)
        seat.turn(at: start + 250)
        #expect(seat.abandoned == [AbandonedTransfer(target: MemberID(2), reason: .timeIsOver)])
        #expect(seat.raft.transferTarget == nil && seat.role == .leader && seat.term == 1)
        seat.turn { #expect($0.propose([8]) == .accepted(index: LogIndex(2), term: Term(1))) }
        #expect(seat.terms == [1, 1])
    }

    @Test func `A target that falls silent ends the transfer before its time`() {
        var seat = Self.leader()
        let start = seat.now
        let round = seat.turn(at: start + 200).to(3).newestRound
        seat.receive(message(3, 1, 1, .heartbeatResponse(.init(round: round))))
        _ = Self.transfer(&seat, to: 2)
        seat.turn(at: start + 249)
        #expect(seat.abandoned.isEmpty)
        seat.turn(at: start + 250)
        #expect(seat.abandoned == [AbandonedTransfer(target: MemberID(2), reason: .silent)])
        #expect(seat.role == .leader)
    }

    @Test func `Whoever cannot lead is refused`() {
        var seat = Self.leader(
            of: 5, configuration: Self.configuration([.voter, .voter, .incoming, .outgoing, .learner]))
        #expect(Self.transfer(&seat, to: 5).0 == .notVoter, "a learner")
        #expect(Self.transfer(&seat, to: 4).0 == .notVoter, "it leaves with the next configuration")
        #expect(Self.transfer(&seat, to: 9).0 == .unknownMember)
        #expect(Self.transfer(&seat, to: 1).0 == .alreadyLeads)
        #expect(seat.raft.transferTarget == nil)
        #expect(Self.transfer(&seat, to: 3).0 == .underWay(MemberID(3)))
        var follower = Seat(2)
        follower.receive(message(1, 2, 1, heartbeat()))
        #expect(Self.transfer(&follower, to: 3).0 == .notLeader)
    }

    @Test func `A member that was not heard of for T is refused, and with it everyone when there is no other`() {
        var seat = Self.leader()
        let start = seat.now
        let round = seat.turn(at: start + 200).to(3).newestRound
        seat.receive(message(3, 1, 1, .heartbeatResponse(.init(round: round))))
        seat.turn(at: start + 250)
        #expect(Self.transfer(&seat, to: 2).0 == .unresponsive)
        #expect(Self.transfer(&seat, to: nil).0 == .underWay(MemberID(3)))
        var amongLearners = Seat(1, configuration: Self.configuration([.voter, .learner, .learner]))
        amongLearners.passDeadline()
        #expect(Self.transfer(&amongLearners, to: nil).0 == .noCandidate)
        var alone = Seat(1, of: 1)
        alone.passDeadline()
        #expect(Self.transfer(&alone, to: nil).0 == .noCandidate)
        #expect(alone.role == .leader)
    }

    @Test func `Without a name the voter goes first that holds most, and of equals the one heard last`() {
        for (later, chosen) in [(matched(2), UInt128(2)), (.heartbeatResponse(.init(round: 1)), 3)] {
            var seat = Self.leader(
                of: 5, configuration: Self.configuration([.voter, .voter, .voter, .learner, .learner]))
            seat.turn {
                _ = $0.propose([1])
                _ = $0.propose([2])
            }
            let now = seat.now + 5
            seat.turn(at: now)
            seat.receive(message(3, 1, 1, matched(2)))
            seat.turn(at: now + 5)
            seat.receive(message(2, 1, 1, later))
            seat.turn(at: now + 9)
            seat.receive(message(4, 1, 1, matched(3)))
            #expect(Self.transfer(&seat, to: nil).0 == .underWay(MemberID(chosen)))
        }
    }

    @Test func `A second request for the same member joins the first; for another one it is refused`() {
        var seat = Self.leader()
        #expect(Self.transfer(&seat, to: 2).1.orders == [1])
        let (again, left) = Self.transfer(&seat, to: 2)
        #expect(again == .underWay(MemberID(2)) && left.orders.isEmpty)
        #expect(Self.transfer(&seat, to: nil).0 == .underWay(MemberID(2)))
        #expect(Self.transfer(&seat, to: 3).0 == .busy(MemberID(2)))
    }

    @Test func `Barriers are answered while the leader still leads, those that begin during the transfer, too`() {
        var seat = Self.leader()
        let first = seat.turn { $0.readBarrier(id: 1) }.to(3).newestRound
        _ = Self.transfer(&seat, to: 2)
        seat.receive(message(3, 1, 1, .heartbeatResponse(.init(round: first))))
        #expect(seat.ready.map(\.id) == [1])
        let second = seat.turn { $0.readBarrier(id: 2) }.to(3).newestRound
        #expect(second > first)
        seat.receive(message(3, 1, 1, .heartbeatResponse(.init(round: second))))
        #expect(seat.ready.map(\.id) == [1, 2])
    }

    @Test func `The leader gives its vote to the one it asked, and what it was asked to read is lost with its term`() {
        var seat = Self.leader()
        _ = Self.transfer(&seat, to: 2)
        seat.turn { $0.readBarrier(id: 4) }
        let left = seat.receive(message(2, 1, 2, voteRequestByTransfer(1, 1)))
        #expect(left.to(2).map(\.body).contains(voteResponse(2, true)))
        #expect(seat.role == .follower && seat.term == 2 && seat.raft.transferTarget == nil)
        #expect(seat.lost == [4] && seat.ready.isEmpty)
        #expect(seat.abandoned.isEmpty)
    }

    // MARK: The target

    /// Member 2 with the log of its leader 1, which it has just heard.
    private static func target() -> Seat {
        var seat = Seat(2)
        seat.receive(message(1, 2, 1, append(after: 0, 0, [1, 1])))
        return seat
    }

    @Test func `The target stands at once, without a pre-vote, and says that its leader wants it`() {
        var seat = Self.target()
        let asked = seat.receive(message(1, 2, 1, timeoutNow(2)))
        #expect(seat.role == .candidate && seat.term == 2 && seat.leader == nil)
        #expect(asked == [1, 3].map { message(2, $0, 2, voteRequestByTransfer(2, 1)) })
        seat.receive(message(1, 2, 2, voteResponse(2, true)))
        #expect(seat.role == .leader)
    }

    @Test func `Its vote for itself is durable before it asks`() {
        var seat = Self.target()
        seat.diskIsHeld = true
        #expect(seat.receive(message(1, 2, 1, timeoutNow(2))).isEmpty)
        #expect(seat.finishWrites().count == 2)
    }

    @Test(arguments: [
        message(3, 2, 1, timeoutNow(2)), message(1, 2, 1, timeoutNow(1)), message(1, 2, 1, timeoutNow(3)),
    ])
    func `An order of another member, or for another log than this one, is no order`(order: Message) {
        var seat = Self.target()
        #expect(seat.receive(order).isEmpty)
        #expect(seat.role == .follower && seat.term == 1 && seat.leader == 1)
    }

    @Test func `An order of an earlier term is answered with the newer one`() {
        var seat = Self.target()
        seat.receive(message(3, 2, 4, heartbeat()))
        #expect(seat.receive(message(1, 2, 1, timeoutNow(2))) == [message(2, 1, 4, .newerTerm)])
        #expect(seat.role == .follower && seat.term == 4)
    }

    @Test func `A learner and a member without a vote never stand, whoever orders it`() {
        for roles: [Configuration.Role] in [[.voter, .learner, .voter], [.voter]] {
            var seat = Seat(2, configuration: Self.configuration(roles))
            seat.receive(message(1, 2, 1, append(after: 0, 0, [1])))
            #expect(seat.receive(message(1, 2, 1, timeoutNow(1))).isEmpty)
            #expect(seat.role == .follower && seat.term == 1)
        }
    }

    @Test func `A candidacy that fails is repeated soon, and as any other: with a pre-vote and without the flag`() {
        var seat = Self.target()
        seat.receive(message(1, 2, 1, timeoutNow(2)))
        let start = seat.now
        let asked = seat.passDeadline()
        #expect(seat.now <= start + 30)
        #expect(asked == [1, 3].map { message(2, $0, 3, preVoteRequest(2, 1)) })
        let stood = seat.receive(message(3, 2, 2, preVoteResponse(3, true)))
        #expect(stood == [1, 3].map { message(2, $0, 3, voteRequest(2, 1)) })
    }

    // MARK: The voters

    @Test func `A follower that stands by its leader votes for whom that leader wants, and for nobody else`() {
        for (request, granted) in [(voteRequest(2, 1), false), (voteRequestByTransfer(2, 1), true)] {
            var seat = Seat(3)
            seat.receive(message(1, 3, 1, append(after: 0, 0, [1, 1])))
            #expect(seat.raft.protectsLeader)
            #expect(seat.receive(message(2, 3, 2, request)).map(\.body) == [voteResponse(2, granted)])
            #expect(seat.term == (granted ? 2 : 1))
        }
    }

    @Test func `Whoever wants to lead by a transfer still needs a log as good as the voter's, and its only vote`() {
        var seat = Seat(3)
        seat.receive(message(1, 3, 1, append(after: 0, 0, [1, 1])))
        #expect(seat.receive(message(2, 3, 2, voteRequestByTransfer(1, 1))).map(\.body) == [voteResponse(2, false)])
        #expect(seat.receive(message(4, 3, 2, voteRequestByTransfer(2, 1))).map(\.body) == [voteResponse(2, true)])
        #expect(seat.receive(message(2, 3, 2, voteRequestByTransfer(2, 1))).map(\.body) == [voteResponse(2, false)])
    }

    @Test func `A pre-vote cannot say that a leader wants it`() {
        var seat = Seat(3)
        seat.receive(message(1, 3, 1, heartbeat()))
        let request = Message.VoteRequest(lastIndex: .zero, lastTerm: .zero, isByTransfer: true)
        #expect(seat.receive(message(2, 3, 2, .preVoteRequest(request))).isEmpty)
    }

    // MARK: Clusters

    @Test func `A target that does not hear the leader costs T without writes, and no leader`() {
        let cluster = SimulatedCluster(3, seed: 3)
        cluster.run(1500)
        guard let leader = cluster.leader else {
            Issue.record("no leader")
            return
        }
        let (target, term) = ((leader + 1) % 3, cluster.term(of: leader))
        cluster.propose(at: leader)
        cluster.run(20)
        cluster.links[leader * 3 + target] = false
        cluster.propose(at: leader)
        let (id, start) = (cluster.members[target].id, cluster.now)
        cluster.turn(leader) { #expect($0.transferLeadership(to: id) == .underWay(id)) }
        let before = cluster.committedCount
        cluster.run(400) {
            cluster.propose(at: leader)
            return cluster.committedCount > before + 1
        }
        #expect(cluster.now <= start + cluster.electionTimeout + 20)
        #expect(cluster.isLeader(leader) && cluster.term(of: leader) == term)
        #expect(cluster.violations.isEmpty)
    }

    /// What a new leader tells before its first entry is committed may be too old (row 32 of the catalogue).
    @Test(arguments: 0..<20)
    func `Reads asked all along while leadership moves show everything that was committed before`(seed: UInt64) {
        let cluster = SimulatedCluster(3, seed: seed)
        cluster.weather.diskDelay = 0...20
        cluster.run(1500)
        for step in 0..<400 {
            if step % 40 == 0, let leader = cluster.leader {
                let id = cluster.members[(leader + 1 + Int(seed % 2)) % 3].id
                cluster.turn(leader) { _ = $0.transferLeadership(to: id) }
            }
            for member in 0..<3 {
                cluster.propose(at: member)
                cluster.readBarrier(at: member)
            }
            cluster.run(1)
        }
        cluster.run(500)
        #expect(cluster.violations.isEmpty)
        #expect(cluster.historian.electionsCount >= 6)
        #expect(cluster.members.allSatisfy { $0.barriersReady > 50 && $0.barriers.isEmpty })
    }
}

extension [Message] {
    /// A round is told by a heartbeat or an append.
    var newestRound: UInt64 { (rounds + appends.map(\.round)).max() ?? 0 }
}
