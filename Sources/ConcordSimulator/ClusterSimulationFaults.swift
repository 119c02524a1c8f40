import ConcordBytes
import ConcordModel
import ConcordRaft
import ConcordReplica

// What goes wrong, and when it stops.

/// A fault that holds for a while.
enum LastingFault {
    case cuts([(from: Int, to: Int)])
    case slowLinks([(from: Int, to: Int)])
    case fullDisk(SimulatedMember)
    /// The grace of a planned stop.
    case stopping(SimulatedMember, process: UInt64)
    /// Not an end but a beginning: many writes at once.
    case burst(SimulatedMember, process: UInt64, requests: UInt64)
    /// A leader of a succession falls.
    case reign(SimulatedMember, process: UInt64)
    case succession
    case resignation(SimulatedMember, process: UInt64)
    /// A leader is not heard any more, until then.
    case wordOf(cut: [(from: Int, to: Int)], until: UInt64)
    case wrongRate(SimulatedMember)
    /// The next requests of those that keep coming.
    case trickle(Trickle)
    /// A member that others know already is emptied before there is a cluster.
    case newcomer(SimulatedMember)
    /// Somebody asks for a change of membership; `nil` for a cancel.
    case asking(SimulatedMember, process: UInt64, ChangeMembersOperation?)
    /// What changed in a member's memory must have been found.
    case memory(SimulatedMember, process: UInt64, since: UInt64)
}

extension ClusterSimulation {
    func strike(_ fault: PlannedFault) {
        var random = SeededRandom(seed: fault.seed)
        let member = target(&random)
        tell("fault: \(fault.faultClass) (\(member.name))")
        switch fault.faultClass {
        case .loss, .duplication, .delay, .drift: break
        case .wildDrift: misleadLeader(&random)
        case .partition:
            if random.chance(percent: 20) { return loseLeaderQuietly(&random) }
            partition(&random)
            trickleForAWhile(&random)
        case .isolation:
            if random.chance(percent: 30) { return beginSuccession(&random) }
            isolate(member, &random)
            trickleForAWhile(&random)
        case .slowLink:
            slowLinks(&random)
            trickleForAWhile(&random)
        case .closedConnection: closeConnections(&random)
        case .diskError:
            guard member.isUp else { return }
            member.disk.arm(.ioError, at: member.disk.operations + 1 + Int(random.below(6)))
        case .diskFull: fillUp(member, &random)
        case .slowDisk:
            coverage.count(.slowDisks)
            member.diskDelay = (10_000 + random.below(300_000), now + 200_000 + random.below(3_000_000))
        case .hungDisk: hang(member, &random)
        case .bitRot: rot(member, &random)
        case .kill: if member.isUp { counted(.kills) { crash(member, cuttingPower: false) } }
        case .powerCut: if member.isUp { counted(.powerCuts) { cutPower(of: member, &random) } }
        case .powerCutOfAll:
            counted(.powerCutsOfAll) { for member in members where member.isUp { crash(member, cuttingPower: true) } }
        case .crashInDiskOperation: if member.isUp { endSoon(member, within: 8, &random) }
        case .plannedStop: stop(member, &random)
        case .transfer: moveLeadership(&random)
        case .wipe: wipe(member)
        case .badMemory: damageMemory(of: member, &random)
        case .membership: changeMembers(&random)
        case .upgrade: changeBuild(of: member, &random)
        case .clockJump: leap(member, &random)
        case .pause: pause(member, &random)
        }
    }

    /// At once, or in the middle of one of the next operations of its disk.
    private func cutPower(of member: SimulatedMember, _ random: inout SeededRandom) {
        guard random.chance(percent: 50) else { return crash(member, cuttingPower: true) }
        let moments = SimulatedDisk.Moment.allCases
        let moment = moments[Int(random.below(UInt64(moments.count)))]
        member.disk.arm(.powerCut(moment), at: member.disk.operations + 1 + Int(random.below(6)))
    }

    /// A new leader is asked at once, and may not last.
    func won(_ member: SimulatedMember) {
        guard healing == nil, !plan.classes.isEmpty else { return }
        fallSoon(member)
        if faultRandom.chance(percent: 30) { burst(at: member, requests: 1 + faultRandom.below(4), writePercent: 30) }
        let ends = plan.classes.contains(.kill) || plan.classes.contains(.powerCut)
        guard ends, faultRandom.chance(percent: 20) else { return }
        events.schedule(.end(.stopping(member, process: member.process)), at: now + faultRandom.below(5000))
    }

