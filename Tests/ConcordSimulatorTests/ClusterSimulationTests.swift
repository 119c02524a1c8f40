import ConcordSimulator
import Testing

@Suite struct ClusterSimulationTests {
    /// Lives of clusters of one to seven members with drawn faults: clients never see anything that a single copy
    /// could not have shown, no invariant breaks, and a healed quorum serves. `concord-sim` runs many more.
    @Test(arguments: 0..<6)
    func clientsSeeOneCopy(block: UInt64) {
        for seed in 1_000_000 + block * 20..<1_000_000 + (block + 1) * 20 {
            let result = SeedResult.run(SimulationPlan(seed: seed))
            #expect(result.problems.isEmpty, "\(result.problems.joined(separator: "\n"))")
        }
    }

    @Test(arguments: 7_001...7_006)
    func aSeedIsOneRun(seed: UInt64) {
        let first = ClusterSimulation(seed: seed)
        first.run()
        let second = ClusterSimulation(seed: seed)
        second.run()
        #expect(first.eventHash == second.eventHash)
        #expect(first.historyLines == second.historyLines)
    }

    @Test func differentSeedsAreDifferentRuns() {
        let hashes = (8_001...8_008).map { SeedResult.run(SimulationPlan(seed: $0)).eventHash }
        #expect(Set(hashes).count == hashes.count)
    }

    /// Whoever watches a run must not change it.
    @Test func aTracedRunIsTheSameRun() {
        let quiet = ClusterSimulation(seed: 42)
        quiet.run()
        let traced = ClusterSimulation(seed: 42)
        var lines = 0
        traced.trace = { _ in lines += 1 }
        traced.run()
        #expect(quiet.eventHash == traced.eventHash)
        #expect(lines > 10)
    }

    @Test func aPlanWithoutFaultsHasNone() throws {
        let seed = try #require((1...200).first { !SimulationPlan(seed: $0).faults.isEmpty })
        var reduction = PlanReduction()
        reduction.without = Set(FaultClass.allCases)
        let result = SeedResult.run(SimulationPlan(seed: seed).reduced(by: reduction))
        #expect(result.problems.isEmpty)
        for occurrence in [Occurrence.kills, .powerCuts, .lostMessages, .diskErrors, .wipes, .pauses] {
            #expect(result.coverage[occurrence] == 0 || occurrence == .lostMessages)
        }
    }

    /// What fails by one of its faults alone is brought down to that one.
    @Test func aFailingPlanIsMadeSmaller() throws {
        let plan = try #require((1...500).lazy.map { SimulationPlan(seed: $0) }.first { $0.faults.count >= 12 })
        let culprit = plan.faults[6]
        var shrinker = Shrinker(plan) { $0.faults.contains(culprit) }
        let reduction = shrinker.run()
        #expect(plan.reduced(by: reduction).faults == [culprit])
        #expect(plan.reduced(by: reduction).workload.clients == 1)
        #expect(reduction.flags.contains("--faults 7"))
    }

    /// Sums over runs count in how many each thing was, and say what was too rare.
    @Test func coverageNamesWhatIsMissing() {
        var coverage = Coverage()
        for seed: UInt64 in 9_001...9_060 {
            coverage.add(run: SeedResult.run(SimulationPlan(seed: seed)).coverage)
        }
        #expect(coverage.runs == 60)
        #expect(coverage[.kills] > 0 && coverage[.kills] < 60)
        let holes = coverage.holes
        #expect(
            holes.contains { $0.hasPrefix("never: \(Sometimes.sevenMembers.rawValue)") }
                == (coverage[.sevenMembers] == 0))
        #expect(Coverage().holes.count == Sometimes.allCases.count)
    }
}
