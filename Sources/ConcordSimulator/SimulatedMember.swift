import ConcordBytes
import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordStorage

/// A member of the simulated cluster: the production replica and storage around a simulated disk, and what a
/// process would hold besides.
final class SimulatedMember {
    let position: Int
    let name: String
    let disk: SimulatedDisk
    /// `nil` while the process is down.
    var replica: Replica?
    var data: DataDirectory<SimulatedDisk>?
    /// Handed over and not begun.
    var writesQueued: [LogWrite] = []
    var recordQueued: MemberRecord?
    var diskIsBusy = false
    var turnIsScheduled = false
    var tickAt: UInt64?
    /// Its monotonic clock is ahead of the simulation's by this many milliseconds.
    let clockOffset: UInt64
    /// Who waits for an answer of this process, by request.
    var waiting: [RequestID: Int] = [:]

    var id: MemberID? { replica?.record.id }
    var boot: UInt64 { replica?.record.boot ?? 0 }

    init(position: Int, disk: SimulatedDisk, clockOffset: UInt64) {
        self.position = position
        self.disk = disk
        self.clockOffset = clockOffset
        name = "member-\(position + 1)"
    }

    func milliseconds(_ time: UInt64) -> UInt64 {
        time / 1000 + clockOffset
    }

    /// Whether the process runs.
    var isUp: Bool { replica != nil }

    /// What a process that is gone takes with it.
    func processEnded() {
        replica = nil
        data = nil
        writesQueued = []
        recordQueued = nil
        diskIsBusy = false
        turnIsScheduled = false
        tickAt = nil
        waiting = [:]
    }

    var identity: PeerIdentity? {
        guard let record = replica?.record else { return nil }
        // A cluster is told of only once its record is durable: then consensus runs.
        let formed = replica?.status.clusterID != nil && recordQueued == nil
        return PeerIdentity(
            id: record.id, name: name, boot: record.boot, peerAddress: "\(name):1", clientURL: "http://\(name)",
            featureLevel: ModelLimits.featureLevel, build: "simulated", clusterID: formed ? record.clusterID : nil)
    }
}
