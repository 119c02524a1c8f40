/// Jepsen's `set`: elements are added, and the last read tells what is there. Every acknowledged element is in it, and
/// nothing that nobody tried to add.
enum SetCheck {
    static func check(
        _ operations: [RecordedOperation], initial: HistoryValue
    ) throws(UnreadableOperation) -> Verdict {
        var attempts = Set(initial.list ?? [])
        var failed: [HistoryValue: RecordedOperation] = [:]
        var added: [RecordedOperation] = []
        var last: RecordedOperation?
        for operation in operations {
            switch operation.function {
            case "add":
                switch operation.outcome {
                case .fail: failed[operation.argument] = operation
                case .ok: added.append(operation)
                case .unknown: break
                }
                if operation.outcome != .fail { attempts.insert(operation.argument) }
            case "read":
                guard operation.outcome == .ok else { continue }
                if last.map({ $0.returned < operation.returned }) ?? true { last = operation }
            default: throw UnreadableOperation(operation, "the model set has add and read")
            }
        }
        guard let last else { return .unknown("the set was never read") }
        guard let elements = last.result.list else { throw UnreadableOperation(last, "a read tells a list") }
        if let unexpected = elements.first(where: { !attempts.contains($0) }) {
            if let add = failed[unexpected] {
                let order = [add, last].sorted { $0.invoked < $1.invoked }
                return .violation(
                    Violation("The last read tells \(unexpected), the addition of which failed.", order))
            }
            return .violation(Violation("The last read tells \(unexpected), which nobody added.", [last]))
        }
        let found = Set(elements)
        let lost = added.filter { !found.contains($0.argument) }
        guard let first = lost.first else { return .valid }
        return .violation(
            Violation(
                "\(first.argument) was added and is not in the last read; \(lost.count) elements are lost.",
                [first, last]))
    }
}

/// Jepsen's `set-full` of a set that is promised to be linearizable: from the moment an element is known to be there,
/// which is when its addition was acknowledged or a read that tells it has returned, every read that begins tells it.
/// An element that is missing for a while is stale, one that stays away is lost; both contradict the promise.
///
/// It does in O(n log n) what the search does: a set that only grows has an order exactly if no read misses what
/// was known before it began and none tells what nobody had begun to add.
enum FullSetCheck {
    static func check(
        _ operations: [RecordedOperation], initial: HistoryValue
    ) throws(UnreadableOperation) -> Verdict {
        var history = FullSetHistory(initial: initial.list ?? [])
        for operation in operations { try history.add(operation) }
        if let violation = history.toldTwice ?? history.toldTooEarly() ?? history.missed() {
            return .violation(violation)
        }
        return history.isAnythingTold ? .valid : .unknown("no read tells an element that was added")
    }
}

private struct FullSetHistory {
    /// What is known of an element.
    struct Element {
        /// When its addition was first begun.
        var begun: Int
        /// From when on it is known to be there, and by which operation.
        var known = Int.max
        var witness: RecordedOperation?
    }

    private var elements: [HistoryValue: Element] = [:]
    private var failed: [HistoryValue: RecordedOperation] = [:]
    private var reads: [(operation: RecordedOperation, told: [HistoryValue])] = []
    private(set) var toldTwice: Violation?

    init(initial: [HistoryValue]) {
        for element in initial { elements[element] = Element(begun: -1, known: -1) }
    }

    mutating func add(_ operation: RecordedOperation) throws(UnreadableOperation) {
        switch operation.function {
        case "add":
            guard operation.outcome != .fail else {
                failed[operation.argument] = operation
                return
            }
            var element = elements[operation.argument] ?? Element(begun: operation.invoked)
            if operation.outcome == .ok, operation.returned < element.known {
                element.known = operation.returned
                element.witness = operation
            }
            elements[operation.argument] = element
        case "read":
            guard operation.outcome == .ok else { return }
            guard let told = operation.result.list else { throw UnreadableOperation(operation, "a read tells a list") }
            reads.append((operation, told))
            var seen: Set<HistoryValue> = []
            if toldTwice == nil, let twice = told.first(where: { !seen.insert($0).inserted }) {
                toldTwice = Violation("A read tells \(twice) twice.", [operation])
            }
        default: throw UnreadableOperation(operation, "the model set-full has add and read")
        }
    }

    var isAnythingTold: Bool {
        reads.contains { read in read.told.contains { elements[$0] != nil } }
    }

    func toldTooEarly() -> Violation? {
        for (read, told) in reads {
            for value in told where (elements[value]?.begun ?? .max) > read.returned {
                if let add = failed[value], add.invoked < read.returned {
                    let order = [add, read].sorted { $0.invoked < $1.invoked }
                    return Violation("A read tells \(value), the addition of which failed.", order)
                }
                return Violation("A read tells \(value), which nobody had begun to add.", [read])
            }
        }
        return nil
    }

    /// Compares numbers first: a read that tells as many known elements as there are misses none.
    mutating func missed() -> Violation? {
        for (read, told) in reads {
            for value in told where read.returned < (elements[value]?.known ?? -1) {
                elements[value]?.known = read.returned
                elements[value]?.witness = read
            }
        }
        let known = elements.values.map(\.known).sorted()
        for (read, told) in reads {
            let expected = known.countOfFront { $0 < read.invoked }
            let found = told.count { (elements[$0]?.known ?? .max) < read.invoked }
            if found < expected { return firstMissed(by: read, told: Set(told)) }
        }
        return nil
    }

    private func firstMissed(by read: RecordedOperation, told: Set<HistoryValue>) -> Violation? {
        let missed = elements.filter { $0.value.known < read.invoked && !told.contains($0.key) }
        let first = missed.min { one, other in
            if one.value.known != other.value.known { return one.value.known < other.value.known }
            if one.value.begun != other.value.begun { return one.value.begun < other.value.begun }
            return one.key.description.precedesByBytes(other.key.description)
        }
        guard let first else { return nil }
        let last = reads.map(\.operation.invoked).max() ?? 0
        let returns = reads.contains { $0.operation.invoked > read.invoked && $0.told.contains(first.key) }
        let what = returns ? "stale" : read.invoked == last ? "lost" : "lost or stale"
        return Violation(
            "\(first.key) was known to be in the set and is not in a read that began later: it is \(what).",
            [first.value.witness, read].compactMap { $0 })
    }
}
