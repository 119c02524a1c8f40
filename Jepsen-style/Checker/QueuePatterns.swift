/// What can be wrong with a queue to which each value is enqueued once.
struct QueuePatterns {
    /// A value and what became of it.
    private struct Item {
        var enqueue: RecordedOperation
        var dequeue: RecordedOperation?
        /// A known value that must have been taken by a dequeue without an answer that began before this position;
        /// the reason is the operation that tells so.
        var deadline: Int?
        var reason: RecordedOperation?
    }

    private let history: QueueHistory
    private var items: [Item] = []
    private var places: [HistoryValue: Int] = [:]
    private var early: Violation?
    private let firstUnknown: Int

    init(_ history: QueueHistory) {
        self.history = history
        firstUnknown = history.firstUnknown
        for enqueue in history.enqueues {
            places[enqueue.argument] = items.count
            items.append(Item(enqueue: enqueue))
        }
        for dequeue in history.dequeues where dequeue.value != .null {
            let operation = dequeue.operation
            guard let place = places[dequeue.value] else {
                early = early ?? Violation("\(dequeue.value) was dequeued, and nobody had enqueued it.", [operation])
                continue
            }
            let enqueue = items[place].enqueue
            if let other = items[place].dequeue {
                early = early ?? Violation("\(dequeue.value) was dequeued twice.", [enqueue, other, operation])
            } else if operation.returned < enqueue.invoked {
                early =
                    early ?? Violation("\(dequeue.value) was dequeued before it was enqueued.", [operation, enqueue])
            }
            items[place].dequeue = operation
        }
    }

    /// Each pattern is one pass over the history, however long that is.
    func verdict(limits: CheckLimits) -> Verdict {
        for pattern in [{ early }, overtaking, notTaken, notEmpty] {
            if limits.isOutOfTime() { return .unknown("out of time") }
            if let found = pattern() { return .violation(found) }
        }
        return .valid
    }

    func violation() -> Violation? {
        violationOfValues() ?? notEmpty()
    }

    /// Of what was dequeued and what was not, whatever was found empty.
    func violationOfValues() -> Violation? {
        early ?? overtaking() ?? notTaken()
    }

    /// Enqueued first, and dequeued after one that was enqueued later.
    private func overtaking() -> Violation? {
        let before = items.filter { $0.dequeue != nil && $0.enqueue.outcome == .ok }
            .sorted { $0.enqueue.returned < $1.enqueue.returned }
        var next = 0
        var latest: (item: Item, dequeue: RecordedOperation)?
        for item in items.sorted(by: { $0.enqueue.invoked < $1.enqueue.invoked }) {
            guard let dequeue = item.dequeue else { continue }
            while next < before.count, before[next].enqueue.returned < item.enqueue.invoked {
                if let other = before[next].dequeue, latest.map({ $0.dequeue.invoked < other.invoked }) ?? true {
                    latest = (before[next], other)
                }
                next += 1
            }
            guard let latest, dequeue.returned < latest.dequeue.invoked else { continue }
            return Violation(
                "\(latest.item.enqueue.argument) was enqueued before \(item.enqueue.argument), and dequeued after it.",
                [latest.item.enqueue, item.enqueue, dequeue, latest.dequeue])
        }
        return nil
    }

    /// Values that nobody is known to have taken, though one that was enqueued later was dequeued, or a drain that
    /// began later found the queue empty. Each needs a dequeue without an answer of its own, begun in time.
    private func notTaken() -> Violation? {
        var missing: [Item] = []
        let drains = LaterDrains(history.dequeues.filter { $0.value == .null && $0.isOfDrain }.map(\.operation))
        let taken = items.filter { $0.dequeue != nil }.sorted { $0.enqueue.invoked > $1.enqueue.invoked }
        let waiting = items.filter { $0.dequeue == nil && $0.enqueue.outcome == .ok }
            .sorted { $0.enqueue.returned > $1.enqueue.returned }
        var next = 0
        var earliest: RecordedOperation?
        for var item in waiting {
            while next < taken.count, taken[next].enqueue.invoked > item.enqueue.returned {
                if let dequeue = taken[next].dequeue, earliest.map({ dequeue.returned < $0.returned }) ?? true {
                    earliest = dequeue
                }
                next += 1
            }
            let drain = drains.firstToReturn(begunAfter: item.enqueue.returned)
            guard let reason = [earliest, drain].compactMap({ $0 }).min(by: { $0.returned < $1.returned }) else {
                continue
            }
            item.deadline = reason.returned
            item.reason = reason
            missing.append(item)
        }
        missing.sort { ($0.deadline ?? 0) < ($1.deadline ?? 0) }
        let unknown = history.unknown.map(\.invoked).sorted()
        for (index, item) in missing.enumerated() {
            if index < unknown.count, unknown[index] < item.deadline ?? 0 { continue }
            return lost(missing[...index], unknown: unknown.count, last: item)
        }
        return nil
    }

