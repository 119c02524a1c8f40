/// A queue to which each value is enqueued once, with dequeues whose answers are lost and others that found it empty:
/// whether it was empty depends on what the lost ones took. All that they may have taken is tried, as far as there are
/// few; each guess is a history without lost answers, which the patterns judge.
struct QueueGuesses {
    static let guessesMax = 10_000

    private let history: QueueHistory
    /// Enqueued, and by no answer dequeued.
    private let open: [HistoryValue]

    /// - Returns: `nil` where there is too much to guess.
    init?(_ history: QueueHistory) {
        let dequeued = Set(history.dequeues.map(\.value))
        self.history = history
        open = history.enqueues.map(\.argument).filter { !dequeued.contains($0) }
        var guesses = 1
        for _ in history.unknown {
            guesses *= open.count + 1
            if guesses > Self.guessesMax { return nil }
        }
    }

    func verdict(limits: CheckLimits) -> Verdict {
        // Most of what can be wrong is so whatever the lost dequeues took.
        if let found = QueuePatterns(history).violationOfValues() { return .violation(found) }
        switch isExplained(limits) {
        case true?: return .valid
        case false?: return .violation(Violation("The queue was found empty, and was not.", smallest(limits)))
        case nil: return .unknown("out of time, guessing what lost dequeues took")
        }
    }

    /// `nil` where time ran out.
    private func isExplained(_ limits: CheckLimits) -> Bool? {
        isExplained(history.unknown[...], open, history.answering([]), limits)
    }

    private func isExplained(
        _ lost: ArraySlice<RecordedOperation>, _ open: [HistoryValue], _ guess: QueueHistory, _ limits: CheckLimits
    ) -> Bool? {
        guard let dequeue = lost.first, !open.isEmpty else {
            // One pass over the history, however long that is.
            return limits.isOutOfTime() ? nil : QueuePatterns(guess).violation() == nil
        }
        let rest = lost.dropFirst()
        guard let isExplainedWithout = isExplained(rest, open, guess, limits) else { return nil }
        if isExplainedWithout { return true }
        for index in open.indices {
            var others = open
            let value = others.remove(at: index)
            let next = guess.answering([(value, dequeue)])
            guard let isRight = isExplained(rest, others, next, limits) else { return nil }
            if isRight { return true }
        }
        return false
    }

    /// What is done with one value rests on each other, and what nobody is known to have taken on all lost dequeues:
    /// without a value, or without such a dequeue and all that it may have taken, the others keep their order.
    private func smallest(_ limits: CheckLimits) -> [RecordedOperation] {
        var seen: Set<Int> = []
        let operations = (history.enqueues + history.unknown + history.dequeues.map(\.operation))
            .filter { seen.insert($0.invoked).inserted }.sorted { $0.invoked < $1.invoked }
        let example = CounterExample(restsOn: grounds(operations)) { kept in
            guard let part = try? QueueHistory(kept.map { operations[$0] }), let guesses = QueueGuesses(part) else {
                return false
            }
            return QueuePatterns(part).violationOfValues() != nil || guesses.isExplained(limits) == false
        }
        let seed = operations.lastIndex { $0.function == "dequeue" && $0.outcome == .ok && $0.result == .null } ?? 0
        return example.shrunk(Array(operations.indices), seed: seed, limits: limits).map { operations[$0] }
    }

    private func grounds(_ operations: [RecordedOperation]) -> [[Int]] {
        let lost = operations.indices.filter { operations[$0].isLostDequeue }
        // A drain is of many values, and all of them rest on each other, through the first.
        let drain = operations.firstIndex { $0.function == "drain" }
        var ofValue: [HistoryValue: [Int]] = [:]
        for (index, operation) in operations.enumerated() {
            if let value = operation.queued { ofValue[value, default: []].append(index) }
        }
        let open = Set(open)
        let all = Array(operations.indices)
        return operations.enumerated().map { index, operation in
            if operation.function == "enqueue", open.contains(operation.argument) { return lost }
            if index == drain { return all.filter { $0 != index } }
            guard let value = operation.queued else { return operation.function == "drain" ? [drain ?? index] : [] }
            return ((ofValue[value] ?? []) + [drain].compactMap { $0 }).filter { $0 != index }
        }
    }
}

extension RecordedOperation {
    fileprivate var isLostDequeue: Bool { function == "dequeue" && outcome == .unknown }

    /// The value that an operation of a queue is about, when it is one.
    fileprivate var queued: HistoryValue? {
        switch function {
        case "enqueue": argument == .null ? nil : argument
        case "dequeue": result == .null ? nil : result
        default: nil
        }
    }
}
