/// Judges total-order broadcast: one sequence for all readers, dense, without duplicates, in the order of each sender
/// and of real time, and holding all that was acknowledged. Its functions are in docs/histories.md.
package enum TopicChecker {
    package static func check(_ operations: [RecordedOperation]) -> Verdict {
        .of { () throws(MalformedHistory) in
            var topics: [HistoryValue] = []
            var parts: [HistoryValue: [RecordedOperation]] = [:]
            for operation in operations where ["publish", "subscribe", "message"].contains(operation.function) {
                let topic = try operation.needKey()
                if parts[topic] == nil { topics.append(topic) }
                parts[topic, default: []].append(operation)
            }
            for topic in topics {
                if let found = try TopicHistory(parts[topic] ?? []).violation() { return found }
            }
            return nil
        }
    }
}

/// One topic.
private struct TopicHistory {
    struct Message: Hashable {
        var sender: HistoryValue
        var sequence: Int64

        var shown: String { "\(sender.shown)'s message \(sequence)" }
    }

    /// A message at an offset, and who says so: an acknowledgement or a reader.
    struct Position {
        var offset: Int64
        var message: Message
        var source: RecordedOperation
    }

    /// What one `subscribe` was told.
    struct Stream {
        var opening: RecordedOperation
        var next: Int64?
        var messages: [Position] = []
        var ending: RecordedOperation?
    }

    private var publications: [Message: [RecordedOperation]] = [:]
    private var positions: [Position] = []
    private var streams: [Stream] = []
    /// Found while reading the streams.
    private var early: Violation?

    init(_ operations: [RecordedOperation]) throws(MalformedHistory) {
        var streamOf: [HistoryValue: Int] = [:]
        for operation in operations.sorted(by: { $0.invoked < $1.invoked }) {
            switch operation.function {
            case "publish":
                let message = try TopicHistory.message(operation.argument, operation)
                publications[message, default: []].append(operation)
                guard operation.isAcknowledged else { continue }
                let offset = try TopicHistory.offset(operation)
                positions.append(Position(offset: offset, message: message, source: operation))
            case "subscribe":
                streamOf[operation.process] = streams.count
                streams.append(Stream(opening: operation, next: operation.argument["from"]?.int))
                if operation.refusal != nil { streams[streams.count - 1].ending = operation }
            default:
                guard let stream = streamOf[operation.process] else {
                    throw MalformedHistory("message at \(operation.invoked) is on no stream")
                }
                try deliver(operation, on: stream)
            }
        }
    }

    private mutating func deliver(_ operation: RecordedOperation, on stream: Int) throws(MalformedHistory) {
        if let ending = streams[stream].ending, early == nil {
            early = .of("a stream went on after it had said compacted", [streams[stream].opening, ending, operation])
        }
        if operation.result["type"]?.text == "compacted" {
            streams[stream].ending = operation
            return
        }
        let position = Position(
            offset: try TopicHistory.offset(operation),
            message: try TopicHistory.message(operation.result["value"] ?? .null, operation), source: operation)
        streams[stream].messages.append(position)
        positions.append(position)
    }

    private static func offset(_ operation: RecordedOperation) throws(MalformedHistory) -> Int64 {
        let offset = try operation.need("offset", operation.result["offset"])
        guard (0..<Int64.max).contains(offset) else {
            throw MalformedHistory("\(operation.function) at \(operation.invoked) has no sensible offset")
        }
        return offset
    }

    private static func message(
        _ value: HistoryValue, _ operation: RecordedOperation
    ) throws(MalformedHistory) -> Message {
        guard let sender = value["sender"] else {
            throw MalformedHistory("\(operation.function) at \(operation.invoked) names no sender")
        }
        return Message(sender: sender, sequence: try operation.need("sequence", value["sequence"]))
    }

    func violation() throws(MalformedHistory) -> Violation? {
        if let early { return early }
        return unpublished() ?? disagreement() ?? duplicate() ?? gap() ?? outOfOrderInTime() ?? outOfOrderOfSender()
    }

