import ConcordBytes
import ConcordRaft
import ConcordReplica
import ConcordStorage

// Disks that hang, and what must come of it.

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
