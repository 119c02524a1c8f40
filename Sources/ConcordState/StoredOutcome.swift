import ConcordModel

/// An outcome as the tables keep it: what cannot be had from the operation, which a repetition brings along, and from
/// the history.
struct StoredOutcome: Equatable, Sendable {
    enum Verdict: Equatable, Sendable {
        case applied(OperationResult.Status)
        case refused(RefusalCode)

        var byte: UInt8 {
            switch self {
            case .applied(let status): status.rawValue
            case .refused(let code): 0x80 | code.rawValue
            }
        }

        init?(byte: UInt8) {
            if byte & 0x80 != 0 {
                guard let code = RefusalCode(rawValue: byte & 0x7F) else { return nil }
                self = .refused(code)
            } else {
                guard let status = OperationResult.Status(rawValue: byte) else { return nil }
                self = .applied(status)
            }
        }
    }

    let revision: UInt64
    let verdict: Verdict
    /// The number made, or the one that a refusal speaks of.
    let number: UInt64?
    let setting: Setting?
    /// Whether it had been given before, to the same client, when it was stored for an origin.
    let wasReplay: Bool

    init(revision: UInt64, verdict: Verdict, number: UInt64?, setting: Setting?, wasReplay: Bool) {
        (self.revision, self.verdict, self.number, self.setting) = (revision, verdict, number, setting)
        self.wasReplay = wasReplay
    }

    init(_ outcome: Outcome) {
        revision = outcome.revision.rawValue
        wasReplay = outcome.replayed
        switch outcome.verdict {
        case .applied(let results):
            precondition(results.count == 1, "an operation has one result")
            verdict = .applied(results[0].status)
            number = results[0].number.map { UInt64(bitPattern: $0) }
            setting = nil
        case .refused(let refusal):
            verdict = .refused(refusal.code)
            number = refusal.number
            setting = refusal.setting
        }
    }
}

// MARK: - Outcomes from what was done, first and again

extension Operation {
    /// The key that a result or a refusal names: what the front end asked for, but for a sequential name what was
    /// made, and for a missing parent the parent.
    func namedKey(status: OperationResult.Status, number: Int64?) -> Key {
        if case .createSequential(let create) = self, status == .created {
            return Tree.sequentialKey(create, number: number ?? 0)
        }
        return target ?? .root
    }

    func namedKey(refusal code: RefusalCode) -> Key? {
        if code == .parentNotFound, case .createSequential = self { return target }
        return code == .parentNotFound ? target?.parent : target
    }

    /// What the operation is aimed at; `nil` when that is no node.
    private var target: Key? {
        switch self {
        case .put(let put): put.key
        case .createSequential(let create): create.parent
        case .increment(let increment): increment.key
        case .delete(let delete): delete.key
        case .changeSettings, .raiseFeatureLevel, .changeMembers, .cancelMemberChange,
            .memberInfo:
            nil
        }
    }
}

extension OperationResult.Status {
    /// Whether what was changed is no node.
    fileprivate var isWithoutNode: Bool {
        switch self {
        case .created, .replaced, .deleted: false
        case .settingsChanged, .memberChangeBegun, .memberChangeCancelled, .memberInfoChanged: true
        }
    }
}

extension RefusalCode {
    /// A failed condition is answered with the node as it is.
    var showsNode: Bool { self == .revisionMismatch || self == .alreadyExists }
}

extension StateMachine {
    /// The outcome of a refusal that was just decided.
    func outcome(_ refused: Refused, of operation: Operation) -> Outcome {
        var refusal = Refusal(
            refused.code, key: operation.namedKey(refusal: refused.code), number: refused.number,
            setting: refused.setting)
        if refused.code.showsNode, let key = refusal.key {
            refusal.node = tree.present(key.bytes, key.bytes.count)?.node(key: key, withValue: true)
        }
        return Outcome(revision: tree.revision, verdict: .refused(refusal))
    }

    /// The first outcome, given again: its nodes are taken from the history at its revision.
    func replay(_ stored: StoredOutcome, of operation: Operation) -> Outcome {
        let revision = stored.revision
        var outcome = Outcome(revision: Revision(revision), verdict: .applied([]), replayed: true)
        switch stored.verdict {
        case .applied(let status):
            let number = stored.number.map { Int64(bitPattern: $0) }
            let key = operation.namedKey(status: status, number: number)
            var result = OperationResult(status: status, key: key, node: nil, number: number)
            if status.isWithoutNode {
                outcome.verdict = .applied([result])
                return outcome
            }
            (result.node, outcome.valuesOmitted) =
                status == .deleted
                ? deletedNode(key, at: revision) : node(key, at: revision, withValue: false)
            outcome.verdict = .applied([result])
        case .refused(let code):
            var refusal = Refusal(
                code, key: operation.namedKey(refusal: code), number: stored.number, setting: stored.setting)
            if code.showsNode, let key = refusal.key {
                (refusal.node, outcome.valuesOmitted) = node(key, at: revision, withValue: true)
            }
            outcome.verdict = .refused(refusal)
        }
        return outcome
    }

    /// The node as it was; omitted when the history does not hold that any more, or too far back.
    private func node(_ key: Key, at revision: UInt64, withValue: Bool) -> (node: Node?, isOmitted: Bool) {
        guard isRetained(revision) else { return (nil, true) }
        var budget = StepBudget()
        do throws(TooMuchWork) {
            let version = try tree.version(of: key.bytes, key.bytes.count, at: revision, &budget)
            return (version?.node(key: key, withValue: withValue), false)
        } catch {
            return (nil, true)
        }
    }

    /// The node that was deleted at a revision; none when a batch left it standing.
    private func deletedNode(_ key: Key, at revision: UInt64) -> (node: Node?, isOmitted: Bool) {
        guard revision >= tree.history.floor else { return (nil, true) }
        var budget = StepBudget()
        do throws(TooMuchWork) {
            if try tree.version(of: key.bytes, key.bytes.count, at: revision, &budget) != nil { return (nil, false) }
            let version = try tree.version(of: key.bytes, key.bytes.count, at: revision - 1, &budget)
            return (version?.node(key: key, withValue: false), false)
        } catch {
            return (nil, true)
        }
    }
}
