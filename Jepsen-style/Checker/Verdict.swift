/// What a checker says of a history.
package enum Verdict: Equatable, Sendable {
    case valid
    case violation(Violation)
    /// It gave up, and why: out of time or configurations. Never a pass.
    case unknown(String)
}

/// A contradiction, made as small as it could be made.
package struct Violation: Equatable, Sendable {
    /// In one sentence, for a person: what was promised and what was seen.
    package var explanation: String
    /// Operations that contradict each other by themselves: the history of these alone is invalid, and (where the
    /// checker could afford it) without any one of them it is valid. In order of invocation.
    package var operations: [RecordedOperation]

    package init(_ explanation: String, _ operations: [RecordedOperation]) {
        self.explanation = explanation
        self.operations = operations
    }

    /// The first and the last event position of the counter-example.
    package var span: ClosedRange<Int>? {
        guard let first = operations.map(\.invoked).min() else { return nil }
        let last = operations.map { $0.returned == .max ? $0.invoked : $0.returned }.max() ?? first
        return first...max(first, last)
    }
}

/// How much a search may cost.
package struct CheckLimits {
    /// Configurations that one search may visit.
    package var configurationsMax: Int
    /// Bytes that a search may hold, about: of what it has visited and what it still has to try.
    package var bytesMax = 1 << 30
    /// Asked every few thousand configurations, more often where each takes long; `true` ends the search as unknown. The checker has no clock.
    package var isOutOfTime: () -> Bool

    package init(configurationsMax: Int = 20_000_000, isOutOfTime: @escaping () -> Bool = { false }) {
        self.configurationsMax = configurationsMax
        self.isOutOfTime = isOutOfTime
    }
}
