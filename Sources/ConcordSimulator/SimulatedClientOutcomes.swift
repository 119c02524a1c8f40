import ConcordBytes
import ConcordChecker
import ConcordModel

// What the outcome of a write means.

extension SimulatedClient {
    mutating func judge(
        _ outcome: Outcome, of operation: Operation, by member: Int, _ doing: Doing, _ all: inout SeenByClients,
        _ random: inout SeededRandom
    ) -> Completion {
        all.tally(doing.kind, SeenByClients.Answer(outcome))
        if outcome.valuesOmitted { all.tally(doing.kind, .valuesOmitted) }
        let wasLeaptOver = all.leaptAt[member].map { $0 >= doing.requestedAt } == true
        if outcome.valuesOmitted, !(outcome.replayed || wasLeaptOver) || !all.mayForget {
            return .problem("values were omitted that must be retained")
        }
        switch doing.purpose {
        case .history: break
        case .repetition(let first):
            return outcome.repeats(first) ? .judged : .problem("\(outcome) is not the repetition of \(first)")
        case .misuse:
            guard case .refused(let refusal) = outcome.verdict, refusal.code == .idempotencyConflict,
                !outcome.replayed
            else { return .problem("a key was used for two operations: \(outcome)") }
            return .judged
        }
        if outcome.replayed, !doing.mayHaveHappened {
            return .problem("a replay of what cannot have happened before: \(outcome)")
        }
        guard outcome.revision >= doing.newest else {
            return .problem("a write got revision \(outcome.revision.rawValue) after \(doing.newest.rawValue)")
        }
        let completion: Completion =
            switch outcome.verdict {
            case .applied(let results): judge(results, outcome, of: operation, doing, all)
            case .refused(let refusal): judge(refusal, outcome, of: operation, doing, all, &random)
            }
        switch completion {
        case .answered, .judged, .nothing:
            saw(outcome.revision, since: doing.invoked)
            if case .key(let key) = doing.retry, !outcome.isUnstored {
                remember(operation, key: key, outcome: outcome, invokedAt: doing.invokedAt)
            }
        case .givenUp, .tryAgain, .nextPage, .problem: break
        }
        return completion
    }

    // MARK: Applied

    private mutating func judge(
        _ results: [OperationResult], _ outcome: Outcome, of operation: Operation, _ doing: Doing, _ all: SeenByClients
    ) -> Completion {
        guard results.count == 1, let result = results.first else { return .problem("\(results.count) results") }
        if case .changeSettings = operation {
            return result.status == .settingsChanged && result.node == nil && result.number == nil
                ? .judged : .problem("a change of settings made \(result)")
        }
        guard let key = operation.resultKey(number: result.number), result.key == key else {
            return .problem("a result for another key: \(result)")
        }
        if result.node == nil, !outcome.valuesOmitted, result.status != .deleted {
            return .problem("a result without its node: \(result)")
        }
        if let broken = operation.limitBroken(key, result, all.settings, since: doing.invoked) {
            return .problem("\(broken.name) was exceeded: \(result)")
        }
        if let node = result.node {
            let wrong = SimulatedClient.wrong(node, showing: false, at: outcome.revision)
            if wrong != nil || node.key != key { return .problem("\(wrong ?? "another key") in a result: \(node)") }
        }
        if case .delete(let delete) = operation { return judge(result, outcome, of: delete) }
        if let node = result.node {
            guard node.modifyRevision == outcome.revision, (node.version == 1) == (result.status == .created) else {
                return .problem("\(result.status) with a node that says otherwise: \(node)")
            }
            saw(node)
        }
        return answer(result, outcome, of: operation)
    }

    private mutating func answer(
        _ result: OperationResult, _ outcome: Outcome, of operation: Operation
    ) -> Completion {
        let value: HistoryValue
        switch (operation, result.status, result.number) {
        case (.put, .created, nil), (.put, .replaced, nil):
            value =
                result.node?.history(withValue: false) ?? Word.map([(Word.modified, outcome.revision.history)])
        case (.createSequential, .created, let number?):
            made(result.key)
            value = Word.map([(Word.key, .text(result.key.text)), (Word.number, .int(number))])
        case (.increment, .created, let number?), (.increment, .replaced, let number?):
            value = Word.map([(Word.number, .int(number))])
        default: return .problem("\(operation) made \(result)")
        }
        return .answered(value, revision: outcome.revision, shown: nil)
    }

