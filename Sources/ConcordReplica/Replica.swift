import ConcordBytes
import ConcordModel
package import ConcordRaft
package import ConcordState
package import ConcordStorage

/// One member of a cluster: the hub where consensus, state and clients' requests meet, as values.
///
/// Deterministic: it has no clock, disk, network or randomness. Give it inputs, then take the effects once at
/// the end of the turn; the work of a turn is batched into one proposal, one log write and one barrier.
package struct Replica: Sendable {
    package internal(set) var record: MemberRecord
    package internal(set) var state: StateMachine
    package internal(set) var appliedIndex: LogIndex

    /// `nil` until the cluster is formed.
    var raft: Raft?
    var wasDoubtful = false
    /// Somebody was told that what is lost is lost everywhere.
    var knowsOfLoss = false
    /// `nil` once the cluster is formed.
    var formation: Formation?
    let start: ReplicaStart

    var now: UInt64
    var wallMilliseconds: UInt64 = 0
    var standing: Standing
    /// Who was met, for their client URLs.
    var peers: [MemberID: PeerIdentity] = [:]
    var effects = ReplicaEffects()

    // Writes.
    var writes = WriteTable()
    /// The first sequence that was not handed to the leader of `dispatchTerm` yet.
    var nextToSend: UInt64 = 1
    var dispatchTerm = Term.zero
    var retryAt: UInt64?
    /// Writes of followers that arrived in this turn.
    var forwarded: [Command] = []
    var forwardedBytes = 0

    // Leadership that is to move.
    var transfers: TransferTable

    // Reads.
    var reads: ReadTable
    /// Set as long as no barrier is asked for, because the last one was refused.
    var nextBarrierAt: UInt64?
    /// By the number of the question to the leader, with the time at which it was asked.
    var positionReads: [UInt64: (askedAt: UInt64, read: PendingRead)] = [:]
    var lastPositionsID: UInt64
    /// Set for the rest of the boot once this member has applied what a barrier of this boot told. Before, its state
    /// may lie behind what it has shown in an earlier boot: that had applied what others had on their disks, and had
    /// not got so far with its own.
    var hasCaughtUp = false

    // Applying.
    /// Committed and not applied yet.
    var backlog: [Entry] = []
    var backlogHead = 0

    // Snapshots.
    var snapshots: SnapshotKeeping
    var snapshotTransfers = SnapshotTransfers()
    var incoming: IncomingSnapshot?
    /// Bytes of the entries that were applied since the log was last released.
    var heldLogBytes: UInt64 = 0

    // Messages that wait for the disk.
    var held: [OutboundMessage] = []
    var durable = WriteSequence.zero

    var nextRequestCheck: UInt64 = 0

    // The state looked after.
    var scrutiny: StateScrutiny

    // What a leader decides by itself.
    /// The last entry of this leadership that carries such a decision.
    var lastDecision = (term: Term.zero, index: LogIndex.zero)
    /// Whether something has changed that a decision may follow from.
    var mayDecide = true

    // Room on disks.
    var space = SpaceKeeping()

    // Membership.
    /// The last entry of this leadership that carries a command about the members.
    var lastIntent = (term: Term.zero, index: LogIndex.zero)
    /// Whether the batch that is being made holds such a command.
    var batchHasIntent = false
    /// The configuration that `dialled` is of.
    var dialledIndex: LogIndex?
    var dialledMembers: [Configuration.Member] = []
    var dialled: Set<MemberID> = []
    var visitors: [MemberID: Visitor] = [:]
    var nextMembershipRequest: UInt64 = 0

    package init(_ start: ReplicaStart) {
        self.start = start
        record = start.record
        now = start.now
        state = start.snapshot?.state ?? StateMachine()
        appliedIndex = start.snapshot?.snapshot.identity.index ?? .zero
        snapshots = SnapshotKeeping(start.snapshot)
        scrutiny = StateScrutiny(distrusted: start.distrusted, now: start.now)
        reads = ReadTable(boot: start.record.boot)
        transfers = TransferTable(boot: start.record.boot)
        lastPositionsID = start.record.boot << 32
        standing = Standing(role: .follower, term: start.hardState.term, leader: nil)
        if let configuration = start.record.initialConfiguration {
            startRaft(configuration)
        } else if !start.joins {
            formation = Formation(own: start.record.id, ownName: start.record.name, listed: start.listed)
            continueFormation()
        }
    }

    /// Takes one input in. What it causes is in the effects of this turn.
    package mutating func step(_ input: ReplicaInput) {
        switch input {
        case .tick(let now, let wallMilliseconds): tick(now: now, wallMilliseconds: wallMilliseconds)
        case .request(let request): receive(request)
        case .abandon(let request): abandon(request)
        case .peerConnected(let peer): connected(peer)
        case .peerMessage(let sender, let message): receive(message, from: sender)
        case .peerLost(let peer): raft?.leaderConnectionLost(peer)
        case .logDurable(let sequence): logDurable(sequence)
        case .memberRecordDurable: memberRecordDurable()
        case .snapshot(let result): took(result)
        case .diskSpace(let isFull): diskSpace(isFull: isFull)
        case .resign: raft?.resign()
        case .stepDown: stepDown()
        }
    }

    /// Ends the turn: hands over what the inputs since the last call have caused.
    package mutating func takeEffects() -> ReplicaEffects {
        if raft != nil {
            collect()
            abdicateIfDistrusted()
            askForTransfers()
            followSpace()
            dispatchWrites()
            beginBarrier()
            collect()
            applyBacklog()
            driveMembership()
            decide()
            collect()
            followConfiguration()
            makeSnapshotIfDue()
            sendSnapshots()
            dropOutrunSnapshot()
            if let index = reads.firstConfirmed, index <= appliedIndex { hasCaughtUp = true }
            answerReads()
        }
        let taken = effects
        effects = ReplicaEffects()
        return taken
    }

    /// The time (milliseconds) at which a tick is due; earlier ticks are harmless.
    package var nextDeadline: UInt64 {
        if backlogHead < backlog.count || reads.hasAnswerable { return now }
        var deadline = min(
            raft?.nextDeadline ?? UInt64.max, retryAt ?? UInt64.max, nextBarrierAt ?? UInt64.max)
        deadline = min(deadline, nextStateCheck)
        deadline = min(
            deadline, snapshotTransfers.nextDeadline, transfers.nextAsk(after: now) ?? UInt64.max)
        deadline = min(deadline, space.nextDeadline, snapshots.nextDeadline(after: now))
        if waitingCount + visitors.count > 0 { deadline = min(deadline, nextRequestCheck) }
        return deadline
    }

    /// This member alone, as it stands now.
    package var status: StatusView {
        StatusView(
            id: record.id, name: record.name, boot: record.boot, clusterID: record.clusterID, standing: standing,
            leaderClientURL: standing.leader.flatMap(clientURL), commitIndex: raft?.commitIndex ?? .zero,
            appliedIndex: appliedIndex, lastIndex: raft?.lastIndex ?? .zero, revision: state.revision,
            epoch: state.epoch, clusterClock: raft?.clusterClock ?? 0, stateHash: state.stateHash,
            nodesCount: state.nodesCount, waitingRequests: waitingCount, featureLevel: state.featureLevel,
            agreement: agreement, comparedIndex: scrutiny.comparedIndex)
    }

    private var waitingCount: Int { writes.count + reads.count + positionReads.count + transfers.count }

    func clientURL(_ id: MemberID) -> String? { id == record.id ? start.clientURL : info(of: id)?.clientURL }

    // MARK: Inputs

    private mutating func tick(now: UInt64, wallMilliseconds: UInt64) {
        self.now = max(self.now, now)
        self.wallMilliseconds = wallMilliseconds
        raft?.tick(now: self.now)
        if self.now >= nextRequestCheck {
            nextRequestCheck = self.now + 50
            endOverdueRequests()
            let silentSince = self.now - min(self.now, ReplicaLimits.resendMilliseconds)
            reads.giveUp(begunUntil: silentSince)
            askPositionsAgain(askedUntil: silentSince)
            askForTransfersAgain(askedUntil: silentSince)
            resendSilentForwards()
            forgetVisitors()
            askWhetherMember()
        }
        if let at = retryAt, at <= self.now {
            retryAt = nil
            nextToSend = writes.first
        }
        if let at = nextBarrierAt, at <= self.now { nextBarrierAt = nil }
        checkState()
    }

    private mutating func receive(_ request: ReplicaRequest) {
        guard raft != nil else { return reply(request.id, .failed(.recovering)) }
        guard !isDistrusted else { return reply(request.id, .failed(.diverged)) }
        guard waitingCount < ReplicaLimits.waitingRequestsMax else {
            return reply(request.id, .failed(.overloaded))
        }
        let deadline = now + request.timeoutMilliseconds
        switch request.body {
        case .write where scrutiny.isReadOnly: reply(request.id, .failed(.readOnly))
        case .write(let operation, let retry):
            takeOn(operation, retry: retry, request: request.id, deadline: deadline)
        case .read(let query, let consistency, let minimum):
            takeOn(
                PendingRead(request: request.id, deadline: deadline, question: .query(query), minimum: minimum),
                consistency)
        case .backup(let consistency, let minimum):
            takeOn(
                PendingRead(request: request.id, deadline: deadline, question: .backup, minimum: minimum), consistency)
        case .cluster:
            reads.append(.init(request: request.id, deadline: deadline, question: .cluster, minimum: .zero))
        case .transferLeadership(let target):
            takeOnTransfer(to: target, request: request.id, deadline: deadline)
        }
    }

    /// A read is forgotten. A write goes on: nobody can call it back.
    private mutating func abandon(_ request: RequestID) {
        _ = reads.remove { $0.request == request }
        transfers.abandon(request)
    }

    private mutating func connected(_ peer: PeerIdentity) {
        guard peer.id != record.id else { return }
        heard(of: peer)
        tellIfRemoved(peer.id)
        if formation != nil {
            meet(peer)
        } else if peer.clusterID == nil, let cluster = record.clusterID,
            let configuration = record.initialConfiguration
        {
            send(.formed(cluster, configuration), to: peer.id)
        }
        if standing.leader == peer.id { forgetHandovers() }
    }

    private mutating func receive(_ message: PeerMessage, from sender: MemberID) {
        heard(from: sender)
        switch message {
        case .raft(let message):
            guard message.from == sender, message.to == record.id else { return }
            tellIfRemoved(sender)
            raft?.receive(message)
        case .forward(let command): receive(forwarded: command, from: sender)
        case .forwardRefused(let boot, let sequence, let overloaded):
            guard boot == record.boot else { return }
            refused(sequence, overloaded ? .overloaded : .notAppended)
        case .announce(let cluster):
            formation?.received(announce: cluster, from: sender)
            continueFormation()
        case .formed(let cluster, let configuration): receive(formed: cluster, configuration, from: sender)
        case .positionsRequest(let id): sendPositions(id: id, to: sender)
        case .positionsResponse(let id, let positions): answerCluster(id: id, positions: positions)
        case .snapshotChunk(let chunk): receive(chunk, from: sender)
        case .snapshotStatus(let status): receive(status, from: sender)
        case .transferRequest(let id, let target): receiveTransferRequest(id: id, target: target, from: sender)
        case .transferResponse(let id, let answer): answeredTransfer(id, answer, from: sender)
        case .removed(let index): receive(removedAt: index)
        case .membershipRequest: tellIfRemoved(sender)
        case .diskSpace(let isFull): space.reported(by: sender, isFull: isFull, now: now)
        case .forwardRefusedForSpace(let boot, let sequence):
            if boot == record.boot { refused(sequence, .noSpace) }
        case .stateReport(let report): receive(report, from: sender)
        case .snapshotRequest(let index): receiveSnapshotRequest(from: index, of: sender)
        }
    }

    private mutating func logDurable(_ sequence: WriteSequence) {
        durable = max(durable, sequence)
        raft?.persisted(sequence)
        let ready = held.prefix { $0.after <= durable }
        for outbound in ready { send(.raft(outbound.message), to: outbound.message.to) }
        held.removeFirst(ready.count)
    }

    // MARK: Raft's output

    private mutating func collect() {
        guard let output = raft?.takeOutput() else { return }
        if let write = output.write { effects.logWrites.append(write) }
        for outbound in output.messages {
            if outbound.after <= durable {
                send(.raft(outbound.message), to: outbound.message.to)
            } else {
                hold(outbound)
            }
        }
        // Of a state that is wrong nothing right is made.
        if !isDistrusted { backlog.append(contentsOf: output.committed) }
        for barrier in output.readyBarriers { reads.ready(barrier) }
        for barrier in output.lostBarriers {
            reads.lost(barrier)
            nextBarrierAt = now + ReplicaLimits.refusedRetryMilliseconds
        }
        if let standing = output.standing { changed(to: standing) }
        if let transfer = output.abandonedTransfer { transferAbandoned(transfer) }
        if let age = output.hungWriteMilliseconds { effects.notices.append(.diskHangs(milliseconds: age)) }
        noticeDoubt()
    }

    private mutating func applyBacklog() {
        var commands = 0
        var bytes = 0
        while backlogHead < backlog.count, commands < start.appliedCommandsPerTurn,
            bytes < ReplicaLimits.appliedBytesPerTurn, effects.halt == nil
        {
            bytes += backlog[backlogHead].payload.count
            commands += apply(backlog[backlogHead])
            backlogHead += 1
            if effects.halt == nil { rememberHash() }
        }
        if backlogHead == backlog.count {
            backlog.removeAll(keepingCapacity: backlog.count < 1024)
            backlogHead = 0
        }
    }

    /// - Returns: how many commands the entry held.
    private mutating func apply(_ entry: Entry) -> Int {
        precondition(entry.index == appliedIndex.next, "an entry was applied out of order")
        state.beginEntry(epoch: Epoch(entry.term.rawValue), clock: entry.clock)
        appliedIndex = entry.index
        let bytes = UInt64(entry.payload.count + Entry.overheadBytes)
        snapshots.logBytes += bytes
        heldLogBytes += bytes
        switch entry.kind {
        case .noop: return 1
        case .configuration:
            applyConfiguration(entry)
            return 1
        case .commands:
            guard let commands = readable(entry) else { return 0 }
            for command in commands {
                let outcome = state.apply(command)
                if command.operation.isLeaders { decisionApplied() }
                if let origin = command.origin, origin.member == record.id.rawValue, origin.boot == record.boot {
                    answerWrite(origin.sequence, outcome)
                }
            }
            return commands.count
        }
    }

    /// `nil` when this build does not know what the commands mean: then this member ends.
    private mutating func readable(_ entry: Entry) -> [Command]? {
        guard let commands = try? CommandBatch.decode(entry.payload) else {
            effects.halt = .unreadableEntry(entry.index)
            return nil
        }
        let needed = commands.map(\.featureLevelNeeded).max() ?? 0
        guard needed <= start.featureLevel else {
            effects.halt = .buildTooOld(featureLevel: needed)
            return nil
        }
        return commands
    }

    // MARK: Effects

    mutating func send(_ message: PeerMessage, to peer: MemberID) {
        effects.messages.append((to: peer, message: message))
    }

    mutating func reply(_ request: RequestID, _ result: ReplicaReply.Result) {
        // What a wrong state says of itself is told to nobody.
        let revision = isDistrusted ? .zero : state.revision
        let epoch = isDistrusted ? .zero : state.epoch
        effects.replies.append(ReplicaReply(id: request, result: result, revision: revision, epoch: epoch))
    }
}
