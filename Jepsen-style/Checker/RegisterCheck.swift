/// Judges registers, each key for itself: a history of many objects is linearizable if and only if the history of
/// each is (Herlihy and Wing's locality).
enum RegisterCheck {
    static func check(
        _ operations: [RecordedOperation], model: Model, initial: HistoryValue, limits: CheckLimits
    ) -> Verdict {
        var verdict = Verdict.valid
        for (key, operations) in Partition.byKey(operations) {
            let ofKey: Verdict
            do throws(UnreadableOperation) {
                let history = try RegisterHistory(operations, model: model, initial: initial)
                ofKey = check(history, key: key, limits: limits)
            } catch {
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

    private static func check(_ history: RegisterHistory, key: HistoryValue?, limits: CheckLimits) -> Verdict {
        switch history.search(limits: limits) {
        case .linearizable: .valid
        case .unknown(let reason): .unknown(reason)
        case .contradiction(let stuck): .violation(Violation("\(stuck)", history.operations))
        }
    }
}
