import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordState
import ConcordStorage
import Testing

/// A change of membership from the request to its end, over whole members.
@Suite struct MembershipTests {
    private func change(add: [Int] = [], remove: [Int] = []) -> ReplicaRequest.Body {
        let added = add.map { MemberAddition(id: UInt128($0), name: "m\($0)", peerAddress: "m\($0):1") }
        return .write(.changeMembers(.init(add: added, remove: remove.map { UInt128($0) })), .none)
    }

    private func voters(_ harness: MemberHarness, at member: Int) -> [Int] {
        harness.replicas[member].state.members.members.filter { $0.role == .voter }.map { Int($0.id) }
    }

    /// Lets time pass until `member` has applied the end of all changes.
    private func finish(_ harness: inout MemberHarness, at member: Int) -> Bool {
        for _ in 0..<200 {
            harness.connect()
            harness.pass(milliseconds: 10)
            if harness.replicas[member].state.members.change == nil { return true }
        }
        return false
    }

    @Test func `A member that joins gets the state and is counted`() {
        var harness = MemberHarness(members: 1)
        #expect(harness.elect() == 0)
        harness.request(1, at: 0, harness.put("/a", "1"))
        harness.settle()
        harness.addJoiner()
        harness.addJoiner()
        harness.request(2, at: 0, change(add: [2, 3]))
        #expect(finish(&harness, at: 0))
        harness.pass(milliseconds: 200)
        for member in 0..<3 {
            #expect(voters(harness, at: member) == [1, 2, 3])
            #expect(harness.replicas[member].state.stateHash == harness.replicas[0].state.stateHash)
        }
        harness.unreachable = [0]
        let next = harness.elect()
        #expect(next == 1 || next == 2)
        harness.request(3, at: next, harness.get("/a"))
        harness.pass(milliseconds: 50)
        #expect(harness.reply(to: 3)?.value == "1")
    }

    @Test func `A leader that is removed hands over, answers who waits and ends`() {
        var harness = MemberHarness(members: 3)
        let leader = harness.elect()
        harness.request(1, at: (leader + 1) % 3, change(remove: [leader + 1]))
        harness.pass(milliseconds: 60)
        guard case .removed = harness.halts[leader] else {
            Issue.record("it has not ended: \(harness.halts)")
            return
        }
        let rest = (0..<3).filter { $0 != leader }
        #expect(rest.contains { harness.replicas[$0].status.standing.role == .leader }, "in less than a timeout")
        harness.request(2, at: rest[0], harness.put("/b", "2"))
        harness.pass(milliseconds: 50)
        #expect(harness.reply(to: 2)?.isApplied == true)
        #expect(voters(harness, at: rest[0]) == rest.map { $0 + 1 })
        #expect(harness.halts.count == 1)
    }

    @Test func `Whoever waits at a member that is removed is sent elsewhere`() {
        var harness = MemberHarness(members: 3)
        let leader = harness.elect()
        let follower = (leader + 1) % 3
        harness.unreachable = [follower]
        harness.request(1, at: leader, change(remove: [follower + 1]))
        harness.pass(milliseconds: 50)
        harness.request(2, at: follower, timeout: 60_000, harness.get("/a"))
        harness.request(3, at: follower, timeout: 60_000, harness.put("/a", "1"))
        harness.pass(milliseconds: 600)
        #expect(harness.reply(to: 2) == nil && harness.reply(to: 3) == nil)
        let teller = harness.replicas[leader].record.id
        let index = harness.replicas[leader].appliedIndex
        harness.replicas[follower].step(.peerMessage(from: teller, .removed(index)))
        harness.settle()
        #expect(harness.halts[follower] == .removed(index))
        #expect(harness.reply(to: 2)?.failure == .noLeader(retryAfterMilliseconds: 200))
        #expect(harness.reply(to: 3)?.failure != nil)
    }

    @Test func `A former member that asks for votes is told, by anyone`() {
        var harness = MemberHarness(members: 3)
        let leader = harness.elect()
        let (gone, other) = ((leader + 1) % 3, (leader + 2) % 3)
        harness.unreachable = [gone]
        harness.request(1, at: leader, change(remove: [gone + 1]))
        harness.pass(milliseconds: 3000)
        #expect(voters(harness, at: other).count == 2 && harness.halts.isEmpty)
        harness.unreachable = [leader]
        harness.pass(milliseconds: 3000)
        #expect(harness.halts[gone] == .removed(harness.replicas[other].appliedIndex))
    }

