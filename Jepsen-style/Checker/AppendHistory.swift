/// The transactions of a history of appends, parsed once; keys, values and processes by number.
struct AppendHistory {
    enum Step {
        case append(key: Int, value: HistoryValue)
        /// `nil` when the answer is not known.
        case read(key: Int, [HistoryValue]?)
    }

    struct Transaction {
        /// Which of the operations.
        var operation: Int
        var steps: [Step]
        var outcome: RecordedOperation.Outcome
        var process: Int
        /// It took effect: it was acknowledged, or a read shows a value of it.
        var happened: Bool
    }

    struct Append {
        var transaction: Int
        /// Which of all appends to the list, in the order of the history.
        var number: Int
        /// No later append of that transaction to the same key.
        var isLast: Bool
    }

    struct Read {
        var transaction: Int
        var list: [HistoryValue]
    }

    /// All that is known of one list.
    struct List {
        var name: HistoryValue
        var appends: [HistoryValue: Append] = [:]
        /// In the order of the history.
        var values: [HistoryValue] = []
        /// Of acknowledged transactions only.
        var reads: [Read] = []
        /// The read that saw most; reads of a correct system are beginnings of it.
        var longest: Int?

        var order: [HistoryValue] { longest.map { reads[$0].list } ?? [] }
    }

    private(set) var operations: [RecordedOperation]
    private(set) var transactions: [Transaction] = []
    private(set) var lists: [List] = []
    /// An answer to something else than what was asked.
    private(set) var answerToSomethingElse: Violation?
    private var numbersOfKeys: [HistoryValue: Int] = [:]
    private var numbersOfProcesses: [HistoryValue: Int] = [:]

    init(_ operations: [RecordedOperation]) throws(MalformedHistory) {
        self.operations = operations
        for index in operations.indices where AppendHistory.isTransaction(operations[index]) {
            try add(index)
        }
        for list in lists {
            for value in list.order {
                guard let append = list.appends[value] else { continue }
                transactions[append.transaction].happened = true
            }
        }
    }

    /// Whoever breaks machines writes into the same history.
    private static func isTransaction(_ operation: RecordedOperation) -> Bool {
        operation.process != .text("nemesis")
    }

    private mutating func add(_ index: Int) throws(MalformedHistory) {
        let operation = operations[index]
        guard operation.function.isEmpty || operation.function == "txn" else {
            throw MalformedHistory("the operation at \(operation.invoked) is no transaction: \(operation.function)")
        }
        guard let written = (operation.outcome == .ok ? operation.result : operation.argument).list else {
            throw MalformedHistory("the operation at \(operation.invoked) has no list of steps")
        }
        if operation.outcome == .ok { try compare(written, with: operation) }
        let process = numbersOfProcesses[operation.process] ?? numbersOfProcesses.count
        numbersOfProcesses[operation.process] = process
        let number = transactions.count
        var transaction = Transaction(
            operation: index, steps: [], outcome: operation.outcome, process: process,
            happened: operation.outcome == .ok)
        for step in written {
            transaction.steps.append(try parse(step, of: number, operation))
        }
        transactions.append(transaction)
    }

    /// An answer has the steps that were asked for, with what was read in the place of null.
    private mutating func compare(
        _ answer: [HistoryValue], with operation: RecordedOperation
    ) throws(MalformedHistory) {
        guard answerToSomethingElse == nil else { return }
        guard let asked = operation.argument.list else {
            throw MalformedHistory("the operation at \(operation.invoked) asks for no list of steps")
        }
        var difference: String?
        if asked.count != answer.count {
            difference = "\(asked.count) steps were asked for and \(answer.count) were answered"
        }
        for (number, (one, other)) in zip(asked, answer).enumerated() where difference == nil {
            guard let one = one.list, let other = other.list, !one.isEmpty, !other.isEmpty else {
                throw MalformedHistory("a step of the operation at \(operation.invoked) is no [what, key, value]")
            }
            let isAlike = one[0] == .text("r") ? one.prefix(2) == other.prefix(2) : one == other
            if !isAlike {
                let (one, other) = (HistoryValue.list(one).shown, HistoryValue.list(other).shown)
                difference = "step \(number + 1) was \(one) and was answered as \(other)"
            }
        }
        guard let difference else { return }
        answerToSomethingElse = Violation("T1 was answered as another transaction: \(difference)", [operation])
    }

    private mutating func parse(
        _ written: HistoryValue, of transaction: Int, _ operation: RecordedOperation
    ) throws(MalformedHistory) -> Step {
        guard let parts = written.list, parts.count == 2 || parts.count == 3, let function = parts[0].text else {
            throw MalformedHistory("a step of the operation at \(operation.invoked) is no [what, key, value]")
        }
        let key = numbersOfKeys[parts[1]] ?? lists.count
        if key == lists.count {
            numbersOfKeys[parts[1]] = key
            lists.append(List(name: parts[1]))
        }
        let value = parts.count == 3 ? parts[2] : .null
        switch function {
        case "append":
            try append(value, to: key, by: transaction, operation)
            return .append(key: key, value: value)
        case "r":
            guard operation.outcome == .ok else { return .read(key: key, nil) }
            guard value == .null || value.list != nil else {
                throw MalformedHistory("the operation at \(operation.invoked) read something that is no list")
            }
            let list = value.list ?? []
            lists[key].reads.append(Read(transaction: transaction, list: list))
            if list.count > lists[key].order.count || lists[key].longest == nil {
                lists[key].longest = lists[key].reads.count - 1
            }
            return .read(key: key, list)
        default:
            throw MalformedHistory("a step of the operation at \(operation.invoked) is neither append nor r")
        }
    }

    private mutating func append(
        _ value: HistoryValue, to key: Int, by transaction: Int, _ operation: RecordedOperation
    ) throws(MalformedHistory) {
        guard lists[key].appends[value] == nil else {
            throw MalformedHistory(
                "the operation at \(operation.invoked) appends what was appended before; "
                    + "each value must be appended once")
        }
        if let before = lists[key].values.last, lists[key].appends[before]?.transaction == transaction {
            lists[key].appends[before]?.isLast = false
        }
        lists[key].appends[value] = Append(
            transaction: transaction, number: lists[key].values.count, isLast: true)
        lists[key].values.append(value)
    }
}
