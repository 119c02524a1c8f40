import ConcordChecker

/// The same numbers in every run: SplitMix64.
struct StoryDice: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: Int) { state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }

    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
}

extension Verdict {
    var violation: Violation? {
        if case .violation(let violation) = self { violation } else { nil }
    }
}

extension HistoryValue {
    static func ints(_ numbers: [Int]) -> HistoryValue { .list(numbers.map { .int(Int64($0)) }) }
}

extension HistoryValue {
    static func fields(_ fields: [String: HistoryValue]) -> HistoryValue {
        .map(Dictionary(uniqueKeysWithValues: fields.map { (.text($0), $1) }))
    }

    static func number(_ number: Int) -> HistoryValue { .int(Int64(number)) }
}

/// A history in the making: each line stands ten positions and ten milliseconds behind the one before.
struct StoryRecorder {
    private(set) var operations: [RecordedOperation] = []
    private(set) var position = 0
    private var processes = 1_000

    var time: Int64 { Int64(position) * 1_000_000 }

    /// - Returns: what `end` wants.
    mutating func begin(
        _ function: String, _ argument: HistoryValue = .null, key: HistoryValue? = nil, process: HistoryValue? = nil
    ) -> Int {
        processes += 1
        operations.append(
            RecordedOperation(
                process: process ?? .number(processes), function: function, key: key, argument: argument,
                outcome: .unknown, invoked: position, returned: .max, invokedTime: time))
        position += 10
        return operations.count - 1
    }

    mutating func end(
        _ index: Int, _ result: HistoryValue = .null, _ outcome: RecordedOperation.Outcome = .ok, revision: Int? = nil
    ) {
        operations[index].result = result
        operations[index].outcome = outcome
        operations[index].returned = position
        operations[index].returnedTime = time
        operations[index].revision = revision.map(Int64.init)
        position += 10
    }

    /// Begins and ends.
    mutating func run(
        _ function: String, _ argument: HistoryValue = .null, key: HistoryValue? = nil, _ result: HistoryValue = .null,
        revision: Int? = nil, process: HistoryValue? = nil
    ) {
        end(begin(function, argument, key: key, process: process), result, revision: revision)
    }

    mutating func deliver(
        _ function: String, _ value: HistoryValue, key: HistoryValue? = nil, process: HistoryValue, revision: Int? = nil
    ) {
        operations.append(
            .delivery(
                process: process, function, value, key: key, at: position, time: time,
                revision: revision.map(Int64.init)))
        position += 10
    }

    mutating func wait(_ positions: Int) { position += 10 * positions }
}
