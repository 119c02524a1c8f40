import ConcordBytes
import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordStorage

// Processes, connections, disks, and what goes wrong with them.

extension ClusterSimulation {
    // MARK: Processes

    func restart(_ member: SimulatedMember) {
        guard !member.isUp else { return }
        member.disk.restart()
        member.disk.disarm()
        if !isHealed, random.chance(percent: 5) { endSoon(member, within: 30) }
        let id = MemberID(UInt128(random.next()) << 64 | UInt128(random.next()))
        do {
            let data = try DataDirectory.open(
                member.disk, newMember: id, name: member.name, segmentBytes: ClusterSimulation.segmentBytes)
            member.data = data
            let listed = members.map { ListedMember(name: $0.name, peerAddress: "\($0.name):1") }
            member.replica = Replica(
                ReplicaStart(
                    record: data.member.record, hardState: data.recovered.hardState, entries: data.recovered.entries,
                    listed: listed, clientURL: "http://\(member.name)", build: "simulated", raft: RaftSettings(),
                    seed: random.next(),
                    now: member.milliseconds(now)))
        } catch {
            guard member.disk.isOff else { return problem("\(member.name) cannot open its data: \(error)") }
            count("crashes while opening")
            return crash(member, cuttingPower: random.chance(percent: 50))
        }
        count("starts")
        endTurn(of: member)
        for other in members where other !== member {
            events.schedule(.connect(member, other), at: now + 100 + random.below(2000))
        }
    }

    /// Ends the process. What it had written and not synchronised survives a mere kill, not a power cut.
    func crash(_ member: SimulatedMember, cuttingPower: Bool) {
        let id = member.id
        if cuttingPower { member.disk.cutPower() } else { member.disk.kill() }
        count(cuttingPower ? "power cuts" : "kills")
        let clients = member.waiting.sorted { $0.key.rawValue < $1.key.rawValue }.map(\.value)
        member.processEnded()
        for client in clients { connectionBroke(of: client) }
        for other in members where other.isUp {
            guard let id, let otherID = other.id, !network.isCut(from: id, to: otherID) else { continue }
            events.schedule(.lost(id, at: other, boot: other.boot), at: now + 50 + random.below(2000))
        }
        let longest: UInt64 = isHealed ? 1000 : random.chance(percent: 20) ? 3_000_000 : 300_000
        events.schedule(.restart(member), at: now + 1000 + random.below(longest))
    }

    static let segmentBytes = 32 << 10

    /// Arms the disk to end the process in the middle of what it will do: killed, or with the power.
    private func endSoon(_ member: SimulatedMember, within operations: UInt64) {
        let moments = SimulatedDisk.Moment.allCases
        let moment = moments[Int(random.below(UInt64(moments.count)))]
        let fault: SimulatedDisk.Fault = random.chance(percent: 50) ? .powerCut(moment) : .kill
        member.disk.arm(fault, at: member.disk.operations + 1 + Int(random.below(operations)))
    }

    // MARK: Connections

    /// Both sides have shaken hands, if both run and can reach each other; else the dialler tries again.
    func connect(_ dialer: SimulatedMember, _ acceptor: SimulatedMember) {
        guard let dialerID = dialer.id else { return }
        guard let acceptorID = acceptor.id, !network.isCut(from: dialerID, to: acceptorID),
            !network.isCut(from: acceptorID, to: dialerID),
            let dialerIdentity = dialer.identity, let acceptorIdentity = acceptor.identity
        else {
            events.schedule(.connect(dialer, acceptor), at: now + 100_000)
            return
        }
        step(dialer, .peerConnected(acceptorIdentity))
        step(acceptor, .peerConnected(dialerIdentity))
    }

    private func reconnectAll() {
        for dialer in members {
            for acceptor in members where acceptor.position > dialer.position {
                events.schedule(.connect(dialer, acceptor), at: now + random.below(5000))
            }
        }
    }

    // MARK: Disks

    func beginDiskWork(of member: SimulatedMember) {
        guard !member.diskIsBusy, !member.writesQueued.isEmpty || member.recordQueued != nil else { return }
        member.diskIsBusy = true
        let slow = !isHealed && random.chance(percent: 1)
        let delay = slow ? 20_000 + random.below(300_000) : 60 + random.below(400)
        events.schedule(.diskDone(member, boot: member.boot), at: now + delay)
    }

    func finishDiskWork(of member: SimulatedMember) {
        member.diskIsBusy = false
        if !isHealed, random.chance(percent: 1) { endSoon(member, within: 8) }
        do {
            if let record = member.recordQueued {
                try member.data?.member.write(record)
                member.recordQueued = nil
                step(member, .memberRecordDurable)
            }
            if let last = member.writesQueued.last {
                let writes = member.writesQueued
                member.writesQueued = []
                try member.data?.log.write(writes)
                step(member, .logDurable(last.sequence))
            }
        } catch {
            guard member.disk.isOff else { return problem("\(member.name) cannot write: \(error)") }
            count("crashes in a disk write")
            return crash(member, cuttingPower: random.chance(percent: 50))
        }
        beginDiskWork(of: member)
    }

    // MARK: Faults

    func drawFault() {
        guard !isHealed else { return }
        events.schedule(.fault, at: now + 20_000 + random.below(800_000))
        let member = members[Int(random.below(UInt64(members.count)))]
        switch random.below(100) {
        case ..<25: if member.isUp { crash(member, cuttingPower: random.chance(percent: 50)) }
        case ..<35: crashLeader()
        case ..<38:
            for member in members where member.isUp { crash(member, cuttingPower: true) }
            count("power cuts of all")
        case ..<55: cutRandomLinks()
        case ..<70: isolate(member)
        default:
            network.healAll()
            reconnectAll()
        }
    }

    private func crashLeader() {
        guard let leader = members.first(where: { $0.replica?.status.standing.role == .leader }) else { return }
        crash(leader, cuttingPower: random.chance(percent: 50))
    }

    private func cutRandomLinks() {
        count("partial partitions")
        for (from, to) in pairs where random.chance(percent: 35) { network.cut(from: from, to: to) }
    }

    private func isolate(_ member: SimulatedMember) {
        guard let id = member.id else { return }
        count("isolations")
        for (from, to) in pairs where from == id || to == id { network.cut(from: from, to: to) }
    }

    private var pairs: [(MemberID, MemberID)] {
        members.flatMap { from in
            members.compactMap { to in
                guard let fromID = from.id, let toID = to.id, from !== to else { return nil }
                return (fromID, toID)
            }
        }
    }

    /// The end of all faults: from here on progress is demanded.
    func heal() {
        isHealed = true
        network.healAll()
        network.weather = .fair
        for member in members {
            member.disk.disarm()
            if !member.isUp { events.schedule(.restart(member), at: now + 1000) }
        }
        reconnectAll()
    }
}