    private func unpublished() -> Violation? {
        for position in positions where position.source.function == "message" {
            let attempts = publications[position.message] ?? []
            guard let first = attempts.first, attempts.contains(where: { $0.outcome != .fail }) else {
                return .of(
                    "\(position.source.place) read \(position.message.shown), which nobody published, or only in vain",
                    attempts + [position.source])
            }
            if position.source.invoked < first.invoked {
                return .of("\(position.message.shown) was read before it was published", [first, position.source])
            }
            if attempts.allSatisfy({ $0.refusal != nil || $0.outcome == .fail }) {
                return .of("\(position.message.shown) was refused, and read all the same", attempts + [position.source])
            }
        }
        return nil
    }

    private func disagreement() -> Violation? {
        var known: [Int64: Position] = [:]
        for position in positions {
            guard let other = known[position.offset] else {
                known[position.offset] = position
                continue
            }
            if other.message == position.message { continue }
            let verbs = [other, position].map { $0.source.function == "publish" ? "was acknowledged" : "was read" }
            return .of(
                "\(other.message.shown) \(verbs[0]) at offset \(position.offset), and \(position.message.shown) "
                    + "\(verbs[1]) there: no one sequence has both", [other.source, position.source])
        }
        return nil
    }

    private func duplicate() -> Violation? {
        var known: [Message: Position] = [:]
        for position in positions {
            guard let other = known[position.message] else {
                known[position.message] = position
                continue
            }
            if other.offset == position.offset { continue }
            return .of(
                "\(position.message.shown) has two places: offsets \(other.offset) and \(position.offset)",
                [other.source, position.source])
        }
        return nil
    }

    private func gap() -> Violation? {
        for stream in streams {
            var next = stream.next
            var last = stream.opening
            for position in stream.messages {
                if let next, position.offset != next {
                    return .of(
                        "\(stream.opening.place) had to read offset \(next) next and read \(position.offset)",
                        [stream.opening, last, position.source])
                }
                next = position.offset + 1
                last = position.source
            }
            if let ending = stream.ending, let next, let first = ending.result["first_available"]?.int, first <= next {
                return .of(
                    "a stream was told compacted, though offset \(next), its next, was not gone (the first is \(first))",
                    [stream.opening, last, ending])
            }
        }
        return nil
    }

    /// One for each message that has a place: its first publication, its last, and where it stands.
    private var placed: [(first: RecordedOperation, attempts: [RecordedOperation], position: Position)] {
        var seen: Set<Message> = []
        return positions.compactMap { position in
            guard seen.insert(position.message).inserted, let attempts = publications[position.message],
                let first = attempts.first
            else { return nil }
            return (first, attempts, position)
        }
    }

    private func outOfOrderInTime() -> Violation? {
        let placed = placed
        let begun = placed.sorted { $0.first.invoked < $1.first.invoked }
        let done = placed.compactMap { place in
            place.attempts.filter(\.isAcknowledged).min { $0.returned < $1.returned }.map { ($0, place.position) }
        }.sorted { $0.0.returned < $1.0.returned }
        var next = 0
        var highest: (operation: RecordedOperation, position: Position)?
        for place in begun {
            while next < done.count && done[next].0.returned < place.first.invoked {
                if highest.map({ $0.position.offset < done[next].1.offset }) ?? true { highest = done[next] }
                next += 1
            }
            guard let highest, highest.position.offset > place.position.offset else { continue }
            return .of(
                "\(place.position.message.shown) was published after \(highest.position.message.shown) was acknowledged, "
                    + "and stands before it: offsets \(place.position.offset) and \(highest.position.offset)",
                [highest.operation, place.first, place.position.source])
        }
        return nil
    }

    private func outOfOrderOfSender() -> Violation? {
        var latest: [HistoryValue: (first: RecordedOperation, position: Position)] = [:]
        for place in placed.sorted(by: { $0.position.offset < $1.position.offset }) {
            let message = place.position.message
            guard let before = latest[message.sender], before.position.message.sequence > message.sequence else {
                latest[message.sender] = (place.first, place.position)
                continue
            }
            // What became of it was not known: it may come late.
            guard place.attempts.allSatisfy({ $0.outcome == .ok }) else { continue }
            return .of(
                "\(before.position.message.shown) stands at offset \(before.position.offset), before "
                    + "\(message.shown) at \(place.position.offset)",
                [before.first, before.position.source, place.first, place.position.source])
        }
        return nil
    }
}
