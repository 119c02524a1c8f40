/// What a change was asked to do, where its answer tells it: a client that learns a value only from the system (a
/// number drawn there) invokes with null and completes with the value. Knossos puts the completion's value in the
/// place of the invocation's (`knossos.history/complete`), and so does this, where that means one thing only.
extension Model {
    func completed(_ operations: [RecordedOperation]) throws(UnreadableOperation) -> [RecordedOperation] {
        let changes = tellingChanges
        guard !changes.isEmpty else { return operations }
        return try operations.map { (operation) throws(UnreadableOperation) in
            guard operation.outcome == .ok, operation.result != .null, operation.result != operation.argument,
                changes.contains(operation.function)
            else { return operation }
            return try completed(operation)
        }
    }

    private func completed(_ operation: RecordedOperation) throws(UnreadableOperation) -> RecordedOperation {
        // Whether the compare was true.
        if operation.isCompare, case .bool = operation.result { return operation }
        guard operation.argument == .null || tellsAmount(operation) else {
            // What a store says of a put besides that it was done is not told here.
            if self == .keyValue, ["put", "append"].contains(operation.function) { return operation }
            throw UnreadableOperation(
                operation, "it was begun with \(operation.argument) and answered with \(operation.result)")
        }
        var completed = operation
        completed.argument = operation.result
        return completed
    }

    /// The changes whose answer, where it is not null, is the argument. That of other changes has a meaning of its own
    /// or none; of a set Jepsen, too, takes what was asked for.
    private var tellingChanges: Set<String> {
        switch self {
        case .register, .casRegister, .keyValue: ["write", "w", "put", "append", "cas", "compare-and-set"]
        case .counter: ["add", "increment", "decrement"]
        case .queue: ["enqueue"]
        case .set, .setFull, .tree, .mutex, .lock, .listAppend: []
        }
    }

    /// Whether the answer is how much was added, which Jepsen's counter believes rather than what was asked for.
    private func tellsAmount(_ operation: RecordedOperation) -> Bool {
        self == .counter && operation.function == "add" && operation.argument.int != nil && operation.result.int != nil
    }
}

extension RecordedOperation {
    /// The argument; of a change that was begun with null and answered, what the answer tells.
    var toldArgument: HistoryValue { outcome == .ok && argument == .null ? result : argument }

    fileprivate var isCompare: Bool { function == "cas" || function == "compare-and-set" }
}
