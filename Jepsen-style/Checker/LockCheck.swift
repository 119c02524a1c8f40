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
        if let stray = history.releaseOfNothing {
            return .violation(Violation("It released its own, and had never asked for the lock.", [stray]))
        }
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
        enum Holder: Hashable {
            case of(Int64)
            /// The grant was not answered.
            case ofUnknownToken
        }

        var holder: Holder?
        var last: Int64?
    }

    enum Action: Hashable {
        case acquire(Int64)
        case acquireUnanswered
        case release(Int64)
    }

    func step(_ state: State, _ action: Action) -> State? {
        switch action {
        case .acquire(let token):
            guard state.holder == nil, state.last.map({ $0 < token }) ?? true else { return nil }
            return State(holder: .of(token), last: token)
        case .acquireUnanswered:
            return state.holder == nil ? State(holder: .ofUnknownToken, last: state.last) : nil
        case .release(let token):
            switch state.holder {
            case .of(token): return State(holder: nil, last: state.last)
            case .ofUnknownToken where state.last.map { $0 < token } ?? true: return State(holder: nil, last: token)
            case .of, .ofUnknownToken, nil: return nil
            }
        }
    }
}

private struct LockRecord {
    private(set) var calls: [WingGongLowe<TokenLock>.Call] = []
    private var operations: [RecordedOperation] = []
    /// The tokens that answers told.
    private var granted: Set<Int64> = []
    /// By a process that never asked for the lock before.
    private(set) var releaseOfNothing: RecordedOperation?

    /// An acquire without an answer is left out, unless somebody released a token that no answer told: its token is
    /// not known, so otherwise it can only stand in others' way.
    init(_ recorded: [RecordedOperation]) throws(UnreadableOperation) {
        var held: [HistoryValue: Int64] = [:]
        var unanswered: [RecordedOperation] = []
        var asked: Set<HistoryValue> = []
        for operation in recorded where operation.outcome != .fail {
            let action: TokenLock.Action
            switch operation.function {
            case "acquire":
                asked.insert(operation.process)
                guard operation.outcome == .ok else {
                    held[operation.process] = nil
                    unanswered.append(operation)
                    continue
                }
                guard let token = operation.result.int ?? operation.result["token"]?.int else {
                    throw UnreadableOperation(operation, "a grant tells its token, a whole number")
                }
                held[operation.process] = token
                granted.insert(token)
                action = .acquire(token)
            case "release":
                let given = operation.argument.int ?? operation.argument["token"]?.int
                guard let token = given ?? held[operation.process] else {
                    if operation.outcome == .ok, !asked.contains(operation.process) {
                        releaseOfNothing = releaseOfNothing ?? operation
                    }
                    continue
                }
                action = .release(token)
            default: throw UnreadableOperation(operation, "the model lock has acquire and release")
            }
            add(action, operation)
        }
        guard calls.indices.contains(where: isReleaseOfAnUnknownToken) else { return }
        for acquire in unanswered { add(.acquireUnanswered, acquire) }
    }

    private mutating func add(_ action: TokenLock.Action, _ operation: RecordedOperation) {
        let returned = operation.outcome == .ok ? operation.returned : .max
        calls.append(.init(action, invoked: operation.invoked, returned: returned))
        operations.append(operation)
    }

    private func isReleaseOfAnUnknownToken(_ call: Int) -> Bool {
        guard case .release(let token) = calls[call].action, operations[call].outcome == .ok else { return false }
        return !granted.contains(token)
    }

    /// A grant and what releases it rest on each other: without both, the others are what they are.
    func smallest(stuck: Int, limits: CheckLimits) -> [RecordedOperation] {
        let end = calls[stuck].returned
        let parts = calls.indices.filter { calls[$0].invoked < end }
        var ofToken: [Int64: [Int]] = [:]
        for part in parts {
            if let token = token(of: part) { ofToken[token, default: []].append(part) }
        }
        let unanswered = parts.filter { calls[$0].action == .acquireUnanswered }
        let restsOn = calls.indices.map { part in
            let others = token(of: part).flatMap { ofToken[$0] }?.filter { $0 != part } ?? []
            return isReleaseOfAnUnknownToken(part) ? others + unanswered : others
        }
        let example = CounterExample(restsOn: restsOn) { kept in
            let search = WingGongLowe(
                TokenLock(), initial: TokenLock.State(), calls: kept.map { calls[$0].seen(at: end) },
                limits: limits.with(configurationsMax: 200_000))
            if case .contradiction = search.run() { return true }
            return false
        }
        return example.shrunk(parts, seed: stuck, limits: limits).map { operations[$0] }
    }

    private func token(of call: Int) -> Int64? {
        switch calls[call].action {
        case .acquire(let token), .release(let token): token
        case .acquireUnanswered: nil
        }
    }
}
