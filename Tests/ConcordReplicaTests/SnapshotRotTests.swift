import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordState
import ConcordStorage
import Testing

/// Leaders whose snapshots rot, while others need them.
@Suite struct SnapshotRotTests {
    private let settings = SnapshotSettings(logBytes: 2000, chunkBytes: 100, windowBytes: 300)

    /// Three members; the last is cut off and needs a snapshot, and the leader has just made one of all that it has
    /// applied: nothing more is written.
    private func quietCluster() -> (harness: MemberHarness, leader: Int, behind: Int) {
        var harness = MemberHarness(members: 3, snapshots: settings)
        let leader = harness.elect()
        let behind = (0..<3).first { $0 != leader } ?? 0
        harness.unreachable = [behind]
        var number = 0
        while number < 100
            || harness.snapshotIndices(of: leader).first != harness.replicas[leader].appliedIndex.rawValue
        {
            number += 1
            harness.request(UInt64(number), at: leader, harness.put("/key-\(number % 50)", "value \(number)"))
            harness.settle()
        }
        return (harness, leader, behind)
    }

    private func agree(_ harness: MemberHarness) -> Bool {
        let first = harness.replicas[0]
        return harness.replicas.allSatisfy {
            $0.appliedIndex == first.appliedIndex && $0.state.stateHash == first.state.stateHash
                && $0.state.recomputedHash() == first.state.stateHash
        }
    }

    @Test func aSnapshotThatRottedIsFoundOutAndAnotherOneIsMadeAlthoughNothingIsWritten() {
        let places: [(Int) -> Int] = [{ $0 / 2 }, { $0 - 10 }, { _ in 20 }, { _ in 1 }]
        for (number, place) in places.enumerated() {
            for count in 1...2 {
                var (harness, leader, behind) = quietCluster()
                let newest = harness.snapshotIndices(of: leader).first
                harness.rotSnapshots(of: leader, newest: count, at: place)
                harness.unreachable = []
                harness.pass(milliseconds: 12_000)
                let allAgree = agree(harness)
                #expect(allAgree, "place \(number), \(count) rotten, \(behind) behind")
                #expect(harness.notices.contains { if case .snapshotUnusable = $0 { true } else { false } })
                #expect(harness.snapshotIndices(of: leader).first == newest, "place \(number): a good one stands there")
                harness.restart(leader)
                harness.pass(milliseconds: 1000)
                let stillAgree = agree(harness)
                #expect(stillAgree)
            }
        }
    }
}
