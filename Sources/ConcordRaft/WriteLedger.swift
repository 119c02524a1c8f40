/// What was handed to the disk and what the disk has answered for.
///
/// Writes finish in order, but late: by then an entry of a finished write may have been replaced in memory.
/// Such an entry must not count as durable again, whatever index the old write reached. So a truncation cuts
/// the reach of all writes under way, and the durable index goes back with it.
struct WriteLedger: Sendable {
    struct Pending: Sendable {
        var sequence: WriteSequence
        /// The last index that this write and those before it make durable in the log as it is now.
        var reach: LogIndex
        /// In milliseconds of the core's clock.
        var issuedAt: UInt64
    }

    private(set) var lastIssued = WriteSequence.zero
    private(set) var finished = WriteSequence.zero
    /// Entries up to this one are durable and are those of the log in memory.
    private(set) var durableIndex: LogIndex
    /// The write that makes the present term and vote durable.
    private(set) var hardStateSequence = WriteSequence.zero
    private var hardStateIsUnwritten = false
    private var unwrittenBase: LogPosition?
    private var firstUnwritten: LogIndex
    private(set) var pending: [Pending] = []

    init(durableIndex: LogIndex) {
        self.durableIndex = durableIndex
        firstUnwritten = durableIndex.next
    }

    /// The write that the end of this turn will ask for.
    private var upcoming: WriteSequence { WriteSequence(lastIssued.rawValue + 1) }

    mutating func hardStateChanged() {
        hardStateIsUnwritten = true
        hardStateSequence = upcoming
    }

    mutating func truncated(from index: LogIndex) {
        durableIndex = min(durableIndex, index.previous)
        firstUnwritten = min(firstUnwritten, index)
        for position in pending.indices {
            pending[position].reach = min(pending[position].reach, index.previous)
        }
    }

    /// The log is empty and goes on behind a snapshot, which is durable itself.
    mutating func reset(to base: LogPosition) {
        truncated(from: base.index.next)
        durableIndex = base.index
        firstUnwritten = base.index.next
        unwrittenBase = base
    }

    /// The write after which everything up to `index` is durable.
    func sequence(covering index: LogIndex) -> WriteSequence {
        if index <= durableIndex { return .zero }
        return pending.first { $0.reach >= index }?.sequence ?? upcoming
    }

    /// All that changed since the last call, as one write.
    mutating func issue(hardState: HardState, log: RaftLog, now: UInt64) -> LogWrite? {
        let hasEntries = firstUnwritten <= log.lastIndex
        guard hardStateIsUnwritten || hasEntries || unwrittenBase != nil else { return nil }
        lastIssued = upcoming
        let write = LogWrite(
            sequence: lastIssued, hardState: hardStateIsUnwritten ? hardState : nil, base: unwrittenBase,
            entries: hasEntries ? Array(log.entries(in: firstUnwritten...log.lastIndex)) : [])
        hardStateIsUnwritten = false
        unwrittenBase = nil
        firstUnwritten = log.lastIndex.next
        pending.append(Pending(sequence: lastIssued, reach: log.lastIndex, issuedAt: now))
        return write
    }

    mutating func finish(_ sequence: WriteSequence) {
        precondition(sequence <= lastIssued, "a write was reported durable that nobody asked for")
        guard sequence > finished else { return }
        finished = sequence
        let count = pending.prefix { $0.sequence <= sequence }.count
        if count > 0 { durableIndex = max(durableIndex, pending[count - 1].reach) }
        pending.removeFirst(count)
    }
}
