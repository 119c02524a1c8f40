import ConcordModel
import ConcordSimulator
import ConcordState
import Testing

@Suite struct RetryTrialTests {
    @Test(arguments: 0..<3)
    func everybodyWhoSendsAgainGetsWhatIsPromised(block: UInt64) {
        for seed in block * 100..<(block + 1) * 100 {
            var trial = RetryTrial(seed: seed)
            let problems = trial.run()
            #expect(problems.isEmpty, "seed \(seed): \(problems.joined(separator: "\n"))")
        }
    }

    @Test func aSeedIsOneTrial() {
        func hash(_ seed: UInt64) -> UInt128 {
            var trial = RetryTrial(seed: seed)
            _ = trial.run()
            return trial.stateHash
        }
        let hashes = (1...20).map { hash($0) }
        #expect(hashes == (1...20).map { hash($0) })
        #expect(Set(hashes).count == hashes.count)
    }

    /// A trial in which nothing is late, full or forgotten proves nothing.
    @Test func trialsMeetWhatTheyAreFor() {
        var (replays, refusals, fullTables): (Int, Set<RefusalCode>, Set<Setting>) = (0, [], [])
        for seed in 1...20 as ClosedRange<UInt64> {
            var trial = RetryTrial(seed: seed)
            _ = trial.run()
            replays += trial.replaysCount
            refusals.formUnion(trial.refusals)
            fullTables.formUnion(trial.fullTables)
        }
        #expect(replays > 20 * 50)
        #expect(
            refusals == [
                .superseded, .conflict, .idempotencyConflict, .clientExpired, .overloaded, .notFound, .alreadyExists,
            ])
        #expect(fullTables == [.idempotencyKeysMax, .clientsMax, .clientOpenMax, .idempotencyBytesMax])
    }
}

/// Each promise, held against a state that breaks it: outcomes that no state may decide are put in by hand.
@Suite struct RetryPromisesTests {
    private static let node = Key(text: "/a")
    private let increment = Operation.increment(IncrementOperation(key: node, amount: 1))
    private let delete = Operation.delete(DeleteOperation(key: node))

    /// The promises, next to a state that has kept them so far.
    private struct Told {
        var state = StateMachine()
        var promises = RetryPromises()

        mutating func begin(_ clock: UInt64) {
            state.beginEntry(epoch: Epoch(1), clock: clock)
            promises.begin(clock: clock)
        }

        /// What the state decides, which must be as promised.
        mutating func apply(_ command: Command) {
            let problem = promises.judge(command, state.apply(command))
            #expect(problem == nil)
        }

        /// Whether it is wrong that the command, known or not, is judged by the tree.
        func forbidsEffect(_ command: Command) -> Bool {
            var (promises, state) = (promises, state)
            var fresh = command
            fresh.origin = nil
            fresh.retry = .none
            return promises.judge(command, state.apply(fresh)) != nil
        }

        func forbids(_ code: RefusalCode, _ setting: Setting? = nil, of command: Command) -> Bool {
            var promises = promises
            let refusal = Refusal(code, key: RetryPromisesTests.node, setting: setting)
            return promises.judge(command, Outcome(revision: state.revision, verdict: .refused(refusal))) != nil
        }
    }

    private func write(
        _ operation: Operation, boot: UInt64 = 1, _ sequence: UInt64, done: UInt64 = 0, by member: UInt128 = 1,
        _ retry: RetryIdentity = .none
    ) -> Command {
        Command(
            operation: operation, origin: Origin(member: member, boot: boot, sequence: sequence, done: done),
            retry: retry)
    }

    private func call(_ sequence: UInt64, done: UInt64 = 0) -> RetryIdentity {
        .client(ClientCall(client: 9, sequence: sequence, done: done))
    }

    private func key(_ text: String) -> RetryIdentity { .key(Array(text.utf8)) }

    @Test func aCopyHasNoSecondEffect() {
        var told = Told()
        told.apply(write(increment, 1))
        #expect(told.forbidsEffect(write(increment, 1)))
        #expect(told.forbids(.superseded, of: write(increment, 1)))
        #expect(!told.forbidsEffect(write(increment, 2)))
        told.apply(write(increment, 1))
    }

    @Test func whatIsDoneStaysDone() {
        var told = Told()
        told.apply(write(increment, 1))
        told.apply(write(increment, 3, done: 2))
        #expect(told.forbidsEffect(write(increment, 1)) && told.forbidsEffect(write(increment, 2)))
        #expect(!told.forbids(.superseded, of: write(increment, 2)))
        told.apply(write(increment, 2))
        told.apply(write(increment, 4, done: 1))
        #expect(told.forbidsEffect(write(increment, 2)))
    }

