import ConcordChecker
import Testing

@Suite struct TopicTests {
    @Test func aTopicThatKeepsItsPromisesIsValid() {
        for seed in 0..<400 {
            let story = TopicStory(seed: seed, fault: nil)
            #expect(TopicChecker.check(story.operations) == .valid, "seed \(seed)")
        }
    }

    @Test(arguments: TopicStory.Fault.allCases)
    func eachBrokenPromiseIsFound(_ fault: TopicStory.Fault) {
        var planted = 0
        for seed in 0..<400 {
            let story = TopicStory(seed: seed, fault: fault)
            guard story.isPlanted else { continue }
            planted += 1
            let violation = TopicChecker.check(story.operations).violation
            #expect(violation != nil, "\(fault), seed \(seed)")
            guard let violation else { continue }
            #expect(fault.words.contains { violation.explanation.contains($0) }, "\(fault): \(violation.explanation)")
            #expect(violation.operations.count <= 4 && !violation.operations.isEmpty)
        }
        #expect(planted >= 100, "\(fault) was planted \(planted) times")
    }

    @Test func aMessageOfUnknownFateMayComeLate() {
        var recorder = StoryRecorder()
        func message(_ sequence: Int) -> HistoryValue {
            .fields(["sender": .text("a"), "sequence": .number(sequence)])
        }
        _ = recorder.begin("publish", message(1), key: .text("t"))
        recorder.run("publish", message(2), key: .text("t"), .fields(["offset": .number(1)]))
        recorder.run("subscribe", .fields(["from": .number(1)]), key: .text("t"), process: .text("r"))
        for (offset, sequence) in [(1, 2), (2, 1)] {
            recorder.deliver(
                "message", .fields(["offset": .number(offset), "value": message(sequence)]), key: .text("t"),
                process: .text("r"))
        }
        #expect(TopicChecker.check(recorder.operations) == .valid)
    }

    @Test func aSubscriptionBehindTheRetentionEnds() {
        var recorder = StoryRecorder()
        recorder.run(
            "subscribe", .fields(["from": .number(5)]), key: .text("t"),
            .fields(["refused": .text("compacted"), "first_available": .number(9)]), process: .text("r"))
        #expect(TopicChecker.check(recorder.operations) == .valid)
        recorder.run(
            "subscribe", .fields(["from": .number(9)]), key: .text("t"),
            .fields(["refused": .text("compacted"), "first_available": .number(9)]), process: .text("r"))
        #expect(TopicChecker.check(recorder.operations).violation?.explanation.contains("was not gone") == true)
    }

    @Test func aMessageWithoutANumberIsNeverAPass() {
        var recorder = StoryRecorder()
        recorder.run("publish", .fields(["sender": .text("a")]), key: .text("t"))
        guard case .unknown = TopicChecker.check(recorder.operations) else {
            Issue.record("it was judged")
            return
        }
    }
}

/// Three senders and three readers of a topic that keeps its promises.
struct TopicStory {
    private(set) var operations: [RecordedOperation] = []
    private(set) var isPlanted = false

    init(seed: Int, fault: Fault?) {
        var dice = StoryDice(seed)
        operations = TopicStory.good(&dice)
        if let fault { isPlanted = plant(fault, &dice) }
    }

    private static func good(_ dice: inout StoryDice) -> [RecordedOperation] {
        var recorder = StoryRecorder()
        var log: [HistoryValue] = []
        var sending: [(operation: Int, message: HistoryValue, offset: Int?)?] = [nil, nil, nil]
        var sequences = [0, 0, 0]
        var next = [0, 0, 0]
        for _ in 0..<(80 + dice.below(160)) {
            let who = dice.below(3)
            if dice.chance(40) {
                if next[who] == 0 {
                    next[who] = 1 + dice.below(log.count + 1)
                    let from = HistoryValue.fields(["from": .number(next[who])])
                    recorder.run("subscribe", from, key: .text("t"), process: .number(who))
                } else if next[who] <= log.count {
                    let document = ["offset": HistoryValue.number(next[who]), "value": log[next[who] - 1]]
                    recorder.deliver("message", .fields(document), key: .text("t"), process: .number(who))
                    next[who] += 1
                }
            } else if let current = sending[who] {
                if dice.chance(5) {
                    // The sender gives up.
                    sending[who] = nil
                } else if let offset = current.offset {
                    recorder.end(current.operation, .fields(["offset": .number(offset)]))
                    sending[who] = nil
                } else {
                    log.append(current.message)
                    sending[who]?.offset = log.count
                }
            } else {
                sequences[who] += 1
                let message = HistoryValue.fields(["sender": .number(who), "sequence": .number(sequences[who])])
                sending[who] = (recorder.begin("publish", message, key: .text("t")), message, nil)
            }
        }
        return recorder.operations
    }
}

/// Each fault changes a good history in one thing.
extension TopicStory {
    enum Fault: CaseIterable {
        case appendsTwice, losesAnAcknowledged, readersDisagree, passesOver, invents, againstTime, againstSender
        case readsBeforeItIsSent

