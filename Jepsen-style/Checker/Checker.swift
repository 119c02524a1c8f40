/// Judges histories. It knows nothing of the system that made them.
package enum Checker {
    /// Judges `history` by `model`, by every method that applies: the search for a linear order always (revisions
    /// hidden), and the replay in the order of revisions where the answers carry them. Where the two disagree, the
    /// history is not valid.
    /// - Parameter initial: the object's value before the history; null where the model has no value.
    package static func check(
        _ operations: [RecordedOperation], model: Model, initial: HistoryValue = .null,
        limits: CheckLimits = CheckLimits()
    ) -> Verdict {
        if model.mustBeRead, !operations.contains(where: { $0.outcome == .ok }) {
            return .unknown("no operation was answered, and nothing was seen")
        }
        do throws(UnreadableOperation) {
            return judge(try model.completed(operations), model, initial, limits)
        } catch {
            return .unknown(error.message)
        }
    }

    private static func judge(
        _ operations: [RecordedOperation], _ model: Model, _ initial: HistoryValue, _ limits: CheckLimits
    ) -> Verdict {
        switch model {
        case .register, .casRegister, .keyValue:
            checkRegisters(operations, model: model, initial: initial, limits: limits)
        case .mutex: RegisterCheck.check(operations, model: model, initial: initial, limits: limits)
        case .set:
            ofEachKey(operations) { (part) throws(UnreadableOperation) in
                try SetCheck.check(part, initial: initial)
            }
        case .setFull:
            ofEachKey(operations) { (part) throws(UnreadableOperation) in
                try FullSetCheck.check(part, initial: initial)
            }
        case .counter:
            ofEachKey(operations) { (part) throws(UnreadableOperation) in
                try CounterCheck.check(part, initial: initial)
            }
        case .queue:
            ofEachKey(operations) { (part) throws(UnreadableOperation) in
                try QueueCheck.check(part, limits: limits)
            }
        case .lock:
            ofEachKey(operations) { (part) throws(UnreadableOperation) in
                try LockCheck.check(part, limits: limits)
            }
        case .tree: checkTree(operations, initial: initial, limits: limits)
        case .listAppend: ListAppendChecker.check(operations)
        }
    }

    /// Objects of different keys are judged each for itself: any promise of these models is of one object.
    private static func ofEachKey(
        _ operations: [RecordedOperation], _ check: ([RecordedOperation]) throws(UnreadableOperation) -> Verdict
    ) -> Verdict {
        var verdict = Verdict.valid
        for part in Partition.byKey(operations.sorted { $0.invoked < $1.invoked }) {
            let ofKey: Verdict
            do throws(UnreadableOperation) { ofKey = try check(part.operations) } catch {
                return .unknown(error.message)
            }
            switch ofKey {
            case .valid: continue
            case .violation: return ofKey
            case .unknown: verdict = ofKey
            }
        }
        return verdict
    }
}

extension Model {
    /// Whether a history in which nothing was seen has no verdict. For the other models, as in Jepsen and Knossos, what
    /// nobody saw contradicts nothing.
    fileprivate var mustBeRead: Bool {
        switch self {
        case .set, .setFull, .listAppend: true
        case .register, .casRegister, .keyValue, .tree, .counter, .queue, .mutex, .lock: false
        }
    }
}
