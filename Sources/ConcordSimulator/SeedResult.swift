/// What came of one seed.
package struct SeedResult: Sendable {
    package var seed: UInt64
    package var problems: [String]
    package var eventHash: UInt64
    package var virtualMicroseconds: UInt64
    package var eventsCount: UInt64
    package var operationsCount: Int
    package var coverage: Coverage

    package init(of simulation: ClusterSimulation) {
        seed = simulation.plan.seed
        problems = simulation.problems
        eventHash = simulation.eventHash
        virtualMicroseconds = simulation.now
        eventsCount = simulation.eventsCount
        operationsCount = simulation.seen.operations.count
        coverage = simulation.coverage
    }

    package static func run(_ plan: SimulationPlan) -> SeedResult {
        let simulation = ClusterSimulation(plan: plan)
        simulation.run()
        return SeedResult(of: simulation)
    }
}

/// The sum of many seeds.
package struct SwarmSummary: Sendable {
    package private(set) var seeds = 0
    package private(set) var failed: [SeedResult] = []
    package private(set) var coverage = Coverage()
    package private(set) var virtualMicroseconds: UInt64 = 0
    package private(set) var eventsCount: UInt64 = 0
    package private(set) var operationsCount = 0

    package init() {}

    package mutating func add(_ result: SeedResult) {
        seeds += 1
        if !result.problems.isEmpty { failed.append(result) }
        coverage.add(run: result.coverage)
        virtualMicroseconds += result.virtualMicroseconds
        eventsCount += result.eventsCount
        operationsCount += result.operationsCount
    }

    package var virtualHours: Double { Double(virtualMicroseconds) / 3.6e9 }
}
