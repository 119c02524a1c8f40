import ConcordChecker
import Testing

@Suite struct QueueTests {
    private func check(_ history: Recorder) -> Verdict {
        Checker.check(history.operations, model: .queue)
    }

    @Test func firstInFirstOut() {
        var history = Recorder()
        history.did("enqueue", .int(1))
        history.did("enqueue", .int(2))
        var right = history
        right.did("dequeue", .null, .int(1))
        right.did("dequeue", .null, .int(2))
        right.did("dequeue", .null, .null)
        #expect(check(right) == .valid)
        history.did("dequeue", .null, .int(2))
        history.did("dequeue", .null, .int(1))
        #expect(check(history).counterExample.count == 4)
    }

    @Test func valuesEnqueuedAtTheSameTimeHaveNoOrder() {
        var history = Recorder()
        let one = history.call("enqueue", .int(1), by: 1)
        let two = history.call("enqueue", .int(2), by: 2)
        history.ok(one)
        history.ok(two)
        history.did("dequeue", .null, .int(2))
        history.did("dequeue", .null, .int(1))
        #expect(check(history) == .valid)
    }

    @Test func whatWasNeverEnqueuedOrIsTakenTwiceIsAViolation() {
        var unexpected = Recorder()
        unexpected.did("dequeue", .null, .int(1))
        #expect(check(unexpected).isViolation)
        var twice = Recorder()
        twice.did("enqueue", .int(1))
        twice.did("dequeue", .null, .int(1))
        #expect(check(twice) == .valid)
        twice.did("dequeue", .null, .int(1))
        #expect(check(twice).counterExample.count == 3)
    }

    @Test func aDrainTakesAllThatWasAcknowledged() {
        var history = Recorder()
        history.did("enqueue", .int(1))
        history.did("enqueue", .int(2))
        history.call("enqueue", .int(3), by: 5)
        var lossy = history
        history.did("drain", .null, .list([.int(1), .int(2)]))
        #expect(check(history) == .valid)
        lossy.did("drain", .null, .list([.int(2)]))
        #expect(check(lossy).isViolation)
    }

    @Test func aDequeueWithoutAnAnswerExplainsOneMissingValueButNotTwo() {
        var history = Recorder()
        history.did("enqueue", .int(1))
        history.did("enqueue", .int(2))
        history.did("enqueue", .int(3))
        history.call("dequeue", by: 5)
        var two = history
        history.did("dequeue", .null, .int(2))
        #expect(check(history) == .valid)
        two.did("dequeue", .null, .int(3))
        #expect(check(two).isViolation)
    }

    /// What a lost dequeue took is guessed: the search would try all orders of all that was lost.
    @Test func manyLostAnswersDoNotHideThatAQueueWasEmpty() {
        var history = Recorder()
        for value in 1...30 { history.did("enqueue", .int(Int64(value))) }
        for value in 1...27 { history.did("dequeue", .null, .int(Int64(value))) }
        for lost in 0..<6 { history.call("enqueue", .int(Int64(100 + lost)), by: 10 + lost) }
        history.call("dequeue", by: 5)
        history.call("dequeue", by: 6)
        var wrong = history
        wrong.did("dequeue", .null, .null)
        #expect(check(wrong).isViolation)
        #expect(wrong.operations.count > check(wrong).counterExample.count && check(wrong).counterExample.count > 3)
        history.call("dequeue", by: 7)
        history.did("dequeue", .null, .null)
        #expect(check(history) == .valid)
    }

    @Test func guessesEndWhenTimeRunsOut() {
        var history = Recorder()
        for value in 1...4 { history.did("enqueue", .int(Int64(value))) }
        for client in 5...7 { history.call("dequeue", by: client) }
        history.did("dequeue", .null, .null)
        let limits = CheckLimits(isOutOfTime: { true })
        #expect(Checker.check(history.operations, model: .queue, limits: limits).isUnknown)
        #expect(check(history).isViolation)
    }

    @Test func patternsEndWhenTimeRunsOut() {
        var history = Recorder()
        history.did("enqueue", .int(1))
        history.did("dequeue", .null, .int(1))
        var asked = 0
        let limits = CheckLimits(isOutOfTime: {
            asked += 1
            return asked > 2
        })
        #expect(Checker.check(history.operations, model: .queue, limits: limits) == .unknown("out of time"))
        #expect(check(history) == .valid)
    }

    @Test func aDequeueThatIsLostLaterDoesNotMatterToAnEmptyQueue() {
        var history = Recorder()
        history.did("dequeue", .null, .null)
        for value in 1...40 { history.call("enqueue", .int(Int64(value)), by: value) }
        for client in 0..<20 { history.call("dequeue", by: 100 + client) }
        #expect(check(history) == .valid)
    }

    @Test func aDrainKeepsTheOrderOfTheQueue() {
        var history = Recorder()
        history.did("enqueue", .int(1))
        history.did("enqueue", .int(2))
        history.did("drain", .null, .list([.int(2), .int(1)]))
        #expect(check(history).isViolation)
    }

    /// A dequeue of null would be one that found the queue empty.
    @Test func nullCannotBeEnqueued() {
        var history = Recorder()
        history.did("enqueue", .null)
        history.did("dequeue", .null, .null)
        #expect(check(history).isUnknown)
    }

    @Test func anEmptyQueueIsFoundOnlyWhenItCanBeEmpty() {
        var history = Recorder()
        history.did("dequeue", .null, .null)
        history.did("enqueue", .int(1))
        #expect(check(history) == .valid)
        history.did("dequeue", .null, .null)
        #expect(check(history).isViolation)
    }

    /// The patterns and the search are two programs for one question: histories of unique values go through the
    /// first, and the same through the second once an unrelated value stands there twice.
    @Test func patternsAndSearchAgree() {
        var dice = Dice(seed: 11)
        var violations = 0
        for round in 0..<6_000 {
            var operations = Simulated.queue(
                &dice, operations: 3 + dice.roll(8), clients: 3, isUnique: true, unknown: round % 3 == 0 ? 5 : 0)
            for _ in 0..<dice.roll(3) {
                let dequeues = operations.indices.filter {
                    operations[$0].function == "dequeue" && operations[$0].outcome == .ok
                }
                guard let one = dequeues.randomElement(using: &dice), let two = dequeues.randomElement(using: &dice)
                else { break }
                (operations[one].result, operations[two].result) = (operations[two].result, operations[one].result)
                if dice.roll(3) == 0 { operations[one].result = .null }
            }
            let byPatterns = Checker.check(operations, model: .queue)
            let bySearch = Verdict.bySearch(ofQueue: operations)
            if bySearch.isViolation { violations += 1 }
            #expect(byPatterns.isViolation == bySearch.isViolation && !bySearch.isUnknown, "\(operations)")
            for found in [byPatterns, bySearch] where found.isViolation {
                #expect(Checker.check(found.counterExample, model: .queue).isViolation, "\(found)")
            }
        }
        #expect(violations > 500 && violations < 5_500)
    }
}
