// Registers whose answers carry revisions: the replay in the order of revisions stands beside the search.

extension Checker {
    /// Answers times operations of unknown outcome: among the revisions of others, each may stand between any two answers.
    private static let registerReplayMax = 4_000_000

    static func checkRegisters(
        _ operations: [RecordedOperation], model: Model, initial: HistoryValue, limits: CheckLimits
    ) -> Verdict {
        let searched = RegisterCheck.check(operations, model: model, initial: initial, limits: limits)
        if case .violation = searched { return searched }
        let unknownCount = operations.count { $0.outcome == .unknown }
        guard operations.contains(where: { $0.outcome == .ok }),
            unknownCount <= registerReplayMax / max(1, operations.count),
            operations.allSatisfy({ $0.outcome != .ok || $0.revision != nil }),
            let replay = try? ReplayRegisters.replay(operations, model: model, initial: initial, limits: limits)
        else { return searched }
        let replayed = replay.check()
        if case .unknown = replayed { return searched }
        return replayed
    }
}

/// Registers for the replay. Others may use the same revisions, so one that no answer claims needs no explanation.
struct ReplayRegisters: RevisionedObject {
    struct Action {
        let register: Int
        let action: Register.Action
    }

    private struct Slot {
        let register: Register
        var state: Int
        /// The operation that wrote it last; -1 for none.
        var writer = -1
    }

    private var slots: [Slot] = []
    private var journal: [(register: Int, before: Slot)] = []
    private var isJournaling = false

    static var ownsAllRevisions: Bool { false }

    static func replay(
        _ operations: [RecordedOperation], model: Model, initial: HistoryValue, limits: CheckLimits
    ) throws(UnreadableOperation) -> RevisionReplay<ReplayRegisters> {
        var registers = ReplayRegisters()
        var parts: [ReplayPart<Action>] = []
        var judged: [RecordedOperation] = []
        for (_, operations) in Partition.byKey(operations) {
            let history = try RegisterHistory(operations, model: model, initial: initial)
            let register = Register(values: history.values)
            for (call, operation) in zip(history.calls, history.operations) {
                let action = Action(register: registers.slots.count, action: call.action)
                let kind: ReplayPart<Action>.Kind
                if operation.outcome != .ok {
                    kind = .unknownChange
                } else if register.isRead(call.action) {
                    kind = .read(at: operation.revision ?? 0)
                } else {
                    kind = .change
                }
                parts.append(ReplayPart(position: judged.count, action: action, kind: kind))
                judged.append(operation)
            }
            registers.slots.append(Slot(register: register, state: history.initial))
        }
        // Any number may be a revision: a register is of some other system.
        let isBelowZero = judged.contains { $0.revision.map { $0 < 0 } ?? false }
        return RevisionReplay(
            object: registers, operations: judged, parts: parts, base: isBelowZero ? .min : -1, limits: limits)
    }

    mutating func judge(_ action: Action, at revision: Int64, by operation: Int) -> Contradiction? {
        let slot = slots[action.register]
        if perform(action, at: revision, by: operation) { return nil }
        return Contradiction(
            expectation: "the register had another value", authors: slot.writer < 0 ? [] : [slot.writer])
    }

    mutating func perform(_ action: Action, at revision: Int64, by operation: Int) -> Bool {
        let slot = slots[action.register]
        guard let state = slot.register.step(slot.state, action.action) else { return false }
        if slot.register.isRead(action.action) { return true }
        if isJournaling { journal.append((action.register, slot)) }
        slots[action.register].state = state
        slots[action.register].writer = operation
        return true
    }

    mutating func mark() -> Int {
        isJournaling = true
        return journal.count
    }

    mutating func rewind(to mark: Int) {
        while journal.count > mark, let undo = journal.popLast() { slots[undo.register] = undo.before }
    }

    static func isRelated(_ unknown: Action, to action: Action) -> Bool { unknown.register == action.register }

    mutating func learn(from timeline: ReplayTimeline<Action>, gaps: [Int64]) {}

    func witnesses(of revision: Int64) -> [Int] { [] }

    func canHaveMade(_ revision: Int64, _ unknown: Action) -> Bool { true }
}
