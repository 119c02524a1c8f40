import ConcordChecker
import Testing

@Suite struct RevisionReplayTests {
    @Test func whatOneTreeDidIsValid() {
        for seed in 0..<1500 {
            let history = TreeHistories().make(seed: UInt64(seed))
            #expect(Checker.checkTree(history.operations) == .valid, "seed \(seed)")
        }
    }

    @Test func whatOneTreeDidIsValidWithManyUnknownOutcomes() {
        for seed in 0..<500 {
            let history = TreeHistories(unknown: 25).make(seed: UInt64(seed))
            #expect(Checker.checkTree(history.operations) == .valid, "seed \(seed)")
        }
    }

    @Test func whatOneTreeDidIsValidByItsLog() {
        for seed in 0..<500 {
            let history = TreeHistories(unknown: 40).make(seed: UInt64(seed))
            #expect(Checker.checkTree(history.operations, committed: history.committed) == .valid, "seed \(seed)")
        }
    }

    @Test func whatOneTreeDidIsValidWhereNodesHaveNoRevisions() {
        for seed in 0..<500 {
            let history = TreeHistories(hasNodeRevisions: false).make(seed: UInt64(seed))
            #expect(Checker.checkTree(history.operations) == .valid, "seed \(seed)")
        }
    }
}
