import ConcordChecker

/// A tree, its clients, and streams that tell all that changes in a part of it.
struct WatchedTree {
    struct Stream {
        var process: HistoryValue
        var path: String
        var scope: String
        /// The operations that are its deliveries.
        var documents: [Int] = []
    }

    private(set) var operations: [RecordedOperation]
    private(set) var streams: [Stream] = []
    /// The changes whose answer was seen, by revision.
    private(set) var acknowledged: [Int64: RecordedOperation] = [:]

    private let states: [PlainTree.State]
    /// When each revision was made.
    private var made: [Int] = [0]

    init(_ dice: inout StoryDice) {
        let clients = ConcurrentClients(clients: 1 + dice.below(5), operationsMax: 15 + dice.below(30))
        let (history, work) = clients.run(TreeWork(), &dice)
        states = work.object.states
        operations = history.operations
        // Between two things that clients do there is place for all that streams tell.
        for index in operations.indices {
            operations[index].invoked *= 1_000
            if operations[index].returned != .max { operations[index].returned *= 1_000 }
        }
        for effect in history.effects where Int(effect.answer.revision ?? 0) == made.count {
            made.append(effect.position * 1_000)
            let change = operations[effect.operation]
            if change.outcome == .ok { acknowledged[change.revision ?? 0] = change }
        }
        for number in 0...dice.below(3) { watch(number, &dice) }
    }

    private func state(at place: Int) -> Int { (made.firstIndex { $0 > place } ?? made.count) - 1 }

    private mutating func watch(_ number: Int, _ dice: inout StoryDice) {
        let (path, scope) = [("/", "subtree"), ("/a", "subtree"), ("/a", "children"), ("/e", "node")][dice.below(4)]
        var stream = Stream(process: .text("stream \(number)"), path: path, scope: scope)
        // The last digits are the stream's own, as those of clients are 0.
        var place = dice.below((made.last ?? 0) + 100) / 10 * 10 + number + 1
        func next() { place += 10 * (1 + dice.below(dice.chance(20) ? 5_000 : 40)) }
        var argument: [String: HistoryValue] = ["scope": .text(scope)]
        var told = state(at: place)
        let isFromThePast = dice.chance(60)
        if isFromThePast {
            told = dice.below(told + 1)
            argument[dice.chance(50) ? "after" : "from"] = .number(told)
            if argument["from"] != nil { argument["from"] = .number(told + 1) }
        }
        operations.append(
            RecordedOperation(
                process: stream.process, function: "watch", key: .text(path), argument: .fields(argument),
                outcome: .ok, invoked: place, returned: place + 10))
        next()
        next()
        if !isFromThePast {
            told = state(at: place)
            tell("synced", ["revision": .number(told)], at: place, on: &stream)
        }
        while told + 1 < states.count {
            told += 1
            next()
            place = max(place, made[told] / 10 * 10 + 10 + number + 1)
            let events = events(at: told, of: stream)
            if !events.isEmpty {
                tell("events", ["revision": .number(told), "events": .list(events)], at: place, on: &stream)
            } else if dice.chance(20) {
                tell("progress", ["revision": .number(told)], at: place, on: &stream)
            }
        }
        next()
        if dice.chance(70) { tell("progress", ["revision": .number(told)], at: place, on: &stream) }
        streams.append(stream)
    }

    private mutating func tell(
        _ type: String, _ fields: [String: HistoryValue], at place: Int, on stream: inout Stream
    ) {
        stream.documents.append(operations.count)
        operations.append(
            .delivery(
                process: stream.process, "event", .fields(fields.merging(["type": .text(type)]) { $1 }), at: place))
    }

    /// What a revision changed, of the stream's part of the tree.
    private func events(at revision: Int, of stream: Stream) -> [HistoryValue] {
        let (before, after) = (states[revision - 1].nodes, states[revision].nodes)
        let paths = Set(before.keys).union(after.keys).filter { before[$0] != after[$0] && stream.tells($0) }
        return paths.sorted().map { path in
            .fields([
                "type": .text(after[path] == nil ? "delete" : "put"), "path": .text(path),
                "value": after[path]?.value ?? .null,
                "previous_revision": before[path].map { .int($0.modified) } ?? .null,
            ])
        }
    }
}

extension WatchedTree {
    /// Whether the answer to a change alone says that these events of it had to be told. What it says of parents that
    /// it made is nothing, and so it is of the nodes of a deletion that the stream is only partly of.
    func isKnown(_ events: some Sequence<HistoryValue>, at revision: Int64, of stream: Stream) -> Bool {
        guard let change = acknowledged[revision], let key = change.key?.text else { return false }
        if change.function == "delete", stream.scope == "subtree", stream.tells(key) { return true }
        if change.argument["batch"] != nil { return false }
        return events.contains { $0["path"] == change.result["key"] ?? change.key }
    }
}

extension WatchedTree.Stream {
    fileprivate func tells(_ changed: String) -> Bool {
        switch scope {
        case "node": changed == path
        case "children": changed.parentPath == path
        default: changed == path || changed.isBelow(path)
        }
    }
}