        var words: [String] {
            switch self {
            case .appendsTwice: ["two places"]
            case .losesAnAcknowledged, .readersDisagree: ["no one sequence"]
            case .passesOver: ["had to read offset"]
            case .invents: ["nobody published"]
            case .againstTime: ["and stands before it"]
            case .againstSender: ["stands at offset"]
            case .readsBeforeItIsSent: ["before it was published"]
            }
        }
    }

    private func offset(_ index: Int) -> Int64? { operations[index].result["offset"]?.int }

    /// The message that a publication sent or a reader got.
    private func message(_ index: Int) -> HistoryValue? {
        operations[index].function == "publish" ? operations[index].argument : operations[index].result["value"]
    }

    private var deliveries: [Int] { operations.indices.filter { operations[$0].function == "message" } }

    private var acknowledged: [Int] {
        operations.indices.filter { operations[$0].function == "publish" && operations[$0].outcome == .ok }
    }

    private func readers(of offset: Int64) -> [Int] { deliveries.filter { self.offset($0) == offset } }

    private mutating func set(_ index: Int, offset: Int64, message: HistoryValue?) {
        var document: [String: HistoryValue] = ["offset": .int(offset)]
        if operations[index].function == "message" { document["value"] = message }
        operations[index].result = .fields(document)
    }

    private mutating func plant(_ fault: Fault, _ dice: inout StoryDice) -> Bool {
        switch fault {
        case .appendsTwice: appendTwice(&dice)
        case .losesAnAcknowledged: loseAnAcknowledged(&dice)
        case .readersDisagree: disagree(&dice)
        case .passesOver: passOver(&dice)
        case .invents: invent(&dice)
        case .againstTime: exchange(ofOneSender: false)
        case .againstSender: exchange(ofOneSender: true)
        case .readsBeforeItIsSent: readEarly(&dice)
        }
    }

    private mutating func appendTwice(_ dice: inout StoryDice) -> Bool {
        guard let twice = deliveries.randomElement(using: &dice).flatMap(offset) else { return false }
        let message = readers(of: twice).first.flatMap(message)
        for index in operations.indices {
            guard let offset = offset(index), offset > twice else { continue }
            set(index, offset: offset + 1, message: self.message(index))
        }
        for index in readers(of: twice) {
            var again = operations[index]
            again.invoked += 1
            again.returned += 1
            operations.append(again)
            set(operations.count - 1, offset: twice + 1, message: message)
        }
        return true
    }

    private mutating func loseAnAcknowledged(_ dice: inout StoryDice) -> Bool {
        guard let lost = acknowledged.randomElement(using: &dice), let gone = offset(lost),
            !readers(of: gone + 1).isEmpty
        else { return false }
        for index in operations.indices {
            guard let offset = offset(index), offset > gone else { continue }
            set(index, offset: offset - 1, message: self.message(index))
        }
        let message = operations[lost].argument
        operations.removeAll { $0.function == "message" && $0.result["value"] == message }
        return true
    }

    private mutating func disagree(_ dice: inout StoryDice) -> Bool {
        guard let wrong = deliveries.randomElement(using: &dice), let offset = offset(wrong),
            readers(of: offset).count > 1,
            let other = acknowledged.first(where: {
                operations[$0].invoked < operations[wrong].invoked && message($0) != message(wrong)
            })
        else { return false }
        set(wrong, offset: offset, message: operations[other].argument)
        return true
    }

    private mutating func passOver(_ dice: inout StoryDice) -> Bool {
        guard let index = deliveries.randomElement(using: &dice) else { return false }
        let process = operations[index].process
        guard deliveries.contains(where: { $0 > index && operations[$0].process == process }) else { return false }
        operations.remove(at: index)
        return true
    }

    private mutating func invent(_ dice: inout StoryDice) -> Bool {
        guard let offset = deliveries.randomElement(using: &dice).flatMap(offset) else { return false }
        for index in readers(of: offset) {
            set(index, offset: offset, message: .fields(["sender": .number(7), "sequence": .number(1)]))
        }
        return true
    }

    /// Two neighbours change places. Those of one sender are made concurrent, so that only the sender's order breaks.
    private mutating func exchange(ofOneSender: Bool) -> Bool {
        for first in acknowledged {
            guard let offset = offset(first),
                let second = acknowledged.first(where: { self.offset($0) == offset + 1 }),
                operations[first].returned < operations[second].invoked,
                (operations[first].argument["sender"] == operations[second].argument["sender"]) == ofOneSender,
                readers(of: offset).allSatisfy({ operations[$0].invoked > operations[second].invoked })
            else { continue }
            let (before, after) = (message(first), message(second))
            for index in readers(of: offset) + readers(of: offset + 1) {
                set(index, offset: self.offset(index) ?? 0, message: message(index) == before ? after : before)
            }
            set(first, offset: offset + 1, message: nil)
            set(second, offset: offset, message: nil)
            if ofOneSender { operations[first].returned = operations[second].invoked + 1 }
            return true
        }
        return false
    }

    private mutating func readEarly(_ dice: inout StoryDice) -> Bool {
        guard let read = deliveries.randomElement(using: &dice),
            let sent = operations.firstIndex(where: {
                $0.function == "publish" && $0.argument == operations[read].result["value"]
            })
        else { return false }
        operations[sent].invoked = operations[read].invoked + 1
        if operations[sent].outcome == .ok { operations[sent].returned = operations[read].invoked + 2 }
        return true
    }
}
