import ConcordChecker

/// SplitMix64: the same numbers from the same seed, everywhere.
struct Dice {
    var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func roll(_ sides: Int) -> Int {
        Int(next() % UInt64(sides))
    }
}

/// Writes histories as clients would: a call, and later what became of it.
struct Recorder {
    private(set) var operations: [RecordedOperation] = []
    private var position = 0

    @discardableResult
    mutating func call(
        _ function: String, _ argument: HistoryValue = .null, by process: Int = 0, key: HistoryValue? = nil
    ) -> Int {
        operations.append(
            RecordedOperation(
                process: .int(Int64(process)), function: function, key: key, argument: argument, outcome: .unknown,
                invoked: position, returned: .max))
        position += 1
        return operations.count - 1
    }

    mutating func ok(_ call: Int, _ result: HistoryValue = .null) {
        operations[call].outcome = .ok
        operations[call].result = result
        operations[call].returned = position
        position += 1
    }

    mutating func fail(_ call: Int) {
        operations[call].outcome = .fail
        operations[call].returned = position
        position += 1
    }

    /// One after the other: the call returns before anything else happens.
    mutating func did(
        _ function: String, _ argument: HistoryValue = .null, _ result: HistoryValue = .null, by process: Int = 0,
        key: HistoryValue? = nil
    ) {
        ok(call(function, argument, by: process, key: key), result)
    }
}

extension Verdict {
    var isViolation: Bool {
        if case .violation = self { true } else { false }
    }

    var isUnknown: Bool {
        if case .unknown = self { true } else { false }
    }

    var counterExample: [RecordedOperation] {
        if case .violation(let violation) = self { violation.operations } else { [] }
    }
}

extension Verdict {
    /// The search judges a queue in which a value is enqueued twice: so these operations come behind such values.
    static func bySearch(ofQueue operations: [RecordedOperation]) -> Verdict {
        var twice = Recorder()
        for _ in 0..<2 { twice.did("enqueue", .text("x")) }
        for _ in 0..<2 { twice.did("dequeue", .null, .text("x")) }
        let later = operations.map { operation in
            var operation = operation
            operation.invoked += 100
            if operation.returned != .max { operation.returned += 100 }
            return operation
        }
        return Checker.check(twice.operations + later, model: .queue)
    }
}
