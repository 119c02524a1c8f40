import ConcordRaft
import ConcordReplica
import ConcordState
import ConcordStorage

// Snapshots of a simulated member: the production worker, on the simulated disk, in virtual time.

extension ClusterSimulation {
    func restoredSnapshot(
        of member: SimulatedMember, _ data: DataDirectory<SimulatedDisk>
    ) throws(StorageError) -> RestoredSnapshot? {
        guard let newest = data.snapshot else { return nil }
        let older = data.snapshots.kept.first { $0.identity.index < newest.identity.index }
        guard data.snapshots.distrusted == nil else {
            return RestoredSnapshot(snapshot: newest, state: StateMachine(), older: older)
        }
        do throws(RestoreError) {
            let state = try StateMachine.restored(
                from: newest, on: member.disk, featureLevel: member.build.featureLevel)
            coverage.count(.restoredSnapshots)
            return RestoredSnapshot(snapshot: newest, state: state, older: older)
        } catch {
            switch error {
            case .storage(let error): throw error
            case .image(.newerFeatureLevel(let level)):
                buildIsTooOld(of: member, for: level)
                return nil
            case .image(let error):
                problem("\(member.name) made a snapshot that it cannot restore: \(error)")
                return nil
            }
        }
    }

    func takeSnapshotEffects(_ effects: ReplicaEffects, of member: SimulatedMember) {
        if let index = effects.releasedLog { member.releaseQueued = index }
        for job in effects.snapshotJobs {
            if case .write(let header, let state) = job { checkMade(header, state, by: member) }
            // From here on a crash may find the mark or not.
            if case .trustOnly = job { member.isMarked = false }
            member.snapshots?.add(job)
        }
        scheduleSnapshotStep(of: member)
    }

    private func scheduleSnapshotStep(of member: SimulatedMember) {
        guard member.snapshots?.isBusy == true, !member.snapshotStepIsScheduled else { return }
        member.snapshotStepIsScheduled = true
        events.schedule(.snapshotStep(member, process: member.process), at: diskEnd(of: member))
    }

    func workOnSnapshots(of member: SimulatedMember) {
        member.snapshotStepIsScheduled = false
        do throws(StorageError) {
            for result in try member.snapshots?.step() ?? [] { took(result, of: member) }
        } catch {
            return diskFailed(member, error)
        }
        scheduleSnapshotStep(of: member)
    }

    private func took(_ result: SnapshotResult, of member: SimulatedMember) {
        switch result {
        case .written(let snapshot):
            coverage.count(.writtenSnapshots)
            invariants.snapshotIsDurable(snapshot.header.base.position, at: member.position)
        case .installed(let snapshot, let state):
            invariants.snapshotIsDurable(snapshot.header.base.position, at: member.position)
            if let hash = hashes[snapshot.identity.index], hash != state.stateHash {
                problem("\(member.name) was sent another state than there was at \(snapshot.identity.index.rawValue)")
            }
        case .noRoomToWrite, .noRoomToReceive:
            if !isSomeDiskFull { problem("\(member.name) found no room for a snapshot, and its disk is not full") }
            coverage.reached(.snapshotWithoutRoom)
        case .distrusted: member.isMarked = member.running?.look { $0.isDistrusted } == true
        case .unusable(let identity):
            problem("\(member.name) gives a snapshot up whose file nobody has changed: \(identity)")
        case .read, .gone, .verified, .received, .refused, .unsupported, .unsound, .trusted: break
        }
        step(member, .snapshot(result))
    }

    /// A snapshot must be that of the log: same entry, same state, and the configuration that holds there.
    private func checkMade(_ header: SnapshotHeader, _ state: StateMachine, by member: SimulatedMember) {
        let position = header.base.position
        invariants.makesSnapshot(position, at: member.position)
        if let hash = hashes[position.index], hash != state.stateHash, member.damage?.isConsistent != true {
            problem("\(member.name) makes a snapshot of another state than there was at \(position.index.rawValue)")
        }
    }
}

extension PeerMessage {
    /// Whether it carries what members hold, which may take many messages.
    var isReplication: Bool {
        switch self {
        case .snapshotChunk, .snapshotStatus: true
        case .raft(let message):
            switch message.body {
            case .append, .appendResponse: true
            default: false
            }
        default: false
        }
    }
}
