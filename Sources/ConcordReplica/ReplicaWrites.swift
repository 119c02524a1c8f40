import ConcordModel
import ConcordRaft
import ConcordState
import ConcordStorage

// A client's write on its way: taken on, handed to the leader, answered when its entry is applied.
//
// Every write carries (member, boot, sequence, done), so this member may hand it over again, to the same leader
// or to the next one, until its time is over: `apply` lets it take effect once. Only the applied outcome or a
// timeout ends it, unless every leader that got it has said that it did not append it.

extension Replica {
    mutating func takeOn(_ operation: Operation, retry: RetryIdentity, request: RequestID, deadline: UInt64) {
        let command = Command(
            operation: operation, retry: retry, featureLevel: state.featureLevel, wallMilliseconds: wallMilliseconds)
        let bytes = operation.approximateBytes
        guard writes.bytes + bytes <= ReplicaLimits.waitingBytesMax, writes.span < ReplicaLimits.writesSpanMax else {
            return reply(request, .failed(.overloaded))
        }
        _ = writes.append(PendingWrite(request: request, deadline: deadline, command: command, bytes: bytes))
    }

    /// Hands every write that waits for it to the leader: as one proposal here, as messages elsewhere.
    mutating func dispatchWrites() {
        if dispatchTerm != standing.term {
            dispatchTerm = standing.term
            forgetHandovers()
        }
        guard let leader = standing.leader, !scrutiny.isReadOnly else { return refuseForwarded() }
        if leader == record.id {
            // What waits here goes to the next leader, or is proposed here when none comes.
            guard raft?.transferTarget == nil else { return }
            propose()
        } else {
            refuseForwarded()
            for sequence in takeSequencesToSend() {
                guard let command = writes[sequence]?.command else { continue }
                send(.forward(command), to: leader)
            }
        }
    }

    /// Marks what is handed over now, and gives each write its origin as of now.
    private mutating func takeSequencesToSend() -> [UInt64] {
        var taken: [UInt64] = []
        var sequence = max(nextToSend, writes.first)
        let done = writes.done
        while sequence < writes.end {
            if var write = writes[sequence], write.sentAt == nil {
                guard write.notBefore <= now else {
                    retryAt = min(retryAt ?? UInt64.max, write.notBefore)
                    sequence += 1
                    continue
                }
                write.command.origin = Origin(
                    member: record.id.rawValue, boot: record.boot, sequence: sequence, done: done)
                write.sentAt = now
                write.unsettledSends += 1
                writes[sequence] = write
                taken.append(sequence)
            }
            sequence += 1
        }
        nextToSend = writes.end
        return taken
    }

    private mutating func propose() {
        var batch = CommandBatch()
        var origins: [Origin] = []
        let isFull = isWithoutQuorumOfSpace
        for command in takeForwarded() { add(command, to: &batch, &origins, sparingly: isFull) }
        for sequence in takeSequencesToSend() {
            if let command = writes[sequence]?.command { add(command, to: &batch, &origins, sparingly: isFull) }
        }
        flush(&batch, &origins, always: true)
    }

    /// - Parameter sparingly: what needs room is refused.
    private mutating func add(
        _ command: Command, to batch: inout CommandBatch, _ origins: inout [Origin], sparingly: Bool
    ) {
        guard let origin = command.origin else { return }
        if sparingly, command.operation.needsRoom { return refuse(origin, .noSpace) }
        batch.append(command)
        origins.append(origin)
        if command.operation.isAboutMembers { batchHasIntent = true }
        flush(&batch, &origins, always: false)
    }

    /// Proposes the batch when it is full, or `always` when it is not empty.
    private mutating func flush(_ batch: inout CommandBatch, _ origins: inout [Origin], always: Bool) {
        guard !origins.isEmpty, always || batch.isFull else { return }
        let result = raft?.propose(batch.payload()) ?? .notLeader
        batch = CommandBatch()
        let proposed = origins
        origins = []
        noteIntent(result)
        switch result {
        case .accepted: break
        case .notLeader, .transferring, .overloaded:
            for origin in proposed { refuse(origin, result == .overloaded ? .overloaded : .notAppended) }
        }
    }

    /// Tells the member that a write came from that it was not appended here.
    private mutating func refuse(_ origin: Origin, _ reason: HandoverRefusal) {
        let (member, boot, sequence) = (MemberID(origin.member), origin.boot, origin.sequence)
        guard member != record.id else { return refused(sequence, reason) }
        switch reason {
        case .notAppended: send(.forwardRefused(boot: boot, sequence: sequence, overloaded: false), to: member)
        case .overloaded: send(.forwardRefused(boot: boot, sequence: sequence, overloaded: true), to: member)
        case .noSpace: send(.forwardRefusedForSpace(boot: boot, sequence: sequence), to: member)
        }
    }

    mutating func receive(forwarded command: Command, from sender: MemberID) {
        guard let origin = command.origin, origin.member == sender.rawValue, command.decidedIn == nil,
            command.featureLevelNeeded <= start.featureLevel, !command.operation.isLeaders
        else { return }
        guard forwarded.count < ReplicaLimits.waitingRequestsMax else {
            return refuse(origin, .overloaded)
        }
        let bytes = command.operation.approximateBytes
        guard forwarded.isEmpty || forwardedBytes + bytes <= ReplicaLimits.waitingBytesMax else {
            return refuse(origin, .notAppended)
        }
        forwarded.append(command)
        forwardedBytes += bytes
    }

