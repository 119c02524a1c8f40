import ConcordChecker

/// Of a topic with three senders, whose messages follow one another, and three readers.
enum TopicViolation: ViolationKind {
    /// A reader is not told a message, and is told the next.
    case messageLost
    /// A reader is told another message than the acknowledgement says stands there.
    case anotherMessage
    /// One message is told at two offsets.
    case messageTwice
    /// A reader is told what nobody published.
    case phantomMessage
    /// A reader is told a message before it was sent.
    case messageOfTheFuture
    /// Two messages one after the other, the first acknowledged before the second was sent, stand the other way round.
    case orderAgainstTime
    /// As before, and both of one sender.
    case orderAgainstTheSender
    /// The acknowledgement of a message that nobody is told says an offset at which another is told.
    case offsetOfTwo
    /// A reader is told a message that nobody else is, whose answer is lost, where another reader is told another.
    case readersDisagree
    /// A reader is told an offset again.
    case readerGoesBack
    /// A reader is told an offset before that from which on it asked.
    case readerBeginsEarly

    func verdict(_ operations: [RecordedOperation]) -> Verdict { TopicChecker.check(operations) }

    func planted(_ dice: inout StoryDice) -> Planted? {
        var twin = dice
        return Planted(
            truth: TimedTopic.history(lying: nil, &dice), lie: TimedTopic.history(lying: self, &twin))
    }
}

struct TimedTopic {
    /// Takes its place at `at`.
    struct Message {
        var sender: Int
        var sequence: Int
        var at: Int
        var sent: Int
        var acknowledged: Int?

        var value: HistoryValue { .fields(["sender": .number(sender), "sequence": .number(sequence)]) }
    }

    struct Delivery {
        var reader: Int
        var offset: Int
        var message: HistoryValue
        var at: Int
    }

    private static let topic = HistoryValue.text("topic")

    /// At offsets 1, 2, 3, …
    private var messages: [Message] = []
    private var acknowledgedOffsets: [Int] = []
    private var deliveries: [Delivery] = []
    private var begins: [(reader: Int, from: Int, at: Int)] = []

    static func history(lying kind: TopicViolation?, _ dice: inout StoryDice) -> [RecordedOperation] {
        var topic = TimedTopic(&dice)
        if let kind { topic.lie(kind, 4 + dice.below(topic.messages.count - 8)) }
        return topic.operations
    }

    /// A sender has one message under way at a time.
    private init(_ dice: inout StoryDice) {
        let count = 12 + dice.below(20)
        for number in 0..<count {
            let at = 100 + 10 * number
            messages.append(
                Message(
                    sender: number % 3, sequence: number / 3, at: at, sent: at - 1 - dice.below(13),
                    acknowledged: dice.chance(90) ? at + 1 + dice.below(13) : nil))
        }
        acknowledgedOffsets = Array(1...count)
        for reader in 0..<3 {
            var at = 1 + dice.below(100 + 5 * count)
            // The first reads all that was ever said.
            let from = reader == 0 ? 1 : 1 + dice.below(4)
            begins.append((reader, from, at))
            for offset in from...(reader == 0 ? count : count - dice.below(4)) {
                at = max(at, messages[offset - 1].at) + 1 + dice.below(20)
                deliveries.append(
                    Delivery(reader: reader, offset: offset, message: messages[offset - 1].value, at: at))
            }
        }
    }

    private mutating func lie(_ kind: TopicViolation, _ offset: Int) {
        let index = deliveries.firstIndex { $0.reader == 0 && $0.offset == offset } ?? 0
        switch kind {
        case .messageLost: deliveries.remove(at: index)
        case .anotherMessage:
            messages[offset - 1].acknowledged = messages[offset - 1].acknowledged ?? messages[offset - 1].at + 1
            deliveries[index].message = messages[0].value
        case .messageTwice: deliveries[index].message = deliveries[index - 1].message
        case .phantomMessage:
            deliveries[index].message = .fields(["sender": .text("nobody"), "sequence": .number(1)])
        case .messageOfTheFuture:
            let end = (deliveries.map(\.at).max() ?? 0) + 100
            messages[offset - 1].sent = end
            messages[offset - 1].acknowledged = end + 5
        case .orderAgainstTime: exchange(offset, offset + 4)
        case .orderAgainstTheSender: exchange(offset, offset + 3)
        case .offsetOfTwo:
            messages.append(Message(sender: 9, sequence: 1, at: 2, sent: 1, acknowledged: 100_000))
            acknowledgedOffsets.append(offset)
        case .readersDisagree:
            messages.append(Message(sender: 9, sequence: 1, at: 2, sent: 1, acknowledged: nil))
            acknowledgedOffsets.append(0)
            let last = deliveries.lastIndex { $0.reader == 1 } ?? 0
            deliveries[last].message = messages[messages.count - 1].value
        case .readerGoesBack: deliveries[index + 1].offset = offset
        case .readerBeginsEarly: begins[0].from = 2
        }
    }

    /// For all who tell of them, and long after each other.
    private mutating func exchange(_ one: Int, _ other: Int) {
        let values = [messages[one - 1].value, messages[other - 1].value]
        for index in deliveries.indices {
            if deliveries[index].offset == one {
                deliveries[index].message = values[1]
                // No sooner than it was sent.
                deliveries[index].at += 200
            } else if deliveries[index].offset == other {
                deliveries[index].message = values[0]
            }
        }
        for index in deliveries.indices where deliveries[index].offset > one { deliveries[index].at += 200 }
        for offset in [one, other] { messages[offset - 1].acknowledged = messages[offset - 1].at + 2 }
        acknowledgedOffsets.swapAt(one - 1, other - 1)
    }

    private var operations: [RecordedOperation] {
        var lines = TimedLines()
        for (message, offset) in zip(messages, acknowledgedOffsets) {
            let end = message.acknowledged ?? message.at
            lines.call(
                "publish", message.value, key: TimedTopic.topic, .fields(["offset": .number(offset)]),
                from: message.sent, to: end, isLost: message.acknowledged == nil)
        }
        for begin in begins {
            lines.call(
                "subscribe", .fields(["from": .number(begin.from)]), key: TimedTopic.topic, from: begin.at,
                to: begin.at, process: TimedTopic.name(begin.reader))
        }
        for delivery in deliveries {
            lines.deliver(
                "message", .fields(["offset": .number(delivery.offset), "value": delivery.message]),
                key: TimedTopic.topic, process: TimedTopic.name(delivery.reader), at: delivery.at)
        }
        return lines.operations
    }

    private static func name(_ reader: Int) -> HistoryValue { .text("reader \(reader)") }
}
