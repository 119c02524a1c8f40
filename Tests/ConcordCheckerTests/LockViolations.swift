import ConcordChecker

/// Of mutexes and of locks with tokens, every operation of which was answered.
enum LockViolation: ViolationKind {
    /// At some time more acquires were over than releases begun, by two: two hold it.
    case mutexHeldByTwo
    /// At some time more releases were over than acquires begun.
    case mutexReleasedWhileFree
    /// As of the mutex.
    case lockHeldByTwo
    /// As of the mutex.
    case lockReleasedWhileFree
    /// Two grants have one token.
    case tokenGrantedTwice
    /// A grant that began when another was over has the lower token.
    case tokenThatFalls
    /// A token that was released once is released again, in the place of the holder's.
    case releaseOfAnothersLock
    /// A token that was never granted is released.
    case releaseOfAPhantom
    /// A client that never asked for the lock releases its own.
    case releaseOfNothing
    /// A client whose acquire was not answered releases its own, while another one holds the lock to the end.
    case releaseOfWhatAnotherHolds

    private var subject: Subject {
        self == .mutexHeldByTwo || self == .mutexReleasedWhileFree ? .mutex : .lock
    }

    func verdict(_ operations: [RecordedOperation]) -> Verdict { subject.verdict(operations) }

    func planted(_ dice: inout StoryDice) -> Planted? {
        let clients = ConcurrentClients(
            clients: 2 + dice.below(4), operationsMax: 12 + dice.below(30), lost: 0)
        let truth = subject.history(of: clients, &dice).operations
        // Who still waits at the end is left out.
        var history = truth.filter { $0.outcome != .unknown }
        return spoil(&history, &dice) ? Planted(truth: truth, lie: history) : nil
    }

    private func spoil(_ history: inout [RecordedOperation], _ dice: inout StoryDice) -> Bool {
        let acquires = history.acknowledged("acquire", shuffledBy: &dice)
        let releases = history.acknowledged("release", shuffledBy: &dice)
        guard acquires.count > 1, let release = releases.first else { return false }
        switch self {
        case .mutexHeldByTwo, .lockHeldByTwo:
            history.remove(at: release)
            return LockViolation.isHeldByTwo(history)
        case .mutexReleasedWhileFree, .lockReleasedWhileFree:
            history.remove(at: acquires[0])
            return LockViolation.isReleasedWhileFree(history)
        case .tokenGrantedTwice:
            history[acquires[0]].result = history[acquires[1]].result
        case .tokenThatFalls:
            let (one, other) = (acquires[0], acquires[1])
            guard history.isBefore(one, other) else { return false }
            exchange(history[one].result, history[other].result, in: &history)
        case .releaseOfAnothersLock:
            let others = releases.filter { $0 != release && history[$0].argument != .null }
            guard let other = others.first else { return false }
            history[release].argument = history[other].argument
        case .releaseOfAPhantom: history[release].argument = .int(1_000_000)
        case .releaseOfNothing:
            history[release].argument = .null
            history[release].process = .text("stranger")
        case .releaseOfWhatAnotherHolds:
            guard acquires.count == releases.count + 1, let end = history.map(\.returned).max() else { return false }
            let stranger = HistoryValue.text("stranger")
            history.append(
                RecordedOperation(
                    process: stranger, function: "acquire", outcome: .unknown, invoked: end + 1, returned: .max))
            history.append(
                RecordedOperation(
                    process: stranger, function: "release", outcome: .ok, invoked: end + 2, returned: end + 3))
        }
        return true
    }

    /// Each token becomes the other, where it is granted and where it is released.
    private func exchange(_ one: HistoryValue, _ other: HistoryValue, in history: inout [RecordedOperation]) {
        func exchanged(_ value: HistoryValue) -> HistoryValue { value == one ? other : value == other ? one : value }
        for index in history.indices {
            history[index].result = exchanged(history[index].result)
            history[index].argument = exchanged(history[index].argument)
        }
    }

    private static func isHeldByTwo(_ history: [RecordedOperation]) -> Bool {
        history.contains { end in
            let granted = history.count { $0.isDone("acquire") && $0.returned <= end.returned }
            let released = history.count { $0.isDone("release") && $0.invoked < end.returned }
            return granted > released + 1
        }
    }

    private static func isReleasedWhileFree(_ history: [RecordedOperation]) -> Bool {
        history.contains { end in
            let released = history.count { $0.isDone("release") && $0.returned <= end.returned }
            let granted = history.count { $0.isDone("acquire") && $0.invoked < end.returned }
            return released > granted
        }
    }
}

extension RecordedOperation {
    fileprivate func isDone(_ name: String) -> Bool { function == name && outcome == .ok }
}
