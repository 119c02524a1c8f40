import ConcordModel
package import ConcordRaft
import ConcordState
import ConcordStorage

// Whether this member's state is what it must be: compared with the others' at equal indices, and read again in
// memory. A state found wrong serves nobody from that moment on, and is replaced by another member's. Log and votes
// are another matter: they go on.

/// How a member looks after its state.
package struct StateCheckSettings: Equatable, Sendable {
    /// How often each member tells the others its hashes.
    package var reportMilliseconds: UInt64
    /// How long voters may disagree before this one takes nothing in any more; those who would decide may be slow.
    package var patienceMilliseconds: UInt64
    /// Between two steps of a pass over memory.
    package var stepMilliseconds: UInt64
    /// Between the end of a pass and the next one.
    package var pauseMilliseconds: UInt64

    package init(
        reportMilliseconds: UInt64 = 1000, patienceMilliseconds: UInt64 = 5000, stepMilliseconds: UInt64 = 20,
        pauseMilliseconds: UInt64 = 10_000
    ) {
        precondition(
            reportMilliseconds > 0 && stepMilliseconds > 0 && pauseMilliseconds > 0,
            "a member would look after its state all the time")
        self.reportMilliseconds = reportMilliseconds
        self.patienceMilliseconds = patienceMilliseconds
        self.stepMilliseconds = stepMilliseconds
        self.pauseMilliseconds = pauseMilliseconds
    }
}

/// Why a member does not trust its state.
package enum DistrustCause: Equatable, Sendable {
    /// A majority of the voters had another hash at this index.
    case outvoted(at: LogIndex)
    /// A record in memory is not what its digest was made of.
    case memory
    /// So it was when the member last ended.
    case remembered
}

/// What a member knows of its own state and the others'.
struct StateScrutiny: Sendable {
    struct Disagreement: Sendable {
        var index: LogIndex
        var since: UInt64
        /// No hash can come to a majority.
        var isFinal: Bool
        /// Voters that told other hashes than this member's.
        var others: [MemberID]
    }

    /// Set while the state is wrong: a snapshot of this entry or a later one must take its place. Nothing that this
    /// member showed before was of a later one.
    var distrustedUpTo: LogIndex?
    var cause: DistrustCause?
    /// How often the disk was told of it and has not answered. What else it answers until then is of before.
    var marksUnderWay = 0
    var trail = HashTrail()
    /// The last that each other member told.
    var reports: [MemberID: StateReport] = [:]
    /// A majority agreed with this member there; 0 as long as none has.
    var comparedIndex = LogIndex.zero
    /// So it was since the newest snapshot was begun, or taken over: what was compared before says nothing of it.
    var comparedSinceSnapshot = LogIndex.zero
    var disagreement: Disagreement?
    /// Set with the disagreement that lasted too long, or is final.
    var isReadOnly = false
    var reportDueAt: UInt64
    var scrub: StateScrub?
    var scrubDueAt: UInt64
    /// Passes over memory that found nothing.
    var passesCount: UInt64 = 0
    /// Since when the newest snapshot is there.
    var newestSnapshotAt: UInt64
    /// Of a leader: who asked for a snapshot, of which entry or a later one, and until when that holds.
    var wanted: [MemberID: (index: LogIndex, until: UInt64)] = [:]
    var abdication = HandoverTurns()

    init(distrusted: LogIndex?, now: UInt64) {
        distrustedUpTo = distrusted
        cause = distrusted == nil ? nil : .remembered
        reportDueAt = now
        scrubDueAt = now
        newestSnapshotAt = now
    }
}

extension Replica {
    /// Whether this member's state is known to be wrong.
    package var isDistrusted: Bool { scrutiny.distrustedUpTo != nil }

    /// Passes over this member's memory that found nothing wrong, since it started.
    package var soundPassesCount: UInt64 { scrutiny.passesCount }

    /// What `GET /v1/status` shows.
    var agreement: StatusView.Agreement {
        if isDistrusted { return .diverged }
        if scrutiny.isReadOnly { return .divided }
        if scrutiny.disagreement != nil { return .undecided }
        return scrutiny.comparedIndex > .zero ? .agreed : .unknown
    }

    /// Whether others may be given what this member makes of the log.
    var mayShareState: Bool { !isDistrusted && scrutiny.disagreement == nil }

    /// When `checkState` has something to do.
    var nextStateCheck: UInt64 {
        guard raft != nil else { return .max }
        return min(scrutiny.reportDueAt, isDistrusted ? .max : scrutiny.scrubDueAt)
    }

    mutating func checkState() {
        guard raft != nil else { return }
        if now >= scrutiny.reportDueAt {
            scrutiny.reportDueAt = now + start.stateChecks.reportMilliseconds
            reportState()
            compareStates()
        }
        scrub()
    }

    // MARK: Comparing

    /// An entry was applied.
    mutating func rememberHash() {
        guard HashTrail.remembers(appliedIndex) else { return }
        scrutiny.trail.applied(appliedIndex, hash: state.stateHash)
    }

