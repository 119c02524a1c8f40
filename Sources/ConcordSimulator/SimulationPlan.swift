import ConcordBytes
package import ConcordRaft
package import ConcordReplica

/// Everything that a seed decides before a run begins. A failing run is made smaller by taking away from its plan.
package struct SimulationPlan: Sendable {
    package let seed: UInt64
    /// 1 to 7.
    package var members: Int
    /// How many more there are that no cluster has yet and that wait to be taken in.
    package var spares: Int { classes.contains(.membership) ? drawnSpares : 0 }
    private let drawnSpares: Int
    package var classes: Set<FaultClass>
    package var faults: [PlannedFault]
    package var workload: ClientWorkload
    /// How long there are faults, in virtual microseconds.
    package var faultyMicroseconds: UInt64
    /// Whether messages between members go through their encoding.
    package var encodesMessages: Bool
    /// Log segments are this long, so that short runs use several.
    package var segmentBytes: Int
    /// Whether what works takes always the same time, so that members whose timers are not random stay in step.
    package let isInStep: Bool
    /// How much an append carries, and how many are under way: with few, followers differ in what they have.
    package var raft: RaftSettings
    /// With few, members have more in hand than they have applied.
    package let appliedCommandsPerTurn: Int
    /// How soon a snapshot is due, and how it is cut for its way.
    package var snapshots: SnapshotSettings

    /// Often, so that short runs have several rounds.
    static let stateChecks = StateCheckSettings(
        reportMilliseconds: 250, patienceMilliseconds: 3000, stepMilliseconds: 10, pauseMilliseconds: 400)

    package init(seed: UInt64) {
        self.seed = seed
        var random = SeededRandom(seed: seed ^ 0x5157_4152_4D00)
        members = SimulationPlan.sizes[Int(random.below(UInt64(SimulationPlan.sizes.count)))]
        classes = SimulationPlan.drawClasses(&random)
        drawnSpares = 1 + Int(random.below(5))
        // What is lost for good in one configuration would have to be counted in all that may follow it.
        if classes.contains(.membership) { classes.subtract([.wipe, .bitRot, .badMemory]) }
        // Once in a while long enough that records of retries grow old: their time is ten minutes.
        let isLong = random.chance(percent: 2)
        faultyMicroseconds = isLong ? 700_000_000 : 1_000_000 + random.below(7_000_000)
        encodesMessages = random.chance(percent: 25)
        segmentBytes = [16 << 10, 32 << 10, 64 << 10, 256 << 10][Int(random.below(4))]
        isInStep = random.chance(percent: 8)
        raft = RaftSettings(
            appendEntriesMax: [1, 2, 5, RaftLimits.appendEntriesMax][Int(random.below(4))],
            inflightMessagesMax: [1, 2, 8, RaftLimits.inflightMessagesMax][Int(random.below(4))])
        var turns = SeededRandom(seed: seed ^ 0x5455_524E)
        appliedCommandsPerTurn =
            turns.chance(percent: 70) ? ReplicaLimits.appliedCommandsPerTurn : 1 + Int(turns.below(5))
        let chunkBytes = [100, 700, 5000, 256 << 10][Int(random.below(4))]
        snapshots = SnapshotSettings(
            logBytes: [300, 2000, 10_000, 40_000, 64 << 20][Int(random.below(5))], chunkBytes: chunkBytes,
            windowBytes: chunkBytes * (1 + Int(random.below(4))))
        var workload = ClientWorkload.drawn(from: &random)
        workload.operationsMax = 100 << Int(random.below(4))
        if isLong { workload.slowDown(toMicroseconds: 4_000_000) }
        if classes.contains(.wildDrift) || classes.contains(.clockJump) { workload.keyGoodMicroseconds = 200_000_000 }
        self.workload = workload
        faults = []
        faults = drawFaults(&random, isLong: isLong)
    }

    /// Mostly three, as most clusters are.
    private static let sizes = [1, 2, 3, 3, 3, 3, 3, 3, 3, 4, 5, 5, 5, 6, 7]

    private static func drawClasses(_ random: inout SeededRandom) -> Set<FaultClass> {
        var rest = FaultClass.allCases
        var drawn: Set<FaultClass> = []
        for _ in 0..<random.below(9) { drawn.insert(rest.remove(at: Int(random.below(UInt64(rest.count))))) }
        return drawn
    }

    private func drawFaults(_ random: inout SeededRandom, isLong: Bool) -> [PlannedFault] {
        let striking = classes.filter { !$0.isWeather }.sorted()
        guard !striking.isEmpty else { return [] }
        let longest: UInt64 = isLong ? 60_000_000 : [60_000, 200_000, 500_000, 1_500_000][Int(random.below(4))]
        var faults: [PlannedFault] = []
        var time = random.below(longest)
        while time < faultyMicroseconds {
            let faultClass = striking[Int(random.below(UInt64(striking.count)))]
            faults.append(PlannedFault(time: time, faultClass: faultClass, seed: random.next()))
            time += 1 + random.below(longest)
        }
        return faults
    }
}
