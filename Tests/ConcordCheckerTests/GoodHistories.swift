import ConcordChecker

/// All objects that a history can be of, and the judges of their histories.
enum Subject: String, CaseIterable {
    case register, casRegister, registerOfFewValues, keyValue, set, fullSet, counter, queue, queueOfFewValues, mutex
    case lock, listAppend, tree, treeWithoutRevisions

    func verdict(_ operations: [RecordedOperation]) -> Verdict {
        Checker.check(operations, model: model, initial: self == .counter ? .int(0) : .null)
    }

    private var model: Model {
        switch self {
        case .register: .register
        case .casRegister, .registerOfFewValues: .casRegister
        case .keyValue: .keyValue
        case .set: .set
        case .fullSet: .setFull
        case .counter: .counter
        case .queue, .queueOfFewValues: .queue
        case .mutex: .mutex
        case .lock: .lock
        case .listAppend: .listAppend
        case .tree, .treeWithoutRevisions: .tree
        }
    }

    /// The search over a queue in which values repeat takes long.
    var operationsMax: Int { self == .queueOfFewValues ? 20 : 63 }

    func history(of clients: ConcurrentClients, _ dice: inout StoryDice) -> SimulatedHistory {
        var clients = clients
        switch self {
        case .register: return clients.run(RegisterWork(), &dice)
        case .casRegister: return clients.run(RegisterWork(canCompare: true), &dice)
        case .registerOfFewValues: return clients.run(RegisterWork(values: 3, canCompare: true), &dice)
        case .keyValue: return clients.run(KeyValueWork(), &dice)
        case .set, .fullSet:
            clients.closing += [{ _ in Request("read") }]
            return clients.run(AddWork(PlainSet()), &dice)
        case .counter:
            clients.closing += [{ _ in Request("read") }]
            return clients.run(AddWork(PlainCounter(), amounts: -2...5), &dice)
        case .queue:
            if clients.closing.isEmpty, dice.chance(50) { clients.closing += [{ _ in Request("drain") }] }
            return clients.run(QueueWork(), &dice)
        case .queueOfFewValues: return clients.run(QueueWork(values: 3), &dice)
        case .mutex: return clients.run(HoldWork(PlainMutex()), &dice)
        case .lock: return clients.run(HoldWork(PlainLock(), hasTokens: true), &dice)
        case .listAppend: return clients.run(ListWork(), &dice)
        case .tree: return clients.run(TreeWork(), &dice)
        case .treeWithoutRevisions:
            var history = clients.run(TreeWork(namesRevisions: false), &dice) as SimulatedHistory
            for index in history.operations.indices { history.operations[index].hideRevisions() }
            return history
        }
    }

    /// What a brute-force judge says of a few operations; `nil` where there is no such judge, or nothing to judge.
    func isValid(_ operations: [RecordedOperation]) -> Bool? {
        guard operations.contains(where: { $0.outcome == .ok }) else { return nil }
        return switch self {
        case .counter where !operations.contains { $0.function == "read" && $0.outcome == .ok }: nil
        case .register, .casRegister, .registerOfFewValues, .keyValue:
            BruteForceJudge.isLinearizable(operations, from: PlainRegisters())
        case .set: nil
        case .fullSet: BruteForceJudge.isFullSet(operations)
        // A drain is many dequeues, and not one.
        case .queue where operations.contains { $0.function == "drain" }: nil
        case .counter: BruteForceJudge.isCounter(operations)
        case .queue, .queueOfFewValues: BruteForceJudge.isLinearizable(operations, from: PlainQueue())
        case .mutex: BruteForceJudge.isLinearizable(operations, from: PlainMutex())
        // What a process' own lock is, only processes that do one thing at a time can tell.
        case .lock where operations.contains { $0.isAnswered(besideOthersOf: operations) }: nil
        case .lock: BruteForceJudge.isLinearizable(operations, from: PlainLock())
        case .listAppend: BruteForceJudge.isLinearizable(operations, from: PlainLists())
        case .tree, .treeWithoutRevisions: BruteForceJudge.isLinearizable(operations, from: PlainTree())
        }
    }
}

extension RecordedOperation {
    /// Its process did something else at the same time.
    fileprivate func isAnswered(besideOthersOf operations: [RecordedOperation]) -> Bool {
        operations.contains { $0.process == process && $0.invoked < invoked && $0.returned > invoked }
    }

    /// As if the system told none.
    mutating func hideRevisions() {
        revision = nil
        guard case .map(var fields) = result else { return }
        fields[.text("created")] = nil
        fields[.text("modified")] = nil
        result = .map(fields)
    }
}
