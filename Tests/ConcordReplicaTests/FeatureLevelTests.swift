import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordState
import ConcordStorage
import Testing

/// The feature level and what members tell of themselves, over whole members.
@Suite struct FeatureLevelTests {
    private func levels(_ harness: MemberHarness) -> [UInt16] { harness.replicas.map(\.state.featureLevel) }

    private func connected(_ levels: [Int: UInt16], members: Int = 3, snapshots: SnapshotSettings = .init())
        -> MemberHarness
    {
        var harness = MemberHarness(members: members, snapshots: snapshots, levels: levels)
        // Whom they dial is known once they have begun.
        harness.settle()
        harness.connect()
        return harness
    }

    @Test func `The level rises once every member supports a higher one, and no earlier`() {
        var harness = connected([1: 3, 2: 2])
        _ = harness.elect()
        harness.pass(milliseconds: 500)
        #expect(levels(harness) == [1, 1, 1], "one of them supports no more than 1")
        harness.levels[3] = 4
        harness.restart(2)
        harness.connect()
        _ = harness.elect()
        harness.pass(milliseconds: 500)
        #expect(levels(harness) == [2, 2, 2])
        #expect(Set(harness.replicas.map(\.state.stateHash)).count == 1)
    }

    @Test func `Nothing is raised as long as a member has told nothing`() {
        var harness = MemberHarness(members: 3, levels: [1: 2, 2: 2, 3: 2])
        let leader = harness.elect()
        for peer in 0..<3 where peer != leader {
            harness.pass(milliseconds: 100)
            #expect(harness.replicas[leader].state.featureLevel == 1)
            harness.replicas[leader].step(.peerConnected(harness.identity(of: peer)))
        }
        harness.pass(milliseconds: 100)
        #expect(levels(harness) == [2, 2, 2])
    }

    @Test func `A learner is asked, too`() {
        var harness = connected([1: 3, 2: 1], members: 1)
        #expect(harness.elect() == 0)
        harness.pass(milliseconds: 50)
        #expect(levels(harness) == [3])
        var low = MemberHarness(members: 1, levels: [1: 1])
        #expect(low.elect() == 0)
        low.addJoiner()
        let addition = MemberAddition(id: 2, name: "m2", peerAddress: "m2:1")
        low.request(1, at: 0, .write(.changeMembers(.init(add: [addition])), .none))
        low.pass(milliseconds: 20)
        low.levels[1] = 3
        low.restart(0)
        _ = low.elect()
        low.connect()
        low.pass(milliseconds: 500)
        #expect(low.replicas[0].state.featureLevel == 1)
        #expect(low.replicas[0].state.members.members.count == 2)
    }

    @Test func `A member that went back to a lower build holds the level back`() {
        var harness = connected([1: 1, 2: 2, 3: 2])
        let leader = harness.elect()
        harness.levels = [1: 2, 2: 2, 3: 1]
        harness.restart(2)
        harness.connect()
        harness.restart(0)
        harness.connect()
        _ = harness.elect()
        harness.pass(milliseconds: 500)
        #expect(levels(harness) == [1, 1, 1])
        _ = leader
    }

    @Test func `Word of an earlier start that arrives late changes nothing`() {
        var harness = connected([1: 2, 2: 2, 3: 2])
        let old = harness.identity(of: 2)
        harness.levels[3] = 1
        harness.restart(2)
        harness.connect()
        for member in 0..<2 { harness.replicas[member].step(.peerConnected(old)) }
        // One of those two leads.
        harness.unreachable = [2]
        _ = harness.elect()
        harness.pass(milliseconds: 500)
        #expect(levels(harness).max() == 1)
    }

    @Test func `A build below the level in force ends, and says at which level the cluster is`() {
        var harness = connected([1: 3, 2: 3, 3: 3])
        _ = harness.elect()
        harness.pass(milliseconds: 500)
        #expect(levels(harness) == [3, 3, 3])
        harness.levels[2] = 2
        harness.restart(1)
        harness.connect()
        harness.pass(milliseconds: 1000)
        #expect(harness.halts[1] == .buildTooOld(featureLevel: 3))
        #expect(harness.halts.count == 1)
        let rest = harness.elect()
        harness.request(1, at: rest, harness.put("/a", "1"))
        harness.pass(milliseconds: 100)
        #expect(harness.reply(to: 1)?.isApplied == true)
    }