    @Test func `What is said of a removal is not believed against the own state`() {
        var harness = MemberHarness(members: 3)
        let leader = harness.elect()
        let follower = (leader + 1) % 3
        let applied = harness.replicas[follower].appliedIndex
        harness.replicas[follower].step(.peerMessage(from: MemberID(9), .removed(applied)))
        harness.settle()
        #expect(harness.halts.isEmpty)
        harness.replicas[follower].step(.peerMessage(from: MemberID(9), .removed(LogIndex(applied.rawValue + 1))))
        harness.settle()
        #expect(harness.halts.count == 1)
    }

    @Test func `All members are replaced in one change`() {
        var harness = MemberHarness(members: 3)
        let leader = harness.elect()
        harness.request(1, at: leader, harness.put("/a", "1"))
        for _ in 0..<3 { harness.addJoiner() }
        harness.request(2, at: leader, change(add: [4, 5, 6], remove: [1, 2, 3]))
        for _ in 0..<100 {
            harness.connect()
            harness.pass(milliseconds: 50)
        }
        #expect(Set(harness.halts.keys) == [0, 1, 2])
        #expect(voters(harness, at: 4) == [4, 5, 6])
        harness.request(3, at: 4, harness.get("/a"))
        harness.pass(milliseconds: 500)
        #expect(harness.reply(to: 3)?.value == "1")
    }

    @Test func `A change waits for learners that are away, and can be cancelled as long as it does`() {
        var harness = MemberHarness(members: 3)
        let leader = harness.elect()
        harness.addJoiner()
        harness.unreachable = [3]
        harness.request(1, at: leader, change(add: [4]))
        harness.pass(milliseconds: 2000)
        let state = harness.replicas[leader].state.members
        #expect(state.members.last?.role == .learner && state.change?.isCancelled == false)
        harness.request(2, at: leader, change(remove: [1]))
        harness.request(3, at: leader, .write(.cancelMemberChange, .none))
        harness.pass(milliseconds: 100)
        #expect(harness.reply(to: 2)?.isApplied == false && harness.reply(to: 3)?.isApplied == true)
        #expect(harness.replicas[leader].state.members.change == nil)
        #expect(voters(harness, at: leader) == [1, 2, 3])
        #expect(harness.replicas[leader].state.members.former == [4])
    }

    @Test func `A learner that nobody speaks to any more asks, and is told`() {
        var harness = MemberHarness(members: 3)
        let leader = harness.elect()
        harness.addJoiner()
        harness.request(1, at: leader, change(add: [4]))
        harness.pass(milliseconds: 5)
        harness.connect()
        #expect(harness.replicas[3].isFormed && harness.halts.isEmpty)
        harness.unreachable = [3]
        harness.pass(milliseconds: 500)
        harness.request(2, at: leader, .write(.cancelMemberChange, .none))
        harness.pass(milliseconds: 4000)
        #expect(harness.replicas[leader].state.members.former == [4] || voters(harness, at: leader).count == 4)
        guard voters(harness, at: leader).count == 3 else { return }
        harness.unreachable = []
        harness.pass(milliseconds: 1500)
        #expect(harness.halts[3] != nil)
    }

    /// Seed 20343: the one member left had been a learner when the other one lost sight of it.
    @Test func `A former member that knows only of a learner is told by it`() {
        var harness = MemberHarness(members: 2)
        let leader = harness.elect()
        let other = 1 - leader
        harness.addJoiner()
        harness.unreachable = [2]
        harness.request(1, at: leader, change(add: [3], remove: [1, 2]))
        harness.pass(milliseconds: 300)
        #expect(harness.replicas[other].state.members.members.last?.role == .learner)
        // From here on `other` hears nothing but acknowledges what the change needs: it is let go by hand.
        let teller = harness.replicas[2].record.id
        harness.unreachable = [leader]
        harness.pass(milliseconds: 3000)
        var asked = false
        for _ in 0..<300 {
            harness.now += 10
            harness.replicas[other].step(.tick(now: harness.now, wallMilliseconds: 1))
            let messages = harness.replicas[other].takeEffects().messages
            asked = asked || messages.contains { $0.to == teller && $0.message == .membershipRequest }
        }
        #expect(asked)
    }

    @Test func `The next leader goes on with a change`() {
        var harness = MemberHarness(members: 3)
        let leader = harness.elect()
        harness.addJoiner()
        harness.unreachable = [3]
        harness.request(1, at: leader, change(add: [4], remove: [leader + 1]))
        harness.pass(milliseconds: 300)
        #expect(harness.replicas[leader].state.members.change != nil)
        harness.unreachable = [leader]
        let next = harness.elect()
        #expect(finish(&harness, at: next))
        #expect(voters(harness, at: next).count == 3 && voters(harness, at: next).contains(4))
        #expect(!voters(harness, at: next).contains(leader + 1))
    }

