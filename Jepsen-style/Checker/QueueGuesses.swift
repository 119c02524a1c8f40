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

    /// What no guess could explain.
    func violation(limits: CheckLimits) -> Violation? {
        // Most of what can be wrong is so whatever the lost dequeues took.
        if let found = QueuePatterns(history).violationOfValues() { return found }
        return isExplained ? nil : Violation("The queue was found empty, and was not.", smallest(limits))
    }

    private var isContradiction: Bool { QueuePatterns(history).violationOfValues() != nil || !isExplained }

    private var isExplained: Bool { isExplained(history.unknown[...], open, history.answering([])) }

    private func isExplained(
        _ lost: ArraySlice<RecordedOperation>, _ open: [HistoryValue], _ guess: QueueHistory
    ) -> Bool {
        guard let dequeue = lost.first else { return QueuePatterns(guess).violation() == nil }
        let rest = lost.dropFirst()
        if isExplained(rest, open, guess) { return true }
        return open.indices.contains { index in
            var others = open
            let value = others.remove(at: index)
            return isExplained(rest, others, guess.answering([(value, dequeue)]))
        }
    }

    /// What is done with one value rests on each other, and what nobody is known to have taken on all lost dequeues:
    /// without a value, or without such a dequeue and all that it may have taken, the others keep their order.
    private func smallest(_ limits: CheckLimits) -> [RecordedOperation] {
        let operations = (history.enqueues + history.unknown + history.dequeues.map(\.operation)).reduce(
            into: [RecordedOperation]()
        ) { if !$0.contains($1) { $0.append($1) } }.sorted { $0.invoked < $1.invoked }
        let lost = operations.indices.filter { history.unknown.contains(operations[$0]) }
        let restsOn = operations.indices.map { index -> [Int] in
            let operation = operations[index]
            if operation.function == "enqueue", open.contains(operation.argument) { return lost }
            let value = operation.function == "enqueue" ? operation.argument : operation.result
            // A drain is of many values.
            return operations.indices.filter { other in
                other != index && value != .null
                    && (operations[other].argument == value || operations[other].result == value
                        || operations[other].function == "drain" || operation.function == "drain")
            }
        }
        let example = CounterExample(restsOn: restsOn) { kept in
            guard let part = try? QueueHistory(kept.map { operations[$0] }), let guesses = QueueGuesses(part) else {
                return false
            }
            return guesses.isContradiction
        }
        let seed = operations.lastIndex { $0.function == "dequeue" && $0.outcome == .ok && $0.result == .null } ?? 0
        return example.shrunk(Array(operations.indices), seed: seed, limits: limits).map { operations[$0] }
    }
}
