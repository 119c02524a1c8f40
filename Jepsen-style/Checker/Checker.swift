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
        switch model {
        case .register, .casRegister, .keyValue:
            checkRegisters(operations, model: model, initial: initial, limits: limits)
        case .tree: checkTree(operations, initial: initial, limits: limits)
        case .listAppend: .unknown("no checker for \(model.rawValue) yet")
        case .set, .setFull, .counter, .queue, .mutex, .lock: .unknown("no checker for \(model.rawValue) yet")
        }
    }
}