    private mutating func reportState() {
        guard let raft, effects.halt == nil else { return }
        let report =
            isDistrusted
            ? StateReport(points: [], isDistrusted: true)
            : scrutiny.trail.report(at: appliedIndex, hash: state.stateHash)
        for member in raft.configuration.members where member.id != record.id {
            send(.stateReport(report), to: member.id)
        }
        if let index = neededSnapshotIndex, let leader = standing.leader, leader != record.id {
            send(.snapshotRequest(from: index), to: leader)
        }
    }

    /// Set while the state is wrong: the log here must reach back to the snapshot that takes its place. It need not when
    /// this member ended between the taking over of another one and the end of the mark.
    var neededSnapshotIndex: LogIndex? {
        guard let index = scrutiny.distrustedUpTo, let raft else { return nil }
        return max(index, raft.releasedIndex)
    }

    mutating func receive(_ report: StateReport, from sender: MemberID) {
        guard raft?.configuration.member(sender) != nil else { return }
        // It has got what it asked for.
        if !report.isDistrusted { scrutiny.wanted[sender] = nil }
        scrutiny.reports[sender] = report
        compareStates()
    }

    /// Holds this member's hashes against the others'. The newest index at which that decides anything counts.
    private mutating func compareStates() {
        guard let configuration = raft?.configuration, !isDistrusted, effects.halt == nil else { return }
        scrutiny.reports = scrutiny.reports.filter { configuration.member($0.key) != nil }
        let reports = scrutiny.reports
        var isDisputed = false
        let own = scrutiny.trail.report(at: appliedIndex, hash: state.stateHash)
        for point in own.points.reversed() where point.index >= scrutiny.comparedIndex {
            let verdict = StateVerdict(of: record.id, own: point.hash, in: configuration) {
                reports[$0]?.hash(at: point.index)
            }
            switch verdict {
            case .open: continue
            case .agreed:
                scrutiny.comparedIndex = point.index
                scrutiny.comparedSinceSnapshot = point.index
                if let disagreement = scrutiny.disagreement, disagreement.index <= point.index { settle() }
                return followDisagreement()
            case .outvoted: return distrust(because: .outvoted(at: point.index))
            case .undecided, .divided:
                isDisputed = true
                let others = configuration.members.filter { member in
                    let hash = member.id == record.id ? nil : reports[member.id]?.hash(at: point.index)
                    return member.role != .learner && hash != nil && hash != point.hash
                }
                dispute(at: point.index, with: others.map(\.id), isFinal: verdict == .divided)
            }
        }
        // Whoever disagreed may have found out by itself that it is wrong. What was final needs an agreement.
        if !isDisputed, let disagreement = scrutiny.disagreement, !disagreement.isFinal,
            disagreement.others.allSatisfy({ reports[$0]?.isDistrusted ?? true })
        {
            settle()
        }
        followDisagreement()
    }

    private mutating func dispute(at index: LogIndex, with others: [MemberID], isFinal: Bool) {
        var disagreement =
            scrutiny.disagreement
            ?? StateScrutiny.Disagreement(index: index, since: now, isFinal: false, others: others)
        disagreement.others = others
        disagreement.index = max(disagreement.index, index)
        disagreement.isFinal = disagreement.isFinal || isFinal
        scrutiny.disagreement = disagreement
    }

    private mutating func settle() {
        scrutiny.disagreement = nil
        guard scrutiny.isReadOnly else { return }
        scrutiny.isReadOnly = false
        effects.notices.append(.statesAgreeAgain(scrutiny.comparedIndex))
    }

    /// Nobody can say which of the states is right: nothing is added to any of them.
    private mutating func followDisagreement() {
        guard let disagreement = scrutiny.disagreement, !scrutiny.isReadOnly,
            disagreement.isFinal || now >= disagreement.since + start.stateChecks.patienceMilliseconds
        else { return }
        scrutiny.isReadOnly = true
        effects.notices.append(.statesDivided(disagreement.index))
        endAllWrites(.readOnly)
    }

    // MARK: Memory

    /// Reads on in memory, for as long as a turn has time for.
    private mutating func scrub() {
        guard !isDistrusted, effects.halt == nil, now >= scrutiny.scrubDueAt else { return }
        if scrutiny.scrub == nil { scrutiny.scrub = StateScrub(state) }
        let isSound = scrutiny.scrub?.advance(
            records: ReplicaLimits.scrubbedRecordsPerStep, bytes: ReplicaLimits.scrubbedBytesPerStep)
        switch isSound {
        case nil: scrutiny.scrubDueAt = now + start.stateChecks.stepMilliseconds
        case true?:
            scrutiny.scrub = nil
            scrutiny.passesCount += 1
            scrutiny.scrubDueAt = now + start.stateChecks.pauseMilliseconds
        case false?: distrust(because: .memory)
        }
    }

    // MARK: A wrong state