    private func judge(_ result: OperationResult, _ outcome: Outcome, of delete: DeleteOperation) -> Completion {
        guard result.status == .deleted, let number = result.number, number >= 1,
            delete.recursive || number == 1, delete.batch == 0 || number <= Int64(delete.batch)
        else { return .problem("a deletion made \(result)") }
        if result.node == nil, !outcome.valuesOmitted, delete.batch == 0 || number < Int64(delete.batch) {
            return .problem("a node went and is not shown: \(result)")
        }
        if let node = result.node, node.modifyRevision >= outcome.revision {
            return .problem("a deleted node that is younger than its deletion: \(node)")
        }
        let shown = result.node.map {
            Shown(key: $0.key, at: Revision(outcome.revision.rawValue - 1), node: $0, withValue: false)
        }
        return .answered(
            Word.map([(Word.number, .int(number))]), revision: outcome.revision, shown: shown)
    }

    // MARK: Refused

    private mutating func judge(
        _ refusal: Refusal, _ outcome: Outcome, of operation: Operation, _ doing: Doing, _ all: SeenByClients,
        _ random: inout SeededRandom
    ) -> Completion {
        var shown: Shown?
        let word: String
        switch refusal.code {
        case .notFound: word = "not_found"
        case .parentNotFound: word = "parent_not_found"
        case .notEmpty: word = "not_empty"
        case .revisionMismatch, .alreadyExists:
            word = refusal.code == .alreadyExists ? "already_exists" : "revision_mismatch"
            guard let key = operation.resultKey(number: nil), refusal.key == key else {
                return .problem("a condition failed at another key: \(refusal)")
            }
            if let node = refusal.node {
                let wrong = SimulatedClient.wrong(node, showing: true, at: outcome.revision)
                if wrong != nil || node.key != key {
                    return .problem("\(wrong ?? "another key") in a refusal: \(node)")
                }
                saw(node)
            }
            if !outcome.valuesOmitted { shown = Shown(key: key, at: nil, node: refusal.node, withValue: true) }
        case .conflict:
            // With a number it speaks of the library's sequences, and those are in order.
            guard case .increment = operation, refusal.number == nil else { return .problem("\(refusal)") }
            word = "conflict"
        case .limitExceeded, .tooLarge, .noSpace:
            if case .createSequential = operation, refusal.code == .limitExceeded, refusal.setting == nil {
                word = "limit_exceeded"
                break
            }
            return wrong(refusal, of: operation, doing, all).map { .problem($0) } ?? .nothing
        case .overloaded:
            // It was not stored, so an earlier attempt that is still on its way may take effect.
            let wrong = wrong(refusal, of: operation, doing, all)
            return wrong.map { .problem($0) } ?? (doing.mayHaveHappened ? .givenUp : .nothing)
        case .clientExpired:
            guard case .client(let call) = doing.retry, !doing.wasKnown else { return .problem("\(refusal)") }
            // Its first call never arrived: it begins anew, under another identity.
            ledger?.beginAnew(call.client, random: &random)
            return doing.mayHaveHappened ? .givenUp : .nothing
        case .idempotencyConflict, .superseded, .otherTerm, .invalidRequest, .memberChangeUnderWay, .memberKnown,
            .memberNotFound, .noVoterLeft, .noMemberChange, .memberChangeTooFar, .featureLevelTooLow,
            .memberInfoOutdated:
            return .problem("\(operation) was refused: \(refusal)")
        }
        return .answered(Word.refused(word), revision: outcome.revision, shown: shown)
    }

    /// What is wrong with a refusal that names a limit: the limit had that value, and the request exceeds it.
    private func wrong(
        _ refusal: Refusal, of operation: Operation, _ doing: Doing, _ all: SeenByClients
    ) -> String? {
        guard let setting = refusal.setting, let limit = refusal.number,
            all.settings.isPossible(setting, limit, since: doing.invoked)
        else { return "a limit that was not in force: \(refusal)" }
        let isRight =
            switch (refusal.code, setting) {
            case (.tooLarge, .valueBytesMax): UInt64(operation.valueBytesMost) > limit
            case (.tooLarge, .keyBytesMax): UInt64(operation.keyBytesMost) > limit
            case (.limitExceeded, .keyLevelsMax): UInt64(operation.levelsMost) > limit
            case (.limitExceeded, .nodesChangedMax), (.noSpace, .stateNodesMax), (.noSpace, .stateBytesMax): true
            case (.overloaded, .clientsMax), (.overloaded, .clientOpenMax): doing.isLibrarys
            case (.overloaded, .idempotencyKeysMax): !doing.isLibrarys && doing.retry != .none
            case (.overloaded, .idempotencyBytesMax): doing.retry != .none
            default: false
            }
        guard all.asked.mayReach(setting, limit) else { return "a limit that nobody can have reached: \(refusal)" }
        return isRight ? nil : "a limit that does not concern it: \(refusal) of \(operation)"
    }
}

