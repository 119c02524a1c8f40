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
        if let reason = nothingToJudge(operations) { return .unknown(reason) }
        return switch model {
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

    /// Why a history says nothing; `nil` when it does.
    private static func nothingToJudge(_ operations: [RecordedOperation]) -> String? {
        if operations.isEmpty { return "there is no operation of a client in it" }
        if operations.contains(where: { $0.outcome == .ok }) { return nil }
        return operations.allSatisfy { $0.outcome == .fail }
            ? "all operations failed, and nothing was seen" : "no operation was answered, and nothing was seen"
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
