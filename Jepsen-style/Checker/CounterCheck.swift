/// Jepsen's `counter`: a read is at least what must have happened before it began and at most what can have happened
/// before it returned. Additions may be negative: such a one lowers the least from its beginning on, and the most
/// from its acknowledgement on.
enum CounterCheck {
    static func check(
        _ operations: [RecordedOperation], initial: HistoryValue
    ) throws(UnreadableOperation) -> Verdict {
        let start = initial == .null ? 0 : initial.int
        guard let start else { return .unknown("a counter begins with a whole number") }
        var additions: [Addition] = []
        var reads: [(operation: RecordedOperation, value: Int128)] = []
        for operation in operations where operation.outcome != .fail {
            switch operation.function {
            case "add", "increment", "decrement":
                guard let amount = operation.argument.int else {
                    throw UnreadableOperation(operation, "an addition needs a whole number")
                }
                let isDown = operation.function == "decrement"
                additions.append(Addition(operation: operation, amount: isDown ? -Int128(amount) : Int128(amount)))
            case "read":
                guard operation.outcome == .ok, operation.result != .null else { continue }
                guard let value = operation.result.int else {
                    throw UnreadableOperation(operation, "a read tells a whole number")
                }
                reads.append((operation, Int128(value)))
            default: throw UnreadableOperation(operation, "the model counter has add and read")
            }
        }
        let bounds = CounterBounds(additions, start: Int128(start))
        for (read, value) in reads.sorted(by: { $0.operation.returned < $1.operation.returned }) {
            let least = bounds.least(for: read)
            let most = bounds.most(for: read)
            if value < least || value > most {
                return .violation(
                    Violation(
                        "A read tells \(value); between \(least) and \(most) is possible.",
                        bounds.evidence(against: read, value: value)))
            }
        }
        return .valid
    }
}

struct Addition {
    var operation: RecordedOperation
    var amount: Int128
}

/// Sums of additions by the positions at which they begin and are acknowledged.
private struct CounterBounds {
    private let start: Int128
    private let additions: [Addition]
    private let upBegun: RunningSum
    private let upDone: RunningSum
    private let downBegun: RunningSum
    private let downDone: RunningSum

    init(_ additions: [Addition], start: Int128) {
        self.start = start
        self.additions = additions
        let up = additions.filter { $0.amount > 0 }
        let down = additions.filter { $0.amount < 0 }
        upBegun = RunningSum(up.map { ($0.operation.invoked, $0.amount) })
        upDone = RunningSum(up.map { ($0.operation.returned, $0.amount) })
        downBegun = RunningSum(down.map { ($0.operation.invoked, $0.amount) })
        downDone = RunningSum(down.map { ($0.operation.returned, $0.amount) })
    }

    func least(for read: RecordedOperation) -> Int128 {
        start + upDone.sum(before: read.invoked) + downBegun.sum(before: read.returned)
    }

    func most(for read: RecordedOperation) -> Int128 {
        start + upBegun.sum(before: read.returned) + downDone.sum(before: read.invoked)
    }

    /// The read, all that could explain it, and of what makes that impossible the largest until it does.
    func evidence(against read: RecordedOperation, value: Int128) -> [RecordedOperation] {
        let sign: Int128 = value < least(for: read) ? 1 : -1
        let helping = additions.filter { $0.amount * sign < 0 && $0.operation.invoked < read.returned }
        let hindering = additions.filter { $0.amount * sign > 0 && $0.operation.returned < read.invoked }
            .sorted { ($0.amount * sign, $1.operation.invoked) > ($1.amount * sign, $0.operation.invoked) }
        var gap = (start - value + helping.reduce(0) { $0 + $1.amount }) * sign
        var evidence = helping.map(\.operation)
        for addition in hindering where gap <= 0 {
            gap += addition.amount * sign
            evidence.append(addition.operation)
        }
        return (evidence + [read]).sorted { $0.invoked < $1.invoked }
    }
}

private struct RunningSum {
    private var positions: [Int] = []
    private var sums: [Int128] = [0]

    init(_ amounts: [(position: Int, amount: Int128)]) {
        var sum: Int128 = 0
        for (position, amount) in amounts.sorted(by: { $0.position < $1.position }) {
            sum += amount
            positions.append(position)
            sums.append(sum)
        }
    }

    func sum(before position: Int) -> Int128 {
        sums[positions.countOfFront { $0 < position }]
    }
}
