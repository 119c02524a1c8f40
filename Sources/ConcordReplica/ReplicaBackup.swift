import ConcordModel
import ConcordRaft
package import ConcordState
package import ConcordStorage

/// What a backup is made of: the state as it stood when the request was answered, and what it stands for in the log.
package struct BackupSource: Sendable {
    package var header: SnapshotHeader
    /// A copy that shares its pages with the member's own state until one of them changes.
    package var state: StateMachine

    package init(header: SnapshotHeader, state: StateMachine) {
        self.header = header
        self.state = state
    }

    package var clusterText: String { "\(header.cluster)" }
    package var indexNumber: UInt64 { header.base.position.index.rawValue }
}

extension Replica {
    mutating func takeOn(_ read: PendingRead, _ consistency: ReadConsistency) {
        guard consistency == .local else { return reads.append(read) }
        if hasCaughtUp { reads.appendLocal(read) } else { reads.append(read) }
    }

    /// Hands out a copy of the state. It costs nothing here, however large the state is.
    mutating func answerBackup(_ read: PendingRead) {
        guard let cluster = record.clusterID, appliedIndex > .zero, let base = raft?.base(at: appliedIndex) else {
            return reply(read.request, .failed(.recovering))
        }
        reply(
            read.request,
            .backup(BackupSource(header: SnapshotHeader(cluster: cluster, base: base), state: state)))
    }
}
