import ConcordChecker
import Testing

@Suite struct RegisterTests {
    @Test func aReadOfTheValueBeforeIsRightWhileTheWriteIsOpenAndWrongAfterIt() {
        var history = Recorder()
        history.did("write", .int(1))
        let write = history.call("write", .int(2), by: 1)
        history.did("read", .null, .int(1))
        history.ok(write)
        #expect(Checker.check(history.operations, model: .register) == .valid)
        history.did("read", .null, .int(1))
        #expect(Checker.check(history.operations, model: .register).isViolation)
    }

    @Test func aWriteOfUnknownOutcomeMayHappenAtAnyLaterTimeButOnlyOnce() {
        var history = Recorder()
        history.did("write", .int(1))
        history.call("write", .int(2), by: 1)
        history.did("read", .null, .int(1))
        history.did("read", .null, .int(2))
        #expect(Checker.check(history.operations, model: .register) == .valid)
        history.did("write", .int(1))
        history.did("read", .null, .int(2))
        #expect(Checker.check(history.operations, model: .register).isViolation)
    }

    @Test func whatFailedNeverHappened() {
        var history = Recorder()
        history.fail(history.call("write", .int(1)))
        history.did("read", .null, .null)
        #expect(Checker.check(history.operations, model: .register) == .valid)
        history.did("read", .null, .int(1))
        #expect(Checker.check(history.operations, model: .register).isViolation)
    }

    @Test func aCompareThatWasTrueAndOneThatWasFalseBothTellTheValue() {
        let pair = HistoryValue.list([.int(1), .int(2)])
        var swapped = Recorder()
        swapped.did("cas", pair)
        #expect(Checker.check(swapped.operations, model: .casRegister, initial: .int(1)) == .valid)
        #expect(Checker.check(swapped.operations, model: .casRegister, initial: .int(0)).isViolation)
        var refused = Recorder()
        refused.did("cas", pair, .bool(false))
        #expect(Checker.check(refused.operations, model: .casRegister, initial: .int(0)) == .valid)
        #expect(Checker.check(refused.operations, model: .casRegister, initial: .int(1)).isViolation)
    }

    @Test func keysAreObjectsOfTheirOwn() {
        var history = Recorder()
        history.did("put", .text("a"), key: .text("x"))
        history.did("get", .null, .text(""), key: .text("y"))
        history.did("append", .text("b"), key: .text("x"))
        history.did("get", .null, .text("ab"), key: .text("x"))
        #expect(Checker.check(history.operations, model: .keyValue) == .valid)
        history.did("get", .null, .text("ab"), key: .text("y"))
        let verdict = Checker.check(history.operations, model: .keyValue)
        #expect(verdict.counterExample.map(\.key) == [.text("y")])
    }

    @Test func aKeyThatWasNeverPutIsComparedLikeTheEmptyText() {
        var history = Recorder()
        history.did("cas", .list([.text(""), .text("a")]), key: .text("x"))
        history.did("get", .null, .text("a"), key: .text("x"))
        #expect(Checker.check(history.operations, model: .keyValue) == .valid)
        #expect(Checker.check(history.operations, model: .casRegister).isViolation, "a register is null")
        history.did("cas", .list([.text(""), .text("b")]), key: .text("x"))
        let found = Checker.check(history.operations, model: .keyValue).counterExample
        #expect(!found.isEmpty && Checker.check(found, model: .keyValue).isViolation)
        var refused = Recorder()
        refused.did("cas", .list([.text(""), .text("a")]), .bool(false), key: .text("x"))
        #expect(Checker.check(refused.operations, model: .keyValue) == .valid, "what is null is not the empty text")
    }

    @Test func appendsMayStandInAnyOrderThatKeepsRealTime() {
        var history = Recorder()
        let one = history.call("append", .text("1"), by: 1)
        let two = history.call("append", .text("2"), by: 2)
        history.ok(one)
        history.ok(two)
        history.did("append", .text("3"))
        var backwards = history
        backwards.did("get", .null, .text("213"))
        #expect(Checker.check(backwards.operations, model: .keyValue) == .valid)
        history.did("get", .null, .text("231"))
        #expect(Checker.check(history.operations, model: .keyValue).isViolation)
    }

    @Test func theCounterExampleIsTheWriteTheOverwriteAndTheRead() {
        var history = Recorder()
        for value in 0..<200 {
            history.did("write", .int(Int64(value)), by: value % 7)
            history.did("read", .null, .int(Int64(value)), by: 8)
        }
        history.did("read", .null, .int(150), by: 9)
        for value in 0..<50 { history.did("write", .int(Int64(value))) }
        let found = Checker.check(history.operations, model: .casRegister).counterExample
        #expect(found.map(\.function) == ["write", "write", "read"])
        #expect(found.first?.argument == .int(150) && found.last?.result == .int(150))
        #expect(Checker.check(found, model: .casRegister).isViolation, "it contradicts itself")
        for index in found.indices where found[index].function == "write" && index > 0 {
            var fewer = found
            fewer.remove(at: index)
            #expect(Checker.check(fewer, model: .casRegister) == .valid, "nothing can be left out")
        }
    }

    @Test func aValueThatNobodyWroteIsACounterExampleOfOneRead() {
        var history = Recorder()
        for value in 0..<50 { history.did("write", .int(Int64(value))) }
        history.did("read", .null, .int(77))
        let verdict = Checker.check(history.operations, model: .register)
        #expect(verdict.counterExample.map(\.result) == [.int(77)])
    }

    /// Whatever is taken out of a valid history by the rules of the evidence leaves a valid one; so no counter-example
    /// may come from a valid history with one planted lie but be without the lie.
    @Test func theCounterExampleOfOnePlantedLieHoldsTheLie() {
        var dice = Dice(seed: 7)
        var found = 0
        for _ in 0..<800 {
            var operations = Simulated.register(&dice, operations: 60, clients: 5, values: 4, unknown: 8)
            #expect(Checker.check(operations, model: .casRegister, initial: .int(0)) == .valid)
            let reads = operations.indices.filter { operations[$0].function == "read" && operations[$0].outcome == .ok }
            guard let lie = reads.randomElement(using: &dice) else { continue }
            operations[lie].result = .int(Int64(dice.roll(4)))
            let verdict = Checker.check(operations, model: .casRegister, initial: .int(0))
            guard verdict.isViolation else { continue }
            found += 1
            #expect(verdict.counterExample.contains(operations[lie]), "the rest is valid")
            #expect(Checker.check(verdict.counterExample, model: .casRegister, initial: .int(0)).isViolation)
        }
        #expect(found > 100)
    }

    @Test func twoThousandOperationsOfTwentyClientsTakeFewConfigurations() {
        var dice = Dice(seed: 3)
        let limits = CheckLimits(configurationsMax: 1_000_000)
        for values in [5, 1_000_000] {
            var operations = Simulated.register(&dice, operations: 2_000, clients: 20, values: values, unknown: 50)
            let valid = Checker.check(operations, model: .casRegister, initial: .int(0), limits: limits)
            #expect(valid == .valid)
            let last = operations.lastIndex { $0.function == "read" && $0.outcome == .ok } ?? 0
            operations[last].result = .int(-1)
            let invalid = Checker.check(operations, model: .casRegister, initial: .int(0), limits: limits)
            #expect(invalid.isViolation)
        }
    }
}