extension SimulatedClient.Doing {
    var isLibrarys: Bool {
        if case .client = retry { return true }
        return false
    }
}

extension Outcome {
    /// That the tables are full is told and forgotten.
    fileprivate var isUnstored: Bool {
        if case .refused(let refusal) = verdict { return refusal.code == .overloaded }
        return false
    }

    /// Whether this is the same answer again.
    fileprivate func repeats(_ first: Outcome) -> Bool {
        guard replayed, revision == first.revision else { return false }
        switch (verdict, first.verdict) {
        case (.applied(let results), .applied(let others)):
            guard results.count == 1, others.count == 1 else { return false }
            let node = results[0].node
            return results[0].status == others[0].status && results[0].key == others[0].key
                && results[0].number == others[0].number
                && (valuesOmitted || first.valuesOmitted || node == others[0].node)
        case (.refused(let refusal), .refused(let other)):
            return refusal.code == other.code && refusal.key == other.key && refusal.number == other.number
                && refusal.setting == other.setting
                && (valuesOmitted || first.valuesOmitted || refusal.node == other.node)
        case (.applied, .refused), (.refused, .applied): return false
        }
    }
}

extension Operation {
    /// The node that it is aimed at, or that a sequential name with this number makes; `nil` for none.
    fileprivate func resultKey(number: Int64?) -> Key? {
        switch self {
        case .put(let put): return put.key
        case .increment(let increment): return increment.key
        case .delete(let delete): return delete.key
        case .createSequential(let create):
            guard let number else { return nil }
            let digits = Array(String(number).utf8)
            let zeros = [UInt8](repeating: UInt8(ascii: "0"), count: max(0, Int(create.width) - digits.count))
            return Key(create.parent.bytes + [Key.separator] + create.prefix + zeros + digits)
        case .changeSettings, .raiseFeatureLevel, .changeMembers, .cancelMemberChange, .memberInfo:
            return nil
        }
    }

    /// The most bytes that it can give a value; a counter's number has at most twenty digits.
    fileprivate var valueBytesMost: Int {
        switch self {
        case .put(let put): put.value?.count ?? 0
        case .createSequential(let create): create.value?.count ?? 0
        case .increment: 20
        case .delete, .changeSettings, .raiseFeatureLevel, .changeMembers, .cancelMemberChange, .memberInfo: 0
        }
    }

    fileprivate var keyBytesMost: Int { resultKey(number: 0)?.bytes.count ?? 0 }
    fileprivate var levelsMost: Int { resultKey(number: 0)?.levels ?? 0 }

    /// A limit that every value that it may have had forbids to go as far as this result.
    fileprivate func limitBroken(
        _ key: Key, _ result: OperationResult, _ settings: SettingsSeen, since position: Int
    ) -> Setting? {
        func isBroken(_ setting: Setting, _ number: Int) -> Bool {
            UInt64(number) > settings.highest(setting, since: position)
        }
        if case .delete = self {
            return isBroken(.nodesChangedMax, Int(result.number ?? 0)) ? .nodesChangedMax : nil
        }
        let valueBytes: Int =
            switch self {
            case .put, .createSequential: valueBytesMost
            case .increment: String(result.number ?? 0).utf8.count
            case .delete, .changeSettings, .raiseFeatureLevel, .changeMembers, .cancelMemberChange, .memberInfo: 0
            }
        if isBroken(.valueBytesMax, valueBytes) { return .valueBytesMax }
        if isBroken(.keyBytesMax, key.bytes.count) { return .keyBytesMax }
        return isBroken(.keyLevelsMax, key.levels) ? .keyLevelsMax : nil
    }
}

extension SeenByClients.Answer {
    fileprivate init(_ outcome: Outcome) {
        switch outcome.verdict {
        case .applied: self = outcome.replayed ? .replayed : .ok
        case .refused(let refusal): self = SeenByClients.Answer(refusal.code)
        }
    }

    private init(_ code: RefusalCode) {
        self =
            switch code {
            case .notFound: .notFound
            case .parentNotFound: .parentNotFound
            case .notEmpty: .notEmpty
            case .revisionMismatch: .revisionMismatch
            case .alreadyExists: .alreadyExists
            case .limitExceeded: .limitExceeded
            case .overloaded: .overloadedTables
            case .idempotencyConflict: .idempotencyConflict
            case .clientExpired: .clientExpired
            case .conflict: .conflict
            case .noSpace: .noSpace
            case .tooLarge: .tooLarge
            case .invalidRequest, .superseded, .otherTerm, .memberChangeUnderWay, .memberKnown, .memberNotFound,
                .noVoterLeft, .noMemberChange, .memberChangeTooFar, .featureLevelTooLow, .memberInfoOutdated:
                .impossible
            }
    }
}