    private func counted(_ occurrence: Occurrence, _ body: () -> Void) {
        coverage.count(occurrence)
        body()
    }

    /// Anyone, and rather the leader.
    private func target(_ random: inout SeededRandom) -> SimulatedMember {
        let leader = members.first { $0.running?.replica.isLeader == true }
        let anyone = members[Int(random.below(UInt64(members.count)))]
        return random.chance(percent: 40) ? leader ?? anyone : anyone
    }

    func duration(_ random: inout SeededRandom) -> UInt64 {
        let longest: UInt64 = [100_000, 600_000, 3_000_000][Int(random.below(3))]
        return 10_000 + random.below(longest)
    }

    // MARK: The network

    private var pairs: [(from: Int, to: Int)] {
        members.indices.flatMap { from in members.indices.filter { $0 != from }.map { (from, $0) } }
    }

    private func partition(_ random: inout SeededRandom) {
        let percent = 15 + random.below(50)
        cut(pairs.filter { _ in random.chance(percent: percent) }, .partialPartitions, &random)
    }

    /// One member alone, two halves, or two halves with a member that sees both.
    private func isolate(_ member: SimulatedMember, _ random: inout SeededRandom) {
        let alone = member.position
        // It goes on for a while, and what it takes in nobody else will have.
        if member.running?.replica.isLeader == true, random.chance(percent: 50) {
            events.schedule(
                .end(.burst(member, process: member.process, requests: 5 + random.below(60))),
                at: now + random.below(50_000))
        }
        if random.chance(percent: 50) {
            return cut(pairs.filter { $0.from == alone || $0.to == alone }, .isolations, &random)
        }
        let bridge = random.chance(percent: 40) ? alone : nil
        let left = Set(members.indices.filter { _ in random.chance(percent: 50) })
        let parted = pairs.filter {
            left.contains($0.from) != left.contains($0.to) && $0.from != bridge && $0.to != bridge
        }
        cut(parted, .isolations, &random)
    }

    private func cut(_ links: [(from: Int, to: Int)], _ kind: Occurrence, _ random: inout SeededRandom) {
        guard !links.isEmpty else { return }
        coverage.count(kind)
        for (from, to) in links { network.cut(from: from, to: to) }
        events.schedule(.end(.cuts(links)), at: now + duration(&random))
    }

    private func slowLinks(_ random: inout SeededRandom) {
        let percent = 20 + random.below(60)
        let links = pairs.filter { _ in random.chance(percent: percent) }
        guard !links.isEmpty else { return }
        coverage.count(.slowLinks)
        for (from, to) in links {
            network.slow(
                from: from, to: to,
                byMicroseconds: 5000 + random.below(random.chance(percent: 20) ? 3_000_000 : 400_000))
        }
        events.schedule(.end(.slowLinks(links)), at: now + duration(&random))
    }

    private func closeConnections(_ random: inout SeededRandom) {
        let percent = 30 + random.below(70)
        for dialer in members {
            for acceptor in members[(dialer.position + 1)...] where random.chance(percent: percent) {
                coverage.count(.closedConnections)
                network.close(dialer.position, acceptor.position)
                // The redial of one side may fail although nobody died.
                if random.chance(percent: 20), let id = dialer.id, acceptor.isUp {
                    events.schedule(.lost(id, at: acceptor, process: acceptor.process), at: now + 100)
                }
                events.schedule(.connect(dialer, acceptor), at: now + 200 + random.below(20_000))
            }
        }
    }

    func end(_ fault: LastingFault) {
        switch fault {
        case .cuts(let links):
            for (from, to) in links { network.mend(from: from, to: to) }
            reconnect(links)
        case .slowLinks(let links):
            for (from, to) in links { network.slow(from: from, to: to, byMicroseconds: 0) }
        case .fullDisk(let member): member.disk.capacityBytes = nil
        case .stopping(let member, let process):
            if member.process == process, member.isUp { crash(member, cuttingPower: faultRandom.chance(percent: 50)) }
        case .burst(let member, let process, let requests):
            if member.process == process { burst(at: member, requests: requests, writePercent: 95) }
        case .reign(let leader, let process):
            if leader.process == process, leader.running?.replica.isLeader == true { fall(leader) }
        case .succession: endSuccession()
        case .resignation(let leader, let process):
            guard leader.process == process, !leader.isPaused else { return }
            step(leader, .resign)
        case .wordOf(let links, let until):
            for (from, to) in links { network.cut(from: from, to: to) }
            events.schedule(.end(.cuts(links)), at: max(until, now))
        case .wrongRate(let member):
            member.clock.setRate(1_000_000, now: now)
            setRate(of: member, &faultRandom)
            if member.isUp { rescheduleTick(of: member) }
        case .trickle(let trickle): drip(trickle)
        case .asking(let member, let process, let operation):
            if member.process == process, !member.isPaused { askForChange(operation, at: member) }
        case .memory(let member, let process, let time): mustHaveFound(member, process: process, since: time)
        case .newcomer(let member): if !formedOnce.contains(member.position) { wipe(member) }
        }
    }

