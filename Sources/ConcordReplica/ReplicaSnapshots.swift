import ConcordModel
import ConcordRaft
import ConcordState
import ConcordStorage

// When a snapshot is made, who is sent one, and what becomes of one that arrives.

/// What a member knows of its own snapshots.
struct SnapshotKeeping: Sendable {
    /// Durable; the newest first.
    private(set) var kept: [StoredSnapshot] = []
    private(set) var isMaking = false
    /// Bytes of the entries that were applied since the newest.
    var logBytes: UInt64 = 0
    /// What of them the one that is being made stands for.
    private var takenBytes: UInt64 = 0
    /// After one that found no room: how long to wait, and until when.
    private var pause: UInt64 = 0
    private var notBefore: UInt64 = 0

    init(_ restored: RestoredSnapshot?) {
        guard let restored else { return }
        kept = [restored.snapshot] + (restored.older.map { [$0] } ?? [])
    }

    var newest: StoredSnapshot? { kept.first }

    mutating func add(_ snapshot: StoredSnapshot) {
        kept.removeAll { $0.identity.index == snapshot.identity.index }
        kept.append(snapshot)
        kept.sort { $0.identity.index > $1.identity.index }
        if kept.count > StorageLimits.snapshotsKept { kept.removeLast(kept.count - StorageLimits.snapshotsKept) }
    }

    /// The log before this index serves nobody: the older snapshot holds it, which is there in case that the newest one
    /// rots.
    var releasable: LogIndex? {
        kept.count < StorageLimits.snapshotsKept ? nil : kept.last?.identity.index
    }

    func isDue(_ settings: SnapshotSettings, now: UInt64) -> Bool {
        !isMaking && now >= notBefore && logBytes >= max(settings.logBytes, newest?.identity.bytes ?? 0)
    }

    mutating func begin() {
        isMaking = true
        (takenBytes, logBytes) = (logBytes, 0)
    }

    mutating func made() {
        isMaking = false
        pause = 0
    }

    /// What was being made is worth nothing.
    mutating func dropped() { isMaking = false }

    /// There was no room, for one made here or one received.
    /// - Returns: after how long one is tried again, in milliseconds.
    mutating func foundNoRoom(now: UInt64) -> UInt64 {
        if isMaking {
            isMaking = false
            logBytes += takenBytes
        }
        pause = min(max(2 * pause, ReplicaLimits.snapshotRetryMilliseconds), ReplicaLimits.snapshotRetryMillisecondsMax)
        notBefore = now + pause
        return pause
    }

    /// Whether none is to be begun, as the last one found no room.
    func isPostponed(now: UInt64) -> Bool { now < notBefore }

    func nextDeadline(after now: UInt64) -> UInt64 { isPostponed(now: now) ? notBefore : .max }
}

/// A snapshot on its way to this member.
struct IncomingSnapshot: Sendable {
    var identity: SnapshotIdentity
    var sender: MemberID
    /// Handed to the disk, in order.
    var taken: UInt64 = 0
}

extension Replica {
    // MARK: Making

    mutating func makeSnapshotIfDue() {
        let isWanted = isSnapshotWanted && !snapshots.isMaking && !snapshots.isPostponed(now: now)
        guard mayShareState, isWanted || snapshots.isDue(start.snapshots, now: now), let cluster = record.clusterID,
            let base = raft?.base(at: appliedIndex), appliedIndex > snapshots.newest?.identity.index ?? .zero
        else { return }
        snapshots.begin()
        effects.snapshotJobs.append(.write(SnapshotHeader(cluster: cluster, base: base), state))
    }

    mutating func took(_ result: SnapshotResult) {
        switch result {
        case .written(let snapshot):
            // One of a state that was found wrong meanwhile goes with the others when a right one is here.
            guard !isDistrusted, scrutiny.marksUnderWay == 0 else { return }
            snapshots.made()
            hold(snapshot)
        case .read(let identity, let offset, let bytes, let member):
            guard snapshotTransfers.wants(identity, for: member) else { return }
            send(.snapshotChunk(SnapshotChunk(identity: identity, offset: offset, bytes: bytes)), to: member)
        case .gone(let identity, _):
            snapshotTransfers.gone(identity)
        case .received(let identity, let count):
            guard let incoming, incoming.identity == identity else { return }
            send(.snapshotStatus(SnapshotStatus(identity: identity, received: count)), to: incoming.sender)
        case .installed(let snapshot, let newState):
            if incoming?.identity == snapshot.identity { incoming = nil }
            guard !isDistrusted else { return reinstall(snapshot, newState) }
            hold(snapshot)
            install(snapshot.header.base, newState)
        case .refused(let identity):
            if incoming?.identity == identity { incoming = nil }
            effects.notices.append(.snapshotRefused(identity))
        case .unsupported(_, let level):
            // What a snapshot holds is committed: the cluster is at that level.
            effects.halt = .buildTooOld(featureLevel: level ?? start.featureLevel + 1)
        case .noRoomToWrite: postponeSnapshots()
        case .noRoomToReceive(let identity):
            if incoming?.identity == identity { incoming = nil }
            postponeSnapshots()
        case .unsound:
            // Memory that was replaced meanwhile says nothing of the present one.
            guard !isDistrusted, scrutiny.marksUnderWay == 0 else { return }
            snapshots.dropped()
            distrust(because: .memory)
        case .distrusted: scrutiny.marksUnderWay -= 1
        case .trusted: break
        }
    }

