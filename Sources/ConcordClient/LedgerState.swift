typealias TicketContinuation = CheckedContinuation<Result<WriteLedger.Ticket, ConcordError>, Never>

/// What a ledger knows, to be changed under its lock.
struct LedgerState {
    typealias Admitted = (continuation: TicketContinuation, ticket: WriteLedger.Ticket)

    private struct Generation {
        let identity: UInt128
        var next: UInt64 = 1
        var done: UInt64 = 0
        var answeredAboveDone: Set<UInt64> = []
        /// The first write was answered: the members know this identity.
        var isKnown = false
        var open = 0

        /// The next sequence, if it may be used now.
        mutating func admit() -> UInt64? {
            guard next == 1 || isKnown && next - done <= ClientLimits.openWritesMax else { return nil }
            next += 1
            open += 1
            return next - 1
        }

        mutating func close(_ sequence: UInt64) {
            open -= 1
            answeredAboveDone.insert(sequence)
            while answeredAboveDone.remove(done + 1) != nil { done += 1 }
        }
    }

    enum Waiter {
        case preparing
        case waiting(TicketContinuation)
        case abandoned(ConcordError)
    }

    private var generations: [Int: Generation]
    private var current = 0
    var waiters: [UInt64: Waiter] = [:]
    /// Waiters in the order they came; those no longer in `waiters` are skipped.
    private var order: [UInt64] = []
    private var nextWaiter: UInt64 = 0

    init(identity: UInt128) {
        generations = [0: Generation(identity: identity)]
    }

    /// A ticket, unless others wait for one.
    mutating func admitAtOnce() -> WriteLedger.Ticket? {
        waiters.isEmpty ? admit() : nil
    }

    /// Up to which sequence the writes of a generation are answered.
    func done(_ generation: Int) -> UInt64 {
        generations[generation]?.done ?? 0
    }

    mutating func markKnown(_ generation: Int) {
        generations[generation]?.isKnown = true
    }

    private mutating func admit() -> WriteLedger.Ticket? {
        guard let sequence = generations[current]?.admit(), let identity = generations[current]?.identity else {
            return nil
        }
        return WriteLedger.Ticket(generation: current, identity: identity, sequence: sequence)
    }

    mutating func prepareWaiter() -> UInt64 {
        let id = nextWaiter
        nextWaiter += 1
        waiters[id] = .preparing
        order.append(id)
        return id
    }

    /// Marks the ticket's sequence as answered and moves `done` over all that are.
    mutating func close(_ ticket: WriteLedger.Ticket) {
        precondition(
            generations[ticket.generation] != nil, "a write was closed after its identity had no open writes left")
        generations[ticket.generation]?.close(ticket.sequence)
        dropIfFinished(ticket.generation)
    }

    /// Makes `identity` the current one, if `number` still is.
    mutating func retire(_ number: Int, _ identity: UInt128) {
        guard number == current else { return }
        current += 1
        generations[current] = Generation(identity: identity)
        dropIfFinished(number)
    }

    private mutating func dropIfFinished(_ number: Int) {
        if number != current, let generation = generations[number], generation.open == 0 {
            generations[number] = nil
        }
    }

    mutating func admitWaiters() -> [Admitted] {
        var admitted: [Admitted] = []
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
