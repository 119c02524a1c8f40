import ConcordChecker

/// Up to five transactions on two lists, answered by a store that is sometimes wrong.
struct SmallStore {
    private(set) var history: [RecordedOperation] = []

    init(seed: Int) {
        var dice = StoryDice(seed)
        let count = 2 + dice.below(4)
        var appended = 0
        var plans: [[(isAppend: Bool, key: Int, value: Int)]] = []
        for _ in 0..<count {
            plans.append(
                (0...dice.below(3)).map { _ in
                    appended += 1
                    return (dice.chance(50), dice.below(2), appended)
                })
        }
        let spans = SmallStore.spans(count, &dice)
        // In the order of the beginnings mostly, which real time allows; else in any.
        let order = dice.chance(70) ? Array(0..<count).sorted { spans[$0].0 < spans[$1].0 } : Array(0..<count)
        var lists: [[Int]] = [[], []]
        var answers = [[[Int]]](repeating: [], count: count)
        var outcomes = [RecordedOperation.Outcome](repeating: .ok, count: count)
        for index in order {
            outcomes[index] = dice.chance(80) ? .ok : dice.chance(50) ? .fail : .unknown
            let before = lists
            for step in plans[index] {
                if step.isAppend { lists[step.key].append(step.value) }
                answers[index].append(SmallStore.seen(lists[step.key], before[step.key], &dice))
            }
            let vanishes = outcomes[index] == .fail ? !dice.chance(5) : outcomes[index] == .unknown && dice.chance(50)
            if vanishes { lists = before }
        }
        history = (0..<count).map { index in
            let steps = zip(plans[index], answers[index]).map { step, answer in
                (
                    HistoryValue.list([
                        .text(step.isAppend ? "append" : "r"), .int(Int64(step.key)),
                        step.isAppend ? .int(Int64(step.value)) : .null,
                    ]),
                    HistoryValue.list([
                        .text(step.isAppend ? "append" : "r"), .int(Int64(step.key)),
                        step.isAppend ? .int(Int64(step.value)) : .ints(answer),
                    ])
                )
            }
            return RecordedOperation(
                process: .int(Int64(index)), function: "txn", argument: .list(steps.map(\.0)),
                result: outcomes[index] == .ok ? .list(steps.map(\.1)) : .null, outcome: outcomes[index],
                invoked: spans[index].0, returned: outcomes[index] == .unknown ? .max : spans[index].1)
        }
    }

    private static func spans(_ count: Int, _ dice: inout StoryDice) -> [(Int, Int)] {
        let places = Array(0..<(2 * count)).shuffled(using: &dice)
        return (0..<count).map {
            (min(places[2 * $0], places[2 * $0 + 1]), max(places[2 * $0], places[2 * $0 + 1]))
        }
    }

    private static func seen(_ list: [Int], _ before: [Int], _ dice: inout StoryDice) -> [Int] {
        switch dice.below(100) {
        case 0: list.reversed()
        case 1: list + list.prefix(1)
        case 2..<6: Array(list.dropLast())
        case 6..<9: before
        default: list
        }
    }
}

/// Tries every order of the transactions, with every choice of the unknown ones that happened.
enum EveryOrder {
    static func explains(_ history: [RecordedOperation]) -> Bool {
        let sure = history.indices.filter { history[$0].outcome == .ok }
        let unsure = history.indices.filter { history[$0].outcome == .unknown }
        return (0..<(1 << unsure.count)).contains { choice in
            let chosen = unsure.enumerated().filter { choice & (1 << $0.offset) != 0 }.map(\.element)
            return extend([:], rest: sure + chosen, history)
        }
    }

    private static func extend(
        _ lists: [HistoryValue: [HistoryValue]], rest: [Int], _ history: [RecordedOperation]
    ) -> Bool {
        if rest.isEmpty { return true }
        return rest.contains { index in
            let isTooEarly = rest.contains { history[$0].returned < history[index].invoked }
            guard !isTooEarly, let next = step(lists, history[index]) else { return false }
            return extend(next, rest: rest.filter { $0 != index }, history)
        }
    }

    private static func step(
        _ lists: [HistoryValue: [HistoryValue]], _ operation: RecordedOperation
    ) -> [HistoryValue: [HistoryValue]]? {
        var lists = lists
        let isKnown = operation.outcome == .ok
        for written in (isKnown ? operation.result : operation.argument).list ?? [] {
            guard let parts = written.list else { return nil }
            if parts[0] == .text("append") {
                lists[parts[1], default: []].append(parts[2])
            } else if isKnown && lists[parts[1], default: []] != parts[2].list {
                return nil
            }
        }
        return lists
    }
}

/// Many clients on many lists, in one order; every answer is right.
struct LargeStore {
    private(set) var operations: [RecordedOperation] = []

    init(seed: Int, transactions: Int, clients: Int = 20) {
        var dice = StoryDice(seed)
        var lists: [Int: [HistoryValue]] = [:]
        var firstKey = 0
        for number in 0..<transactions {
            if number % 400 == 399 { firstKey += 1 }
            var asked: [HistoryValue] = []
            var answered: [HistoryValue] = []
            for step in 0..<(1 + dice.below(4)) {
                let key = firstKey + dice.below(8)
                if dice.chance(50) {
                    let value = HistoryValue.int(Int64(number * 4 + step))
                    lists[key, default: []].append(value)
                    asked.append(.list([.text("append"), .int(Int64(key)), value]))
                    answered.append(asked[asked.count - 1])
                } else {
                    asked.append(.list([.text("r"), .int(Int64(key)), .null]))
                    answered.append(.list([.text("r"), .int(Int64(key)), .list(lists[key] ?? [])]))
                }
            }
            // Each takes effect at 10 × number; one of a client ends before its next begins.
            let at = 10 * number
            operations.append(
                RecordedOperation(
                    process: .int(Int64(number % clients)), function: "txn", argument: .list(asked),
                    result: .list(answered), outcome: .ok, invoked: max(0, at - 1 - dice.below(5 * clients - 2)),
                    returned: at + 1 + dice.below(5 * clients - 2)))
        }
    }

    /// Takes the last value of a long list out of the last read of it: that read is stale.
    mutating func hideAnAcknowledgedAppend() {
        var lastReads: [HistoryValue: (operation: Int, step: Int, count: Int)] = [:]
        for (index, operation) in operations.enumerated() {
            for (step, written) in (operation.result.list ?? []).enumerated() {
                guard let parts = written.list, parts[0] == .text("r"), let list = parts[2].list else { continue }
                lastReads[parts[1]] = (index, step, list.count)
            }
        }
        guard let (key, read) = lastReads.first(where: { $0.key == .int(100) }),
            var steps = operations[read.operation].result.list, let list = steps[read.step].list?[2].list
        else { return }
        steps[read.step] = .list([.text("r"), key, .list(Array(list.dropLast(20)))])
        operations[read.operation].result = .list(steps)
    }
}
