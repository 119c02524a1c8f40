import ConcordBytes
import ConcordRaft
import ConcordReplica
import ConcordStorage

// Disks that hang or fill up, and what must come of it.

extension ClusterSimulation {
    func hang(_ member: SimulatedMember, _ random: inout SeededRandom) {
        guard member.isUp else { return }
        coverage.count(.hungDisks)
        let until = now + 300_000 + random.below(4_000_000)
        member.diskDelay = (0, 0)
        beginHang(of: member)
        events.schedule(.diskDone(member, process: member.process, work: member.diskWork), at: until)
    }

    /// What runs does not end, and nothing else begins, until somebody schedules that.
    func beginHang(of member: SimulatedMember) {
        member.diskIsBusy = true
        member.diskWork += 1
    }

    // MARK: Full disks

    /// One disk, or all of them; now and then for so long that what is left of the current segments is used up.
    func fillUp(_ member: SimulatedMember, _ random: inout SeededRandom) {
        let filled = random.chance(percent: 30) ? members : [member]
        let length = random.chance(percent: 30) ? 500_000 + random.below(4_000_000) : duration(&random)
        for member in filled where member.disk.capacityBytes == nil {
            member.disk.fill(leaving: Int(random.below(8 << 10)))
            member.fullUntil = now + length
            events.schedule(.end(.fullDisk(member)), at: now + length)
        }
        guard filled.count > 1, random.chance(percent: 60) else { return }
        // Enough writes that the segments end.
        for number in 0..<20 {
            let asked = members[Int(random.below(UInt64(members.count)))]
            events.schedule(
                .end(.burst(asked, process: asked.process, requests: 20)), at: now + 1 + UInt64(number) * length / 20)
        }
    }

    /// Whether a disk is full, or was lately, so that what was said of it may still be on its way or be believed.
    var isSomeDiskFull: Bool { members.contains { now < $0.fullUntil + 4_000_000 && $0.fullUntil > 0 } }

    /// The log was written as far as there was room.
    func finishWrites(of member: SimulatedMember, _ last: WriteSequence, _ unwritten: UnwrittenLog?) {
        if let unwritten {
            member.writesQueued.insert(unwritten.rest, at: 0)
            member.waitsForSegment = true
        }
        guard let finished = unwritten == nil ? last : unwritten?.finished else { return }
        member.finished(finished)
        invariants.durable(finished, at: member.position)
        step(member, .logDurable(finished))
    }

    /// The next segment cannot be made: nothing is in doubt, and it is tried again.
    func foundNoRoom(_ member: SimulatedMember, _ work: SegmentWork, _ error: DiskError) {
        guard member.disk.ownsUp(to: error) else {
            return problem("\(member.name) met a full disk that nobody filled: \(error)")
        }
        coverage.reached(.segmentWithoutRoom)
        var disk = member.disk
        do throws(StorageError) {
            try work.preparation.discard(on: &disk)
        } catch {
            return diskFailed(member, error)
        }
        if !member.lacksRoom {
            member.lacksRoom = true
            tell("\(member.name) has no room for the next segment")
            if member.running?.look({ $0.isLeader }) == true { coverage.reached(.fullDiskOfLeader) }
            step(member, .diskSpace(isFull: true))
        }
        events.schedule(.segmentDone(member, process: member.process, work), at: now + 500_000)
    }

    func hasRoom(_ member: SimulatedMember) {
        member.waitsForSegment = false
        guard member.lacksRoom else { return }
        member.lacksRoom = false
        step(member, .diskSpace(isFull: false))
    }

    /// Nobody is refused for want of room as long as no disk is full.
    func checkRefusalForSpace(by member: SimulatedMember) {
        coverage.reached(.noQuorumOfRoom)
        if !isSomeDiskFull { problem("\(member.name) refuses a write for want of room, and no disk is full") }
    }

    // MARK: The watchdog

    /// How long a leader may need to learn that the others have persisted more: the heartbeats of some rounds, of which
    /// some may be lost.
    private var learningMilliseconds: UInt64 { 4 * plan.raft.electionTimeoutMilliseconds }

    /// A leader whose disk has hung for longer than it may, while every other voter's has gone on, must lead no more.
    func checkWatchdog(of member: SimulatedMember) {
        let clock = member.clock.milliseconds(now)
        guard let oldest = member.unfinishedWrites.first, !plan.classes.contains(.membership),
            clock >= oldest.milliseconds + plan.raft.diskPatienceMilliseconds,
            member.running?.look({ $0.isLeader }) == true, now > member.disturbedAt + 3_000_000,
            invariants.othersHavePersistedMore(than: member.position)
        else { return member.heldUpSince = nil }
        let since = member.heldUpSince ?? clock
        member.heldUpSince = since
        if clock > since + learningMilliseconds {
            problem("\(member.name) leads on, and its disk has hung for \(clock - oldest.milliseconds) ms")
        }
    }
}

extension StorageError {
    /// Whether the disk refused, and not what stands on it.
    var isOfDisk: Bool {
        switch self {
        case .disk, .full: true
        case .damaged, .newerFormat, .unreadableRecord, .bothVoteSlotsBad, .memberRecordMissing: false
        }
    }
}
