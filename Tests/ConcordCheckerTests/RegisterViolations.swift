import ConcordChecker

/// Of registers in which each value is written once.
enum RegisterViolation: ViolationKind {
    /// Of two writes one after the other, a read that began after both tells the first.
    case staleRead
    /// A read tells a value that was written before the one that an earlier read told.
    case staleReadAfterANewerRead
    /// A read tells what nobody wrote.
    case phantomValue
    /// A read ended before the write of its value began.
    case readOfTheFuture
    /// A read tells what a failed write would have written.
    case effectOfAFailedWrite
    /// A read tells the initial value after a write was acknowledged.
    case acknowledgedWriteLost
    /// A compare-and-set from a value that nobody ever wrote was successful.
    case successFromAWrongValue
    /// Two were successful from one value, which was written once and gone after the first.
    case twoSuccessesFromOneValue
    /// A compare was false, and what it would have written is read.
    case effectOfAFalseCompare
    /// A compare with the only value that can be there was false.
    case falseCompareOfTheRightValue
    /// A text has lost a part that was appended after the part before it and before the part behind it.
    case appendedPartLost
    /// A part that was appended once stands there twice.
    case appendedTwice
    /// A part was appended before another began to be, and stands behind it.
    case appendedInAnotherOrder
    /// A part stands before what a put wrote, which replaces all.
    case putThatReplacedNothing
    /// A read tells the text of another key.
    case textOfAnotherKey

    private var subject: Subject {
        switch self {
        case .staleRead, .staleReadAfterANewerRead, .phantomValue, .readOfTheFuture, .effectOfAFailedWrite: .register
        case .acknowledgedWriteLost: .register
        case .successFromAWrongValue, .twoSuccessesFromOneValue, .effectOfAFalseCompare: .casRegister
        case .falseCompareOfTheRightValue: .casRegister
        case .appendedPartLost, .appendedTwice, .appendedInAnotherOrder, .putThatReplacedNothing: .keyValue
        case .textOfAnotherKey: .keyValue
        }
    }

    func verdict(_ operations: [RecordedOperation]) -> Verdict { subject.verdict(operations) }

    func planted(_ dice: inout StoryDice) -> Planted? {
        var clients = ConcurrentClients(clients: 1 + dice.below(6), operationsMax: 12 + dice.below(30))
        if self == .falseCompareOfTheRightValue {
            // Nothing without an answer may be at work.
            clients.lost = 0
            clients.closing = [
                { _ in Request("write", .text("right")) },
                { _ in Request("cas", .list([.text("right"), .text("next")])) },
            ]
        }
        let history = subject.history(of: clients, &dice)
        var operations = history.operations
        guard spoil(&operations, history.scripted, &dice) else { return nil }
        return Planted(truth: history.operations, lie: operations)
    }

    private func spoil(
        _ history: inout [RecordedOperation], _ scripted: [Int], _ dice: inout StoryDice
    ) -> Bool {
        switch self {
        case .falseCompareOfTheRightValue:
            history[scripted[1]].result = .bool(false)
            return true
        case .successFromAWrongValue, .twoSuccessesFromOneValue, .effectOfAFalseCompare:
            return spoilACompare(&history, &dice)
        case .appendedPartLost, .appendedTwice, .appendedInAnotherOrder, .putThatReplacedNothing, .textOfAnotherKey:
            return spoilAText(&history, &dice)
        default: return spoilARead(&history, &dice)
        }
    }
}

// MARK: - Reads and compares

