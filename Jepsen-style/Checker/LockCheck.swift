/// A lock whose grants carry tokens. Whoever holds it holds it until it is released, tokens rise from grant to grant,
/// and a release with the token of the holder is the only one that frees it.
///
/// A holder that may have lost the lock without having released it, because its lease ended, is recorded as a
/// `release` of unknown outcome.
enum LockCheck {
    static func check(
        _ operations: [RecordedOperation], limits: CheckLimits
    ) throws(UnreadableOperation) -> Verdict {
        let history = try LockRecord(operations)
        let search = WingGongLowe(TokenLock(), initial: TokenLock.State(), calls: history.calls, limits: limits)
        switch search.run() {
        case .linearizable: return .valid
        case .unknown(let reason): return .unknown(reason)
        case .contradiction(let stuck):
            return .violation(
                Violation(
                    "No order of these operations keeps real time and gives the lock to one holder at a time with "
                        + "rising tokens.", history.smallest(stuck: stuck, limits: limits)))
        }
    }
}

private struct TokenLock: SequentialObject {
    struct State: Hashable {
        var holder: Int64?
        var last: Int64?
    }

    enum Action: Hashable {
        case acquire(Int64)
        case release(Int64)
    }

    func step(_ state: State, _ action: Action) -> State? {
        switch action {
        case .acquire(let token):
            guard state.holder == nil, state.last.map({ $0 < token }) ?? true else { return nil }
            return State(holder: token, last: token)
        case .release(let token):
            return state.holder == token ? State(holder: nil, last: state.last) : nil
        }
    }
}

private struct LockRecord {
    private(set) var calls: [WingGongLowe<TokenLock>.Call] = []
    private var operations: [RecordedOperation] = []

    /// An acquire without an answer is left out: its token is not known, so it can only stand in others' way.
    init(_ recorded: [RecordedOperation]) throws(UnreadableOperation) {
        var held: [HistoryValue: Int64] = [:]
        for operation in recorded where operation.outcome != .fail {
            let action: TokenLock.Action
            switch operation.function {
            case "acquire":
                guard operation.outcome == .ok else {
                    held[operation.process] = nil
                    continue
                }
                guard let token = operation.result.int ?? operation.result["token"]?.int else {
                    throw UnreadableOperation(operation, "a grant tells its token, a whole number")
                }
                held[operation.process] = token
                action = .acquire(token)
            case "release":
                let given = operation.argument.int ?? operation.argument["token"]?.int
                guard let token = given ?? held[operation.process] else { continue }
                action = .release(token)
            default: throw UnreadableOperation(operation, "the model lock has acquire and release")
            }
            let returned = operation.outcome == .ok ? operation.returned : .max
            calls.append(.init(action, invoked: operation.invoked, returned: returned))
            operations.append(operation)
        }
    }

    /// A grant and what releases it rest on each other: without both, the others are what they are.
    func smallest(stuck: Int, limits: CheckLimits) -> [RecordedOperation] {
        let end = calls[stuck].returned
        let parts = calls.indices.filter { calls[$0].invoked < end }
        var ofToken: [Int64: [Int]] = [:]
        for part in parts { ofToken[token(of: part), default: []].append(part) }
        let restsOn = calls.indices.map { part in (ofToken[token(of: part)] ?? []).filter { $0 != part } }
        let example = CounterExample(restsOn: restsOn) { kept in
            let search = WingGongLowe(
                TokenLock(), initial: TokenLock.State(), calls: kept.map { calls[$0].seen(at: end) },
                limits: limits.with(configurationsMax: 200_000))
            if case .contradiction = search.run() { return true }
            return false
        }
        return example.shrunk(parts, seed: stuck, limits: limits).map { operations[$0] }
    }

    private func token(of call: Int) -> Int64 {
        switch calls[call].action {
        case .acquire(let token), .release(let token): token
        }
    }
}
