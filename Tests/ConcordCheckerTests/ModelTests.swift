import ConcordChecker
import Testing

/// Each model's valid history, and the moment where it is none any more.
@Suite struct ModelTests {
    private func numbers(_ values: Int...) -> HistoryValue {
        .list(values.map { .int(Int64($0)) })
    }

    @Test func aSetKeepsWhatWasAcknowledgedAndTellsNothingElse() {
        var history = Recorder()
        history.did("add", .int(1))
        history.call("add", .int(2), by: 1)
        #expect(Checker.check(history.operations, model: .set).isUnknown, "it was never read")
        for read in [numbers(1), numbers(2, 1)] {
            var right = history
            right.did("read", .null, read)
            #expect(Checker.check(right.operations, model: .set) == .valid)
        }
        for (read, count) in [(numbers(2), 2), (numbers(1, 3), 1)] {
            var wrong = history
            wrong.did("read", .null, read)
            #expect(Checker.check(wrong.operations, model: .set).counterExample.count == count)
        }
    }

    @Test func anElementThatIsKnownIsInEveryReadThatBeginsLater() {
        var history = Recorder()
        let add = history.call("add", .int(1), by: 1)
        history.did("read", .null, numbers())
        let early = history.call("read", by: 2)
        history.ok(add)
        history.ok(early, numbers())
        history.did("read", .null, numbers(1))
        #expect(Checker.check(history.operations, model: .setFull) == .valid)
        history.did("read", .null, numbers())
        #expect(Checker.check(history.operations, model: .setFull).counterExample.count == 2)
    }

    @Test func anElementIsKnownFromTheFirstReadThatTellsIt() {
        var history = Recorder()
        history.call("add", .int(1), by: 1)
        history.did("read", .null, numbers(1))
        #expect(Checker.check(history.operations, model: .setFull) == .valid)
        history.did("read", .null, numbers())
        #expect(Checker.check(history.operations, model: .setFull).isViolation)
    }

    @Test func aSetOfWhichNothingWasReadIsUnknown() {
        var history = Recorder()
        history.did("add", .int(1))
        #expect(Checker.check(history.operations, model: .setFull).isUnknown)
    }

    @Test func aCounterIsBetweenWhatWasAcknowledgedAndWhatWasAttempted() {
        var history = Recorder()
        history.did("add", .int(5))
        history.fail(history.call("add", .int(100)))
        history.call("add", .int(3), by: 1)
        let down = history.call("add", .int(-1), by: 2)
        for value in [Int64(4), 5, 7, 8] {
            var right = history
            right.did("read", .null, .int(value))
            #expect(Checker.check(right.operations, model: .counter) == .valid, "\(value)")
        }
        history.ok(down)
        for value in [Int64(3), 8] {
            var wrong = history
            wrong.did("read", .null, .int(value))
            let found = Checker.check(wrong.operations, model: .counter).counterExample
            #expect(!found.isEmpty && Checker.check(found, model: .counter).isViolation, "\(value)")
        }
    }

    @Test func aMutexHasOneHolder() {
        var history = Recorder()
        history.did("acquire", by: 1)
        let second = history.call("acquire", by: 2)
        history.did("release", by: 1)
        history.ok(second)
        #expect(Checker.check(history.operations, model: .mutex) == .valid)
        history.did("acquire", by: 3)
        #expect(Checker.check(history.operations, model: .mutex).counterExample.count <= 4)
        #expect(Checker.check(history.operations, model: .mutex).isViolation)
    }

    @Test func aMutexThatWasTakenTwiceIsShownByWhatHappenedThen() {
        var history = Recorder()
        for round in 0..<100 {
            history.did("acquire", by: round % 3)
            history.did("release", by: round % 3)
        }
        history.did("acquire", by: 1)
        history.did("acquire", by: 2)
        let verdict = Checker.check(history.operations, model: .mutex)
        #expect(verdict.counterExample.map(\.function) == ["release", "acquire", "acquire"], "free, taken, and taken")
    }

