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

    private struct Generation {
        let identity: UInt128
        var next: UInt64 = 1
        var done: UInt64 = 0
        var answeredAboveDone: Set<UInt64> = []
        /// The first write was answered: the members know this identity.
        var isKnown = false
        var open = 0

        var admits: Bool {
            next == 1 || isKnown && next - done <= ClientLimits.openWritesMax
        }
    }

    private enum Waiter {
        case preparing
        case waiting(CheckedContinuation<Result<Ticket, ConcordError>, Never>)
        case abandoned(ConcordError)
    }

    private struct State {
        var generations: [Int: Generation]
        var current = 0
        var waiters: [UInt64: Waiter] = [:]
        /// Waiters in the order they came; those no longer in `waiters` are skipped.
        var order: [UInt64] = []
        var nextWaiter: UInt64 = 0
    }

    private let surroundings: Surroundings
    private let state: Mutex<State>

    init(surroundings: Surroundings) {
        self.surroundings = surroundings
        let first = Generation(identity: WriteLedger.makeIdentity(surroundings))
        self.state = Mutex(State(generations: [0: first]))
    }

    /// Takes the next sequence; waits for its turn until `deadline`.
    func open(by deadline: Duration) async throws(ConcordError) -> Ticket {
        if let ticket = state.withLock({ $0.order.isEmpty ? $0.admit() : nil }) { return ticket }
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
        state.withLock { $0.generations[ticket.generation]?.done ?? 0 }
    }

    /// Ends a write, which is never sent again.
    /// - Parameter answered: a member gave the final word; otherwise the call gave up.
    func close(_ ticket: Ticket, answered: Bool) {
        let admitted = state.withLock { state in
            state.close(ticket)
            if ticket.sequence == 1 {
                if answered {
                    state.generations[ticket.generation]?.isKnown = true
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

    private typealias Admitted = (continuation: CheckedContinuation<Result<Ticket, ConcordError>, Never>, Ticket)

    private static let waitedTooLong = ConcordError(
        .timeout, detail: "the write was not sent: too many writes of this client are waiting for their answers")

    private static func resume(_ admitted: [Admitted]) {
        for (continuation, ticket) in admitted {
            continuation.resume(returning: .success(ticket))
        }
    }

    private func wait(_ id: UInt64, _ continuation: CheckedContinuation<Result<Ticket, ConcordError>, Never>) {
        let outcome = state.withLock { state -> (Result<Ticket, ConcordError>?, [Admitted]) in
            if case .abandoned(let error) = state.waiters[id] {
                state.waiters[id] = nil
                return (.failure(error), [])
            }
            state.waiters[id] = .waiting(continuation)
            return (nil, state.admitWaiters())
        }
        if let result = outcome.0 { continuation.resume(returning: result) }
        WriteLedger.resume(outcome.1)
    }

    private func abandon(_ id: UInt64, _ error: ConcordError) {
        let continuation = state.withLock { state -> CheckedContinuation<Result<Ticket, ConcordError>, Never>? in
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

extension WriteLedger.State {
    fileprivate mutating func admit() -> WriteLedger.Ticket? {
        guard var generation = generations[current], generation.admits else { return nil }
        let ticket = WriteLedger.Ticket(
            generation: current, identity: generation.identity, sequence: generation.next)
        generation.next += 1
        generation.open += 1
        generations[current] = generation
        return ticket
    }

    fileprivate mutating func prepareWaiter() -> UInt64 {
        let id = nextWaiter
        nextWaiter += 1
        waiters[id] = .preparing
        order.append(id)
        return id
    }

    /// Marks the ticket's sequence as answered and moves `done` over all that are.
    fileprivate mutating func close(_ ticket: WriteLedger.Ticket) {
        guard var generation = generations[ticket.generation] else {
            preconditionFailure("a write was closed after its identity had no open writes left")
        }
        generation.open -= 1
        generation.answeredAboveDone.insert(ticket.sequence)
        while generation.answeredAboveDone.remove(generation.done + 1) != nil {
            generation.done += 1
        }
        generations[ticket.generation] = generation
        dropIfFinished(ticket.generation)
    }

    /// Makes `identity` the current one, if `number` still is.
    fileprivate mutating func retire(_ number: Int, _ identity: UInt128) {
        guard number == current else { return }
        current += 1
        generations[current] = WriteLedger.Generation(identity: identity)
        dropIfFinished(number)
    }

    private mutating func dropIfFinished(_ number: Int) {
        if number != current, let generation = generations[number], generation.open == 0 {
            generations[number] = nil
        }
    }

    fileprivate mutating func admitWaiters() -> [WriteLedger.Admitted] {
        var admitted: [WriteLedger.Admitted] = []
        var position = 0
        search: while position < order.count {
            let id = order[position]
            switch waiters[id] {
            case .waiting(let continuation):
                guard let ticket = admit() else { break search }
                waiters[id] = nil
                admitted.append((continuation, ticket))
                position += 1
            case .preparing, .abandoned:
                // Its task is between two steps; it asks again itself. Those behind it wait with it.
                break search
            case nil:
                position += 1
            }
        }
        order.removeFirst(position)
        return admitted
    }
}
