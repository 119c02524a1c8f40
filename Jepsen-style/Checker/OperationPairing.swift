/// The fields of an event, before they are understood.
struct RawEvent {
    var type = HistoryValue.null
    var process = HistoryValue.null
    var function = HistoryValue.null
    var value: HistoryValue?
    var key: HistoryValue?
    var time: HistoryValue?
    var revision: HistoryValue?
    private var seen: UInt8 = 0

    enum Field: UInt8, CaseIterable {
        case type, process, f, value, key, time, revision

        /// The names as bytes: comparing them is most of what reading an event costs.
        static let names: [[UInt8]] = allCases.map { Array("\($0)".utf8) }
        static let byName: [HistoryValue: Field] = Dictionary(
            uniqueKeysWithValues: allCases.map { (.text("\($0)"), $0) })
    }

    /// - Returns: `false` when the field stands here already.
    mutating func set(_ field: Field, _ value: HistoryValue) -> Bool {
        switch field {
        case .type: type = value
        case .process: process = value
        case .f: function = value
        case .value: self.value = value
        case .key: key = value
        case .time: time = value
        case .revision: revision = value
        }
        let bit: UInt8 = 1 << field.rawValue
        defer { seen |= bit }
        return seen & bit == 0
    }
}

/// Why an event cannot be.
struct EventError: Error {
    var message: String
}

/// Joins each completion to its invocation, by process.
struct OperationPairing {
    private(set) var eventCount = 0
    private var operations: [RecordedOperation] = []
    /// By process: the operation that it has begun and of which it has learnt nothing yet.
    private var open: [HistoryValue: Int] = [:]

    /// - Parameter bytes: of the file, of which an operation's two events often take some hundreds.
    init(expecting bytes: Int) {
        operations.reserveCapacity(bytes / 256)
    }

    mutating func add(_ raw: RawEvent) throws(EventError) {
        guard let type = raw.type.text, let kind = HistoryEvent.Kind(rawValue: type) else {
            throw EventError(message: "an event needs a type: invoke, ok, fail or info")
        }
        let position = eventCount
        eventCount += 1
        // What tests do to the system, not what clients see.
        if raw.process == .text("nemesis") { return }
        guard raw.revision == nil || raw.revision == .null || raw.revision?.int != nil else {
            throw EventError(message: "a revision should be a whole number of 64 bits")
        }
        switch kind {
        case .ok where RecordedOperation.delivered.contains(raw.function.text ?? ""): deliver(raw, position)
        case .invoke: try invoke(raw, position)
        case .ok, .fail, .info: try complete(raw, kind, position)
        }
    }

    private mutating func invoke(_ raw: RawEvent, _ position: Int) throws(EventError) {
        guard open[raw.process] == nil else {
            throw EventError(message: "process \(raw.process) begins an operation while it has one open")
        }
        open[raw.process] = operations.count
        operations.append(
            RecordedOperation(
                process: raw.process, function: try function(raw) ?? "txn", key: raw.key == .null ? nil : raw.key,
                argument: raw.value ?? .null, outcome: .unknown, invoked: position, returned: .max,
                invokedTime: raw.time?.int))
    }

    private mutating func complete(_ raw: RawEvent, _ kind: HistoryEvent.Kind, _ position: Int) throws(EventError) {
        guard let index = open.removeValue(forKey: raw.process) else {
            // A remark of a process that has nothing open.
            if kind == .info { return }
            throw EventError(message: "process \(raw.process) completes an operation that it has not begun")
        }
        let begun = operations[index]
        if let function = try function(raw), function != begun.function {
            throw EventError(message: "process \(raw.process) completes \(function), but began \(begun.function)")
        }
        if let key = raw.key, key != .null, begun.key != nil, key != begun.key {
            throw EventError(message: "process \(raw.process) completes with another key than it began with")
        }
        operations[index].returnedTime = raw.time?.int
        operations[index].revision = raw.revision?.int
        switch kind {
        case .ok:
            operations[index].outcome = .ok
            operations[index].result = raw.value ?? .null
            operations[index].returned = position
        case .fail:
            operations[index].outcome = .fail
            operations[index].result = raw.value ?? .null
            operations[index].returned = position
        case .info, .invoke: break
        }
    }

    private mutating func deliver(_ raw: RawEvent, _ position: Int) {
        operations.append(
            .delivery(
                process: raw.process, raw.function.text ?? "", raw.value ?? .null,
                key: raw.key == .null ? nil : raw.key, at: position, time: raw.time?.int, revision: raw.revision?.int))
    }

    private func function(_ raw: RawEvent) throws(EventError) -> String? {
        switch raw.function {
        case .text(let function): return function
        case .null: return nil
        default: throw EventError(message: "f should be a name")
        }
    }

    /// The operations in the order of invocation, those of `independent` with their keys.
    consuming func finished() -> [RecordedOperation] {
        var operations = operations
        if IndependentTuples.areUsed(in: operations) {
            for index in operations.indices { IndependentTuples.takeApart(&operations[index]) }
        }
        return operations
    }
}

/// Histories of `jepsen.independent` have many objects; each value is `[key value]`.
enum IndependentTuples {
    /// Only where every value is such a pair, and one of two things tells that it is not the value of a register of
    /// pairs or the argument of a compare-and-set: a read asks for `[key nil]`, or every compare-and-set is
    /// `[key [old new]]`.
    static func areUsed(in operations: [RecordedOperation]) -> Bool {
        guard operations.allSatisfy(isOfTuples) else { return false }
        if operations.contains(where: asksForAKey) { return true }
        let compares = operations.filter(\.isCompareAndSet)
        return !compares.isEmpty && compares.allSatisfy { $0.argument.list?[1].list?.count == 2 }
    }

    private static func isOfTuples(_ operation: RecordedOperation) -> Bool {
        guard operation.key == nil, isTuple(operation.argument) else { return false }
        guard operation.outcome == .ok else { return true }
        switch operation.result {
        case .null, .bool: return true
        default: return isTuple(operation.result) && operation.result.list?[0] == operation.argument.list?[0]
        }
    }

    private static func asksForAKey(_ operation: RecordedOperation) -> Bool {
        operation.argument.list?[1] == .null && !operation.isCompareAndSet && !operation.isWrite
    }

    static func takeApart(_ operation: inout RecordedOperation) {
        if let pair = operation.argument.list, pair.count == 2 {
            operation.key = pair[0]
            operation.argument = pair[1]
        }
        if let pair = operation.result.list, pair.count == 2 { operation.result = pair[1] }
    }

    private static func isTuple(_ value: HistoryValue) -> Bool {
        guard let pair = value.list, pair.count == 2 else { return false }
        switch pair[0] {
        case .map, .null: return false
        case .bool, .int, .real, .text, .list: return true
        }
    }
}

extension RecordedOperation {
    fileprivate var isCompareAndSet: Bool { function == "cas" || function == "compare-and-set" }

    fileprivate var isWrite: Bool { ["write", "w", "put"].contains(function) }
}
