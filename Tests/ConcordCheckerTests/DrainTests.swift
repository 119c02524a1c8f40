import ConcordChecker
import Testing

/// A drain takes all that is in a queue, in its order, and then finds it empty.
@Suite struct DrainTests {
    private func check(_ steps: (String, HistoryValue, HistoryValue)...) -> Verdict {
        var history = Recorder()
        for (function, argument, answer) in steps { history.did(function, argument, answer) }
        return Checker.check(history.operations, model: .queue)
    }

    private func enqueue(_ value: Int) -> (String, HistoryValue, HistoryValue) { ("enqueue", .number(value), .null) }

    private func dequeue(_ value: Int) -> (String, HistoryValue, HistoryValue) { ("dequeue", .null, .number(value)) }

    private func drain(_ values: Int...) -> (String, HistoryValue, HistoryValue) { ("drain", .null, .ints(values)) }

    @Test func whatADrainPassedOverIsNotDequeuedLater() {
        #expect(check(enqueue(1), drain(), dequeue(1)).isViolation)
        #expect(check(enqueue(1), drain(), drain(1)).isViolation)
        #expect(check(enqueue(1), enqueue(2), drain(1), dequeue(2)).isViolation)
        #expect(check(enqueue(1), drain(1), enqueue(2), dequeue(2)) == .valid)
        #expect(check(enqueue(1), drain(1), drain(), enqueue(2), drain(2)) == .valid)
    }

    @Test func theOrderOfADrainCountsForValuesThatStandThereTwice() {
        #expect(check(enqueue(1), enqueue(1), enqueue(2), drain(1, 1, 2)) == .valid)
        #expect(check(enqueue(1), enqueue(1), enqueue(2), drain(2, 1, 1)).isViolation)
        #expect(check(enqueue(1), enqueue(1), enqueue(2), drain(1, 2, 1)).isViolation)
    }

    @Test func aDrainIsDoneAfterWhatItTookWasEnqueued() {
        var history = Recorder()
        history.did("enqueue", .int(1))
        let drain = history.call("drain", by: 1)
        let dequeue = history.call("dequeue", by: 2)
        let between = history.call("enqueue", .int(2), by: 3)
        history.ok(dequeue, .int(1))
        history.ok(between)
        var right = history
        right.ok(drain, .list([.int(2)]))
        #expect(Checker.check(right.operations, model: .queue) == .valid)
        // What came before was there until the end.
        history.did("enqueue", .int(3))
        history.did("enqueue", .int(4))
        history.ok(drain, .list([.int(2), .int(4)]))
        history.did("dequeue", .null, .int(3))
        #expect(Checker.check(history.operations, model: .queue).isViolation)
    }

    @Test func aLostDequeueMayHaveTakenWhatADrainDoesNotTell() {
        var history = Recorder()
        history.did("enqueue", .int(1))
        history.call("dequeue", by: 5)
        let drain = history.call("drain", by: 1)
        history.did("enqueue", .int(2))
        history.ok(drain, .list([]))
        #expect(Checker.check(history.operations, model: .queue) == .valid)
        history.did("dequeue", .null, .int(2))
        #expect(Checker.check(history.operations, model: .queue) == .valid)
    }

    private static let manyDrains = 40_000

    /// Each round another drain: what is looked up for one of them must not be all of them.
    @Test(.timeLimit(.minutes(5)), arguments: [true, false]) func manyDrainsAreJudgedAtOnce(hasLostDequeue: Bool) {
        var history = Recorder()
        if hasLostDequeue { history.call("dequeue", by: 9) }
        for value in 0..<DrainTests.manyDrains {
            history.did("enqueue", .number(value))
            history.did("drain", .null, .ints([value]))
        }
        #expect(Checker.check(history.operations, model: .queue) == .valid)
        history.did("enqueue", .int(-1))
        history.did("enqueue", .int(-2))
        history.did("drain", .null, .ints([-2]))
        if hasLostDequeue {
            #expect(Checker.check(history.operations, model: .queue) == .valid, "it may have been taken")
            history.did("enqueue", .int(-3))
            history.did("drain", .null, .ints([]))
        }
        let verdict = Checker.check(history.operations, model: .queue)
        #expect(verdict.isViolation && verdict.counterExample.count < 10)
    }

    /// More than one could go through by calling oneself.
    @Test func lostDequeuesThatCanHaveTakenNothingAreNotGuessed() {
        var history = Recorder()
        for client in 0..<DrainTests.manyDrains { history.call("dequeue", by: 10 + client) }
        history.did("enqueue", .int(1))
        history.did("dequeue", .null, .null)
        history.did("dequeue", .null, .int(1))
        #expect(Checker.check(history.operations, model: .queue).isViolation)
    }

    /// The patterns and the search are two programs for one question, with drains too.
    @Test func patternsAndSearchAgreeOnDrains() {
        var dice = Dice(seed: 23)
        var (violations, valid) = (0, 0)
        for round in 0..<6_000 {
            let operations = DrainTests.history(&dice, unknown: round % 3 == 0 ? 6 : 0)
            let byPatterns = Checker.check(operations, model: .queue)
            let bySearch = Verdict.bySearch(ofQueue: operations)
            if bySearch.isViolation { violations += 1 } else { valid += 1 }
            #expect(byPatterns.isViolation == bySearch.isViolation && !bySearch.isUnknown, "\(operations)")
            for found in [byPatterns, bySearch] where found.isViolation {
                #expect(Checker.check(found.counterExample, model: .queue).isViolation, "\(found)")
            }
        }
        #expect(violations > 500 && valid > 500, "\(violations) violations, \(valid) valid")
    }

    /// Three clients; drains take effect at one moment, and some of the answers are wrong.
    private static func history(_ dice: inout Dice, unknown: Int) -> [RecordedOperation] {
        var recorder = Recorder()
        var queue: [HistoryValue] = []
        var open: [(call: Int, answer: HistoryValue?)?] = [nil, nil, nil]
        let count = 4 + dice.roll(7)
        while recorder.operations.count < count || open.contains(where: { $0 != nil }) {
            let client = dice.roll(open.count)
            guard let (call, answer) = open[client] else {
                guard recorder.operations.count < count else { continue }
                let function = ["enqueue", "enqueue", "enqueue", "dequeue", "drain"][dice.roll(5)]
                let value = function == "enqueue" ? HistoryValue.number(recorder.operations.count) : .null
                open[client] = (recorder.call(function, value, by: client), nil)
                continue
            }
            let operation = recorder.operations[call]
            if unknown > 0, operation.function != "drain", dice.roll(unknown) == 0 {
                open[client] = nil
            } else if let answer {
                recorder.ok(call, answer)
                open[client] = nil
            } else if operation.function == "enqueue" {
                queue.append(operation.argument)
                open[client] = (call, .null)
            } else if operation.function == "dequeue" {
                // It takes one out of turn, or finds nothing.
                let place = dice.roll(4) == 0 ? dice.roll(queue.count + 1) : 0
                open[client] = (call, place < queue.count ? queue.remove(at: place) : .null)
            } else {
                // It passes one over, which the next one takes.
                let left = dice.roll(3) == 0 && !queue.isEmpty ? [queue.remove(at: dice.roll(queue.count))] : []
                open[client] = (call, .list(queue))
                queue = left
            }
        }
        return recorder.operations
    }
}