    @Test func tokensOfALockRiseAndOneHolderIsValidAtATime() {
        var history = Recorder()
        history.did("acquire", .null, .int(1), by: 1)
        history.did("release", .int(1), by: 1)
        history.did("acquire", .null, .int(4), by: 2)
        #expect(Checker.check(history.operations, model: .lock) == .valid)
        var second = history
        second.did("acquire", .null, .int(5), by: 3)
        #expect(Checker.check(second.operations, model: .lock).counterExample.count == 2)
        var lost = history
        lost.call("release", .int(4), by: 2)
        lost.did("acquire", .null, .int(5), by: 3)
        #expect(Checker.check(lost.operations, model: .lock) == .valid, "the first holder may have lost it")
        history.did("release", .int(4), by: 2)
        history.did("acquire", .null, .int(3), by: 3)
        #expect(Checker.check(history.operations, model: .lock).isViolation, "the token fell")
    }

    @Test func whatAModelDoesNotKnowIsNeverJudgedValid() {
        var history = Recorder()
        history.did("frobnicate")
        for model in Model.allCases { #expect(Checker.check(history.operations, model: model) != .valid, "\(model)") }
    }

    @Test func theFunctionsTellTheModelWhereTheyCan() throws {
        func models(_ text: String) throws -> [Model] {
            try HistoryReader.read(Array(text.utf8)).possibleModels
        }
        func event(_ function: String, _ value: String = "nil") -> String {
            "{:type :invoke, :process 0, :f :\(function), :value \(value)} {:type :info, :process 0, :f :\(function)} "
        }
        #expect(try models(event("read") + event("cas", "[1 2]")) == [.casRegister])
        #expect(try models(event("read") + event("write", "1")) == [.register])
        #expect(try models(event("put", "\"a\"") + event("append", "\"b\"")) == [.keyValue])
        #expect(try models(event("put", "{\"value\" \"a\"}") + event("get")) == [.tree])
        #expect(try models(event("txn", "[[:append 1 2] [:r 1 nil]]")) == [.listAppend])
        #expect(try models("{:type :invoke, :process 0, :value [[:append 1 2]]}") == [.listAppend])
        #expect(try models(event("enqueue", "1")) == [.queue])
        #expect(try models(event("acquire") + event("release")) == [.mutex])
        #expect(try models(event("add", "1") + event("read")) == [.counter, .set, .setFull])
        #expect(try models(event("jump")) == [])
    }

    /// Somebody who lost the answer to an acquire may learn the token elsewhere.
    @Test func aTokenThatNoAnswerToldMayBeReleased() {
        var history = Recorder()
        history.did("acquire", .null, .int(1))
        history.did("release", .int(1))
        history.call("acquire", by: 1)
        history.did("release", .int(2), by: 2)
        var right = history
        right.did("acquire", .null, .int(3))
        #expect(Checker.check(right.operations, model: .lock) == .valid)
        history.did("acquire", .null, .int(2))
        let found = Checker.check(history.operations, model: .lock).counterExample
        #expect(!found.isEmpty && Checker.check(found, model: .lock).isViolation)
    }

    @Test func aGrantWithoutAnAnswerHasATokenOfItsOwn() {
        var history = Recorder()
        history.did("acquire", .null, .int(1))
        history.did("release", .int(1))
        for client in 1...2 {
            history.call("acquire", by: client)
            history.did("release", by: client)
        }
        for (token, isRight) in [(Int64(2), false), (3, false), (4, true)] {
            var next = history
            next.did("acquire", .null, .int(token), by: 3)
            let verdict = Checker.check(next.operations, model: .lock)
            #expect(isRight ? verdict == .valid : verdict.isViolation, "\(token): \(verdict)")
            #expect(isRight || Checker.check(verdict.counterExample, model: .lock).isViolation)
        }
        for (token, isRight) in [(Int64(2), false), (3, true)] {
            var released = Recorder()
            released.did("acquire", .null, .int(1))
            released.did("release", .int(1))
            released.call("acquire", by: 1)
            released.did("release", by: 1)
            released.call("acquire", by: 2)
            released.did("release", .int(token), by: 4)
            let verdict = Checker.check(released.operations, model: .lock)
            #expect(isRight ? verdict == .valid : verdict.isViolation, "\(token): \(verdict)")
        }
        var last = Recorder()
        last.did("acquire", .null, .int(.max))
        last.did("release", .int(.max))
        last.call("acquire", by: 1)
        last.did("release", by: 1)
        #expect(Checker.check(last.operations, model: .lock).isViolation, "there is no higher token")
    }

    @Test func aReleaseOfOnesOwnNeedsALockThatWasGot() {
        var history = Recorder()
        let held = history.call("acquire", by: 0)
        history.ok(held, .int(5))
        history.call("acquire", by: 1)
        var wrong = history
        wrong.did("release", .null, by: 1)
        let found = Checker.check(wrong.operations, model: .lock).counterExample
        #expect(!found.isEmpty && Checker.check(found, model: .lock).isViolation)
        history.did("release", .int(5))
        history.did("release", .null, by: 1)
        #expect(Checker.check(history.operations, model: .lock) == .valid)
        history.did("acquire", .null, .int(7), by: 2)
        #expect(Checker.check(history.operations, model: .lock) == .valid)
    }

    @Test func anElementWhoseAdditionFailedIsInNoRead() {
        for model in [Model.set, .setFull] {
            var history = Recorder()
            history.fail(history.call("add", .int(1)))
            history.did("add", .int(2))
            var right = history
            right.did("read", .null, numbers(2))
            #expect(Checker.check(right.operations, model: model) == .valid)
            history.did("read", .null, numbers(1, 2))
            guard case .violation(let found) = Checker.check(history.operations, model: model) else {
                Issue.record("\(model) accepts it")
                continue
            }
            #expect(found.explanation.contains("failed") && found.operations.count == 2, "\(found)")
        }
    }

    @Test func whichElementIsNamedDoesNotDependOnTheRun() {
        var history = Recorder()
        history.did("read", .null, .list((0..<50).map { .int($0) }))
        history.did("read", .null, .list([]))
        let verdict = Checker.check(
            history.operations, model: .setFull, initial: .list((0..<50).map { .int($0) }))
        guard case .violation(let found) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(found.explanation.hasPrefix("0 "), "\(found.explanation)")
    }

    @Test func whoNeverAskedForALockHasNoneToRelease() {
        var history = Recorder()
        history.did("acquire", .null, .int(1))
        history.did("release", .null, by: 1)
        #expect(Checker.check(history.operations, model: .lock).counterExample.count == 1)
    }

    /// As Knossos and Jepsen have it: what nobody saw contradicts nothing, but a set or list must have been read.
    @Test(arguments: Model.allCases)
    func aHistoryWithoutAnAnswerIsValidWhereNothingMustBeRead(model: Model) {
        var history = Recorder()
        let write = [.set: "add", .setFull: "add", .counter: "add", .queue: "enqueue"][model] ?? "write"
        history.fail(history.call(write, .int(1)))
        let operations: [RecordedOperation] =
            [.mutex, .lock, .tree, .listAppend].contains(model) ? [] : history.operations
        for operations in [[], operations] {
            let verdict = Checker.check(operations, model: model, initial: model == .counter ? .int(0) : .null)
            if [.set, .setFull, .listAppend].contains(model) {
                #expect(verdict.isUnknown)
            } else {
                #expect(verdict == .valid)
            }
        }
    }

    @Test func aHistoryThatNoRevisionPlacesIsUnknown() {
        var past = StoryRecorder()
        past.run(
            "get", .fields(["at": .int(-5)]), key: .text("/a"), .fields(["value": .text("x")]), revision: 0)
        #expect(Checker.check(past.operations, model: .tree).isUnknown)
    }

    /// Jepsen's own counter history is such a one, and its verdict is valid.
    @Test func aCounterThatNobodyReadContradictsNothing() {
        var counter = Recorder()
        counter.did("add", .int(1))
        #expect(Checker.check(counter.operations, model: .counter) == .valid)
    }

    @Test func theEmptyTextIsNoReadOfNullInARegister() {
        var history = Recorder()
        history.did("read", .null, .text(""))
        #expect(Checker.check(history.operations, model: .register).isViolation)
        #expect(Checker.check(history.operations, model: .keyValue) == .valid)
    }
}
