import ConcordBytes
import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordState
import ConcordStorage

// Processes, connections and disks as they work when nothing is wrong with them, and how they end.

/// The making of a log segment beside the log's own writes.
struct SegmentWork {
    var preparation: SegmentPreparation
}

extension ClusterSimulation {
    // MARK: Processes

    func restart(_ member: SimulatedMember) {
        guard !member.isUp, !member.isLost, !member.isHeldDown else { return }
        member.disk.restart()
        member.disk.disarm()
        moveIfItMay(member)
        if healing == nil, plan.classes.contains(.crashInDiskOperation), member.random.chance(percent: 30) {
            endSoon(member, within: 30, &member.random)
        }
        let id = MemberID(UInt128(member.random.next()) << 64 | UInt128(member.random.next()))
        do throws(StorageError) {
            let data = try DataDirectory.open(
                member.disk, newMember: id, name: member.name, segmentBytes: plan.segmentBytes)
            try start(member, data)
        } catch {
            couldNotOpen(member, error)
        }
    }

    private func start(_ member: SimulatedMember, _ data: DataDirectory<SimulatedDisk>) throws(StorageError) {
        for note in data.recovered.notes {
            tell("\(member.name): \(note)")
            judge(note, of: member)
        }
        member.wasWritingItsLog = false
        invariants.started(
            member.position, hardState: data.recovered.hardState, snapshot: data.snapshot?.header.base.position,
            released: data.recovered.released, entries: data.recovered.entries)
        member.runningBuild = member.build
        let restored = try restoredSnapshot(of: member, data)
        guard restored != nil || data.snapshot == nil else { return }
        member.data = data
        member.snapshots = SnapshotWorker(
            data.snapshots, on: member.disk, featureLevel: member.build.featureLevel)
        let listed = members.prefix(plan.members).map { ListedMember(name: $0.name, peerAddress: $0.listedAddress) }
        let start = ReplicaStart(
            record: data.member.record, hardState: data.recovered.hardState, released: data.recovered.released,
            entries: data.recovered.entries, snapshot: restored, snapshots: plan.snapshots,
            distrusted: data.snapshots.distrusted, stateChecks: SimulationPlan.stateChecks, listed: listed,
            joins: member.position >= plan.members, peerAddress: member.address, clientURL: "http://\(member.name)",
            build: "simulated", featureLevel: member.build.featureLevel,
            featureLevelMax: member.build.featureLevelMax, raft: plan.raft,
            appliedCommandsPerTurn: plan.appliedCommandsPerTurn, seed: member.random.next(),
            now: member.clock.milliseconds(now))
        let replica = Replica(start)
        if member.hasRotted, replica.isDoubtful { coverage.reached(.startInDoubt) }
        member.hasRotted = replica.isDoubtful
        member.targets = Set(replica.targets)
        member.running = RunningReplica(replica)
        member.knownID = data.member.record.id
        member.highestTold = max(member.highestTold, replica.featureLevelTold)
        checkMemoryOfDistrust(member)
        tellInvariants(of: member)
        tell("\(member.name) starts, boot \(data.member.record.boot), \(data.recovered.entries.count) entries")
        prepareNextSegment(of: member)
        endTurn(of: member)
        for other in members where other !== member {
            events.schedule(.connect(member, other), at: now + 100 + member.random.below(2000))
        }
    }

    /// Only what was being written may be unfinished, and only what rotted may be lost.
    private func judge(_ note: RecoveryNote, of member: SimulatedMember) {
        switch note {
        case .voteSlotRepaired: coverage.reached(.voteSlotRepaired)
        case .unfinishedGroupCut:
            coverage.reached(.unfinishedGroupCut)
            guard !member.wasWritingItsLog, !member.hasRotted else { return }
            problem("\(member.name) found what nobody was writing: \(note)")
        case .doubtfulGroupCut:
            coverage.reached(.doubtfulGroupCut)
            if !member.hasRotted { problem("\(member.name) doubts a log that did not rot: \(note)") }
        case .damageCut:
            coverage.reached(.damageCut)
            if !member.hasRotted { problem("\(member.name) finds damage where nothing rotted: \(note)") }
        case .supersededDamage, .snapshotUnusable, .logReset, .stateDistrusted: break
        }
    }

    /// A member that had lost something has it again, or says that nobody has.
    func observeDoubt(_ notice: Notice, of member: SimulatedMember) {
        guard notice == .doubtOver else { return problem("\(member.name) says that entries are lost everywhere") }
        tell("\(member.name) has again what its disk had lost")
        coverage.reached(.doubtOver)
        member.hasRotted = false
        invariants.mended(member.position)
    }