    @Test func `A build below the level in force takes no snapshot over`() {
        var harness = connected([1: 3, 2: 3, 3: 3], snapshots: SnapshotSettings(logBytes: 300))
        _ = harness.elect()
        harness.pass(milliseconds: 300)
        harness.unreachable = [2]
        let leader = harness.elect()
        for number in 0..<40 {
            harness.request(UInt64(number) + 1, at: leader, harness.put("/n\(number)", "value"))
            harness.settle()
        }
        harness.pass(milliseconds: 200)
        harness.levels[3] = 2
        harness.eraseLog(2)
        harness.restart(2)
        harness.unreachable = []
        harness.connect()
        harness.pass(milliseconds: 3000)
        #expect(harness.halts[2] == .buildTooOld(featureLevel: 3))
        #expect(!harness.notices.contains { if case .snapshotRefused = $0 { true } else { false } })
    }

    @Test func `A decision of another term does nothing`() {
        var machine = StateMachine()
        machine.beginEntry(epoch: Epoch(4), clock: 0)
        let outcome = machine.apply(Command(operation: .raiseFeatureLevel(2), decidedIn: Epoch(3)))
        guard case .refused(let refusal) = outcome.verdict else {
            Issue.record("it was applied")
            return
        }
        #expect(refusal.code == .otherTerm && machine.featureLevel == 1)
    }

    @Test func `No follower can have a level raised`() {
        var harness = connected([1: 3, 2: 3])
        let leader = harness.elect()
        let sender = harness.replicas[(leader + 1) % 3].record.id
        for operation in [
            Operation.raiseFeatureLevel(2),
            .memberInfo(
                .init(
                    member: sender.rawValue,
                    info: .init(boot: 9, peerAddress: "x:1", clientURL: "", featureLevel: 1, build: ""))),
        ] {
            let origin = Origin(member: sender.rawValue, boot: 1, sequence: 1, done: 0)
            let last = harness.replicas[leader].lastIndex
            harness.replicas[leader].step(
                .peerMessage(from: sender, .forward(Command(operation: operation, origin: origin))))
            harness.settle()
            #expect(harness.replicas[leader].lastIndex == last)
        }
    }

    // MARK: What members tell

    @Test func `What members tell is known to all, once the level allows it`() {
        var harness = connected([1: 2, 2: 2, 3: 2])
        _ = harness.elect()
        harness.pass(milliseconds: 300)
        for replica in harness.replicas {
            let infos = replica.state.members.members.map(\.info)
            #expect(infos.map { $0?.clientURL } == ["http://m1", "http://m2", "http://m3"])
            #expect(infos.allSatisfy { $0?.featureLevel == 2 && $0?.build == "test" && $0?.boot == 1 })
        }
        let last = harness.replicas[0].lastIndex
        harness.restart(1)
        harness.connect()
        _ = harness.elect()
        harness.pass(milliseconds: 1000)
        #expect(
            harness.replicas[0].lastIndex.rawValue - last.rawValue <= 2, "nothing new is told, so nothing is written")
    }

    @Test func `A member that moved is dialled where it says, by those that it reaches and then by all`() {
        var harness = connected([1: 2, 2: 2, 3: 2])
        _ = harness.elect()
        harness.pass(milliseconds: 300)
        harness.addresses[1] = "moved:1"
        harness.restart(1)
        let moved = harness.identity(of: 1)
        harness.replicas[0].step(.peerConnected(moved))
        harness.settle()
        #expect(harness.replicas[0].targets == ["m3:1", "moved:1"], "it was told by the member itself")
        harness.connect()
        _ = harness.elect()
        harness.pass(milliseconds: 500)
        for replica in harness.replicas {
            #expect(replica.state.members.members[1].address == "moved:1")
        }
        harness.restart(2)
        harness.pass(milliseconds: 500)
        #expect(harness.replicas[2].targets == ["m1:1", "moved:1"], "it was told by the log")
    }

    @Test func `Below the level nothing is written of what members tell`() {
        var harness = connected([1: 1, 2: 2, 3: 2])
        let leader = harness.elect()
        harness.pass(milliseconds: 500)
        #expect(harness.replicas[leader].state.members.members.allSatisfy { $0.info == nil })
        #expect(harness.replicas[leader].lastIndex == LogIndex(1))
    }
}
