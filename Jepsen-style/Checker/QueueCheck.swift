/// A queue: first in, first out, linearizable. What a drain tells was dequeued by it, and then the queue was empty; so
/// what was acknowledged before the drain began and was never dequeued is lost. A dequeue that tells null found the
/// queue empty.
///
/// Where each value is enqueued once, four patterns and their like with empty queues are all that can be wrong
/// (Henzinger, Sezgin and Vafeiadis, "Aspect-oriented linearizability proofs"; Lee and Mathur, arXiv 2410.04581):
/// O(n log n). Else what lost dequeues took is guessed, where that is not too much, or the search judges.
enum QueueCheck {
    static func check(
        _ operations: [RecordedOperation], limits: CheckLimits
    ) throws(UnreadableOperation) -> Verdict {
        let history = try QueueHistory(operations)
        if let violation = history.disorderInADrain { return .violation(violation) }
        if history.isUnambiguous {
            return QueuePatterns(history).violation().map { .violation($0) } ?? .valid
        }
        if history.isUnique, let guesses = QueueGuesses(history) {
            return guesses.violation(limits: limits).map { .violation($0) } ?? .valid
        }
        return QueueSearch(history).verdict(limits: limits)
    }
}

/// What was done to a queue; drains are taken apart.
struct QueueHistory {
    struct Dequeue {
        /// Null: it found the queue empty.
        var value: HistoryValue
        var operation: RecordedOperation
        var isOfDrain: Bool
    }

    private(set) var enqueues: [RecordedOperation] = []
    /// Of known outcome.
    private(set) var dequeues: [Dequeue] = []
    /// Dequeues without an answer: each may have taken any one value.
    private(set) var unknown: [RecordedOperation] = []
    private(set) var disorderInADrain: Violation?

    init(_ operations: [RecordedOperation]) throws(UnreadableOperation) {
        for operation in operations where operation.outcome != .fail {
            let isKnown = operation.outcome == .ok
            switch operation.function {
            case "enqueue": enqueues.append(operation)
            case "dequeue" where isKnown:
                dequeues.append(Dequeue(value: operation.result, operation: operation, isOfDrain: false))
            case "dequeue": unknown.append(operation)
            case "drain" where isKnown:
                guard let values = operation.result.list ?? (operation.result == .null ? [] : nil) else {
                    throw UnreadableOperation(operation, "a drain tells a list")
                }
                for value in values {
                    dequeues.append(Dequeue(value: value, operation: operation, isOfDrain: true))
                }
                dequeues.append(Dequeue(value: .null, operation: operation, isOfDrain: true))
            case "drain": throw UnreadableOperation(operation, "what a drain without an answer took is not known")
            default: throw UnreadableOperation(operation, "the model queue has enqueue, dequeue and drain")
            }
        }
        findDisorderInADrain()
    }

    /// Each value once.
    var isUnique: Bool {
        var seen: Set<HistoryValue> = []
        return enqueues.allSatisfy { seen.insert($0.argument).inserted }
    }

    /// Each value once, and nothing that was not seen could have emptied the queue before it was found empty.
    var isUnambiguous: Bool {
        let lost = unknown.map(\.invoked).min() ?? .max
        return isUnique && !dequeues.contains { $0.value == .null && !$0.isOfDrain && $0.operation.returned > lost }
    }

    /// As if the lost dequeues had told these values, and the others had found nothing.
    func answering(_ answers: [(value: HistoryValue, operation: RecordedOperation)]) -> QueueHistory {
        var answered = self
        answered.unknown = []
        answered.dequeues += answers.map { Dequeue(value: $0.value, operation: $0.operation, isOfDrain: false) }
        return answered
    }

