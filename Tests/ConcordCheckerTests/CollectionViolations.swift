import ConcordChecker

/// Of sets, counters and queues to which each element is added once.
enum CollectionViolation: ViolationKind {
    /// The last read does not tell an element whose addition was acknowledged.
    case elementLost
    /// The last read tells what nobody tried to add.
    case phantomElement
    /// The last read tells an element whose addition failed.
    case elementOfAFailure
    /// As of the set.
    case fullSetElementOfAFailure
    /// A read tells an element, and one that begins later does not.
    case elementThatVanishes
    /// A read that began after an addition was acknowledged does not tell the element.
    case elementOverlooked
    /// A read that ended before an addition began tells the element.
    case elementOfTheFuture
    /// A read tells more than all that was added when it ended.
    case countedTwice
    /// A read tells less than what was surely added when it began.
    case countLost
    /// Two dequeues tell one element.
    case dequeuedTwice
    /// A dequeue tells what nobody enqueued.
    case dequeuedFromNowhere
    /// An element was enqueued before another began to be, and dequeued after that one was.
    case lastInFirstOut
    /// A dequeue ended before the enqueue of its element began.
    case dequeuedBeforeItWasEnqueued
    /// A dequeue tells what a failed enqueue would have enqueued.
    case dequeuedFromAFailure
    /// An element was acknowledged and dequeued by nobody, and a drain does not tell it.
    case notInTheDrain
    /// Of two enqueues one after the other, a drain tells the second first.
    case drainedInAnotherOrder
    /// A drain does not tell an element that was acknowledged, and a later dequeue does.
    case drainPassedOver
    /// Of two that are enqueued twice, one after the other, a drain tells the second first.
    case drainedTwinsInAnotherOrder
    /// A dequeue found the queue empty in which an acknowledged element was that nobody dequeued.
    case emptyThoughFull

    private var subject: Subject {
        switch self {
        case .elementLost, .phantomElement, .elementOfAFailure: .set
        case .fullSetElementOfAFailure, .elementThatVanishes, .elementOverlooked, .elementOfTheFuture: .fullSet
        case .countedTwice, .countLost: .counter
        default: .queue
        }
    }

    func verdict(_ operations: [RecordedOperation]) -> Verdict { subject.verdict(operations) }

    func planted(_ dice: inout StoryDice) -> Planted? {
        var clients = ConcurrentClients(clients: 1 + dice.below(6), operationsMax: 10 + dice.below(30))
        // The search over a queue in which values repeat takes long.
        if self == .drainedTwinsInAnotherOrder { clients.operationsMax = 3 + dice.below(6) }
        // A dequeue without an answer may have taken anything.
        if subject == .queue { clients.lost = 0 }
        clients.closing = closing
        let history = subject.history(of: clients, &dice)
        var operations = history.operations
        let isPlanted =
            subject == .queue
            ? spoilAQueue(&operations, history.scripted, &dice) : spoilARead(&operations, &dice)
        return isPlanted ? Planted(truth: history.operations, lie: operations) : nil
    }

    private var closing: [ConcurrentClients.Step] {
        switch self {
        case .notInTheDrain, .drainedInAnotherOrder:
            [1_001, 1_002, 1_003].map(enqueue) + [{ _ in Request("drain") }]
        case .drainPassedOver: [enqueue(1_001), { _ in Request("drain") }, { _ in Request("dequeue") }]
        case .drainedTwinsInAnotherOrder:
            [{ _ in Request("drain") }] + [1_001, 1_001, 1_002].map(enqueue) + [{ _ in Request("drain") }]
        case .emptyThoughFull: [enqueue(1_001), { _ in Request("dequeue") }]
        default: []
        }
    }

    private func enqueue(_ value: Int) -> ConcurrentClients.Step { { _ in Request("enqueue", .number(value)) } }
}

// MARK: - Sets and counters

