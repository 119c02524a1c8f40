import ConcordSimulator
import Testing

@Suite struct ClusterSimulationTests {
    /// Five hundred lives of a three-member cluster with crashes, cut links, lost and doubled messages, slow and
    /// torn disk writes: clients never see anything that a single copy could not have shown, and once the faults
    /// end everyone is served and holds the same state.
    @Test(arguments: 0..<10)
    func clientsSeeOneCopy(block: UInt64) {
        for seed in block * 50..<(block + 1) * 50 {
            let simulation = ClusterSimulation(seed: seed)
            simulation.run()
            #expect(simulation.problems.isEmpty, "\(simulation.problems.joined(separator: "\n"))")
        }
    }

    @Test func aSeedIsOneRun() {
        for seed: UInt64 in 7_001...7_004 {
            let first = ClusterSimulation(seed: seed)
            first.run()
            let second = ClusterSimulation(seed: seed)
            second.run()
            #expect(first.eventHash == second.eventHash)
            #expect(first.seen.history == second.seen.history)
        }
    }

    @Test func differentSeedsAreDifferentRuns() {
        let hashes = (8_001...8_005).map { seed in
            let simulation = ClusterSimulation(seed: UInt64(seed))
            simulation.run()
            return simulation.eventHash
        }
        #expect(Set(hashes).count == hashes.count)
    }

    /// What never happens in the runs is not tested by them.
    @Test func theRunsContainWhatTheyAreFor() {
        var counts: [String: Int] = [:]
        for seed: UInt64 in 9_001...9_060 {
            let simulation = ClusterSimulation(seed: seed)
            simulation.run()
            counts.merge(simulation.counts) { $0 + $1 }
        }
        for what in [
            "elections", "kills", "power cuts", "power cuts of all", "crashes in a disk write", "isolations",
            "partial partitions",
            "retries", "replays", "unknown outcomes", "operations", "formed",
        ] {
            #expect(counts[what, default: 0] > 0, "no run had: \(what); counted \(counts)")
        }
    }

    @Test func aSingleMemberServes() {
        var settings = ClusterSimulation.Settings()
        settings.members = 1
        for seed: UInt64 in 1...20 {
            let simulation = ClusterSimulation(seed: seed, settings: settings)
            simulation.run()
            #expect(simulation.problems.isEmpty, "\(simulation.problems.joined(separator: "\n"))")
        }
    }

    @Test func fiveMembersServe() {
        var settings = ClusterSimulation.Settings()
        settings.members = 5
        for seed: UInt64 in 1...20 {
            let simulation = ClusterSimulation(seed: seed, settings: settings)
            simulation.run()
            #expect(simulation.problems.isEmpty, "\(simulation.problems.joined(separator: "\n"))")
        }
    }
}