    /// Followers forward to a leader only; this member is none.
    private mutating func refuseForwarded() {
        for command in takeForwarded() {
            if let origin = command.origin { refuse(origin, .notAppended) }
        }
    }

    private mutating func takeForwarded() -> [Command] {
        let commands = forwarded
        forwarded = []
        forwardedBytes = 0
        return commands
    }

    /// The one who got the write has not appended it and never will.
    mutating func refused(_ sequence: UInt64, _ reason: HandoverRefusal) {
        guard var write = writes[sequence], write.unsettledSends > 0 else { return }
        write.unsettledSends -= 1
        if let failure = reason.failure, write.unsettledSends == 0 {
            _ = writes.remove(sequence)
            return reply(write.request, .failed(failure))
        }
        write.sentAt = nil
        write.notBefore = now + ReplicaLimits.refusedRetryMilliseconds
        writes[sequence] = write
        retryAt = min(retryAt ?? UInt64.max, write.notBefore)
    }

    mutating func answerWrite(_ sequence: UInt64, _ outcome: Outcome) {
        guard let write = writes.remove(sequence) else { return }
        reply(write.request, .outcome(outcome))
    }

    /// All waiting writes are handed over again: to the leader of a new term, or on a new connection.
    mutating func forgetHandovers() {
        nextToSend = writes.first
        var sequence = writes.first
        while sequence < writes.end {
            writes[sequence]?.sentAt = nil
            writes[sequence]?.notBefore = 0
            sequence += 1
        }
    }

    /// A forward that nobody answers was lost with its connection, or its leader is stuck: hand it over again.
    mutating func resendSilentForwards() {
        guard let leader = standing.leader, leader != record.id else { return }
        var sequence = writes.first
        while sequence < nextToSend {
            if let sentAt = writes[sequence]?.sentAt {
                guard sentAt + ReplicaLimits.resendMilliseconds <= now else { return }
                writes[sequence]?.sentAt = nil
                nextToSend = writes.first
            }
            sequence += 1
        }
    }

    /// Answers the requests whose time is over.
    mutating func endOverdueRequests() {
        var sequence = writes.first
        while sequence < writes.end {
            if let write = writes[sequence], write.deadline <= now {
                _ = writes.remove(sequence)
                if write.unsettledSends > 0 {
                    reply(write.request, .failed(.outcomeUnknown))
                } else {
                    reply(write.request, .failed(untimely))
                }
            }
            sequence += 1
        }
        nextToSend = max(nextToSend, writes.first)
        endOverdueTransfers()
        for read in reads.remove(where: { $0.deadline <= now }) { reply(read.request, .failed(untimely)) }
        for (id, asked) in positionReads.sorted(by: { $0.key < $1.key }) where asked.read.deadline <= now {
            positionReads[id] = nil
            reply(asked.read.request, .failed(untimely))
        }
    }

    /// This member answers nobody any more: whoever waits is told what is known of the request.
    mutating func endAllRequests(
        _ elsewhere: RequestFailure = .noLeader(retryAfterMilliseconds: ReplicaLimits.noLeaderRetryMilliseconds)
    ) {
        endAllWrites(elsewhere)
        for read in reads.remove(where: { _ in true }) { reply(read.request, .failed(elsewhere)) }
        for (id, asked) in positionReads.sorted(by: { $0.key < $1.key }) {
            positionReads[id] = nil
            reply(asked.read.request, .failed(elsewhere))
        }
    }

    mutating func endAllWrites(_ elsewhere: RequestFailure) {
        var sequence = writes.first
        while sequence < writes.end {
            if let write = writes.remove(sequence) {
                reply(write.request, .failed(write.unsettledSends > 0 ? .outcomeUnknown : elsewhere))
            }
            sequence += 1
        }
        nextToSend = max(nextToSend, writes.first)
    }

    /// Why nothing happened in time.
    var untimely: RequestFailure {
        standing.leader == nil
            ? .noLeader(retryAfterMilliseconds: ReplicaLimits.noLeaderRetryMilliseconds) : .timeout
    }
}

extension CommandBatch {
    fileprivate var isFull: Bool {
        byteCount >= ReplicaLimits.batchBytes || Int(count) == ModelLimits.commandsPerEntryMax
    }
}

extension Operation {
    /// About the bytes that it takes while it waits.
    fileprivate var approximateBytes: Int {
        let overhead = 64
        switch self {
        case .put(let put): return overhead + put.key.bytes.count + (put.value?.count ?? 0)
        case .createSequential(let create):
            return overhead + create.parent.bytes.count + create.prefix.count + (create.value?.count ?? 0)
        case .increment(let increment): return overhead + increment.key.bytes.count
        case .delete(let delete): return overhead + delete.key.bytes.count
        case .changeSettings(let values): return overhead + 10 * values.count
        case .raiseFeatureLevel, .cancelMemberChange: return overhead
        case .memberInfo(let told):
            let texts = [told.info.peerAddress, told.info.clientURL, told.info.build]
            return texts.reduce(overhead) { $0 + $1.utf8.count }
        case .changeMembers(let change):
            let texts = change.add.reduce(0) { $0 + $1.name.utf8.count + $1.peerAddress.utf8.count }
            return overhead + texts + 16 * (change.add.count + change.remove.count)
        }
    }
}
