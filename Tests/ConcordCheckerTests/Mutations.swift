import ConcordChecker

/// Changes of a history that may or may not make it wrong.
enum Mutation {
    static func mutate(_ history: inout [RecordedOperation], _ dice: inout StoryDice) {
        for _ in 0...dice.below(3) {
            switch dice.below(12) {
            case 0..<3: exchangeAnswers(&history, &dice)
            case 3..<6: changeAnAnswer(&history, &dice)
            case 6..<8: move(&history, &dice)
            case 8: repeatOne(&history, &dice)
            case 9: if history.count > 1 { history.remove(at: dice.below(history.count)) }
            case 10: changeAnOutcome(&history, &dice)
            default: changeARevision(&history, &dice)
            }
        }
        history.sort { $0.invoked < $1.invoked }
    }

    private static func answered(_ history: [RecordedOperation]) -> [Int] {
        history.indices.filter { history[$0].outcome == .ok }
    }

    private static func exchangeAnswers(_ history: inout [RecordedOperation], _ dice: inout StoryDice) {
        guard let one = answered(history).randomElement(using: &dice) else { return }
        let alike = answered(history).filter { $0 != one && history[$0].function == history[one].function }
        guard let other = alike.randomElement(using: &dice), history[one].function != "txn" else { return }
        let kept = history[one].result
        history[one].result = history[other].result
        if dice.chance(60) { history[other].result = kept }
    }

    private static func changeAnAnswer(_ history: inout [RecordedOperation], _ dice: inout StoryDice) {
        guard let one = answered(history).randomElement(using: &dice) else { return }
        if history[one].function == "txn" {
            history[one].result = changedTransaction(history[one].result, &dice)
        } else {
            history[one].result = changed(history[one].result, &dice)
        }
    }

    /// Of what a transaction read.
    private static func changedTransaction(_ result: HistoryValue, _ dice: inout StoryDice) -> HistoryValue {
        .list(
            (result.list ?? []).map { step in
                guard let parts = step.list, parts[0] == .text("r"), dice.chance(60) else { return step }
                return .list([parts[0], parts[1], changedList(parts[2].list ?? [], &dice)])
            })
    }

    private static func changed(_ value: HistoryValue, _ dice: inout StoryDice) -> HistoryValue {
        switch value {
        case .int(let number): return .int(max(0, number + Int64(dice.below(5)) - 2))
        case .list(let values): return changedList(values, &dice)
        case .map(var fields):
            let names = fields.keys.compactMap(\.text).sorted()
            guard let name = names.randomElement(using: &dice), let old = fields[.text(name)] else { return value }
            guard name != "refused", name != "key" else { return value }
            fields[.text(name)] = changed(old, &dice)
            return .map(fields)
        default: return value
        }
    }

    private static func changedList(_ values: [HistoryValue], _ dice: inout StoryDice) -> HistoryValue {
        var values = values
        switch dice.below(3) {
        case 0: values.shuffle(using: &dice)
        case 1: if !values.isEmpty { values.removeLast() }
        default: if !values.isEmpty { values.remove(at: dice.below(values.count)) }
        }
        return .list(values)
    }

    /// Begins or ends earlier or later.
    private static func move(_ history: inout [RecordedOperation], _ dice: inout StoryDice) {
        let one = dice.below(history.count)
        let places = Set(history.flatMap { [$0.invoked, $0.returned] })
        let last = history.map(\.invoked).max() ?? 0
        // Beside the places of all others.
        func free(_ range: Range<Int>) -> Int? {
            (0..<8).map { _ in range.lowerBound + dice.below(range.count) }.first { !places.contains($0) }
        }
        if dice.chance(50), history[one].returned != .max {
            guard let place = free(history[one].invoked + 1..<last + 100) else { return }
            history[one].returned = place
        } else {
            guard let place = free(0..<min(history[one].returned, last + 100)) else { return }
            history[one].invoked = place
        }
    }

    private static func repeatOne(_ history: inout [RecordedOperation], _ dice: inout StoryDice) {
        var again = history[dice.below(history.count)]
        // Who appends a value twice gets no verdict.
        if again.function == "txn" { return }
        let end = history.flatMap { [$0.invoked, $0.returned == .max ? 0 : $0.returned] }.max() ?? 0
        again.invoked = end + 1
        if again.returned != .max { again.returned = end + 2 }
        again.process = .number(500 + history.count)
        history.append(again)
    }

    private static func changeAnOutcome(_ history: inout [RecordedOperation], _ dice: inout StoryDice) {
        guard let one = answered(history).randomElement(using: &dice) else { return }
        history[one].outcome = dice.chance(50) ? .fail : .unknown
        history[one].result = .null
        history[one].revision = nil
        if history[one].outcome == .unknown { history[one].returned = .max }
    }

    private static func changeARevision(_ history: inout [RecordedOperation], _ dice: inout StoryDice) {
        guard let one = answered(history).randomElement(using: &dice), let revision = history[one].revision else {
            return exchangeAnswers(&history, &dice)
        }
        history[one].revision = max(0, revision + Int64(dice.below(5)) - 2)
    }
}
