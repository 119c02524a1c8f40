import ConcordBytes
import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordStorage

/// A running replica, at an address.
final class RunningReplica {
    var replica: Replica

    init(_ replica: Replica) {
        self.replica = replica
    }

    /// Reads several things at once; reading one by one would copy the whole replica each time.
    func look<Result>(_ body: (inout Replica) -> Result) -> Result {
        body(&replica)
    }
}

/// A member of the simulated cluster: the production replica and storage around a simulated disk, and what a
/// process would hold besides.
final class SimulatedMember {
    struct Asked: Hashable {
        var candidate: MemberID
        var term: Term
    }

    struct Heard {
        var leader: Int
        var term: Term
        /// By its own monotonic clock.
        var milliseconds: UInt64
        var connection: UInt64
    }

    struct Handover {
        var target: MemberID
        var term: Term
        var lastIndex: LogIndex
    }

    let position: Int
    let name: String
    let disk: SimulatedDisk
    var clock: SimulatedClock
    /// For what its processes draw: identities, election timeouts, moments of its crashes.
    var random: SeededRandom

    // The process.
    /// `nil` while the process is down.
    var running: RunningReplica?
    var data: DataDirectory<SimulatedDisk>?
    var snapshots: SnapshotWorker<SimulatedDisk>?
    var snapshotStepIsScheduled = false
    /// Handed over and not begun.
    var writesQueued: [LogWrite] = []
    var recordQueued: MemberRecord?
    var diskIsBusy = false
    /// What the disk does now; what is handed over meanwhile waits for the next time.
    var writesUnderWay: [LogWrite] = []
    var recordUnderWay: MemberRecord?
    /// Handed over and not reported as durable, and when that was by its own clock.
    private(set) var unfinishedWrites: [(sequence: WriteSequence, milliseconds: UInt64)] = []
    /// What it has to write waits for the next segment.
    var waitsForSegment = false
    /// The next segment could not be made for want of room.
    var lacksRoom = false
    /// Since when it leads although its disk has hung for too long, by its own clock.
    var heldUpSince: UInt64?
    /// The log up to this index may go, when the disk has time for it.
    var releaseQueued: LogIndex?
    /// Numbers the disk work, so that the end of an earlier one is not taken for this one's.
    var diskWork: UInt64 = 0
    var turnIsScheduled = false
    var tickAt: UInt64?
    /// The last index whose state was compared with the others'.
    var checkedIndex = LogIndex.zero
    /// Who waits for an answer of this process, by request.
    var waiting: [RequestID: Int] = [:]
    /// By when each of its requests must be answered, in milliseconds of its own clock.
    var deadlines: [RequestID: UInt64] = [:]
    var answered: Set<RequestID> = []
    /// The last that it heard of a leader.
    var heard: Heard?
    /// How often somebody asked for a pre-vote while it heard none, and has not got it yet.
    var mayHelp: [Asked: Int] = [:]
    /// The transfer of leadership that was last seen under way here.
    var handover: Handover?
    /// Counts the processes; what was meant for an earlier one is not for this.
    var process: UInt64 = 0

    /// What its next process is of.
    var build = SimulatedBuild()
    /// What its present process is of.
    var runningBuild = SimulatedBuild()
    /// How often it was started at another address than before.
    var moves = 0
    /// The highest feature level that it has told anyone.
    var highestTold: UInt16 = 0

    // What is wrong with it.
    /// Stands still until `resume`; what comes meanwhile waits here.
    var isPaused = false
    var parked: [ClusterSimulation.Event] = []
    /// When it last stood still or its clock was not its own.
    var disturbedAt: UInt64 = 0
    /// A disk operation lasts at least this long, until then.
    var diskDelay: (microseconds: UInt64, until: UInt64) = (0, 0)
    /// Its disk is full until then.
    var fullUntil: UInt64 = 0
    /// Since it last opened its directory an operation on its log was cut short.
    var wasWritingItsLog = false
    /// Its directory rotted, and it has not found out yet that nothing is lost, or not got back what is.
    var hasRotted = false
    /// It told another one of a cluster that it is ready to form, since its directory was last empty.
    var hasAnnounced = false
    /// Its directory was emptied after it had announced a cluster, which may have been formed on its word.
    var isPromised = false
    /// It can never serve again: its directory was refused or is another member's.
    var isLost = false
    /// It was removed from the cluster, knows it and has ended.
    var hasLeft = false
    /// Whom it wants a connection to.
    var targets: Set<String> = []
    /// Its id, also while it is down.
    var knownID: MemberID?
    /// Stays down.
    var isHeldDown = false
    /// Its state is not the others', or not what its records say.
    var damage: StateDamage?
    /// It knows so durably.
    var isMarked = false

    var id: MemberID? { running?.replica.record.id }

    init(position: Int, disk: SimulatedDisk, clockStart: UInt64, random: SeededRandom) {
        self.position = position
        self.disk = disk
        self.random = random
        clock = SimulatedClock(start: clockStart)
        name = "member-\(position + 1)"
    }

    /// Where its present process is, or its next one.
    var address: String { "\(name):\(1 + moves)" }

    /// As it stands in the list of those that form the cluster.
    var listedAddress: String { "\(name):1" }

    var boot: UInt64 { running?.replica.record.boot ?? 0 }

    /// Whether the process runs.
    var isUp: Bool { running != nil }

    func queue(_ writes: [LogWrite], milliseconds: UInt64) {
        writesQueued.append(contentsOf: writes)
        for write in writes { unfinishedWrites.append((write.sequence, milliseconds)) }
    }

    func finished(_ sequence: WriteSequence) {
        unfinishedWrites.removeAll { $0.sequence <= sequence }
    }

    /// What a process that is gone takes with it.
    func processEnded() {
        process += 1
        running = nil
        data = nil
        snapshots = nil
        snapshotStepIsScheduled = false
        releaseQueued = nil
        writesQueued = []
        recordQueued = nil
        writesUnderWay = []
        recordUnderWay = nil
        unfinishedWrites = []
        heldUpSince = nil
        (waitsForSegment, lacksRoom) = (false, false)
        diskIsBusy = false
        turnIsScheduled = false
        tickAt = nil
        checkedIndex = .zero
        waiting = [:]
        deadlines = [:]
        answered = []
        heard = nil
        mayHelp = [:]
        handover = nil
        isPaused = false
        parked = []
    }

    var identity: PeerIdentity? {
        guard let running else { return nil }
        let record = running.replica.record
        // A cluster is told of only once its record is durable: then consensus runs.
        let formed = running.replica.isFormed && recordQueued == nil && recordUnderWay == nil
        return PeerIdentity(
            id: record.id, name: name, boot: record.boot, peerAddress: address, clientURL: "http://\(name)",
            featureLevel: running.replica.featureLevelTold, build: "simulated",
            clusterID: formed ? record.clusterID : nil)
    }
}
