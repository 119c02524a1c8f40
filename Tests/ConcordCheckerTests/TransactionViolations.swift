import ConcordChecker

/// Of transactions on lists: a few on lists of their own, among others that are good.
enum TransactionViolation: ViolationKind {
    /// Two transactions append to two lists, in this order to one and in that to the other (G0).
    case writesInACircle
    /// Of two appends one after the other, the second stands first (G0 in real time).
    case writesAgainstTime
    /// What a failed transaction appended is read (G1a).
    case readOfAFailure
    /// What a transaction had appended in its midst is read (G1b).
    case readOfAMiddle
    /// Each of two transactions reads what the other appended (G1c).
    case readsInACircle
    /// A transaction reads one append of another, and not its other one (G-single).
    case halfATransaction
    /// Each of two transactions misses what the other appended (G2).
    case writeSkew
    /// Each of three misses what the next one appended (G2).
    case writeSkewOfThree
    /// A read that began after an append was acknowledged does not tell it (G-single in real time).
    case staleRead
    /// A read tells an append, and one that begins later does not.
    case staleReadAfterANewerRead
    /// A read ended before the append began that it tells.
    case readOfTheFuture
    /// A read tells what nobody appended.
    case phantomAppend
    /// A read tells an append twice.
    case appendedTwice
    /// Two reads tell two appends in two orders.
    case ordersThatDiffer
    /// The appends of one transaction stand in another order than it made them.
    case ownOrderReversed
    /// A transaction does not read what it appended before.
    case ownAppendOverlooked
    /// Two reads of one transaction, with no append of its own between them, differ.
    case readThatDoesNotRepeat
    /// A read tells an append that came after one that was acknowledged, and not that one.
    case appendLost
    /// An append was asked for, and the answer does not have it; nor has any read.
    case answerWithoutAnAppend
    /// An append was asked for, and the answer has another value.
    case answerWithAnotherValue

    func verdict(_ operations: [RecordedOperation]) -> Verdict { Subject.listAppend.verdict(operations) }

    /// `r.x.1.2` reads 1 and 2 of list x, `a.x.3` appends 3 to it.
    private var transactions: [String] {
        switch self {
        case .writesInACircle: ["a.x.1 a.y.1", "a.x.2 a.y.2", "r.x.1.2 r.y.2.1"]
        case .writesAgainstTime: ["a.x.1", "then a.x.2", "then r.x.2.1"]
        case .readOfAFailure: ["fail a.x.1", "r.x.1"]
        case .readOfAMiddle: ["a.x.1 a.x.2", "r.x.1"]
        case .readsInACircle: ["a.x.1 r.y.1", "a.y.1 r.x.1"]
        case .halfATransaction: ["a.x.1 a.y.1", "r.x r.y.1"]
        case .writeSkew: ["r.x a.y.1", "r.y a.x.1", "r.x.1 r.y.1"]
        case .writeSkewOfThree: ["r.x a.y.1", "r.y a.z.1", "r.z a.x.1", "r.x.1 r.y.1 r.z.1"]
        case .staleRead: ["a.x.1", "then r.x"]
        case .staleReadAfterANewerRead: ["a.x.1", "r.x.1", "then r.x"]
        case .readOfTheFuture: ["r.x.1", "then a.x.1"]
        case .phantomAppend: ["a.x.1", "r.x.1.7"]
        case .appendedTwice: ["a.x.1", "r.x.1.1"]
        case .ordersThatDiffer: ["a.x.1", "a.x.2", "r.x.1.2", "r.x.2.1"]
        case .ownOrderReversed: ["a.x.1 a.x.2", "r.x.2.1"]
        case .ownAppendOverlooked: ["a.x.1 r.x"]
        case .readThatDoesNotRepeat: ["a.x.1", "r.x r.x.1"]
        case .appendLost: ["a.x.1", "then a.x.2", "then r.x.2"]
        case .answerWithoutAnAppend: ["a.x.1 r.y", "then r.x"]
        case .answerWithAnotherValue: ["a.x.1", "then r.x.7"]
        }
    }

    func planted(_ dice: inout StoryDice) -> Planted? {
        let clients = ConcurrentClients(clients: 1 + dice.below(8), operationsMax: 5 + dice.below(30))
        let truth = Subject.listAppend.history(of: clients, &dice).operations
        var phase = dice.below(2 * truth.count)
        var planted: [RecordedOperation] = []
        for (number, text) in transactions.enumerated() {
            var words = text.split(separator: " ").map(String.init)
            // Those that are not one after the other are under way at the same time.
            if words[0] == "then" { phase += 20 + dice.below(10) }
            let hasFailed = words[0] == "fail"
            words.removeAll { $0 == "then" || $0 == "fail" }
            // Other work of theirs, which nobody sees.
            if dice.chance(40) { words.append("a.other\(number).5") }
            if dice.chance(40) { words.insert("a.more\(number).6", at: 0) }
            // All good ones happen at multiples of ten.
            planted.append(
                RecordedOperation(
                    process: .text("planted \(number)"), function: "txn",
                    argument: .list(words.map { TransactionViolation.step($0, isAnswer: false) }),
                    result: hasFailed ? .null : .list(words.map { TransactionViolation.step($0, isAnswer: true) }),
                    outcome: hasFailed ? .fail : .ok, invoked: (phase + dice.below(9)) * 10 + 1 + number,
                    returned: (phase + 10 + dice.below(9)) * 10 + 1 + number))
        }
        switch self {
        case .answerWithoutAnAppend: planted[0].result = .list([TransactionViolation.step("r.y", isAnswer: true)])
        case .answerWithAnotherValue: planted[0].result = .list([TransactionViolation.step("a.x.7", isAnswer: true)])
        default: break
        }
        return Planted(truth: truth, lie: truth + planted)
    }

    private static func step(_ word: String, isAnswer: Bool) -> HistoryValue {
        let parts = word.split(separator: ".").map(String.init)
        let numbers = parts.dropFirst(2).compactMap { Int($0) }
        let values: HistoryValue = parts[0] == "a" ? .number(numbers[0]) : isAnswer ? .ints(numbers) : .null
        return .list([.text(parts[0] == "a" ? "append" : "r"), .text(parts[1]), values])
    }
}