    @Test func `Nothing joint is begun as long as the new half would have no live quorum`() {
        var harness = MemberHarness(members: 3)
        let leader = harness.elect()
        let (dead, asked) = ((leader + 1) % 3, (leader + 2) % 3)
        harness.unreachable = [dead]
        harness.pass(milliseconds: 400)
        harness.request(1, at: leader, change(remove: [asked + 1]))
        harness.pass(milliseconds: 2000)
        #expect(harness.replicas[leader].state.members.change != nil)
        #expect(harness.replicas[leader].state.members.isJoint == false)
        harness.request(2, at: leader, harness.put("/a", "1"))
        harness.pass(milliseconds: 100)
        #expect(harness.reply(to: 2)?.isApplied == true, "the old members go on")
        harness.unreachable = []
        #expect(finish(&harness, at: leader))
    }

    /// Nobody could give a state to any of those who are left.
    @Test func `Nothing joint is begun as long as the new half has wrong states`() {
        var harness = MemberHarness(members: 3)
        let leader = harness.elect()
        let (wrong, other) = ((leader + 1) % 3, (leader + 2) % 3)
        harness.onTheWay = { from, _, message in
            guard from == wrong, case .stateReport = message else { return message }
            return .stateReport(StateReport(points: [], isDistrusted: true))
        }
        harness.pass(milliseconds: 1500)
        harness.request(1, at: leader, change(remove: [leader + 1, other + 1]))
        harness.pass(milliseconds: 2000)
        #expect(harness.replicas[leader].state.members.change != nil)
        #expect(harness.replicas[leader].state.members.isJoint == false)
        harness.onTheWay = { $2 }
        harness.pass(milliseconds: 3000)
        #expect(voters(harness, at: wrong) == [wrong + 1])
    }

    @Test func aSnapshotInWhichItIsRemovedEndsAMember() throws {
        var harness = MemberHarness(members: 3, snapshots: SnapshotSettings(logBytes: 2000))
        let leader = harness.elect()
        let gone = (leader + 1) % 3
        harness.unreachable = [gone]
        harness.request(1, at: leader, change(remove: [gone + 1]))
        harness.pass(milliseconds: 100)
        for number in 0..<100 {
            harness.request(UInt64(number + 10), at: leader, harness.put("/a", "value \(number)"))
            harness.settle()
        }
        let (stored, state) = try #require(harness.newestSnapshot(of: leader))
        try #require(state.members.wasMember(UInt128(gone + 1)))
        let start = ReplicaStart(
            record: harness.replicas[gone].record,
            hardState: HardState(term: stored.header.base.position.term, votedFor: nil),
            released: stored.header.base.position, entries: [],
            snapshot: RestoredSnapshot(snapshot: stored, state: state, older: nil), listed: [], clientURL: "http://m",
            build: "test", raft: RaftSettings(), seed: 1, now: harness.now)
        var again = Replica(start)
        #expect(again.takeEffects().halt == .removed(stored.identity.index))
        harness.replicas[gone].step(.snapshot(.installed(stored, state)))
        harness.settle()
        #expect(harness.halts[gone] == .removed(stored.identity.index))
    }

    @Test func `Who is added is dialled, and who was removed for a while`() {
        var harness = MemberHarness(members: 3)
        let leader = harness.elect()
        let gone = (leader + 1) % 3
        harness.addJoiner()
        harness.request(1, at: leader, change(add: [4], remove: [gone + 1]))
        #expect(finish(&harness, at: leader))
        #expect(harness.replicas[leader].targets.contains("m4:1"))
        #expect(harness.replicas[leader].targets.contains("m\(gone + 1):1"))
        #expect(harness.replicas[3].targets.count >= 2, "the new member knows the way to the others")
        harness.pass(milliseconds: 10_100)
        #expect(!harness.replicas[leader].targets.contains("m\(gone + 1):1"))
        #expect(harness.replicas[leader].targets.count == 2)
    }

    @Test func `A restart in the middle of joining goes on`() {
        var harness = MemberHarness(members: 1)
        #expect(harness.elect() == 0)
        harness.addJoiner()
        harness.request(1, at: 0, change(add: [2]))
        harness.pass(milliseconds: 5)
        harness.connect()
        #expect(harness.replicas[1].isFormed)
        harness.restart(1)
        #expect(finish(&harness, at: 0))
        harness.pass(milliseconds: 100)
        #expect(voters(harness, at: 1) == [1, 2])
    }
}
