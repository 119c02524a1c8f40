import ConcordChecker

/// Of streams that tell what changes in a tree.
enum WatchViolation: ViolationKind {
    /// An acknowledged change is not told, and what came after it is.
    case lostEvent
    /// One document comes twice.
    case repeatedEvent
    /// Two documents change places.
    case eventsOutOfOrder
    /// An event is of a path that the stream was not asked for.
    case foreignEvent
    /// An event has a value that nobody put.
    case eventOfAnotherValue
    /// An event says that it replaced a revision later than its own.
    case eventOfAnotherPast
    /// An event is of a revision that nobody's change has reached.
    case eventOfNothing
    /// Of a change of several nodes one is not told.
    case halfAChange
    /// A document promises that nothing is to come up to the revision that comes next.
    case brokenPromise
    /// A stream goes on after it said that what follows is gone.
    case eventAfterTheEnd
    /// A read that began after a revision was told is answered from an earlier one.
    case readBehindAnEvent

    func verdict(_ operations: [RecordedOperation]) -> Verdict { WatchChecker.check(operations) }

    func planted(_ dice: inout StoryDice) -> Planted? {
        let tree = WatchedTree(&dice)
        var operations = tree.operations
        for stream in tree.streams.shuffled(using: &dice) where spoil(&operations, stream, tree, &dice) {
            return Planted(truth: tree.operations, lie: operations.filter { $0.function != "" })
        }
        return nil
    }

    private func spoil(
        _ history: inout [RecordedOperation], _ stream: WatchedTree.Stream, _ tree: WatchedTree,
        _ dice: inout StoryDice
    ) -> Bool {
        if self == .readBehindAnEvent { return spoilARead(&history, stream, &dice) }
        let told = stream.documents.filter { history[$0].result["type"] == .text("events") }
        guard let one = told.randomElement(using: &dice), let revision = history[one].result["revision"]?.int else {
            return false
        }
        var events = history[one].result["events"]?.list ?? []
        let later = stream.documents.first { $0 > one }
        switch self {
        case .lostEvent:
            guard later != nil, tree.isKnown(events, at: revision, of: stream) else { return false }
            // Left out later: the places of all others stay.
            history[one].function = ""
        case .repeatedEvent:
            history.append(history[one])
            history[history.count - 1].shift(by: 5)
        case .eventsOutOfOrder:
            guard let later, history[later].result["type"] == .text("events") else { return false }
            (history[one].result, history[later].result) = (history[later].result, history[one].result)
        case .foreignEvent:
            if stream.path == "/" { return false }
            events[0] = .fields(["type": .text("put"), "path": .text("/foreign"), "value": .text("v")])
            history[one].tell(events)
        case .eventOfAnotherValue:
            events[0] = events[0].with("type", .text("put")).with("value", .text("nobody's"))
            history[one].tell(events)
        case .eventOfAnotherPast:
            events[0] = events[0].with("previous_revision", .int(revision + 1))
            history[one].tell(events)
        case .eventOfNothing:
            events[0] = events[0].with("type", .text("put")).with("value", .text("nobody's"))
            let end = history.filter { $0.returned != .max }.map(\.returned).max() ?? 0
            history.append(history[one])
            history[history.count - 1].shift(by: end + 10 - history[one].invoked)
            history[history.count - 1].tell([events[0]], revision: 1_000_000)
        case .halfAChange:
            guard events.count > 1, later != nil else { return false }
            let lost = events.remove(at: dice.below(events.count))
            guard tree.isKnown([lost], at: revision, of: stream) else { return false }
            history[one].tell(events)
        case .brokenPromise:
            history.append(history[one])
            history[history.count - 1].shift(by: -5)
            history[history.count - 1].result = .fields(["type": .text("progress"), "revision": .int(revision)])
        case .eventAfterTheEnd:
            history.append(history[one])
            history[history.count - 1].shift(by: -5)
            history[history.count - 1].result = .fields([
                "type": .text("compacted"), "first_available": .int(revision + 1),
            ])
        case .readBehindAnEvent: return false
        }
        return true
    }

    private func spoilARead(
        _ history: inout [RecordedOperation], _ stream: WatchedTree.Stream, _ dice: inout StoryDice
    ) -> Bool {
        for read in history.acknowledged("get", "list", "count", shuffledBy: &dice)
        where history[read].argument["at"] == nil {
            let told = stream.documents.last { history.isBefore($0, read) && history[$0].result["revision"] != nil }
            guard let told, let revision = history[told].result["revision"]?.int, revision > 0 else { continue }
            history[read].revision = revision - 1
            return true
        }
        return false
    }
}

extension RecordedOperation {
    fileprivate mutating func shift(by places: Int) {
        invoked += places
        returned += places
    }

    fileprivate mutating func tell(_ events: [HistoryValue], revision: Int64? = nil) {
        result = result.with("events", .list(events))
        if let revision { result = result.with("revision", .int(revision)) }
    }
}

extension HistoryValue {
    fileprivate func with(_ name: String, _ value: HistoryValue) -> HistoryValue {
        guard case .map(var fields) = self else { return self }
        fields[.text(name)] = value
        return .map(fields)
    }
}