    @Test func anEarlierBootIsOver() {
        var told = Told()
        told.apply(write(increment, 1))
        told.apply(write(increment, boot: 2, 1))
        #expect(told.forbidsEffect(write(increment, 7)) && told.forbidsEffect(write(increment, 1)))
        #expect(told.forbidsEffect(write(increment, boot: 2, 1)))
        #expect(!told.forbidsEffect(write(increment, boot: 2, 2)))
    }

    @Test func aRefusalDoesNotBecomeTrue() {
        var told = Told()
        told.apply(write(delete, 1))
        told.apply(write(increment, 2))
        #expect(told.forbidsEffect(write(delete, 1)))
        told.apply(write(delete, 1))
    }

    @Test func aCallTakesEffectOnceThroughWhichMemberItGoes() {
        var told = Told()
        told.apply(write(increment, 1, call(1)))
        #expect(told.forbidsEffect(write(increment, 1, by: 2, call(1))))
        told.apply(write(increment, 2, call(2, done: 1)))
        #expect(told.forbidsEffect(write(increment, 1, by: 2, call(1))))
        #expect(told.forbids(.clientExpired, of: write(increment, 1, by: 2, call(2))))
        #expect(!told.forbids(.conflict, of: write(increment, 1, by: 2, call(1))))
    }

    @Test func aClientThatIsHeardIsKept() {
        var told = Told()
        for (sequence, clock) in [(1, 0), (2, 500_000), (3, 1_000_000)] as [(UInt64, UInt64)] {
            told.begin(clock)
            told.apply(write(increment, sequence, call(sequence)))
        }
        told.begin(1_600_000)
        #expect(told.forbids(.clientExpired, of: write(increment, 4, call(4))))
        #expect(told.forbidsEffect(write(increment, 4, call(1))))
        told.begin(1_600_001)
        #expect(!told.forbids(.clientExpired, of: write(increment, 4, call(4))))
        #expect(!told.forbidsEffect(write(increment, 4, call(1))))
        #expect(told.forbidsEffect(write(increment, 4, call(4))))
    }

    @Test func aKeyHoldsItsOperationForItsTime() {
        var told = Told()
        told.apply(write(increment, 1, key("k")))
        for clock in [600, 600_000] as [UInt64] {
            told.begin(clock)
            #expect(told.forbidsEffect(write(increment, 2, key("k"))))
            #expect(told.forbidsEffect(write(delete, 2, key("k"))))
            #expect(!told.forbids(.idempotencyConflict, of: write(delete, 2, key("k"))))
        }
        told.begin(600_001)
        #expect(!told.forbidsEffect(write(increment, 2, key("k"))))
        told.apply(write(increment, 2, key("k")))
    }

    @Test func aLongerRetentionIsKept() {
        var told = Told()
        told.apply(write(.changeSettings([SettingValue(.idempotencyKeptMilliseconds, 900_000)]), 1))
        told.apply(write(increment, 2, key("k")))
        told.begin(900_000)
        #expect(told.forbidsEffect(write(increment, 3, key("k"))))
        // What was old once may be gone, even if such a time would be kept now.
        told.begin(900_001)
        told.apply(write(.changeSettings([SettingValue(.idempotencyKeptMilliseconds, 3_600_000)]), 3))
        #expect(!told.forbidsEffect(write(increment, 4, key("k"))))
    }

    @Test func aFullTableForgetsNothingYoungAndRefusesNothingElse() {
        var told = Told()
        told.apply(write(.changeSettings([SettingValue(.idempotencyKeysMax, 1)]), 1))
        #expect(told.forbids(.overloaded, .idempotencyKeysMax, of: write(increment, 2, key("a"))))
        told.apply(write(increment, 2, key("a")))
        #expect(told.forbidsEffect(write(increment, 3, key("b"))))
        #expect(told.forbids(.overloaded, .clientsMax, of: write(increment, 3, key("b"))))
        #expect(!told.forbids(.overloaded, .idempotencyKeysMax, of: write(increment, 3, key("b"))))
        told.begin(600_001)
        #expect(told.forbids(.overloaded, .idempotencyKeysMax, of: write(increment, 3, key("b"))))
    }

    @Test func anotherStateThanTheEffectsMakeIsSeen() {
        var told = Told()
        told.apply(write(increment, 1))
        #expect(told.promises.judge(told.state) == nil)
        _ = told.state.apply(Command(operation: increment))
        #expect(told.promises.judge(told.state) != nil)
    }
}
