import ConcordBytes
import ConcordChecker
import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordState

// The end of a run: a quorum is healed, the rest stays broken, and progress is demanded.

enum HealingStage {
    /// The members of a quorum work and reach each other; what the others can reach is up to chance.
    case quorumHealed
    /// A write is offered at every member of the quorum, again and again.
    case offered
    /// Now the others reach nobody.
    case restCutOff
    /// Leadership is to move to another member of the quorum, and only that one is in trouble.
    case movedInVain
    /// That one is well again.
    case mended
    /// Leadership moves to another member of the quorum, and nothing else happens.
    case moved
    /// Writes and reads are offered meanwhile.
    case offeredMeanwhile
    /// Whoever asks a member of the quorum is served.
    case served
    /// Nothing may be left to do.
    case over
}

struct Healing {
    var stage = HealingStage.quorumHealed
    /// Positions.
    var quorum: Set<Int>
    /// Writes that had an outcome since.
    var writes = 0
    /// Everyone who may be needed by any change under way is healed, so it must come to its end.
    var isOfAll = false
}

extension ClusterSimulation {
    func enter(_ stage: HealingStage) {
        if stage != .offered, stage != .offeredMeanwhile { tell("stage: \(stage)") }
        switch stage {
        case .quorumHealed: healQuorum()
        case .offered: offerWrites()
        case .restCutOff: cutOffTheRest()
        case .movedInVain: moveInVain()
        case .mended:
            if let cut = move?.cut { network.mend(from: cut.from, to: cut.to) }
            events.schedule(.stage(.moved), at: now + 400_000)
        case .moved: moveUndisturbed()
        case .offeredMeanwhile: offerWhileMoving()
        case .served:
            healing?.stage = .served
            move = nil
            servedFrom = now
            checkDeadlines()
            checkAllAreTrusted(healing?.quorum ?? [])
            for member in members where member.running?.replica.isLeader == true {
                // Cut off for ten election timeouts: it must have noticed.
                guard healing?.quorum.contains(member.position) == false, !member.isPaused else { continue }
                problem("\(member.name) still leads, and has reached nobody for ten election timeouts")
            }
            for number in clients.indices where clients[number].doing == nil { wake(number, at: now) }
            events.schedule(.stage(.over), at: now + ClusterSimulation.lastStageMicroseconds)
        case .over: problem("no rest \(ClusterSimulation.lastStageMicroseconds) µs after all were served: \(standings)")
        }
    }

    /// Ten election timeouts of 250 ms, by the slowest clock that is allowed, and as much as a disk may need.
    private static let promiseMicroseconds: UInt64 = 2_600_000
    /// For how long a leader may go on whose disk hangs, by its clock, and until it notices.
    private static let patienceMicroseconds: UInt64 = 2_200_000
    private static let lastStageMicroseconds: UInt64 = 60_000_000

    private func healQuorum() {
        var random = SeededRandom(seed: plan.seed ^ 0x4845_414C)
        checkDeadlines()
        for member in members {
            member.disk.disarm()
            member.disk.capacityBytes = nil
            member.diskDelay = (0, 0)
            resume(member)
        }
        let (quorum, isOfAll) =
            plan.classes.contains(.membership) ? drawChangingQuorum(&random) : (drawQuorum(&random), false)
        healing = Healing(quorum: quorum, isOfAll: isOfAll)
        tell("healed: \(quorum.sorted().map { members[$0].name }.joined(separator: ", "))")
        if members.contains(where: { $0.running?.replica.isLeader == true && !quorum.contains($0.position) }) {
            coverage.reached(.leaderOutsideQuorum)
        }
        network.healAll()
        if plan.isInStep { network.weather.delayMicroseconds = 70...70 }
        for member in members {
            if quorum.contains(member.position) { heal(member, &random) } else { keepBroken(member, &random) }
        }
        breakAllConnectionsOfClients()
        reconnectAll()
        events.schedule(.stage(.offered), at: now + 10_000)
        let hangs = members.contains { $0.isUp && $0.diskIsBusy && !quorum.contains($0.position) }
        let patience = hangs ? ClusterSimulation.patienceMicroseconds : 0
        events.schedule(.stage(.restCutOff), at: now + ClusterSimulation.promiseMicroseconds + patience)
    }

    private func offerWrites() {
        guard let healing, healing.stage == .quorumHealed else { return }
        for position in healing.quorum.sorted() { burst(at: members[position], requests: 1, writePercent: 100) }
        events.schedule(.stage(.offered), at: now + 300_000)
    }

