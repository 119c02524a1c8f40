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
            return QueuePatterns(history).verdict(limits: limits)
        }
        if history.isUnique, let guesses = QueueGuesses(history) {
            return guesses.verdict(limits: limits)
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
            case "enqueue":
                guard operation.argument != .null else {
                    throw UnreadableOperation(operation, "null is no element: a dequeue of it found the queue empty")
                }
                enqueues.append(operation)
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

    /// When the first of the dequeues without an answer began.
    var firstUnknown: Int { unknown.map(\.invoked).min() ?? .max }

    /// Each value once, and nothing that was not seen could have emptied the queue before it was found empty.
    var isUnambiguous: Bool {
        guard isUnique else { return false }
        let lost = firstUnknown
        let empties = dequeues.filter { $0.value == .null && $0.operation.returned > lost }
        return empties.allSatisfy(\.isOfDrain) && !haveArrivals(during: empties.map(\.operation))
    }

    /// Whether something was surely there at the end of a drain that was not yet there at its beginning. Without such,
    /// all that nobody took is to be gone when the drain ends, and the order in which it went does not matter.
    private func haveArrivals(during drains: [RecordedOperation]) -> Bool {
        guard !drains.isEmpty else { return false }
        var taken: [HistoryValue: Int] = [:]
        for dequeue in dequeues { taken[dequeue.value] = min(taken[dequeue.value] ?? .max, dequeue.operation.invoked) }
        let arrivals = enqueues.sorted { $0.returned < $1.returned }
        var next = 0
        // Those that nobody had begun to take when the last drain ended: they can only become fewer.
        var there: [(since: Int, until: Int)] = []
        for drain in drains.sorted(by: { $0.returned < $1.returned }) {
            while next < arrivals.count, arrivals[next].returned < drain.returned {
                there.append((arrivals[next].returned, taken[arrivals[next].argument] ?? .max))
                next += 1
            }
            while let latest = there.last, latest.until < drain.returned { there.removeLast() }
            if let latest = there.last, drain.invoked < latest.since { return true }
        }
        return false
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
            /// A drain takes its values one after the other, and then finds the queue empty.
            case drain(HistoryValue, drain: Int, step: Int)
        }

        struct State: Hashable {
            var values: [HistoryValue] = []
            /// How far each drain has come.
            var steps: [Int]
        }

        func step(_ state: State, _ action: Action) -> State? {
            var next = state
            switch action {
            case .enqueue(let value): next.values.append(value)
            case .dequeue(let value):
                guard state.values.first == value else { return nil }
                next.values.removeFirst()
            case .dequeueAny:
                guard !state.values.isEmpty else { return nil }
                next.values.removeFirst()
            case .findEmpty: return state.values.isEmpty ? state : nil
            case .drain(.null, let drain, let step):
                return state.values.isEmpty && state.steps[drain] == step ? state : nil
            case .drain(let value, let drain, let step):
                guard state.values.first == value, state.steps[drain] == step else { return nil }
                next.values.removeFirst()
                next.steps[drain] += 1
            }
            return next
        }

        func isRead(_ action: Action) -> Bool {
            switch action {
            case .findEmpty, .drain(.null, _, _): true
            case .enqueue, .dequeue, .dequeueAny, .drain: false
            }
        }

        func approximateBytes(of state: State) -> Int {
            state.values.count * MemoryLayout<HistoryValue>.stride + state.steps.count * MemoryLayout<Int>.stride
        }
    }

    private var calls: [WingGongLowe<Queue>.Call] = []
    private var operations: [RecordedOperation] = []
    private var drainCount = 0

    init(_ history: QueueHistory) {
        for enqueue in history.enqueues { add(.enqueue(enqueue.argument), enqueue) }
        for dequeue in history.dequeues {
            if dequeue.isOfDrain {
                add(.drain(dequeue.value, drain: drainCount, step: 0), dequeue.operation)
                if dequeue.value == .null { drainCount += 1 }
            } else {
                add(dequeue.value == .null ? .findEmpty : .dequeue(dequeue.value), dequeue.operation)
            }
        }
        for dequeue in history.unknown { add(.dequeueAny, dequeue) }
    }

    private mutating func add(_ action: Queue.Action, _ operation: RecordedOperation) {
        let returned = operation.outcome == .ok ? operation.returned : .max
        calls.append(.init(action, invoked: operation.invoked, returned: returned))
        operations.append(operation)
    }

    func verdict(limits: CheckLimits) -> Verdict {
        switch search(calls, limits) {
        case .linearizable: return .valid
        case .unknown(let reason): return .unknown(reason)
        case .contradiction(let stuck):
            // A drain is many calls.
            var seen: Set<Int> = []
            let kept = smallest(stuck: stuck, limits: limits).map { operations[$0] }
                .filter { seen.insert($0.invoked).inserted }
            return .violation(
                Violation(
                    "No order of these operations of a queue, which begins empty, keeps real time.",
                    kept.sorted { $0.invoked < $1.invoked }))
        }
    }

    /// Counts the steps of each drain among these calls.
    private func search(
        _ calls: [WingGongLowe<Queue>.Call], _ limits: CheckLimits
    ) -> WingGongLowe<Queue>.Outcome {
        var steps = Array(repeating: 0, count: drainCount)
        let counted = calls.map { call in
            guard case .drain(let value, let drain, _) = call.action else { return call }
            var counted = call
            counted.action = .drain(value, drain: drain, step: steps[drain])
            steps[drain] += 1
            return counted
        }
        let start = Queue.State(steps: Array(repeating: 0, count: drainCount))
        return WingGongLowe(Queue(), initial: start, calls: counted, limits: limits).run()
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
            let seen = kept.map { calls[$0].seen(at: end) }
            if case .contradiction = search(seen, limits.with(configurationsMax: 100_000)) { return true }
            return false
        }
        return example.shrunk(parts, seed: stuck, limits: limits)
    }

    private func value(of call: Int) -> HistoryValue? {
        switch calls[call].action {
        case .enqueue(let value), .dequeue(let value): value
        case .drain(let value, _, _): value == .null ? nil : value
        case .dequeueAny, .findEmpty: nil
        }
    }
}