    private func couldNotOpen(_ member: SimulatedMember, _ error: StorageError) {
        tell("\(member.name) cannot open its directory: \(error)")
        if member.disk.isOff {
            coverage.reached(.crashWhileOpening)
            coverage.count(.crashesInDiskOperations)
            return crash(member, cuttingPower: member.random.chance(percent: 50))
        }
        switch error {
        case .disk(let cause), .full(let cause): endedByDisk(member, cause)
        case .damaged, .newerFormat, .unreadableRecord, .bothVoteSlotsBad, .memberRecordMissing:
            guard member.hasRotted else { return problem("\(member.name) cannot open its data: \(error)") }
            coverage.reached(.damageRefused)
            loseForGood(member, "its directory is damaged")
        }
    }

    /// An error of the disk ends the process; it is started again until the disk works.
    func endedByDisk(_ member: SimulatedMember, _ error: DiskError) {
        guard member.disk.ownsUp(to: error), healing?.quorum.contains(member.position) != true else {
            return problem("\(member.name) met a disk error that nobody made: \(error)")
        }
        crash(member, cuttingPower: false)
    }

    func loseForGood(_ member: SimulatedMember, _ reason: String) {
        tell("\(member.name) is lost: \(reason)")
        member.isLost = true
        if member.isUp { crash(member, cuttingPower: false) }
    }

    func halted(_ member: SimulatedMember, _ halt: HaltReason) {
        if case .notAMember = halt, wasWiped.contains(member.position) {
            if !member.isPromised { problem("\(member.name) is refused by a cluster that it never announced") }
            coverage.reached(.wipedMemberRefused)
            return loseForGood(member, "it is no member any more")
        }
        if case .removed = halt { return left(member) }
        if case .buildTooOld(let level) = halt {
            buildIsTooOld(of: member, for: level)
            return crash(member, cuttingPower: false)
        }
        problem("\(member.name) halted: \(halt)")
    }

    /// Ends the process. What it had written and not synchronised survives a mere kill, not a power cut.
    func crash(_ member: SimulatedMember, cuttingPower: Bool) {
        let id = member.id
        if let running = member.running {
            if running.replica.isLeader { coverage.count(.crashesOfLeaders) }
            if !running.replica.isFormed { coverage.reached(.formationWithCrash) }
            if running.replica.state.members.isJoint { coverage.reached(.crashInJoint) }
        }
        if !member.disk.isOff {
            leaveWorkHalfDone(member)
            if cuttingPower { member.disk.cutPower() } else { member.disk.kill() }
        }
        tell("\(member.name) \(cuttingPower ? "loses power" : "is killed")")
        let clients = member.waiting.sorted { $0.key.rawValue < $1.key.rawValue }
        forgetDamageOfMemory(member)
        member.processEnded()
        for (request, client) in clients { connectionBroke(of: client, request) }
        for other in members where other.isUp {
            network.close(member.position, other.position)
            guard let id, !network.isCut(from: member.position, to: other.position) else { continue }
            events.schedule(
                .lost(id, at: other, process: other.process), at: now + 50 + jitter(of: member, below: 2000))
        }
        // Now and then so soon that answers to the process before reach this one.
        let longest: UInt64 =
            healing != nil ? 1000 : [500, 3000, 300_000, 300_000, 3_000_000][Int(member.random.below(5))]
        events.schedule(.restart(member), at: now + 500 + member.random.below(longest))
    }

    /// What the disk was doing when the process ended has happened to some part, or wholly and nobody was told.
    private func leaveWorkHalfDone(_ member: SimulatedMember) {
        let isWorking = member.diskIsBusy || member.snapshots?.isBusy == true
        guard isWorking, member.random.chance(percent: 75) else { return }
        member.wasWritingItsLog = member.wasWritingItsLog || !member.writesUnderWay.isEmpty
        member.disk.disarm()
        member.disk.arm(.kill, at: member.disk.operations + 1 + Int(member.random.below(6)))
        do throws(StorageError) {
            if let record = member.recordUnderWay { try member.data?.member.write(record) }
            try member.data?.log.write(member.writesUnderWay)
            if member.random.chance(percent: 50) { _ = try member.snapshots?.step() }
        } catch {
            tell("\(member.name) was in the middle of a disk operation")
        }
    }

    /// Arms the disk to end the process in the middle of what it will do: killed, or with the power.
    func endSoon(_ member: SimulatedMember, within operations: UInt64, _ random: inout SeededRandom) {
        let moments = SimulatedDisk.Moment.allCases
        let moment = moments[Int(random.below(UInt64(moments.count)))]
        let fault: SimulatedDisk.Fault = random.chance(percent: 50) ? .powerCut(moment) : .kill
        member.disk.arm(fault, at: member.disk.operations + 1 + Int(random.below(operations)))
    }

    func resume(_ member: SimulatedMember) {
        guard member.isPaused else { return }
        tell("\(member.name) goes on")
        member.isPaused = false
        member.disturbedAt = now
        let parked = member.parked
        member.parked = []
        for event in parked { events.schedule(event, at: now) }
        rescheduleTick(of: member)
    }

    // MARK: Connections

