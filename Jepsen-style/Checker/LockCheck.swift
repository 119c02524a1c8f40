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
            /// The grant was not answered; by the number of the process that asked.
            case ofUnknownToken(Int)
        }

        var holder: Holder?
        /// The last token; of grants whose tokens are not known the lowest that they can have.
        var last: Int64?

        /// The lowest token that the next grant can have; `nil` when there is none.
        var next: Int64? {
            guard let last else { return .min }
            return last < .max ? last + 1 : nil
        }
    }

    enum Action: Hashable {
        case acquire(Int64)
        case acquireUnanswered(by: Int)
        case release(Int64)
        /// Of its own, by a process whose acquire was not answered.
        case releaseOwn(by: Int)
    }

    func step(_ state: State, _ action: Action) -> State? {
        switch action {
        case .acquire(let token):
            guard state.holder == nil, let next = state.next, next <= token else { return nil }
            return State(holder: .of(token), last: token)
        case .acquireUnanswered(let process):
            guard state.holder == nil, let next = state.next else { return nil }
            return State(holder: .ofUnknownToken(process), last: next)
        case .release(let token):
            switch state.holder {
            case .of(token): return State(holder: nil, last: state.last)
            case .ofUnknownToken where state.last.map { $0 <= token } ?? true: return State(holder: nil, last: token)
            case .of, .ofUnknownToken, nil: return nil
            }
        case .releaseOwn(let process):
            return state.holder == .ofUnknownToken(process) ? State(holder: nil, last: state.last) : nil
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

    /// An acquire without an answer is left out, unless somebody released a token that no answer told, or its own
    /// without knowing the token: otherwise such an acquire can only stand in others' way.
    init(_ recorded: [RecordedOperation]) throws(UnreadableOperation) {
        var held: [HistoryValue: Int64] = [:]
        var unanswered: [(operation: RecordedOperation, process: Int)] = []
        var asked: [HistoryValue: Int] = [:]
        for operation in recorded where operation.outcome != .fail {
            let action: TokenLock.Action
            switch operation.function {
            case "acquire":
                let process = asked[operation.process] ?? asked.count
                asked[operation.process] = process
                guard operation.outcome == .ok else {
                    held[operation.process] = nil
                    unanswered.append((operation, process))
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
                if let token = given ?? held[operation.process] {
                    action = .release(token)
                } else {
                    // One that may not have happened frees nothing that others need to be free.
                    guard operation.outcome == .ok else { continue }
                    guard let process = asked[operation.process] else {
                        releaseOfNothing = releaseOfNothing ?? operation
                        continue
                    }
                    action = .releaseOwn(by: process)
                }
            default: throw UnreadableOperation(operation, "the model lock has acquire and release")
            }
            add(action, operation)
        }
        guard calls.indices.contains(where: isReleaseOfAnUnknownToken) else { return }
        for acquire in unanswered { add(.acquireUnanswered(by: acquire.process), acquire.operation) }
    }

    private mutating func add(_ action: TokenLock.Action, _ operation: RecordedOperation) {
        let returned = operation.outcome == .ok ? operation.returned : .max
        calls.append(.init(action, invoked: operation.invoked, returned: returned))
        operations.append(operation)
    }

    private func isReleaseOfAnUnknownToken(_ call: Int) -> Bool {
        guard operations[call].outcome == .ok else { return false }
        switch calls[call].action {
        case .release(let token): return !granted.contains(token)
        case .releaseOwn: return true
        case .acquire, .acquireUnanswered: return false
        }
    }

    /// A grant and what releases it rest on each other: without both, the others are what they are.
    func smallest(stuck: Int, limits: CheckLimits) -> [RecordedOperation] {
        let end = calls[stuck].returned
        let parts = calls.indices.filter { calls[$0].invoked < end }
        var ofToken: [Int64: [Int]] = [:]
        for part in parts {
            if let token = token(of: part) { ofToken[token, default: []].append(part) }
        }
        let unanswered = parts.filter { if case .acquireUnanswered = calls[$0].action { true } else { false } }
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
        case .acquireUnanswered, .releaseOwn: nil
        }
    }
}
