import ConcordChecker
import Testing

/// Ways to break a promise, each of which makes a good history wrong by construction: the line of each says why no
/// order can explain it.
protocol ViolationKind: CaseIterable, Sendable, CustomTestStringConvertible {
    /// - Returns: `nil` where these dice gave no occasion.
    func planted(_ dice: inout StoryDice) -> Planted?

    func verdict(_ operations: [RecordedOperation]) -> Verdict
}

/// A history before and after it was made wrong.
struct Planted {
    var truth: [RecordedOperation]
    var lie: [RecordedOperation]
}

extension ViolationKind {
    var testDescription: String { "\(self)" }

    /// How many of a kind are tried.
    static var histories: Int { 1_000 }

    /// Looks at as many histories as were promised, each wrong; and at some before they were.
    func expectAllCaught() {
        var (tried, seed) = (0, 0)
        while tried < Self.histories, seed < 50 * Self.histories {
            seed += 1
            var dice = StoryDice(seed)
            guard let planted = planted(&dice) else { continue }
            tried += 1
            if tried % 10 == 0, verdict(planted.truth) != .valid {
                Issue.record("\(self), seed \(seed): \(verdict(planted.truth)) before anything was wrong")
                return
            }
            let verdict = verdict(planted.lie.sorted { $0.invoked < $1.invoked })
            if !verdict.isViolation {
                Issue.record("\(self), seed \(seed): \(verdict)")
                return
            }
        }
        #expect(tried == Self.histories, "\(self): these dice gave \(tried) occasions")
    }
}

extension Array where Element == RecordedOperation {
    /// Acknowledged operations, in any order.
    func acknowledged(_ functions: String..., shuffledBy dice: inout StoryDice) -> [Int] {
        indices.filter { functions.contains(self[$0].function) && self[$0].outcome == .ok }.shuffled(using: &dice)
    }

    /// Whether one was over when the other began.
    func isBefore(_ one: Int, _ other: Int) -> Bool { self[one].returned < self[other].invoked }
}
