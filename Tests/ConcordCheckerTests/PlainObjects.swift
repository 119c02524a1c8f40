import ConcordChecker

/// What a client asks for.
struct Request {
    var function: String
    var key: HistoryValue?
    var argument: HistoryValue

    init(_ function: String, _ argument: HistoryValue = .null, key: HistoryValue? = nil) {
        self.function = function
        self.key = key
        self.argument = argument
    }
}

struct Answer {
    var value: HistoryValue = .null
    var revision: Int64?
}

/// One copy of an object that does what docs/histories.md promises, and nothing clever. Good histories come from it,
/// and what the checkers say of bad ones is held against it.
protocol PlainObject {
    /// - Returns: `nil` when it cannot be done now.
    mutating func perform(_ request: Request, by process: HistoryValue) -> Answer?

    /// Does what `operation` did. Returns `false` when it would not have answered so.
    mutating func accepts(_ operation: RecordedOperation) -> Bool

    /// Whether `operation` may have been answered so, where `answer` is the object's own.
    func agrees(_ answer: Answer, with operation: RecordedOperation) -> Bool
}

extension PlainObject {
    mutating func accepts(_ operation: RecordedOperation) -> Bool {
        let request = Request(operation.function, operation.argument, key: operation.key)
        guard let answer = perform(request, by: operation.process) else { return false }
        return operation.outcome == .unknown || agrees(answer, with: operation)
    }

    func agrees(_ answer: Answer, with operation: RecordedOperation) -> Bool { answer.value == operation.result }
}

/// Registers by key, of numbers or of texts.
struct PlainRegisters: PlainObject {
    private(set) var values: [HistoryValue?: HistoryValue] = [:]

    mutating func perform(_ request: Request, by process: HistoryValue) -> Answer? {
        let value = values[request.key] ?? .null
        switch request.function {
        case "read", "get": return Answer(value: value)
        case "write", "put": values[request.key] = request.argument
        case "append": values[request.key] = .text((value.text ?? "") + (request.argument.text ?? ""))
        default:
            guard let parts = request.argument.list, parts[0] == value else { return Answer(value: .bool(false)) }
            values[request.key] = parts[1]
        }
        return Answer()
    }

    func agrees(_ answer: Answer, with operation: RecordedOperation) -> Bool {
        switch operation.function {
        case "read": answer.value == operation.result
        case "get": (answer.value.text ?? "") == (operation.result.text ?? "")
        case "cas": (answer.value == .bool(false)) == (operation.result == .bool(false))
        default: true
        }
    }
}

/// First in, first out.
struct PlainQueue: PlainObject {
    private(set) var elements: [HistoryValue] = []

    mutating func perform(_ request: Request, by process: HistoryValue) -> Answer? {
        switch request.function {
        case "enqueue":
            elements.append(request.argument)
            return Answer()
        case "dequeue": return Answer(value: elements.isEmpty ? .null : elements.removeFirst())
        default:
            defer { elements = [] }
            return Answer(value: .list(elements))
        }
    }

    func agrees(_ answer: Answer, with operation: RecordedOperation) -> Bool {
        operation.function == "enqueue" || answer.value == operation.result
    }
}

struct PlainSet: PlainObject {
    private var elements: Set<HistoryValue> = []
    private var order: [HistoryValue] = []

    mutating func perform(_ request: Request, by process: HistoryValue) -> Answer? {
        guard request.function == "add" else { return Answer(value: .list(order)) }
        if elements.insert(request.argument).inserted { order.append(request.argument) }
        return Answer()
    }

    func agrees(_ answer: Answer, with operation: RecordedOperation) -> Bool {
        operation.function == "add" || operation.result.list.map { Set($0) == elements } ?? false
    }
}

struct PlainCounter: PlainObject {
    private var sum: Int64 = 0

    mutating func perform(_ request: Request, by process: HistoryValue) -> Answer? {
        guard request.function == "add" else { return Answer(value: .int(sum)) }
        sum += request.argument.int ?? 0
        return Answer()
    }
}

/// Whoever asks, it is taken or free.
struct PlainMutex: PlainObject {
    private var isTaken = false

    mutating func perform(_ request: Request, by process: HistoryValue) -> Answer? {
        let takes = request.function == "acquire"
        if takes == isTaken { return nil }
        isTaken = takes
        return Answer()
    }

    func agrees(_ answer: Answer, with operation: RecordedOperation) -> Bool { true }
}

/// A lock whose tokens rise, by one or more.
struct PlainLock: PlainObject {
    /// The token is not known where its grant was not answered.
    private var holder: (process: HistoryValue, token: Int64?)?
    private var last: Int64?
    /// Grants since then of which no token is known; each has one of its own.
    private var unnamed: Int64 = 0

    mutating func perform(_ request: Request, by process: HistoryValue) -> Answer? {
        if request.function == "release" { return release(request.argument.int, by: process) ? Answer() : nil }
        let token = (last ?? 0) + unnamed + 1
        return acquire(token, by: process) ? Answer(value: .int(token)) : nil
    }

    mutating func accepts(_ operation: RecordedOperation) -> Bool {
        if operation.function == "release" { return release(operation.argument.int, by: operation.process) }
        return acquire(operation.outcome == .ok ? operation.result.int : nil, by: operation.process)
    }

    private mutating func acquire(_ token: Int64?, by process: HistoryValue) -> Bool {
        guard holder == nil else { return false }
        if let token, let last, token - last <= unnamed { return false }
        holder = (process, token)
        last = token ?? last
        unnamed = token == nil ? unnamed + 1 : 0
        return true
    }

    /// - Parameter token: `nil` for the process' own.
    private mutating func release(_ token: Int64?, by process: HistoryValue) -> Bool {
        guard let held = holder else { return false }
        guard let token else {
            guard held.process == process else { return false }
            holder = nil
            return true
        }
        if let known = held.token {
            guard token == known else { return false }
        } else {
            // Its own is the last of those that are not known.
            if let last, token - last < unnamed { return false }
            last = token
            unnamed = 0
        }
        holder = nil
        return true
    }
}

/// Lists by key, and transactions on them.
struct PlainLists: PlainObject {
    private var lists: [HistoryValue: [HistoryValue]] = [:]

    mutating func perform(_ request: Request, by process: HistoryValue) -> Answer? {
        var answers: [HistoryValue] = []
        for step in (request.argument.list ?? []).compactMap(\.list) {
            if step[0] == .text("append") {
                lists[step[1], default: []].append(step[2])
                answers.append(.list(step))
            } else {
                answers.append(.list([step[0], step[1], .list(lists[step[1]] ?? [])]))
            }
        }
        return Answer(value: .list(answers))
    }
}
