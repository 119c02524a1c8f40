import ConcordChecker
import Testing

/// Nothing good is called bad, and nothing bad is called good.
@Suite struct HonestyTests {
    /// Of each subject, and of each checker of what arrives by itself.
    static let goodHistories = 800

    @Test func goodHistoriesAreMany() {
        #expect((Subject.allCases.count + 4) * HonestyTests.goodHistories >= 10_000)
    }

    @Test(arguments: Subject.allCases) func goodHistoriesAreValid(_ subject: Subject) {
        for seed in 0..<HonestyTests.goodHistories {
            var dice = StoryDice(seed)
            let clients = ConcurrentClients(
                clients: 1 + seed % 10, operationsMax: 4 + dice.below(subject.operationsMax - 3), lost: seed % 3 * 3,
                failed: seed % 4 * 3)
            let history = subject.history(of: clients, &dice)
            let verdict = subject.verdict(history.operations)
            // Where nobody was answered, nothing is known of what must be read.
            let isSilent = !history.operations.contains { $0.outcome == .ok }
            guard verdict != .valid, !(isSilent && verdict.isUnknown) else { continue }
            Issue.record("\(subject.rawValue), seed \(seed): \(verdict)")
            return
        }
    }
}

/// What arrives by itself, on streams and otherwise.
extension HonestyTests {
    @Test func goodWatchesAreValid() {
        for seed in 0..<HonestyTests.goodHistories {
            var dice = StoryDice(seed)
            let operations = WatchedTree(&dice).operations
            #expect(WatchChecker.check(operations) == .valid, "seed \(seed)")
            // The clients of the tree that is watched are clients of a tree.
            let ofTheTree = operations.filter { !["watch", "event"].contains($0.function) }
            #expect(Checker.check(ofTheTree, model: .tree) == .valid, "seed \(seed)")
        }
    }

    @Test func goodLeasesAreValid() {
        for seed in 0..<HonestyTests.goodHistories {
            var dice = StoryDice(seed)
            let operations = TimedLeases.history(of: 1 + seed % 6, lying: nil, &dice)
            #expect(LeaseChecker.check(operations, bounds: TimedLeases.bounds) == .valid, "seed \(seed)")
        }
    }

    @Test func goodTopicsAreValid() {
        for seed in 0..<HonestyTests.goodHistories {
            var dice = StoryDice(seed)
            #expect(TopicChecker.check(TimedTopic.history(lying: nil, &dice)) == .valid, "seed \(seed)")
        }
    }

    @Test func goodFencedLocksAreValid() {
        for seed in 0..<HonestyTests.goodHistories {
            var dice = StoryDice(seed)
            #expect(LockChecker.check(FencedLock.history(lying: nil, &dice)) == .valid, "seed \(seed)")
        }
    }
}

/// The checkers against judges that try everything.
extension HonestyTests {
    static let judged = Subject.allCases.filter { $0 != .set }

    /// As many of each subject are judged wrong, and fail.
    static let badHistories = 1_000

    @Test(arguments: judged) func theCheckerAndBruteForceAgree(_ subject: Subject) {
        var (valid, invalid, seed) = (0, 0, 0)
        while invalid < HonestyTests.badHistories, seed < 100_000 {
            seed += 1
            var dice = StoryDice(seed)
            let clients = ConcurrentClients(
                clients: 1 + dice.below(4), operationsMax: 3 + dice.below(5), lost: seed % 3 * 5, failed: 4)
            var operations = subject.history(of: clients, &dice).operations
            Mutation.mutate(&operations, &dice)
            guard operations.count <= 8, let isValid = subject.isValid(operations) else { continue }
            if isValid { valid += 1 } else { invalid += 1 }
            let verdict = subject.verdict(operations)
            guard isValid ? verdict != .valid : !verdict.isViolation else { continue }
            Issue.record("\(subject.rawValue), seed \(seed), is \(isValid ? "valid" : "invalid"): \(verdict)")
            return
        }
        #expect(invalid == HonestyTests.badHistories && valid > 300, "\(valid) were valid, \(invalid) were not")
    }
}