extension RegisterViolation {
    private func spoilARead(_ history: inout [RecordedOperation], _ dice: inout StoryDice) -> Bool {
        let writes = history.acknowledged("write", shuffledBy: &dice)
        for read in history.acknowledged("read", shuffledBy: &dice) {
            let before = writes.filter { history.isBefore($0, read) }
            switch self {
            case .phantomValue:
                history[read].result = .int(1_000_000)
                return true
            case .acknowledgedWriteLost:
                guard !before.isEmpty else { continue }
                history[read].result = .null
                return true
            case .readOfTheFuture:
                guard let later = writes.first(where: { history.isBefore(read, $0) }) else { continue }
                history[read].result = history[later].argument
                return true
            case .effectOfAFailedWrite:
                guard let source = writes.first(where: { history[$0].argument == history[read].result }) else {
                    continue
                }
                history[source].outcome = .fail
                return true
            case .staleRead:
                guard let second = before.first, let first = before.first(where: { history.isBefore($0, second) })
                else { continue }
                history[read].result = history[first].argument
                return true
            default:
                // Another read told a value that was written after `first`, whether that write was acknowledged or not.
                guard
                    let newer = history.indices.first(where: {
                        history[$0].function == "read" && history[$0].outcome == .ok && history.isBefore($0, read)
                    }), history[newer].result != .null,
                    let source = history.first(where: { $0.argument == history[newer].result }),
                    let first = before.first(where: { history[$0].returned < source.invoked })
                else { continue }
                history[read].result = history[first].argument
                return true
            }
        }
        return false
    }

    private func spoilACompare(_ history: inout [RecordedOperation], _ dice: inout StoryDice) -> Bool {
        let successes = history.acknowledged("cas", shuffledBy: &dice).filter { history[$0].result != .bool(false) }
        guard let one = successes.first, let new = history[one].argument.list?[1] else { return false }
        switch self {
        case .successFromAWrongValue:
            history[one].argument = .list([.int(1_000_000), new])
            return true
        case .twoSuccessesFromOneValue:
            guard successes.count > 1, let expected = history[successes[1]].argument.list?[0] else { return false }
            history[one].argument = .list([expected, new])
            return true
        default:
            guard
                let told = successes.first(where: { success in
                    history.contains {
                        $0.function == "read" && $0.outcome == .ok
                            && $0.result == history[success].argument.list?[1]
                    }
                })
            else { return false }
            history[told].result = .bool(false)
            return true
        }
    }
}

// MARK: - Texts

extension RegisterViolation {
    private func spoilAText(_ history: inout [RecordedOperation], _ dice: inout StoryDice) -> Bool {
        var sources: [String: RecordedOperation] = [:]
        for operation in history {
            if let text = operation.argument.text { sources[text] = operation }
        }
        for read in history.acknowledged("get", shuffledBy: &dice) {
            let parts = (history[read].result.text ?? "").split(separator: ">").map { "\($0)>" }
            let written = parts.compactMap { sources[$0] }
            guard !parts.isEmpty, let spoilt = spoilt(parts, written, history, read, &dice) else { continue }
            history[read].result = .text(spoilt.joined())
            return true
        }
        return false
    }

    private func spoilt(
        _ parts: [String], _ written: [RecordedOperation], _ history: [RecordedOperation], _ read: Int,
        _ dice: inout StoryDice
    ) -> [String]? {
        var parts = parts
        switch self {
        case .appendedTwice:
            parts.append(parts[dice.below(parts.count)])
            return parts
        case .putThatReplacedNothing:
            let others = history.acknowledged("append", shuffledBy: &dice).filter {
                history[$0].key == history[read].key && !written.contains(history[$0])
            }
            guard written[0].function == "put", let other = others.first else { return nil }
            return [history[other].argument.text ?? ""] + parts
        case .textOfAnotherKey:
            let others = history.acknowledged("get", shuffledBy: &dice).filter {
                history[$0].key != history[read].key && (history[$0].result.text ?? "") != ""
            }
            return others.first.map { [history[$0].result.text ?? ""] }
        case .appendedPartLost:
            let lost = parts.indices.dropFirst().dropLast().first {
                written[$0 - 1].returned < written[$0].invoked && written[$0].returned < written[$0 + 1].invoked
            }
            guard let lost else { return nil }
            parts.remove(at: lost)
            return parts
        default:
            let first = parts.indices.dropLast().first { written[$0].returned < written[$0 + 1].invoked }
            guard let first else { return nil }
            parts.swapAt(first, first + 1)
            return parts
        }
    }
}