    private func lost(_ missing: ArraySlice<Item>, unknown: Int, last: Item) -> Violation {
        let begun = history.unknown.filter { $0.invoked < last.deadline ?? 0 }
        var operations = begun
        var named = Set(begun.map(\.invoked))
        var taken: [Int: RecordedOperation] = [:]
        for item in items.reversed() {
            if let dequeue = item.dequeue { taken[dequeue.invoked] = item.enqueue }
        }
        for item in missing.suffix(begun.count + 1) {
            let later = item.reason.flatMap { taken[$0.invoked] }
            for operation in [item.enqueue, item.reason, later].compactMap({ $0 })
            where named.insert(operation.invoked).inserted { operations.append(operation) }
        }
        let what = last.reason?.function == "drain" ? "the queue was drained" : "a later one was dequeued"
        return Violation(
            "\(last.enqueue.argument) was enqueued and never dequeued, though \(what).",
            operations.sorted { $0.invoked < $1.invoked })
    }

    /// Found empty while at every moment some value was surely in the queue: enqueued, and not yet begun to be
    /// dequeued. A drain finds it empty behind all that it took.
    private func notEmpty() -> Violation? {
        let empties = history.dequeues.filter { $0.value == .null }.map { ($0.operation, emptyFrom($0)) }
        guard !empties.isEmpty else { return nil }
        let surely = items.filter { $0.enqueue.outcome == .ok && $0.enqueue.returned < leaves($0) }
            .sorted { $0.enqueue.returned < $1.enqueue.returned }
        let stretches = stretches(of: surely)
        for (empty, from) in empties.sorted(by: { $0.1 < $1.1 }) {
            let begun = stretches.countOfFront { $0.start < from }
            guard begun > 0, stretches[begun - 1].end > empty.returned else { continue }
            let covering = chain(surely[stretches[begun - 1].items], from: from, to: empty.returned)
            let what = empty.function == "drain" ? "a drain found it empty" : "it was found empty"
            return Violation("The queue was not empty, and \(what).", evidence(covering, empty, from: from))
        }
        return nil
    }

    /// The times in which, without a gap, some of these items was there.
    private func stretches(of surely: [Item]) -> [Stretch] {
        var stretches: [Stretch] = []
        for (index, item) in surely.enumerated() {
            if let last = stretches.last, item.enqueue.returned <= last.end {
                stretches[stretches.count - 1].end = max(last.end, leaves(item))
                stretches[stretches.count - 1].items = last.items.lowerBound..<index + 1
            } else {
                stretches.append(Stretch(start: item.enqueue.returned, end: leaves(item), items: index..<index + 1))
            }
        }
        return stretches
    }

    /// Of the items of a stretch those that keep the queue from being empty until behind `end`.
    private func chain(_ items: ArraySlice<Item>, from start: Int, to end: Int) -> [Item] {
        var chain: [Item] = []
        var until = -1
        for item in items {
            if item.enqueue.returned >= start, until > end { break }
            guard leaves(item) > until else { continue }
            chain.append(item)
            until = leaves(item)
        }
        return chain
    }

    /// Where a drain can have been done at the earliest: it took what somebody had begun to enqueue.
    private func emptyFrom(_ dequeue: QueueHistory.Dequeue) -> Int {
        guard dequeue.isOfDrain, let taken = dequeue.operation.result.list else { return dequeue.operation.invoked }
        return taken.compactMap { places[$0].map { items[$0].enqueue.invoked } }
            .reduce(dequeue.operation.invoked, max)
    }

    /// Until then it is surely there: what nobody is known to have taken, a lost dequeue may have.
    private func leaves(_ item: Item) -> Int {
        item.dequeue?.invoked ?? firstUnknown
    }

    private func evidence(_ covering: [Item], _ empty: RecordedOperation, from: Int) -> [RecordedOperation] {
        var needed = covering.filter { leaves($0) > from }.flatMap { [$0.enqueue, $0.dequeue].compactMap { $0 } }
        if empty.function == "drain" {
            needed += (empty.result.list ?? []).compactMap { places[$0].map { items[$0].enqueue } }
        }
        var evidence: [RecordedOperation] = []
        for operation in (needed + [empty]).sorted(by: { $0.invoked < $1.invoked })
        where evidence.last?.invoked != operation.invoked { evidence.append(operation) }
        return evidence
    }
}

/// A time in which the queue was surely not empty, and the items that were there, as places in their order.
private struct Stretch {
    var start: Int
    var end: Int
    var items: Range<Int>
}

/// Drains by when they began: which of all that began later was the first to return.
private struct LaterDrains {
    /// The last one first, and with each the first to return from there on.
    private var begun: [Int] = []
    private var earliest: [RecordedOperation] = []

    init(_ drains: [RecordedOperation]) {
        for drain in drains.sorted(by: { $0.invoked > $1.invoked }) {
            begun.append(drain.invoked)
            let later = earliest.last ?? drain
            earliest.append(drain.returned < later.returned ? drain : later)
        }
    }

    func firstToReturn(begunAfter position: Int) -> RecordedOperation? {
        let later = begun.countOfFront { $0 > position }
        return later > 0 ? earliest[later - 1] : nil
    }
}