    /// Connections that were silent for long have been given up by one side or the other.
    func reconnect(_ links: [(from: Int, to: Int)]) {
        for (from, to) in links where from < to {
            events.schedule(.connect(members[from], members[to]), at: now + members[from].random.below(5000))
        }
    }

    // MARK: Disks

    /// Whether a quorum is left when one more is out for good.
    var mayLoseAnother: Bool {
        // All listed members are needed to form a cluster.
        guard formedOnce.isEmpty || formedOnce.count == members.count else { return false }
        return lostCount < (members.count - 1) / 2
    }

    /// How many cannot be counted on.
    var lostCount: Int {
        members.count { $0.isLost || $0.hasRotted || wasWiped.contains($0.position) || $0.damage != nil }
    }

    private func rot(_ member: SimulatedMember, _ random: inout SeededRandom) {
        guard mayLoseAnother, !member.isLost, member.running?.replica.isFormed == true else { return }
        crash(member, cuttingPower: random.chance(percent: 50))
        let isAtEnd = random.chance(percent: 40)
        guard
            let place = isAtEnd
                ? member.disk.rotEnd(of: "log-", using: &random) : member.disk.rot(using: &random)
        else { return }
        coverage.count(.rottenBits)
        tell("\(member.name): a bit rots in \(place.file) at \(place.offset)")
        member.hasRotted = true
    }

    // MARK: Processes and clocks

    private func stop(_ member: SimulatedMember, _ random: inout SeededRandom) {
        guard member.isUp, !member.isPaused else { return }
        coverage.count(.plannedStops)
        step(member, random.chance(percent: 70) ? .stepDown : .resign)
        endTurn(of: member)
        if random.chance(percent: 70) {
            events.schedule(.end(.stopping(member, process: member.process)), at: now + random.below(400_000))
        }
    }

    private func wipe(_ member: SimulatedMember) {
        guard mayLoseAnother, !member.isLost else { return }
        coverage.count(.wipes)
        if member.isUp { crash(member, cuttingPower: false) }
        member.isPromised = member.isPromised || member.hasAnnounced
        member.hasAnnounced = false
        member.disk.erase()
        (member.damage, member.isMarked) = (nil, false)
        invariants.wiped(member.position)
        wasWiped.insert(member.position)
    }

    private func leap(_ member: SimulatedMember, _ random: inout SeededRandom) {
        coverage.count(.clockJumps)
        if random.chance(percent: 50) {
            member.disturbedAt = now
            member.clock.leap(byMicroseconds: 10_000 + random.below(5_000_000))
            rescheduleTick(of: member)
        } else {
            member.clock.setWall(byMilliseconds: Int64(random.below(7_200_000)) - 3_600_000)
        }
    }

    private func pause(_ member: SimulatedMember, _ random: inout SeededRandom) {
        guard member.isUp, !member.isPaused else { return }
        coverage.count(.pauses)
        // It stands still with questions in hand, half of the time in the middle of a turn.
        burst(at: member, requests: random.below(6), writePercent: 40)
        if member.running?.replica.isLeader == true { coverage.reached(.pausedLeader) }
        member.isPaused = true
        events.schedule(.resume(member, process: member.process), at: now + duration(&random))
    }

    /// Draws a clock's rate, of what the plan allows.
    func setRate(of member: SimulatedMember, _ random: inout SeededRandom) {
        let (small, wild) = (990_000 + random.below(20_001), 500_000 + random.below(1_500_001))
        if plan.classes.contains(.wildDrift) {
            member.clock.setRate(wild, now: now)
        } else if plan.classes.contains(.drift) {
            member.clock.setRate(small, now: now)
        }
    }
}
