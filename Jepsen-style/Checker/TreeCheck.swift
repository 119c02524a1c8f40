// The check of the model tree: both methods on every history.

extension Checker {
    /// Above this the search for a linear order is left out: its cost grows faster than the history, and the replay
    /// in the order of revisions is a proof by itself.
    package static let treeSearchOperationsMax = 10_000
    /// Configurations that the search may visit for each operation: a history that fits needs little more than one.
    /// More than these are spent only where many outcomes are unknown, and there hardly any number is enough.
    static let treeConfigurationsForEachOperation = 10

    /// Judges a history of the tree by the replay in the order of revisions, and (up to
    /// `treeSearchOperationsMax` operations) by the search for a linear order, from which revisions are hidden. A
    /// violation of either is one of the history. The replay alone counts where the search gave up.
    /// - Parameters:
    ///   - initial: `{"revision": n}` for a tree that was empty at revision n; null for n = 0.
    ///   - committed: the changes that a log holds, with their revisions, to tell which operations of unknown outcome
    ///     happened.
    package static func checkTree(
        _ operations: [RecordedOperation], initial: HistoryValue = .null, limits: CheckLimits = CheckLimits(),
        committed: [CommittedOperation] = []
    ) -> Verdict {
        let base = initial["revision"]?.int ?? 0
        guard 0...(1 << 53) ~= base else { return .unknown("the initial revision \(base) is none") }
        let history: TreeHistory
        do {
            history = try TreeHistory(operations, base: base)
        } catch {
            return .unknown(error.message)
        }
        let replayed = history.replay(limits, committed)
        guard history.actions.count <= treeSearchOperationsMax else { return replayed }
        switch (replayed, history.search(limits)) {
        case (.violation(let violation), .linearizable):
            return .violation(
                Violation(
                    violation.explanation + "; without the revisions the answers fit: the revisions lie",
                    violation.operations))
        case (.violation, _): return replayed
        case (.valid, .contradiction(let operations)):
            return .violation(
                Violation("in the order of revisions all fits, in no order of real time it does", operations))
        case (.unknown, .contradiction(let operations)):
            return .violation(Violation("no order of these operations explains their answers", operations))
        case (.valid, .linearizable), (.valid, .unknown): return .valid
        case (.unknown, .linearizable) where !history.hasRevisions: return .valid
        case (.unknown, .linearizable), (.unknown, .unknown): return replayed
        }
    }
}

/// A history of the tree, parsed.
struct TreeHistory {
    let operations: [RecordedOperation]
    /// Failed operations and reads of unknown outcome are not among them.
    var actions: [TreeAction] = []
    var positions: [Int] = []
    let base: Int64

    /// - Throws: what is no operation of the tree.
    init(_ operations: [RecordedOperation], base: Int64) throws(UnreadableOperation) {
        self.operations = operations
        self.base = base
        actions.reserveCapacity(operations.count)
        positions.reserveCapacity(operations.count)
        for (position, operation) in operations.enumerated() where operation.outcome != .fail {
            let action: TreeAction
            do {
                action = try TreeAction(operation)
            } catch {
                throw UnreadableOperation(operation, error.reason)
            }
            guard action.isWrite || action.answer != nil else { continue }
            actions.append(action)
            positions.append(position)
        }
    }

    var hasRevisions: Bool {
        positions.contains { operations[$0].revision != nil }
    }

    func replay(_ limits: CheckLimits, _ committed: [CommittedOperation]) -> Verdict {
        var parts: [ReplayPart<TreeAction>] = []
        parts.reserveCapacity(actions.count)
        for (index, action) in actions.enumerated() {
            let operation = operations[positions[index]]
            guard let kind = kind(of: action, operation) else {
                return .unknown("\(operation.summary) (event \(operation.invoked)) was answered without a revision")
            }
            if let violation = judgePast(action, operation) { return .violation(violation) }
            parts.append(ReplayPart(position: positions[index], action: action, kind: kind))
        }
        let replay = RevisionReplay(
            object: ReplayTree(), operations: operations, parts: parts, base: base, limits: limits,
            committed: committed)
        return replay.check()
    }

    private func kind(of action: TreeAction, _ operation: RecordedOperation) -> ReplayPart<TreeAction>.Kind? {
        guard action.answer != nil else { return .unknownChange }
        guard let revision = operation.revision else { return nil }
        if action.hasChanged { return .change }
        guard let at = action.at else { return .read(at: revision) }
        if case .refused(.futureRevision) = action.answer { return .seen }
        if case .refused(.compacted) = action.answer { return .seen }
        return at < base ? .seen : .read(at: at)
    }

    /// The future is refused, and only the future is.
    private func judgePast(_ action: TreeAction, _ operation: RecordedOperation) -> Violation? {
        guard action.answer != nil, let revision = operation.revision else { return nil }
        var isRefused = false
        if case .refused(.futureRevision) = action.answer { isRefused = true }
        let isFuture = (action.at ?? .min) > revision
        if isFuture == isRefused { return nil }
        return Violation(
            isFuture
                ? "\(operation.summary) was answered as of revision \(action.at ?? 0), which is beyond \(revision)"
                : "\(operation.summary) was refused as one of the future at revision \(revision)",
            [operation])
    }
}
