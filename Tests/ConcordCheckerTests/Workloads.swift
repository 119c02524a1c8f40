import ConcordChecker

/// Reads, writes and compares of one register. With few values, many are the same.
struct RegisterWork: Workload {
    var object = PlainRegisters()
    /// 0: all are different.
    var values = 0
    var canCompare = false
    private var written = 0
    private var seen: HistoryValue = .null

    init(values: Int = 0, canCompare: Bool = false) {
        self.values = values
        self.canCompare = canCompare
    }

    private mutating func value(_ dice: inout StoryDice) -> HistoryValue {
        written += 1
        return .number(values == 0 ? written : dice.below(values))
    }

    mutating func ask(_ client: Int, _ dice: inout StoryDice) -> Request? {
        if dice.chance(45) { return Request("read") }
        let value = value(&dice)
        guard canCompare, dice.chance(60) else { return Request("write", value) }
        // What the last one saw, or what is there.
        let expected = dice.chance(50) ? seen : object.values[nil] ?? .null
        return Request("cas", .list([expected, value]))
    }

    mutating func learn(_ client: Int, _ request: Request, _ answer: Answer?) {
        if request.function == "read", let answer { seen = answer.value }
    }
}

struct KeyValueWork: Workload {
    var object = PlainRegisters()
    private var written = 0

    mutating func ask(_ client: Int, _ dice: inout StoryDice) -> Request? {
        let key = HistoryValue.text(["x", "y", "z"][dice.below(3)])
        written += 1
        // Of one length, so that none begins another.
        let text = HistoryValue.text("<\(1_000 + written)>")
        switch dice.below(10) {
        case 0..<4: return Request("get", key: key)
        case 4..<6: return Request("put", text, key: key)
        default: return Request("append", text, key: key)
        }
    }
}

struct QueueWork: Workload {
    var object = PlainQueue()
    /// 0: all are different.
    var values = 0
    private var written = 0

    init(values: Int = 0) { self.values = values }

    mutating func ask(_ client: Int, _ dice: inout StoryDice) -> Request? {
        if dice.chance(45) { return Request("dequeue") }
        written += 1
        return Request("enqueue", .number(values == 0 ? written : dice.below(values)))
    }
}

/// Of a set or of a counter.
struct AddWork<Object: PlainObject>: Workload {
    var object: Object
    /// What is added: all numbers in turn, or any of these.
    var amounts: ClosedRange<Int>?
    private var added = 0

    init(_ object: Object, amounts: ClosedRange<Int>? = nil) {
        self.object = object
        self.amounts = amounts
    }

    mutating func ask(_ client: Int, _ dice: inout StoryDice) -> Request? {
        if dice.chance(40) { return Request("read") }
        added += 1
        guard let amounts else { return Request("add", .number(added)) }
        return Request("add", .number(amounts.lowerBound + dice.below(amounts.count)))
    }
}

/// Who has got it gives it back some time.
struct HoldWork<Object: PlainObject>: Workload {
    var object: Object
    var hasTokens = false
    private var held: [Int: HistoryValue] = [:]

    init(_ object: Object, hasTokens: Bool = false) {
        self.object = object
        self.hasTokens = hasTokens
    }

    mutating func ask(_ client: Int, _ dice: inout StoryDice) -> Request? {
        guard let token = held[client] else { return Request("acquire") }
        return Request("release", hasTokens && dice.chance(70) ? token : .null)
    }

    mutating func learn(_ client: Int, _ request: Request, _ answer: Answer?) {
        if request.function == "acquire", let answer { held[client] = answer.value }
        if request.function == "release", answer != nil { held[client] = nil }
    }
}

struct ListWork: Workload {
    var object = PlainLists()
    private var appended = 0

    mutating func ask(_ client: Int, _ dice: inout StoryDice) -> Request? {
        Request(
            "txn",
            .list(
                (0...dice.below(3)).map { _ in
                    let key = HistoryValue.number(dice.below(3))
                    guard dice.chance(50) else { return .list([.text("r"), key, .null]) }
                    appended += 1
                    return .list([.text("append"), key, .number(appended)])
                }))
    }
}
