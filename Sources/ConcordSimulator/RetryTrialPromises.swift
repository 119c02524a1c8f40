package import ConcordModel
package import ConcordState

/// What docs/semantics.md promises to everybody who sends a write again, as plain dictionaries: it says of each command
/// in turn how it may be answered, and knows nothing of the tables that decide it.
///
/// What must be kept is there. What may be forgotten may be there or not, until an answer tells.
package struct RetryPromises {
    /// The origin of a member: outcomes above `done`, of the newest boot only.
    private struct Member {
        var boot: UInt64
        var done: UInt64 = 0
        var outcomes: [UInt64: Outcome] = [:]
    }

    private enum Answer {
        /// The operation is judged by the tree: nothing is known of the command.
        case first
        /// What was answered before, without a second effect.
        case again(Outcome)
        case refused(RefusalCode, Setting? = nil)
    }

    private struct Possibility {
        let answer: Answer
        /// This answer tells that the record of the command's client or key is gone.
        var isForgotten = false
    }

    var clock: UInt64 = 0
    private var values: [Setting: UInt64] = [:]
    private var tree = RetryTrialTree()
    private var members: [UInt128: Member] = [:]
    var clients: [UInt128: RememberedClient] = [:]
    var keys: [[UInt8]: RememberedKey] = [:]

    package init() {}

    func setting(_ setting: Setting) -> UInt64 { values[setting] ?? setting.standard }

    package mutating func begin(clock: UInt64) {
        self.clock = clock
        age()
    }

    /// - Returns: what is wrong with the outcome of a command.
    package mutating func judge(_ command: Command, _ outcome: Outcome) -> String? {
        guard let origin = command.origin else { return "\(command) has no origin" }
        var possible: [Possibility] = []
        let known = answer(to: origin)
        if let known { possible = [Possibility(answer: known)] } else { possible = possibilities(for: command) }
        var after = tree
        let result = after.apply(command.operation)
        guard let found = possible.first(where: { agrees(outcome, with: $0.answer, result, after.revision) }) else {
            let expected = possible.map { text(of: $0.answer, result, after.revision) }
            return "\(command) must be \(expected.joined(separator: " or ")), and is \(outcome)"
        }
        if known != nil { return nil }
        members[origin.member]?.outcomes[origin.sequence] = outcome
        var isFirst = false
        if case .first = found.answer { isFirst = true }
        remember(command, outcome, isFirst: isFirst, isForgotten: found.isForgotten)
        if isFirst { take(after, command.operation, result) }
        return nil
    }

    /// - Returns: how the nodes differ from what the effects so far have made of them.
    package func judge(_ state: StateMachine) -> String? {
        if state.revision != tree.revision {
            return "revision \(state.revision.rawValue) after \(tree.revision.rawValue) changes"
        }
        for key in RetryTrialTree.keys {
            var value: [UInt8]?
            if case .node(let node) = state.answer(.node(NodeQuery(key: key))) { value = node.value }
            if value != tree.values[key] { return "\(key.text) is not what the effects have made of it" }
        }
        return nil
    }

    private mutating func take(_ after: RetryTrialTree, _ operation: Operation, _ result: RetryTrialTree.Result) {
        tree = after
        guard case .changeSettings(let changes) = operation else { return }
        for change in changes { values[change.setting] = change.value }
        age()
    }
}

// MARK: - What may be answered

extension RetryPromises {
    /// - Returns: `nil` when the member has not had an outcome of this command yet.
    private mutating func answer(to origin: Origin) -> Answer? {
        var member = members[origin.member] ?? Member(boot: origin.boot)
        if origin.boot < member.boot { return .refused(.superseded) }
        if origin.boot > member.boot { member = Member(boot: origin.boot) }
        if origin.sequence <= member.done { return .refused(.superseded) }
        member.done = max(member.done, origin.done)
        member.outcomes = member.outcomes.filter { $0.key > member.done }
        members[origin.member] = member
        return member.outcomes[origin.sequence].map { .again($0) }
    }

    private mutating func possibilities(for command: Command) -> [Possibility] {
        switch command.retry {
        case .none: return [Possibility(answer: .first)]
        case .client(let call): return possibilities(for: call, command.operation)
        case .key(let key): return possibilities(for: key, command.operation)
        }
    }

    private mutating func possibilities(for call: ClientCall, _ operation: Operation) -> [Possibility] {
        hear(call)
        var possible: [Possibility] = []
        if let client = clients[call.client] {
            possible = answers(to: call, of: client, operation).map { Possibility(answer: $0) }
            guard client.mayBeGone else { return possible }
        }
        var without = self
        without.clients[call.client] = nil
        let answers = call.sequence == 1 ? without.answersByRoom(.newClient) : [.refused(.clientExpired)]
        return possible + answers.map { Possibility(answer: $0, isForgotten: true) }
    }

    private func answers(to call: ClientCall, of client: RememberedClient, _ operation: Operation) -> [Answer] {
        if call.sequence <= client.done { return [.refused(.conflict)] }
        if let known = client.outcomes[call.sequence] {
            return [known.operation == operation ? .again(known.outcome) : .refused(.idempotencyConflict)]
        }
        if UInt64(client.outcomes.count) >= setting(.clientOpenMax) { return [.refused(.overloaded, .clientOpenMax)] }
        return answersByRoom(.call)
    }

    private func possibilities(for key: [UInt8], _ operation: Operation) -> [Possibility] {
        var possible: [Possibility] = []
        if let known = keys[key] {
            let answer: Answer =
                known.operation == operation ? .again(known.outcome) : .refused(.idempotencyConflict)
            possible = [Possibility(answer: answer)]
            guard known.mayBeGone else { return possible }
        }
        var without = self
        without.keys[key] = nil
        return possible + without.answersByRoom(.key(key)).map { Possibility(answer: $0, isForgotten: true) }
    }

    /// Full tables refuse: they must when what must be kept leaves no room, and may not when what is young leaves some.
    private func answersByRoom(_ need: Need) -> [Answer] {
        var (mustRefuse, refusals): (Bool, [Answer]) = (false, [])
        for (setting, occupied, needed) in rooms(need) {
            if occupied.certain + needed > self.setting(setting) { mustRefuse = true }
            if occupied.possible + needed > self.setting(setting) { refusals.append(.refused(.overloaded, setting)) }
        }
        return mustRefuse ? refusals : [.first] + refusals
    }
}

// MARK: - What was answered

extension RetryPromises {
    private func agrees(
        _ outcome: Outcome, with answer: Answer, _ result: RetryTrialTree.Result, _ revision: Revision
    ) -> Bool {
        switch (answer, outcome.verdict) {
        case (.first, .applied(let results)):
            return !outcome.replayed && outcome.revision == revision && results.count == 1
                && result == .applied(results[0].status, number: results[0].number)
        case (.first, .refused(let refusal)):
            return !outcome.replayed && outcome.revision == revision && result == .refused(refusal.code)
        case (.again(let first), let verdict):
            return outcome.replayed && outcome.revision == first.revision && verdict == first.verdict
        case (.refused(let code, let setting), .refused(let refusal)):
            return !outcome.replayed && outcome.revision == tree.revision && refusal.code == code
                && refusal.setting == setting
        case (.refused, .applied): return false
        }
    }

    private func text(of answer: Answer, _ result: RetryTrialTree.Result, _ revision: Revision) -> String {
        switch answer {
        case .first: "\(result) at \(revision.rawValue)"
        case .again(let outcome): "once more \(outcome)"
        case .refused(let code, let setting): "\(code)\(setting.map { " for \($0.name)" } ?? "")"
        }
    }
}