    /// From here on nobody is served from this state, nor from what was made of it.
    mutating func distrust(because cause: DistrustCause) {
        guard !isDistrusted, effects.halt == nil, let raft else { return }
        scrutiny.scrub = nil
        let others = raft.configuration.members.filter { $0.id != record.id && $0.role != .learner }
        guard !others.isEmpty else {
            // Nobody has another one. Snapshot and log on this disk have checksums of their own: a start reads them.
            effects.halt = .unsoundState
            return endAllRequests(.diverged)
        }
        scrutiny.distrustedUpTo = appliedIndex
        scrutiny.cause = cause
        scrutiny.trail = HashTrail()
        scrutiny.disagreement = nil
        scrutiny.isReadOnly = false
        scrutiny.reportDueAt = now
        scrutiny.abdication = HandoverTurns()
        dropBacklog()
        snapshots.dropped()
        scrutiny.marksUnderWay += 1
        effects.snapshotJobs.append(.distrust(upTo: appliedIndex))
        effects.notices.append(.stateDistrusted(appliedIndex, cause))
        endAllRequests(.diverged)
    }

    /// A leader decides by its state who is a member and who lacks a snapshot, so one with a wrong state hands over.
    /// Everything that it does with its log is right, so it leads on for as long as nobody takes over.
    mutating func abdicateIfDistrusted() {
        guard isDistrusted, let raft, raft.standing.role == .leader, raft.transferTarget == nil else { return }
        let candidates = successors { scrutiny.reports[$0]?.isDistrusted != true }
        let pause = start.stateChecks.reportMilliseconds
        guard let target = scrutiny.abdication.next(of: candidates, now: now, pause: pause) else { return }
        _ = self.raft?.transferLeadership(to: target)
    }

    /// A member that knows its state to be wrong asks this one, which it takes for its leader.
    mutating func receiveSnapshotRequest(from index: LogIndex, of sender: MemberID) {
        guard let raft, raft.standing.role == .leader, raft.configuration.member(sender) != nil else { return }
        scrutiny.wanted[sender] = (index, now + 3 * start.stateChecks.reportMilliseconds)
        snapshotTransfers.end(for: sender, below: index)
    }

    /// Whether somebody waits for a snapshot newer than the newest one.
    var isSnapshotWanted: Bool {
        let newest = snapshots.newest?.identity.index ?? .zero
        return scrutiny.wanted.contains { newest < $0.value.index && $0.value.index <= appliedIndex }
    }

    /// Whom the newest snapshot helps, in order of id.
    mutating func membersToSendSnapshots() -> [MemberID] {
        if !scrutiny.wanted.isEmpty {
            let (present, leads) = (now, standing.role == .leader)
            scrutiny.wanted = scrutiny.wanted.filter { leads && $0.value.until > present }
        }
        guard let raft, mayShareState else { return [] }
        let wanted = scrutiny.wanted
        let newest = snapshots.newest?.identity.index ?? .zero
        let behind = raft.membersThatNeedSnapshot.filter { wanted[$0] == nil }
        let members = (behind + wanted.filter { $0.value.index <= newest }.keys).sorted()
        if members.isEmpty { return [] }
        let isGood = isNewestSnapshotGood(raft)
        return members.filter { member in isGood || snapshotTransfers.all.contains { $0.member == member } }
    }

    /// Whether the newest snapshot may be passed on: a wrong state would come to a majority so. It waits for a majority to
    /// agree with this member at its index or later, as long as one is in reach. Who needs the snapshot has nothing to
    /// agree with, and may be needed for a quorum: so nobody waits unless one goes on without it.
    private func isNewestSnapshotGood(_ raft: Raft) -> Bool {
        guard let newest = snapshots.newest?.identity.index, scrutiny.comparedSinceSnapshot < newest,
            now < scrutiny.newestSnapshotAt + start.stateChecks.patienceMilliseconds
        else { return true }
        let silence = 2 * start.raft.electionTimeoutMilliseconds
        let judges = raft.progress(now: now).filter {
            !$0.needsSnapshot && $0.silentMilliseconds < silence && scrutiny.reports[$0.id]?.isDistrusted != true
        }
        return !raft.configuration.hasQuorum { member in judges.contains { $0.id == member } }
    }

    /// Takes over another member's state in place of the wrong one.
    mutating func reinstall(_ snapshot: StoredSnapshot, _ newState: StateMachine) {
        guard let index = scrutiny.distrustedUpTo, snapshot.identity.index >= index,
            raft?.reinstall(snapshot.header.base) == true
        else { return }
        state = newState
        appliedIndex = snapshot.identity.index
        dropBacklog()
        snapshots = SnapshotKeeping(RestoredSnapshot(snapshot: snapshot, state: newState, older: nil))
        scrutiny.distrustedUpTo = nil
        scrutiny.cause = nil
        scrutiny.comparedIndex = .zero
        scrutiny.comparedSinceSnapshot = .zero
        scrutiny.scrubDueAt = now
        scrutiny.newestSnapshotAt = now
        effects.snapshotJobs.append(.trustOnly(snapshot.identity))
        decisionApplied()
        effects.notices.append(.snapshotInstalled(appliedIndex))
        if state.members.wasMember(record.id.rawValue) { leave(at: appliedIndex) }
    }

    private mutating func dropBacklog() {
        backlog.removeAll()
        backlogHead = 0
    }
}
