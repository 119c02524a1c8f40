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
    /// One of those that were kept has rotted: another one is to be made at once, since what the log holds no more stands
    /// in fewer files than it should, or in none.
    private(set) var lacksOne = false
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
        lacksOne = false
        kept.removeAll { $0.identity.index == snapshot.identity.index }
        kept.append(snapshot)
        kept.sort { $0.identity.index > $1.identity.index }
        if kept.count > StorageLimits.snapshotsKept { kept.removeLast(kept.count - StorageLimits.snapshotsKept) }
    }

    mutating func lost(_ identity: SnapshotIdentity) {
        guard kept.contains(where: { $0.identity == identity }) else { return }
        kept.removeAll { $0.identity == identity }
        lacksOne = true
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

    /// There was no room for the one that was being made.
    mutating func couldNotMake() {
        guard isMaking else { return }
        isMaking = false
        logBytes += takenBytes
    }

    /// There was no room, for one made here or one received. What else is being made goes on.
    /// - Returns: after how long one is tried again, in milliseconds.
    mutating func postpone(now: UInt64) -> UInt64 {
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
    /// Of that, what the disk has done.
    var written: UInt64 = 0

    var isWhole: Bool { taken == identity.bytes }
}

extension Replica {
    // MARK: Making

    mutating func makeSnapshotIfDue() {
        let mayBegin = !snapshots.isMaking && !snapshots.isPostponed(now: now)
        let isWanted = isSnapshotWanted || snapshots.lacksOne
        let isDue = snapshots.isDue(start.snapshots, now: now)
        guard mayShareState, mayBegin && isWanted || isDue, let cluster = record.clusterID,
            let base = raft?.base(at: appliedIndex), appliedIndex > snapshots.newest?.identity.index ?? .zero
        else { return }
        snapshots.begin()
        scrutiny.comparedSinceSnapshot = .zero
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
        case .verified(let identity):
            snapshotTransfers.verified(identity)
        case .unusable(let identity):
            snapshotTransfers.gone(identity)
            snapshots.lost(identity)
            effects.notices.append(.snapshotUnusable(identity))
        case .received(let identity, let count):
            guard let incoming, incoming.identity == identity else { return }
            // It may be a word of what was thrown away since.
            self.incoming?.written = min(count, incoming.taken)
            send(.snapshotStatus(SnapshotStatus(identity: identity, received: count)), to: incoming.sender)
        case .installed(let snapshot, let newState):
            if incoming?.identity == snapshot.identity { incoming = nil }
            guard !isDistrusted else { return reinstall(snapshot, newState) }
            // Also where the log has brought this member further meanwhile: the newest snapshot is another's.
            scrutiny.comparedSinceSnapshot = .zero
            hold(snapshot)
            install(snapshot.header.base, newState)
        case .refused(let identity):
            if incoming?.identity == identity { incoming = nil }
            effects.notices.append(.snapshotRefused(identity))
        case .unsupported(_, let level):
            // What a snapshot holds is committed: the cluster is at that level.
            effects.halt = .buildTooOld(featureLevel: level ?? start.featureLevel + 1)
        case .noRoomToWrite:
            guard !isDistrusted, scrutiny.marksUnderWay == 0 else { return }
            snapshots.couldNotMake()
            postponeSnapshots()
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
        effects.notices.append(.snapshotPostponed(milliseconds: snapshots.postpone(now: now)))
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

    /// Who is being sent a snapshot, or has just got one, needs the log behind it; but not for ever.
    private mutating func releaseLog() {
        guard let releasable = snapshots.releasable, let raft else { return }
        var index = min(releasable, appliedIndex)
        let newestBytes = snapshots.newest?.identity.bytes ?? 0
        let patience = max(
            ReplicaLimits.snapshotLogsHeldMax * start.snapshots.logBytes,
            ReplicaLimits.snapshotIntervalsHeldMax * newestBytes)
        if heldLogBytes < patience, let needed = neededLogIndex(raft) { index = min(index, needed) }
        guard index > raft.releasedIndex else { return }
        self.raft?.release(upTo: index)
        if index == releasable { heldLogBytes = 0 }
        effects.releasedLog = index
    }

    private func neededLogIndex(_ raft: Raft) -> LogIndex? {
        let following = snapshotTransfers.following
        guard !following.isEmpty else { return snapshotTransfers.firstIndex }
        let matches = raft.progress(now: now).filter { following.contains($0.id) }.map(\.matchIndex)
        return (matches + (snapshotTransfers.firstIndex.map { [$0] } ?? [])).min()
    }

    // MARK: Sending

    mutating func sendSnapshots() {
        let wanting = membersToSendSnapshots()
        if wanting.isEmpty && snapshotTransfers.isIdle { return }
        if chooseTransfers(to: wanting) {
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

    /// A member that is not heard is sent nothing, and nothing is held for it.
    /// - Returns: whether a transfer ended, or its receiver needs the log behind it no more.
    private mutating func chooseTransfers(to wanting: [MemberID]) -> Bool {
        guard let raft else { return false }
        let progress = raft.progress(now: now)
        let silence = ReplicaLimits.snapshotSilenceTimeouts * start.raft.electionTimeoutMilliseconds
        let silent = Set(progress.filter { $0.silentMilliseconds >= silence }.map(\.id))
        let members = wanting.filter { !silent.contains($0) }
        let needy = progress.filter(\.needsSnapshot).map(\.id)
        let waiting = silent.intersection(wanting).union(needy).subtracting(members)
        let wanted = scrutiny.wanted
        var hasLess = snapshotTransfers.end(below: raft.releasedIndex) { wanted[$0] != nil }
        if snapshotTransfers.serve(members, waiting: waiting, with: snapshots.kept.map(\.identity)) { hasLess = true }
        // Up to the newest one, since the log will be released as far as that when the next is made.
        let goal = snapshots.newest?.identity.index ?? .zero
        let behind = Set(progress.filter { $0.matchIndex < goal }.map(\.id)).subtracting(silent)
        if snapshotTransfers.follow({ behind.contains($0) }) { hasLess = true }
        return hasLess
    }

    mutating func receive(_ status: SnapshotStatus, from sender: MemberID) {
        guard snapshotTransfers.heard(status, from: sender, now: now) else { return }
        effects.snapshotJobs.append(.verify(status.identity))
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
        if let incoming, incoming.identity != chunk.identity {
            // Once it is taken over, the log may be enough.
            if incoming.isWhole { return }
        }
        if incoming?.identity != chunk.identity {
            incoming = IncomingSnapshot(identity: chunk.identity, sender: sender)
            effects.snapshotJobs.append(.discardReceived)
        }
        incoming?.sender = sender
        guard let taken = incoming?.taken, !isQueueFull(for: chunk) else { return }
        guard !chunk.bytes.isEmpty, chunk.offset == taken else {
            return send(.snapshotStatus(SnapshotStatus(identity: chunk.identity, received: taken)), to: sender)
        }
        incoming?.taken += UInt64(chunk.bytes.count)
        effects.snapshotJobs.append(.receive(chunk.identity, cluster: cluster, bytes: chunk.bytes))
    }

    /// Whether the disk does not keep up: no more than a window is kept in memory for it, and the sender asks again.
    private func isQueueFull(for chunk: SnapshotChunk) -> Bool {
        guard let incoming, incoming.taken > incoming.written, chunk.bytes.isEmpty || chunk.offset == incoming.taken
        else { return false }
        let queued = incoming.taken - incoming.written
        return queued + UInt64(max(chunk.bytes.count, 1)) > UInt64(start.snapshots.windowBytes)
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
        if state.members.wasMember(record.id.rawValue) { leave(at: appliedIndex) }
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
