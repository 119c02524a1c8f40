/// What is wrong with reads by themselves, before any graph: values that nobody appended, that a failed transaction
/// appended, values twice, lists that no one order explains, states in the middle of a transaction, and transactions
/// that contradict themselves.
enum AppendReads {
    static func violation(of history: AppendHistory) -> Violation? {
        strangeValue(history) ?? incompatibleOrders(history) ?? reversedAppends(history)
            ?? intermediateRead(history) ?? selfContradiction(history)
    }

    private static func strangeValue(_ history: AppendHistory) -> Violation? {
        for list in history.lists {
            let order = list.order
            for read in list.reads where read.list == order || !order.starts(with: read.list) {
                if let found = strangeValue(in: read, of: list, history) { return found }
            }
        }
        return nil
    }

    private static func strangeValue(
        in read: AppendHistory.Read, of list: AppendHistory.List, _ history: AppendHistory
    ) -> Violation? {
        var seen: Set<HistoryValue> = []
        let name = list.name.shown
        for value in read.list {
            guard let append = list.appends[value] else {
                let cast = Cast([read.transaction], history)
                return cast.violation("T1 read \(value.shown) in \(name), which nobody appended")
            }
            guard history.transactions[append.transaction].outcome != .fail else {
                let cast = Cast([read.transaction, append.transaction], history)
                return cast.violation(
                    "\(cast.name(read.transaction)) read \(value.shown) in \(name), which "
                        + "\(cast.name(append.transaction)) appended, and that one failed (G1a, aborted read)")
            }
            guard seen.insert(value).inserted else {
                let cast = Cast([read.transaction, append.transaction], history)
                return cast.violation(
                    "\(cast.name(read.transaction)) read \(value.shown) in \(name) twice; "
                        + "\(cast.name(append.transaction)) appended it once")
            }
        }
        return nil
    }

    private static func incompatibleOrders(_ history: AppendHistory) -> Violation? {
        for list in history.lists {
            guard let longest = list.longest else { continue }
            let order = list.order
            for read in list.reads where !order.starts(with: read.list) {
                let most = list.reads[longest].transaction
                let place = zip(order, read.list).enumerated().first { $1.0 != $1.1 }
                let cast = Cast([read.transaction, most] + writers(of: order + read.list, in: list), history)
                return cast.violation(
                    "\(cast.name(read.transaction)) read \(list.name.shown) as \(HistoryValue.list(read.list).shown), "
                        + "\(cast.name(most)) as \(HistoryValue.list(order).shown): from the place "
                        + "\((place?.offset ?? 0) + 1) on no one order of appends explains both (incompatible order)")
            }
        }
        return nil
    }

    private static func reversedAppends(_ history: AppendHistory) -> Violation? {
        for list in history.lists {
            guard let longest = list.longest else { continue }
            for (value, next) in zip(list.order, list.order.dropFirst()) {
                guard let append = list.appends[value], let nextAppend = list.appends[next],
                    append.transaction == nextAppend.transaction, append.number > nextAppend.number
                else { continue }
                let cast = Cast([append.transaction, list.reads[longest].transaction], history)
                return cast.violation(
                    "\(cast.name(append.transaction)) appended \(next.shown) to \(list.name.shown) before \(value.shown)"
                        + ", and \(cast.name(list.reads[longest].transaction)) read them in the other order")
            }
        }
        return nil
    }

    private static func intermediateRead(_ history: AppendHistory) -> Violation? {
        for list in history.lists {
            let isMiddle = list.order.map { list.appends[$0].map { !$0.isLast } ?? false }
            for read in list.reads {
                guard let last = read.list.last, isMiddle[read.list.count - 1], let append = list.appends[last],
                    append.transaction != read.transaction
                else { continue }
                let cast = Cast([read.transaction, append.transaction], history)
                return cast.violation(
                    "\(cast.name(read.transaction)) read \(list.name.shown) ending with \(last.shown), in the "
                        + "middle of \(cast.name(append.transaction)), which appended more (G1b, intermediate read)")
            }
        }
        return nil
    }

    /// What a transaction knows of a list from its own steps.
    private enum Known {
        /// The whole list.
        case whole([HistoryValue])
        /// How the list ends.
        case end([HistoryValue])
    }

    private static func selfContradiction(_ history: AppendHistory) -> Violation? {
        for (index, transaction) in history.transactions.enumerated() where transaction.outcome == .ok {
            var known: [Int: Known] = [:]
            for step in transaction.steps {
                switch step {
                case .append(let key, let value):
                    switch known[key] {
                    case .none: known[key] = .end([value])
                    case .end(let own): known[key] = .end(own + [value])
                    case .whole(let list):
                        if list.contains(value) {
                            return Cast([index], history).violation(
                                "T1 read \(value.shown) in \(history.lists[key].name.shown) before it appended it")
                        }
                        known[key] = .whole(list + [value])
                    }
                case .read(_, nil): continue
                case .read(let key, .some(let list)):
                    guard let expected = unmet(known[key], by: list) else {
                        known[key] = .whole(list)
                        continue
                    }
                    return Cast([index], history).violation(
                        "T1 read \(history.lists[key].name.shown) as \(HistoryValue.list(list).shown); by its "
                            + "own steps before it had to be \(expected) (internal inconsistency)")
                }
            }
        }
        return nil
    }

    /// What the list had to be, when it is not.
    private static func unmet(_ known: Known?, by list: [HistoryValue]) -> String? {
        switch known {
        case .none: nil
        case .whole(let expected): expected == list ? nil : HistoryValue.list(expected).shown
        case .end(let end):
            list.suffix(end.count) == end[...] ? nil : "a list that ends with \(HistoryValue.list(end).shown)"
        }
    }

    /// The transactions that appended `values`, each once, in their order.
    private static func writers(of values: [HistoryValue], in list: AppendHistory.List) -> [Int] {
        var seen: Set<Int> = []
        return values.compactMap { list.appends[$0]?.transaction }.filter { seen.insert($0).inserted }
    }
}

/// The transactions of a counter-example, named T1, T2, … in the order of their invocations.
struct Cast {
    private let operations: [RecordedOperation]
    private let names: [Int: Int]

    init(_ transactions: [Int], _ history: AppendHistory) {
        let ordered = Set(transactions).sorted {
            (history.operation($0).invoked, $0) < (history.operation($1).invoked, $1)
        }
        operations = ordered.map(history.operation)
        names = Dictionary(uniqueKeysWithValues: ordered.enumerated().map { ($1, $0 + 1) })
    }

    func name(_ transaction: Int) -> String { "T\(names[transaction] ?? 0)" }

    func violation(_ explanation: String) -> Violation { Violation(explanation, operations) }
}

extension AppendHistory {
    func operation(_ transaction: Int) -> RecordedOperation { operations[transactions[transaction].operation] }
}