    /// The values of a drain stand in its order, which their common operation does not tell.
    private mutating func findDisorderInADrain() {
        var enqueued: [HistoryValue: [RecordedOperation]] = [:]
        for enqueue in enqueues { enqueued[enqueue.argument, default: []].append(enqueue) }
        var latest: RecordedOperation?
        var drain = -1
        for dequeue in dequeues where dequeue.isOfDrain {
            if dequeue.operation.invoked != drain { latest = nil }
            drain = dequeue.operation.invoked
            guard let sources = enqueued[dequeue.value], sources.count == 1, let source = sources.first else {
                continue
            }
            if disorderInADrain == nil, let latest, source.returned < latest.invoked {
                disorderInADrain = Violation(
                    "\(source.argument) was enqueued before \(latest.argument), and drained after it.",
                    [source, latest, dequeue.operation])
            }
            if latest.map({ $0.invoked < source.invoked }) ?? true { latest = source }
        }
    }
}

/// The search over a queue, where values are not unique.
struct QueueSearch {
    private struct Queue: SequentialObject {
        enum Action: Hashable {
            case enqueue(HistoryValue)
            case dequeue(HistoryValue)
            case dequeueAny
            case findEmpty
        }

        func step(_ state: [HistoryValue], _ action: Action) -> [HistoryValue]? {
            switch action {
            case .enqueue(let value): state + [value]
            case .dequeue(let value): state.first == value ? Array(state.dropFirst()) : nil
            case .dequeueAny: state.isEmpty ? nil : Array(state.dropFirst())
            case .findEmpty: state.isEmpty ? state : nil
            }
        }

        func isRead(_ action: Action) -> Bool { action == .findEmpty }
    }

    private var calls: [WingGongLowe<Queue>.Call] = []
    private var operations: [RecordedOperation] = []

    init(_ history: QueueHistory) {
        for enqueue in history.enqueues { add(.enqueue(enqueue.argument), enqueue) }
        for dequeue in history.dequeues {
            add(dequeue.value == .null ? .findEmpty : .dequeue(dequeue.value), dequeue.operation)
        }
        for dequeue in history.unknown { add(.dequeueAny, dequeue) }
    }

    private mutating func add(_ action: Queue.Action, _ operation: RecordedOperation) {
        let returned = operation.outcome == .ok ? operation.returned : .max
        calls.append(.init(action, invoked: operation.invoked, returned: returned))
        operations.append(operation)
    }

    func verdict(limits: CheckLimits) -> Verdict {
        switch WingGongLowe(Queue(), initial: [], calls: calls, limits: limits).run() {
        case .linearizable: return .valid
        case .unknown(let reason): return .unknown(reason)
        case .contradiction(let stuck):
            var kept: [RecordedOperation] = []
            for call in smallest(stuck: stuck, limits: limits) where !kept.contains(operations[call]) {
                kept.append(operations[call])
            }
            return .violation(
                Violation(
                    "No order of these operations of a queue, which begins empty, keeps real time.",
                    kept.sorted { $0.invoked < $1.invoked }))
        }
    }

    /// All operations on one value rest on each other: a queue without a value keeps the others in their order.
    private func smallest(stuck: Int, limits: CheckLimits) -> [Int] {
        let end = calls[stuck].returned
        let parts = calls.indices.filter { calls[$0].invoked < end }
        // One after the other in a circle: whichever goes, all go.
        var restsOn = Array(repeating: [Int](), count: calls.count)
        var first: [HistoryValue: Int] = [:]
        var last: [HistoryValue: Int] = [:]
        for part in parts {
            guard let value = value(of: part) else { continue }
            if let before = last[value] { restsOn[part] = [before] } else { first[value] = part }
            last[value] = part
        }
        for (value, part) in first { restsOn[part].append(last[value] ?? part) }
        let example = CounterExample(restsOn: restsOn) { kept in
            let search = WingGongLowe(
                Queue(), initial: [], calls: kept.map { calls[$0].seen(at: end) },
                limits: limits.with(configurationsMax: 100_000))
            if case .contradiction = search.run() { return true }
            return false
        }
        return example.shrunk(parts, seed: stuck, limits: limits)
    }

    private func value(of call: Int) -> HistoryValue? {
        switch calls[call].action {
        case .enqueue(let value), .dequeue(let value): value
        case .dequeueAny, .findEmpty: nil
        }
    }
}