    /// Enough of those that can still work; everyone while the cluster may not be formed yet.
    private func drawQuorum(_ random: inout SeededRandom) -> Set<Int> {
        var able = members.filter { !$0.isLost && !$0.hasRotted }.map(\.position)
        if !isFormedAnywhere { return Set(able) }
        able = able.filter { !wasWiped.contains($0) }
        guard members.allSatisfy({ isFormed($0) || !able.contains($0.position) }) else { return Set(able) }
        // A majority of hashes is wanted besides those that are wrong.
        let wrong = able.count { members[$0].damage != nil }
        let least = min(able.count, members.count / 2 + 1 + wrong)
        let size = least + Int(random.below(UInt64(max(1, able.count - least + 1))))
        while able.count > size { able.remove(at: Int(random.below(UInt64(able.count)))) }
        return Set(able)
    }

    private var isFormedAnywhere: Bool { members.contains { isFormed($0) } }

    private func isFormed(_ member: SimulatedMember) -> Bool {
        formedOnce.contains(member.position)
    }

    private func heal(_ member: SimulatedMember, _ random: inout SeededRandom) {
        member.isHeldDown = false
        member.build.supports(atLeast: featureLevelInForce)
        let rate = 995_000 + random.below(10_001)
        member.clock.setRate(plan.isInStep ? 1_000_000 : rate, now: now)
        if member.isUp {
            rescheduleTick(of: member)
            // A disk that hung works again.
            if member.diskIsBusy { finishDiskWork(of: member, member.diskWork) }
        } else {
            events.schedule(.restart(member), at: now + 1000)
        }
    }

    private func keepBroken(_ member: SimulatedMember, _ random: inout SeededRandom) {
        switch random.below(5) {
        case 0:
            member.isHeldDown = true
            if member.isUp { crash(member, cuttingPower: random.chance(percent: 50)) }
        case 1: member.isPaused = member.isUp
        case 2: member.diskDelay = (500_000, .max)
        case 3 where member.isUp: beginHang(of: member)
        default: if member.isUp, member.diskIsBusy { finishDiskWork(of: member, member.diskWork) }
        }
        // A clock that all but stands still keeps its member leading for ever: that is one fault too many.
        setRate(of: member, &random)
        if member.isUp, member.diskIsBusy { member.clock.setRate(990_000 + random.below(20_001), now: now) }
        if member.isUp { rescheduleTick(of: member) }
        for other in members where other !== member {
            if random.chance(percent: 50) { network.cut(from: member.position, to: other.position) }
            if random.chance(percent: 50) { network.cut(from: other.position, to: member.position) }
        }
    }

    private func cutOffTheRest() {
        guard let healing else { return }
        if healing.writes == 0 {
            return problem("no write was committed within ten election timeouts of a whole quorum: \(standings)")
        }
        self.healing?.stage = .restCutOff
        for member in members where !healing.quorum.contains(member.position) {
            for other in members where other !== member {
                network.cut(from: member.position, to: other.position)
                network.cut(from: other.position, to: member.position)
            }
        }
        events.schedule(.stage(.movedInVain), at: now + ClusterSimulation.promiseMicroseconds)
    }

    private func reconnectAll() {
        for dialer in members {
            for acceptor in members[(dialer.position + 1)...] {
                events.schedule(.connect(dialer, acceptor), at: now + jitter(of: dialer, below: 5000))
            }
        }
    }

    private var standings: String {
        members.map { "\($0.name): \($0.running.map { "\($0.replica.status)" } ?? "down")" }.joined(separator: "; ")
    }

    // MARK: The end

    /// Some seconds of the checker's time; a run needs far fewer.
    private static let configurationsMax = 2_000_000

    /// Everyone has done the last operations, and the quorum has applied the same.
    var isAtRest: Bool {
        guard let healing, healing.stage == .served, clientsAreDone else { return false }
        guard everyoneKnowsTheEndOfChanges else { return false }
        let running = staying(healing.quorum).map { members[$0].running }
        guard let first = running.first??.replica.appliedIndex, first > .zero else { return false }
        return running.allSatisfy { $0?.replica.appliedIndex == first && $0?.replica.lastIndex == first }
    }

