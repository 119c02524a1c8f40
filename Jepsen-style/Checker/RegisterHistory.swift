/// The operations on one register, as actions. Those that cannot matter are left out: what failed, and reads whose
/// answer is not known.
struct RegisterHistory {
    typealias Call = WingGongLowe<Register>.Call

    let values: ValueTable
    let initial: Int
    let initialValue: HistoryValue
    /// In the order of invocation, and what each was recorded as.
    private(set) var calls: [Call] = []
    private(set) var operations: [RecordedOperation] = []

    init(_ recorded: [RecordedOperation], model: Model, initial: HistoryValue) throws(UnreadableOperation) {
        let isMutex = model == .mutex
        values = ValueTable(
            observed: isMutex ? [.bool(false), .bool(true)] : Self.observed(in: recorded),
            isKeyValue: model == .keyValue)
        initialValue = isMutex ? .bool(false) : initial
        self.initial = values.number(of: initialValue)
        for operation in recorded.sorted(by: { $0.invoked < $1.invoked }) where operation.outcome != .fail {
            guard let action = try action(of: operation, model: model) else { continue }
            let returned = operation.outcome == .ok ? operation.returned : .max
            calls.append(Call(action, invoked: operation.invoked, returned: returned))
            operations.append(operation)
        }
    }

    /// What the answers tell: the values read, and those that were compared with.
    private static func observed(in recorded: [RecordedOperation]) -> Set<HistoryValue> {
        var observed: Set<HistoryValue> = []
        for operation in recorded where operation.outcome != .fail {
            if operation.outcome == .ok { observed.insert(operation.result) }
            if let pair = operation.argument.list, pair.count == 2 { observed.insert(pair[0]) }
        }
        return observed
    }

    private func action(
        of operation: RecordedOperation, model: Model
    ) throws(UnreadableOperation) -> Register.Action? {
        let isKnown = operation.outcome == .ok
        if model == .mutex { return try mutexAction(of: operation) }
        switch operation.function {
        case "read", "get", "r":
            return isKnown ? .read(values.number(of: operation.result)) : nil
        case "write", "put", "w":
            return .write(values.number(of: operation.argument))
        case "cas" where model != .register, "compare-and-set" where model != .register:
            guard let pair = operation.argument.list, pair.count == 2 else {
                throw UnreadableOperation(operation, "a cas needs [expected, new]")
            }
            let from = values.number(of: pair[0])
            if isKnown, operation.result == .bool(false) { return .compareFailed(from) }
            return .compareAndSet(from: from, to: values.number(of: pair[1]))
        case "append" where model == .keyValue:
            guard case .text = operation.argument else {
                throw UnreadableOperation(operation, "an append needs a text")
            }
            return .append(operation.argument)
        default:
            throw UnreadableOperation(operation, "the model \(model.rawValue) has no such function")
        }
    }

    /// A mutex is a register of whether it is held, under compare-and-set.
    private func mutexAction(of operation: RecordedOperation) throws(UnreadableOperation) -> Register.Action {
        let free = values.number(of: .bool(false))
        let held = values.number(of: .bool(true))
        switch operation.function {
        case "acquire": return .compareAndSet(from: free, to: held)
        case "release": return .compareAndSet(from: held, to: free)
        default: throw UnreadableOperation(operation, "the model mutex has acquire and release")
        }
    }

    func search(limits: CheckLimits) -> WingGongLowe<Register>.Outcome {
        WingGongLowe(Register(values: values), initial: initial, calls: calls, limits: limits).run()
    }
}

/// An operation that its model does not know: the history cannot be judged.
package struct UnreadableOperation: Error, Equatable, Sendable {
    package var message: String

    package init(_ operation: RecordedOperation, _ reason: String) {
        message = "event \(operation.invoked), \(operation.function): \(reason)"
    }
}
