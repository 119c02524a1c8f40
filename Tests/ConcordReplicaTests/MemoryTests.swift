import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordState
import Testing

/// A byte that changes in memory: the pass over memory finds it, and the member comes back by the same way as one that
/// was outvoted.
@Suite struct MemoryTests {
    private static let checks = StateCheckSettings(
        reportMilliseconds: 100, patienceMilliseconds: 1000, stepMilliseconds: 5, pauseMilliseconds: 200)

    enum Place: CaseIterable {
        case value, history, outcome
    }

    private func cluster(_ members: Int) -> (harness: MemberHarness, leader: Int) {
        var harness = MemberHarness(
            members: members, snapshots: SnapshotSettings(logBytes: 4000, chunkBytes: 100, windowBytes: 300),
            stateChecks: MemoryTests.checks)
        let leader = harness.elect()
        for number in 0..<20 { harness.request(UInt64(1000 + number), at: leader, harness.put("/k\(number)", "value")) }
        harness.pass(milliseconds: 300)
        return (harness, leader)
    }

    private func damage(_ place: Place, of member: Int, in harness: inout MemberHarness) {
        let isDamaged = harness.replicas[member].damageState { state in
            switch place {
            case .value: state.damageStoredNode(Key(text: "/k7"), byte: 4)
            case .history: state.damageHistory(at: 2, isConsistent: false)
            case .outcome: state.damageFirstOutcome()
            }
        }
        #expect(isDamaged)
    }

    @Test(arguments: Place.allCases) func aChangedByteIsFoundWithinTwoPasses(place: Place) {
        var (harness, leader) = cluster(3)
        let wrong = (leader + 1) % 3
        #expect(harness.replicas[wrong].soundPassesCount > 0)
        damage(place, of: wrong, in: &harness)
        harness.pass(milliseconds: 2 * 200 + 20)
        #expect(
            harness.notices.contains { if case .stateDistrusted(_, .memory) = $0 { true } else { false } })
        harness.pass(milliseconds: 1500)
        for replica in harness.replicas {
            #expect(!replica.isDistrusted && replica.state.recomputedHash() == replica.state.stateHash)
            #expect(replica.state.stateHash == harness.replicas[leader].state.stateHash)
        }
        harness.request(5, at: wrong, harness.get("/k7", .local))
        harness.settle()
        #expect(harness.reply(to: 5)?.value == "value")
    }

    @Test func memoryThatChangesInALeaderMovesLeadership() {
        var (harness, leader) = cluster(3)
        damage(.value, of: leader, in: &harness)
        harness.pass(milliseconds: 2000)
        #expect(!harness.replicas[leader].isLeader && !harness.replicas[leader].isDistrusted)
        #expect(harness.replicas[leader].state.recomputedHash() == harness.replicas[leader].state.stateHash)
    }

    @Test func theOnlyVoterEndsAndReadsItsDiskAgain() {
        var (harness, _) = cluster(1)
        damage(.value, of: 0, in: &harness)
        harness.request(5, at: 0, timeout: 60_000, harness.get("/k7", minimum: 10_000))
        harness.pass(milliseconds: 500)
        #expect(harness.halts[0] == .unsoundState)
        #expect(harness.reply(to: 5)?.failure == .diverged)
        harness.halts = [:]
        harness.unreachable = []
        harness.restart(0)
        _ = harness.elect()
        harness.request(6, at: 0, harness.get("/k7"))
        harness.pass(milliseconds: 500)
        #expect(harness.reply(to: 6)?.value == "value")
        #expect(harness.halts.isEmpty)
    }

    /// Nobody, not even this member, could make a state of such a snapshot.
    @Test func aSnapshotOfMemoryThatChangedNeverGetsItsName() {
        var (harness, leader) = cluster(3)
        let wrong = (leader + 1) % 3
        damage(.value, of: wrong, in: &harness)
        let before = harness.snapshotIndices(of: wrong)
        // No time passes: only the making of a snapshot looks at memory.
        for number in 0..<300 where !harness.replicas[wrong].isDistrusted {
            harness.request(UInt64(5000 + number), at: leader, harness.put("/other", "value \(number)"))
            harness.settle()
        }
        #expect(harness.replicas[wrong].isDistrusted)
        #expect(harness.snapshotIndices(of: wrong) == before)
        #expect(harness.snapshotIndices(of: leader) != before)
    }
}
