import ConcordModel
import ConcordRaft

/// A client's read that has not been answered yet.
struct PendingRead {
    enum Question {
        case query(Query)
        case cluster
        case backup
    }

    var request: RequestID
    var deadline: UInt64
    var question: Question
    var minimum: Revision
}

/// Linearizable reads on their way: without a barrier, at a barrier, behind one and waiting for `apply`.
///
/// A barrier serves the reads that had arrived when it began, never a later one (dissertation §6.4; the stale
/// read of a barrier that was used again is etcd's issue 20418).
struct ReadTable {
    struct Group {
        var barrier: UInt64
        var begunAt: UInt64
        var reads: [PendingRead]
    }

    /// Arrived since the last barrier began.
    private var fresh: [PendingRead] = []
    private var atBarrier: [Group] = []
    /// Confirmed: answered as soon as `index` and the minimum revision are applied.
    private var behindBarrier: [(index: LogIndex, reads: [PendingRead])] = []
    /// Some reads can be answered already, and wait only for the next turn.
    private(set) var hasAnswerable = false
    /// The index of this boot's first barrier that was confirmed.
    private(set) var firstConfirmed: LogIndex?
    private var lastBarrier: UInt64
    private(set) var count = 0

    /// - Parameter boot: an answer to a barrier of an earlier boot may still be on its way, and must not pass for
    ///   one of this boot.
    init(boot: UInt64) {
        lastBarrier = boot << 32
    }

    mutating func append(_ read: PendingRead) {
        fresh.append(read)
        count += 1
    }

    /// A local read that waits for a revision only.
    mutating func appendLocal(_ read: PendingRead) {
        behindBarrier.append((.zero, [read]))
        count += 1
    }

    /// Begins a barrier for all reads that have none. The first one of a boot waits for no read: it tells how far this
    /// member must come before it may show its own state.
    /// - Returns: its id, never used before; `nil` when nothing waits or enough barriers are under way.
    mutating func beginBarrier(now: UInt64) -> UInt64? {
        let isFirst = firstConfirmed == nil && atBarrier.isEmpty
        guard isFirst || !fresh.isEmpty, atBarrier.count < ReplicaLimits.barriersInFlightMax else { return nil }
        lastBarrier += 1
        atBarrier.append(Group(barrier: lastBarrier, begunAt: now, reads: fresh))
        fresh = []
        return lastBarrier
    }

    mutating func ready(_ barrier: ReadyBarrier) {
        guard let position = atBarrier.firstIndex(where: { $0.barrier == barrier.id }) else { return }
        firstConfirmed = firstConfirmed ?? barrier.index
        behindBarrier.append((barrier.index, atBarrier.remove(at: position).reads))
    }

    /// The barrier got no answer: its reads need a new one.
    mutating func lost(_ barrier: UInt64) {
        guard let position = atBarrier.firstIndex(where: { $0.barrier == barrier }) else { return }
        fresh.append(contentsOf: atBarrier.remove(at: position).reads)
    }

    /// Gives up barriers that began at or before `time`: a message was lost.
    mutating func giveUp(begunUntil time: UInt64) {
        for group in atBarrier where group.begunAt <= time { lost(group.barrier) }
    }

    /// Removes and returns the reads that the applied state may answer.
    mutating func takeAnswerable(applied: LogIndex, revision: Revision) -> [PendingRead] {
        guard !behindBarrier.isEmpty else { return [] }
        var answerable: [PendingRead] = []
        var waiting: [(index: LogIndex, reads: [PendingRead])] = []
        for (index, reads) in behindBarrier {
            guard index <= applied else {
                waiting.append((index, reads))
                continue
            }
            let tooEarly = reads.filter { $0.minimum > revision }
            answerable.append(contentsOf: tooEarly.isEmpty ? reads : reads.filter { $0.minimum <= revision })
            if !tooEarly.isEmpty { waiting.append((index, tooEarly)) }
        }
        behindBarrier = waiting
        count -= answerable.count
        return answerable
    }

    /// Puts back, before all others, what can be answered and found no time in this turn.
    mutating func putBack(_ reads: [PendingRead]) {
        hasAnswerable = !reads.isEmpty
        guard hasAnswerable else { return }
        behindBarrier.insert((.zero, reads), at: 0)
        count += reads.count
    }

    /// Removes and returns the reads for which `leaves` holds.
    mutating func remove(where leaves: (PendingRead) -> Bool) -> [PendingRead] {
        var removed: [PendingRead] = []
        func keep(_ reads: inout [PendingRead]) {
            guard reads.contains(where: leaves) else { return }
            removed.append(contentsOf: reads.filter(leaves))
            reads.removeAll(where: leaves)
        }
        keep(&fresh)
        for position in atBarrier.indices { keep(&atBarrier[position].reads) }
        for position in behindBarrier.indices { keep(&behindBarrier[position].reads) }
        behindBarrier.removeAll { $0.reads.isEmpty }
        count -= removed.count
        return removed
    }
}
