import ConcordChecker
import Testing

@Suite struct RevisionReplayTests {
    @Test func whatOneTreeDidIsValid() {
        for seed in 0..<1000 {
            let history = TreeHistories().make(seed: UInt64(seed))
            #expect(Checker.checkTree(history.operations) == .valid, "seed \(seed)")
        }
    }

    /// Where nearly half of the outcomes are unknown the checker may give up, but not often, and never wrongly.
    @Test func whatOneTreeDidIsNoViolationWithManyUnknownOutcomes() {
        var valid = 0
        for seed in 0..<100 {
            let history = TreeHistories(unknown: 25).make(seed: UInt64(seed))
            let verdict = Checker.checkTree(history.operations)
            #expect(!verdict.isViolation, "seed \(seed)")
            if verdict == .valid { valid += 1 }
        }
        #expect(valid >= 85)
    }

    @Test func whatOneTreeDidIsValidByItsLog() {
        for seed in 0..<200 {
            let history = TreeHistories(unknown: 40).make(seed: UInt64(seed))
            #expect(Checker.checkTree(history.operations, committed: history.committed) == .valid, "seed \(seed)")
        }
    }

    @Test func whatOneTreeDidIsValidWhereNodesHaveNoRevisions() {
        for seed in 0..<200 {
            let history = TreeHistories(hasNodeRevisions: false).make(seed: UInt64(seed))
            #expect(Checker.checkTree(history.operations) == .valid, "seed \(seed)")
        }
    }

    // MARK: - Registers

    private func register(_ events: [(String, Int64?, Int64?)]) -> [RecordedOperation] {
        events.enumerated().map { place, event in
            RecordedOperation(
                process: .int(Int64(place)), function: event.0, key: .text("k"),
                argument: event.0 == "write" ? .int(event.1 ?? 0) : .null,
                result: event.0 == "read" ? event.1.map { .int($0) } ?? .null : .null,
                outcome: event.2 == nil ? .unknown : .ok, invoked: 2 * place,
                returned: event.2 == nil ? .max : 2 * place + 1, revision: event.2)
        }
    }

    @Test func registersAreReplayedAmongTheRevisionsOfOthers() {
        let history = register([("write", 1, 5), ("read", 1, 9), ("write", 2, nil), ("read", 2, 12), ("write", 3, 20)])
        #expect(Checker.check(history, model: .register) == .valid)
    }

    @Test func aRegisterThatLiesAboutRevisionsIsFound() {
        // Without the revisions each of these fits.
        let back = register([("write", 1, 5), ("read", 1, 4)])
        #expect(Checker.check(back, model: .register).isViolation)
        let twice = register([("write", 1, 5), ("write", 2, 5)])
        #expect(Checker.check(twice, model: .register).isViolation)
        let full = register([("write", 1, 5), ("write", 2, nil), ("read", 2, 5)])
        #expect(Checker.check(full, model: .register).isViolation)
    }
}
