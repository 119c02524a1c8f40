import ConcordChecker

/// Histories of objects that do what they promise: each operation takes effect at one moment between its two ends.
enum Simulated {
    /// - Parameter unknown: one in how many operations loses its answer; half of those never take effect.
    static func register(
        _ dice: inout Dice, operations count: Int, clients: Int, values: Int, unknown: Int
    ) -> [RecordedOperation] {
        var recorder = Recorder()
        var value: Int64 = 0
        /// By client: its call and whether it took effect.
        var open: [(call: Int, answer: HistoryValue?)?] = Array(repeating: nil, count: clients)
        var process = clients
        while recorder.operations.count < count {
            let client = dice.roll(clients)
            guard let (call, answer) = open[client] else {
                let kinds = ["read", "write", "cas"]
                let function = kinds[dice.roll(3)]
                let new = HistoryValue.int(Int64(dice.roll(values)))
                let argument: HistoryValue =
                    function == "read" ? .null : function == "write" ? new : .list([.int(value), new])
                open[client] = (recorder.call(function, argument, by: client + process), nil)
                continue
            }
            let operation = recorder.operations[call]
            if dice.roll(unknown) == 0 {
                if answer == nil, dice.roll(2) == 0 { _ = take(operation, &value) }
                process += clients
                open[client] = nil
            } else if let answer {
                if answer == .bool(false) { recorder.fail(call) } else { recorder.ok(call, answer) }
                open[client] = nil
            } else {
                open[client] = (call, take(operation, &value))
            }
        }
        return recorder.operations
    }

    private static func take(_ operation: RecordedOperation, _ value: inout Int64) -> HistoryValue {
        switch operation.function {
        case "read": return .int(value)
        case "write":
            value = operation.argument.int ?? 0
            return .null
        default:
            guard operation.argument.list?[0] == .int(value) else { return .bool(false) }
            value = operation.argument.list?[1].int ?? 0
            return .null
        }
    }

    /// A queue with values that are unique, or not; `drains` at the end.
    static func queue(
        _ dice: inout Dice, operations count: Int, clients: Int, isUnique: Bool, unknown: Int
    ) -> [RecordedOperation] {
        var recorder = Recorder()
        var queue: [HistoryValue] = []
        var open: [(call: Int, answer: HistoryValue?)?] = Array(repeating: nil, count: clients)
        var next: Int64 = 0
        while recorder.operations.count < count {
            let client = dice.roll(clients)
            guard let (call, answer) = open[client] else {
                let isEnqueue = dice.roll(2) == 0
                next += 1
                let value = HistoryValue.int(isUnique ? next : Int64(dice.roll(3)))
                open[client] = (
                    recorder.call(isEnqueue ? "enqueue" : "dequeue", isEnqueue ? value : .null, by: client), nil
                )
                continue
            }
            if unknown > 0, dice.roll(unknown) == 0 {
                open[client] = nil
            } else if let answer {
                recorder.ok(call, answer)
                open[client] = nil
            } else {
                let operation = recorder.operations[call]
                if operation.function == "enqueue" {
                    queue.append(operation.argument)
                    open[client] = (call, .null)
                } else {
                    open[client] = (call, queue.isEmpty ? .null : queue.removeFirst())
                }
            }
        }
        return recorder.operations
    }
}

extension Dice: RandomNumberGenerator {}
