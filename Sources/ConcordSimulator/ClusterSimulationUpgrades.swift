import ConcordBytes
import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordState

// Builds that support different feature levels in one cluster.

/// A build of the product, as far as its feature level tells it from others.
struct SimulatedBuild {
    /// The highest that it supports.
    var featureLevel = ModelLimits.featureLevel
    /// The highest that its operator lets the cluster's rise to.
    var featureLevelMax: UInt16?

    static func drawn(_ random: inout SeededRandom) -> SimulatedBuild {
        SimulatedBuild(
            featureLevel: UInt16(1 + random.below(4)),
            featureLevelMax: random.chance(percent: 20) ? UInt16(1 + random.below(4)) : nil)
    }

    mutating func supports(atLeast level: UInt16) {
        featureLevel = max(featureLevel, level)
    }
}

/// What a run remembers of them.
struct Upgrades {
    /// Who is now and then started at another address: one only, so that it always finds the others.
    var mover: Int?
    /// Levels for which a member has ended.
    var levelsRefused: [UInt16] = []
}

extension ClusterSimulation {
    func drawBuilds(_ random: inout SeededRandom) {
        for member in members { member.build = .drawn(&random) }
        upgrades.mover = Int(random.below(UInt64(plan.members)))
    }

    /// A member that is formed may be started at another address: the others must find it there.
    func moveIfItMay(_ member: SimulatedMember) {
        guard upgrades.mover == member.position, formedOnce.contains(member.position),
            !wasWiped.contains(member.position),
            member.random.chance(percent: 40)
        else { return }
        member.moves += 1
        coverage.reached(.memberMoved)
        tell("\(member.name) is at \(member.address) now")
    }

    /// Its process ends, and the next one is of another build, newer or older, after however long that takes.
    func changeBuild(of member: SimulatedMember, _ random: inout SeededRandom) {
        coverage.count(.upgrades)
        let before = member.build.featureLevel
        member.build = .drawn(&random)
        // Mostly it is an upgrade, so that levels rise.
        if random.chance(percent: 75) { member.build.supports(atLeast: before) }
        tell("\(member.name) is to be of level \(member.build.featureLevel)")
        if member.isUp { crash(member, cuttingPower: false) }
    }

    /// It has found out that it must not go on. Somebody puts a build in its place that may.
    func buildIsTooOld(of member: SimulatedMember, for level: UInt16) {
        tell("\(member.name) supports level \(member.runningBuild.featureLevel), and the cluster is at \(level)")
        if level <= member.runningBuild.featureLevel {
            problem("\(member.name) ends for feature level \(level), which it supports")
        }
        // Perhaps it is the first to know that the level is agreed on, so this can be judged at the end only.
        upgrades.levelsRefused.append(level)
        coverage.reached(.oldBuildRefused)
        member.build.supports(atLeast: level)
        if !member.isUp { events.schedule(.restart(member), at: now + 1000) }
    }

    /// As the committed entries have it.
    var featureLevelInForce: UInt16 {
        var level = ModelLimits.featureLevelFirst
        for (_, raised) in raises { level = max(level, raised) }
        return level
    }

    /// Raises that were committed, and where.
    private var raises: [(index: LogIndex, level: UInt16)] {
        invariants.committedEntries.flatMap { entry -> [(index: LogIndex, level: UInt16)] in
            guard entry.kind == .commands else { return [] }
            return ((try? CommandBatch.decode(entry.payload)) ?? []).compactMap { command in
                guard case .raiseFeatureLevel(let level) = command.operation,
                    command.decidedIn == Epoch(entry.term.rawValue)
                else { return nil }
                return (entry.index, level)
            }
        }
    }

    /// No level was raised to what some member of the configuration had never told, and none has fallen.
    func checkFeatureLevels() {
        var level = ModelLimits.featureLevelFirst
        var configuration = invariants.configurations.initial
        let raises = raises
        for entry in invariants.committedEntries {
            if entry.kind == .configuration { configuration = Configuration(payload: entry.payload) ?? configuration }
            for (_, raised) in raises.filter({ $0.index == entry.index }) {
                if raised < level { problem("the feature level fell to \(raised) at \(entry.index.rawValue)") }
                if level > ModelLimits.featureLevelFirst { coverage.reached(.levelRaised) }
                level = raised
                let ids = configuration?.members.map(\.id) ?? []
                for member in members where ids.contains(where: { $0 == member.knownID }) {
                    guard member.highestTold < raised else { continue }
                    problem("the feature level rose to \(raised), and \(member.name) told \(member.highestTold)")
                }
            }
        }
        if let refused = upgrades.levelsRefused.max(), refused > level {
            problem("a member ended for feature level \(refused), and none above \(level) was agreed on")
        }
        for member in members where member.isUp {
            guard
                let (own, supported) = member.running?.look({
                    ($0.state.featureLevel, member.runningBuild.featureLevel)
                })
            else { continue }
            if own > level { problem("\(member.name) is at level \(own), which was never agreed on") }
            if own > supported { problem("\(member.name) runs at level \(own) and supports \(supported)") }
        }
    }
}
