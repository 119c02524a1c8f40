import Synchronization

/// Numbers the writes of a client, so that each takes effect once however often it is sent: an identity of 128
/// random bits, a sequence from 1, and `done`, up to which every write is answered.
///
/// Members accept an identity that they do not know only with sequence 1, so all others wait until the first
/// write of an identity is answered. They keep the outcomes above `done`, so a write waits when it would be
/// further above than they keep.
final class WriteLedger: Sendable {
    /// The place of one write; it stays the same over all attempts.
    struct Ticket: Hashable, Sendable {
        let generation: Int
        let identity: UInt128
        let sequence: UInt64
    }

    private let surroundings: Surroundings
    private let state: Mutex<LedgerState>

    init(surroundings: Surroundings) {
        self.surroundings = surroundings
        self.state = Mutex(LedgerState(identity: WriteLedger.makeIdentity(surroundings)))
    }

    /// Takes the next sequence; waits for its turn until `deadline`.
    func open(by deadline: Duration) async throws(ConcordError) -> Ticket {
        if let ticket = state.withLock({ $0.admitAtOnce() }) { return ticket }
        let id = state.withLock { $0.prepareWaiter() }
        let timer = Task {
            await surroundings.sleep(deadline - surroundings.now())
            if !Task.isCancelled { abandon(id, WriteLedger.waitedTooLong) }
        }
        defer { timer.cancel() }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                wait(id, continuation)
            }
        } onCancel: {
            abandon(id, ConcordError(.cancelled, detail: "the task was cancelled before the write was sent"))
        }
        return try result.get()
    }

    /// Up to which sequence all writes of the ticket's identity are answered; below the ticket's own.
    func done(for ticket: Ticket) -> UInt64 {
        state.withLock { $0.done(ticket.generation) }
    }

    /// Ends a write, which is never sent again.
    /// - Parameter answered: a member gave the final word; otherwise the call gave up.
    func close(_ ticket: Ticket, answered: Bool) {
        let admitted = state.withLock { state in
            state.close(ticket)
            if ticket.sequence == 1 {
                if answered {
                    state.markKnown(ticket.generation)
                } else {
                    state.retire(ticket.generation, WriteLedger.makeIdentity(surroundings))
                }
            }
            return state.admitWaiters()
        }
        WriteLedger.resume(admitted)
    }

    /// The members do not know the ticket's identity: writes that were never sent go on under a new one.
    func expire(_ ticket: Ticket) {
        let admitted = state.withLock { state in
            state.close(ticket)
            state.retire(ticket.generation, WriteLedger.makeIdentity(surroundings))
            return state.admitWaiters()
        }
        WriteLedger.resume(admitted)
    }

    private static let waitedTooLong = ConcordError(
        .timeout, detail: "the write was not sent: too many writes of this client are waiting for their answers")

    private static func resume(_ admitted: [LedgerState.Admitted]) {
        for (continuation, ticket) in admitted {
            continuation.resume(returning: .success(ticket))
        }
    }

    private func wait(_ id: UInt64, _ continuation: TicketContinuation) {
        let outcome = state.withLock { state -> (Result<Ticket, ConcordError>?, [LedgerState.Admitted]) in
            if case .abandoned(let error) = state.waiters[id] {
                state.waiters[id] = nil
                return (.failure(error), state.admitWaiters())
            }
            state.waiters[id] = .waiting(continuation)
            return (nil, state.admitWaiters())
        }
        if let result = outcome.0 { continuation.resume(returning: result) }
        WriteLedger.resume(outcome.1)
    }

    private func abandon(_ id: UInt64, _ error: ConcordError) {
        let continuation = state.withLock { state -> TicketContinuation? in
            switch state.waiters[id] {
            case .waiting(let continuation):
                state.waiters[id] = nil
                return continuation
            case .preparing:
                state.waiters[id] = .abandoned(error)
                return nil
            case .abandoned, nil:
                return nil
            }
        }
        continuation?.resume(returning: .failure(error))
    }

    private static func makeIdentity(_ surroundings: Surroundings) -> UInt128 {
        UInt128(surroundings.random()) << 64 | UInt128(surroundings.random())
    }
}