    /// Both sides have shaken hands, if both run and can reach each other; else the dialler tries again.
    func connect(_ dialer: SimulatedMember, _ acceptor: SimulatedMember) {
        guard dialer.targets.contains(acceptor.address) || acceptor.targets.contains(dialer.address) else { return }
        guard dialer.isUp, !dialer.isPaused else { return retryConnect(dialer, acceptor) }
        guard acceptor.isUp, !acceptor.isPaused, network.isConnected(dialer.position, acceptor.position),
            let dialerIdentity = dialer.identity, let acceptorIdentity = acceptor.identity
        else { return retryConnect(dialer, acceptor) }
        step(dialer, .peerConnected(acceptorIdentity))
        step(acceptor, .peerConnected(dialerIdentity))
        guard healing == nil, plan.classes.contains(.wipe), formedOnce.isEmpty, faultRandom.chance(percent: 5) else {
            return
        }
        events.schedule(.end(.newcomer(acceptor)), at: now + faultRandom.below(1000))
    }

    private func retryConnect(_ dialer: SimulatedMember, _ acceptor: SimulatedMember) {
        guard dialer.isUp, !acceptor.isLost else { return }
        events.schedule(.connect(dialer, acceptor), at: now + 100_000)
    }

    // MARK: Disks

    func beginDiskWork(of member: SimulatedMember) {
        guard !member.diskIsBusy, member.isUp else { return }
        guard
            member.recordQueued != nil || member.releaseQueued != nil
                || (!member.writesQueued.isEmpty && canWrite(member))
        else { return }
        member.diskIsBusy = true
        member.diskWork += 1
        (member.recordUnderWay, member.recordQueued) = (member.recordQueued, nil)
        if canWrite(member) {
            member.writesUnderWay = member.writesQueued
            member.writesQueued = []
        }
        events.schedule(
            .diskDone(member, process: member.process, work: member.diskWork), at: diskEnd(of: member))
    }

    /// As the server does: what found no room waits for the segment that it needs.
    private func canWrite(_ member: SimulatedMember) -> Bool { !member.waitsForSegment }

    func diskEnd(of member: SimulatedMember) -> UInt64 {
        let delay = 60 + jitter(of: member, below: 400)
        guard now < member.diskDelay.until else { return now + delay }
        return now + delay + member.random.below(member.diskDelay.microseconds + 1)
    }

    func finishDiskWork(of member: SimulatedMember, _ work: UInt64) {
        guard work == member.diskWork, member.diskIsBusy else { return }
        member.diskIsBusy = false
        do throws(StorageError) {
            if let record = member.recordUnderWay {
                try member.data?.member.write(record)
                member.recordUnderWay = nil
                step(member, .memberRecordDurable)
            }
            let writes = member.writesUnderWay
            member.writesUnderWay = []
            if let last = writes.last {
                member.wasWritingItsLog = true
                let unwritten = try member.data?.log.write(writes) ?? nil
                member.wasWritingItsLog = false
                finishWrites(of: member, last.sequence, unwritten)
            }
            if let index = member.releaseQueued {
                member.releaseQueued = nil
                try member.data?.log.release(upTo: index)
            }
        } catch {
            return diskFailed(member, error)
        }
        prepareNextSegment(of: member)
        beginDiskWork(of: member)
    }

    private func prepareNextSegment(of member: SimulatedMember) {
        guard let preparation = member.data?.log.nextPreparation() else { return }
        events.schedule(
            .segmentDone(member, process: member.process, SegmentWork(preparation: preparation)),
            at: diskEnd(of: member) + 1000)
    }

    func finishSegment(of member: SimulatedMember, _ work: SegmentWork) {
        var disk = member.disk
        do throws(StorageError) {
            try work.preparation.run(on: &disk)
        } catch {
            guard case .full(let cause) = error else { return diskFailed(member, error) }
            return foundNoRoom(member, work, cause)
        }
        member.data?.log.prepared(work.preparation)
        hasRoom(member)
        if work.preparation.sequence >= 4 { coverage.reached(.segmentsFour) }
        beginDiskWork(of: member)
    }

    func diskFailed(_ member: SimulatedMember, _ error: StorageError) {
        // After a failure nothing is written any more.
        (member.data, member.snapshots) = (nil, nil)
        guard !member.disk.isOff else {
            coverage.count(.crashesInDiskOperations)
            return crash(member, cuttingPower: member.random.chance(percent: 50))
        }
        tell("\(member.name): \(error)")
        switch error {
        case .disk(let cause), .full(let cause):
            if case .full = cause.kind, member.running?.replica.isLeader == true { coverage.reached(.fullDiskOfLeader) }
            endedByDisk(member, cause)
        case .damaged, .newerFormat, .unreadableRecord, .bothVoteSlotsBad, .memberRecordMissing:
            problem("\(member.name) cannot write: \(error)")
        }
    }
}