    func checkTheEnd() {
        for violation in invariants.violations { problem(violation) }
        guard let quorum = healing.map({ staying($0.quorum) }) else {
            return problem("the run ended before it was healed")
        }
        checkChanges(at: quorum)
        checkFeatureLevels()
        let first = members[quorum[0]].running
        for member in quorum.map({ members[$0] }) {
            guard let running = member.running else { return problem("\(member.name) is down at the end") }
            if running.replica.state.stateHash != first?.replica.state.stateHash {
                problem("\(member.name) ends with another state")
            }
            if running.replica.state.recomputedHash() != running.replica.state.stateHash {
                problem("\(member.name)'s state hash is not that of its records")
            }
            if running.replica.state.image != first?.replica.state.image {
                problem("\(member.name) would make another snapshot")
            }
        }
        if let state = first?.replica.state { checkImage(of: state) }
        for number in clients.indices { clients[number].giveUpShelved(&seen) }
        endBursts()
        checkMessages()
        let limits = CheckLimits(configurationsMax: ClusterSimulation.configurationsMax)
        switch Checker.checkTree(seen.history, limits: limits, committed: committedOperations) {
        case .valid: break
        case .violation(let violation): problem(violation.explanation + describe(violation.operations))
        case .unknown(let why): problem("no verdict on the clients' history: \(why)")
        }
    }

    /// What a snapshot carries is the state.
    private func checkImage(of state: StateMachine) {
        do throws(StateImageError) {
            var reader = StateImageReader(featureLevelMax: .max)
            for piece in state.image { try reader.read(piece) }
            let copy = try reader.finish()
            if copy.recomputedHash() != state.stateHash || copy.image != state.image {
                problem("a state that was made of an image is another one")
            }
        } catch {
            problem("the image of a state cannot be read: \(error)")
        }
    }

    /// Heartbeats, and some messages for each request: a storm of messages is a bug, even when all goes well. Appends
    /// that overtake each other are refused and sent again, many for one entry.
    private func checkMessages() {
        let pairs = UInt64(members.count * (members.count - 1))
        let others = pairs * (now / 25_000) + UInt64(lastRequest) * 5 + 1_000
        let appends = pairs * (now / 10_000) + UInt64(lastRequest) * 100 + 10_000
        for (count, allowed) in [(otherMessagesCount, others), (replicationCount, appends)] where count > allowed {
            problem("\(count) messages where \(allowed) are plenty")
        }
    }

    func describe(_ operations: [RecordedOperation]) -> String {
        operations.map { operation in
            "\n  \(operation.invokedTime ?? 0)–\(operation.returnedTime.map { "\($0)" } ?? "") \(operation.process) "
                + "\(operation.function) \(operation.key.map { "\($0)" } ?? "") \(operation.argument) → "
                + "\(operation.outcome) \(operation.result) \(operation.revision.map { "r\($0)" } ?? "")"
        }.joined()
    }

    func coverTheRun() {
        let losses = members.reduce(into: SectorLosses()) { $0.add($1.disk.losses) }
        coverage.count(.lostSectors, losses.lost)
        coverage.count(.tornSectors, losses.torn)
        coverage.count(.diskErrors, members.reduce(0) { $0 + $1.disk.ioErrorsMade })
        coverage.count(.fullDisks, members.reduce(0) { $0 + $1.disk.fullErrorsMade })
        coverage.count(.reorderedSectors, losses.reordered)
        coverage.count(.truncatedEntries, invariants.truncatedCount)
        if invariants.truncatedCount > 0 { coverage.reached(.uncommittedTailLost) }
        if plan.classes.contains(.drift) { coverage.count(.drifts) }
        if plan.classes.contains(.wildDrift) { coverage.count(.wildDrifts) }
        if highestTerm.rawValue >= 20 { coverage.reached(.termTwenty) }
        if plan.members == 7 { coverage.reached(.sevenMembers) }
        if plan.members == 1 { coverage.reached(.oneMember) }
        if plan.classes.isEmpty { coverage.reached(.noFault) }
        if plan.classes.count == 8 { coverage.reached(.allClassesEight) }
        if members.contains(where: { $0.running?.replica.status.clusterClock ?? 0 >= 600_000 }) {
            coverage.reached(.tenMinutes)
        }
    }
}

extension StateMachine {
    fileprivate var image: [[UInt8]] {
        var writer = StateImageWriter(self)
        var pieces: [[UInt8]] = []
        while let piece = writer.next(bytes: 4096) { pieces.append(piece) }
        return pieces
    }
}
