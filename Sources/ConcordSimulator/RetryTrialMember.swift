import ConcordModel

/// The writes that one member of a trial has taken on, and what it says of them when it hands them over.
struct RetryTrialMember {
    struct Waiting {
        var command: Command
        let sequence: UInt64
        /// Applied; the member has not come so far yet.
        var outcome: Outcome?
    }

    let id: UInt128
    private var boot: UInt64 = 1
    private var last: UInt64 = 0
    /// In the order of their sequences.
    private(set) var waiting: [Waiting] = []

    init(id: UInt128) {
        self.id = id
    }

    /// Every sequence up to this one is answered, or was given up.
    private var done: UInt64 { (waiting.first?.sequence ?? last + 1) - 1 }

    mutating func takeOn(_ operation: Operation, _ retry: RetryIdentity) {
        last += 1
        waiting.append(Waiting(command: Command(operation: operation, retry: retry), sequence: last))
    }

    /// Copies of what waits from a position on, each with its origin as of now.
    func handOver(from position: Int) -> [Command] {
        waiting[position...].map { write in
            var command = write.command
            command.origin = Origin(member: id, boot: boot, sequence: write.sequence, done: done)
            return command
        }
    }

    /// A copy was applied; the first outcome that this member sees is the one it tells.
    mutating func applied(_ origin: Origin, _ outcome: Outcome) {
        guard origin.member == id, origin.boot == boot,
            let index = waiting.firstIndex(where: { $0.sequence == origin.sequence && $0.outcome == nil })
        else { return }
        waiting[index].outcome = outcome
    }

    /// Answers everything that was applied.
    mutating func answer() -> [(Command, Outcome)] {
        defer { waiting.removeAll { $0.outcome != nil } }
        return waiting.compactMap { write in write.outcome.map { (write.command, $0) } }
    }

    /// The time of a write is over, whether it takes effect or not.
    mutating func giveUp(_ choice: UInt64) {
        guard !waiting.isEmpty else { return }
        waiting.remove(at: Int(choice % UInt64(waiting.count)))
    }

    /// Nobody is answered any more. What was handed over is still on its way.
    mutating func restart() {
        boot += 1
        last = 0
        waiting = []
    }
}
