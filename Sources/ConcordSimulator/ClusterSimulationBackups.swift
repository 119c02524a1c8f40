import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordState
import ConcordStorage

// Backups that somebody asks for now and then, of whoever is asked for something else: each holds the state of the log up
// to one entry, and all that was committed when it was asked for.

extension ClusterSimulation {
    /// In `waiting`: the request is for a backup.
    static let backup = -4
    private static let requestsForEach: UInt64 = 40

    func askForBackupNowAndThen(_ member: SimulatedMember) {
        guard lastRequest % ClusterSimulation.requestsForEach == 0, member.isUp, !member.isPaused else { return }
        lastRequest += 1
        let id = RequestID(lastRequest)
        backups[id] = LogIndex(UInt64(invariants.committedCount))
        ask(
            member,
            ReplicaRequest(
                id: id, timeoutMilliseconds: 2000, body: .backup(.linearizable, minimum: .zero)),
            by: ClusterSimulation.backup)
    }

    func backupAnswered(_ reply: ReplicaReply, by member: SimulatedMember) {
        guard let committed = backups.removeValue(forKey: reply.id) else { return }
        switch reply.result {
        case .backup(let source): check(source, committed: committed, by: member)
        case .failed: break
        case .outcome, .answer, .cluster, .leader:
            problem("the wish for a backup was answered with \(reply.result)")
        }
    }

    private func check(_ source: BackupSource, committed: LogIndex, by member: SimulatedMember) {
        coverage.count(.backups)
        let position = source.header.base.position
        tell("\(member.name) hands out a backup up to \(position.index.rawValue)")
        invariants.makesSnapshot(position, at: member.position)
        if position.index < committed {
            problem(
                "\(member.name) hands out a backup up to \(position.index.rawValue), and \(committed.rawValue) was "
                    + "committed when it was asked")
        }
        // A state that was made wrong is no less wrong in a backup, until its member has found out.
        guard member.damage == nil else { return }
        if hashes[position.index] != source.state.stateHash {
            problem("\(member.name) hands out another state than there was at \(position.index.rawValue)")
        }
        var writer = StateImageWriter(source.state)
        var reader = StateImageReader(featureLevelMax: .max)
        do throws(StateImageError) {
            while let piece = writer.next(bytes: 4096) { try reader.read(piece) }
            let copy = try reader.finish()
            if copy.recomputedHash() != source.state.stateHash {
                problem("a backup of \(member.name) comes back as another state")
            }
        } catch {
            problem("a backup of \(member.name) cannot be read: \(error)")
        }
    }
}