extension CollectionViolation {
    private func spoilARead(_ history: inout [RecordedOperation], _ dice: inout StoryDice) -> Bool {
        let adds = history.acknowledged("add", shuffledBy: &dice)
        let reads = history.acknowledged("read", shuffledBy: &dice)
        for read in subject == .set ? [history.count - 1] : reads {
            guard let add = self.add(for: read, adds, reads, history) else { continue }
            switch self {
            case .phantomElement: history[read].insert(.int(1_000_000))
            case .elementOfAFailure, .fullSetElementOfAFailure:
                history[add].outcome = .fail
                guard history[read].result.list?.contains(history[add].argument) == true else { return false }
            case .elementOfTheFuture: history[read].insert(history[add].argument)
            case .countedTwice, .countLost: history[read].result = .int(bound(of: read, history))
            default: history[read].remove(history[add].argument)
            }
            return true
        }
        return false
    }

    /// The addition that a read will contradict.
    private func add(for read: Int, _ adds: [Int], _ reads: [Int], _ history: [RecordedOperation]) -> Int? {
        switch self {
        case .elementOfTheFuture: adds.first { history.isBefore(read, $0) }
        case .elementThatVanishes:
            adds.first { add in
                reads.contains {
                    history.isBefore($0, read) && history[$0].result.list?.contains(history[add].argument) == true
                }
            }
        case .elementLost, .elementOverlooked: adds.first { history.isBefore($0, read) }
        default: adds.first
        }
    }

    /// One beyond what can have been there.
    private func bound(of read: Int, _ history: [RecordedOperation]) -> Int64 {
        var (least, most): (Int64, Int64) = (0, 0)
        for add in history where add.function == "add" && add.outcome != .fail && add.invoked < history[read].returned {
            let amount = add.argument.int ?? 0
            let isSure = add.returned < history[read].invoked
            least += isSure ? amount : min(0, amount)
            most += isSure ? amount : max(0, amount)
        }
        return self == .countLost ? least - 1 : most + 1
    }
}

extension RecordedOperation {
    fileprivate mutating func insert(_ element: HistoryValue) { result = .list((result.list ?? []) + [element]) }

    fileprivate mutating func remove(_ element: HistoryValue) {
        result = .list((result.list ?? []).filter { $0 != element })
    }
}

// MARK: - Queues

extension CollectionViolation {
    private func spoilAQueue(
        _ history: inout [RecordedOperation], _ scripted: [Int], _ dice: inout StoryDice
    ) -> Bool {
        switch self {
        case .emptyThoughFull:
            history[scripted[1]].result = .null
            return true
        case .drainPassedOver:
            history[scripted[1]].remove(.number(1_001))
            history[scripted[2]].result = .number(1_001)
            return true
        case .drainedTwinsInAnotherOrder:
            history[scripted[4]].result = .list((history[scripted[4]].result.list ?? []).reversed())
            return true
        case .notInTheDrain:
            history[scripted[3]].remove(.number(1_001 + dice.below(3)))
            return true
        case .drainedInAnotherOrder:
            guard var drained = history[scripted[3]].result.list else { return false }
            drained.swapAt(drained.count - 1, drained.count - 2 - dice.below(2))
            history[scripted[3]].result = .list(drained)
            return true
        default: return spoilADequeue(&history, &dice)
        }
    }

    private func spoilADequeue(_ history: inout [RecordedOperation], _ dice: inout StoryDice) -> Bool {
        let dequeues = history.acknowledged("dequeue", shuffledBy: &dice).filter { history[$0].result != .null }
        let enqueues = history.acknowledged("enqueue", shuffledBy: &dice)
        func source(_ dequeue: Int) -> Int? { enqueues.first { history[$0].argument == history[dequeue].result } }
        guard let one = dequeues.first, let enqueue = source(one) else { return false }
        switch self {
        case .dequeuedFromNowhere:
            history[one].result = .int(1_000_000)
            return true
        case .dequeuedFromAFailure:
            history[enqueue].outcome = .fail
            return true
        case .dequeuedBeforeItWasEnqueued:
            guard let later = enqueues.first(where: { history.isBefore(one, $0) }) else { return false }
            history[one].result = history[later].argument
            return true
        case .dequeuedTwice:
            guard let other = dequeues.dropFirst().first else { return false }
            history[other].result = history[one].result
            return true
        default:
            let other = dequeues.first {
                source($0).map { history.isBefore(enqueue, $0) } ?? false && history.isBefore(one, $0)
            }
            guard let other else { return false }
            (history[one].result, history[other].result) = (history[other].result, history[one].result)
            return true
        }
    }
}