    private mutating func postponeSnapshots() {
        effects.notices.append(.snapshotPostponed(milliseconds: snapshots.foundNoRoom(now: now)))
    }

    /// Keeps a snapshot that has become durable, and lets go of what it makes useless.
    private mutating func hold(_ snapshot: StoredSnapshot) {
        snapshots.add(snapshot)
        scrutiny.newestSnapshotAt = now
        pruneSnapshots()
        releaseLog()
    }

    private mutating func pruneSnapshots() {
        effects.snapshotJobs.append(.prune(keeping: snapshotTransfers.identities))
    }

    /// Who is being sent a snapshot needs the log behind it; but not for ever.
    private mutating func releaseLog() {
        guard var index = snapshots.releasable, let raft else { return }
        let patience = ReplicaLimits.snapshotLogsHeldMax * start.snapshots.logBytes
        if let first = snapshotTransfers.firstIndex, heldLogBytes < patience { index = min(index, first) }
        index = min(index, appliedIndex)
        guard index > raft.releasedIndex else { return }
        self.raft?.release(upTo: index)
        heldLogBytes = 0
        effects.releasedLog = index
    }

    // MARK: Sending

    mutating func sendSnapshots() {
        let members = membersToSendSnapshots()
        if members.isEmpty && snapshotTransfers.all.isEmpty { return }
        if snapshotTransfers.serve(members, with: snapshots.newest?.identity) {
            pruneSnapshots()
            releaseLog()
        }
        for step in snapshotTransfers.steps(now: now, start.snapshots) {
            switch step {
            case .question(let member, let identity):
                send(.snapshotChunk(SnapshotChunk(identity: identity, offset: 0, bytes: [])), to: member)
            case .read(let member, let identity, let offset, let count):
                effects.snapshotJobs.append(.read(identity, offset: offset, count: count, for: member))
            }
        }
    }

    // MARK: Receiving

    /// What a leader sends; a part that comes twice, too early or too late is answered with what is here.
    mutating func receive(_ chunk: SnapshotChunk, from sender: MemberID) {
        guard let raft, let cluster = record.clusterID, standing.leader == sender, sender != record.id else { return }
        if let index = neededSnapshotIndex {
            guard chunk.identity.index >= index else { return }
        } else {
            guard chunk.identity.index > raft.commitIndex else { return }
        }
        // Its sender asks again.
        if incoming == nil, snapshots.isPostponed(now: now) { return }
        if incoming?.identity != chunk.identity {
            incoming = IncomingSnapshot(identity: chunk.identity, sender: sender)
            effects.snapshotJobs.append(.discardReceived)
        }
        incoming?.sender = sender
        guard let taken = incoming?.taken else { return }
        guard !chunk.bytes.isEmpty, chunk.offset == taken else {
            return send(.snapshotStatus(SnapshotStatus(identity: chunk.identity, received: taken)), to: sender)
        }
        incoming?.taken += UInt64(chunk.bytes.count)
        effects.snapshotJobs.append(.receive(chunk.identity, cluster: cluster, bytes: chunk.bytes))
    }

    /// The log itself has brought this member further than the snapshot would.
    mutating func dropOutrunSnapshot() {
        guard !isDistrusted, let incoming, let raft, incoming.identity.index <= raft.commitIndex,
            incoming.taken < incoming.identity.bytes
        else { return }
        self.incoming = nil
        effects.snapshotJobs.append(.discardReceived)
    }

    /// Takes a state over that is ahead of this member's own.
    private mutating func install(_ base: LogBase, _ newState: StateMachine) {
        guard newState.revision >= state.revision, newState.clock >= state.clock, raft?.install(base) == true else {
            return
        }
        state = newState
        appliedIndex = base.position.index
        snapshots.logBytes = 0
        backlog.removeAll()
        backlogHead = 0
        decisionApplied()
        effects.notices.append(.snapshotInstalled(base.position.index))
        answerWritesFromState()
    }

    /// Whatever entries the snapshot stands for may have held writes of this boot: their fate is in the table of origins.
    private mutating func answerWritesFromState() {
        var sequence = writes.first
        while sequence < writes.end {
            if let command = writes[sequence]?.command, let outcome = state.recall(command) {
                answerWrite(sequence, outcome)
            }
            sequence += 1
        }
    }
}
