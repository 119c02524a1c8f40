import ConcordChecker
import Testing

/// Histories that no tree can have had, each wrong in one way.
@Suite struct PlantedTreeViolationTests {
    @Test(arguments: lies) func isFound(_ lie: Lie) {
        var script = PlantedTreeViolationTests.begun()
        #expect(Checker.check(script.operations, model: .tree) == .valid)
        script.said(lie.function, lie.key, lie.argument, lie.result, lie.revision)
        let verdict = Checker.check(script.operations, model: .tree)
        #expect(verdict.isViolation)
        #expect(!verdict.counterExample.isEmpty && verdict.counterExample.count <= 5)
        #expect(verdict.counterExample.contains { $0.invoked == 14 || $0.revision == lie.revision })
    }

    @Test(arguments: lies.filter(\.isFoundWithoutRevisions)) func isFoundWithoutRevisions(_ lie: Lie) {
        var script = PlantedTreeViolationTests.begun()
        script.said(lie.function, lie.key, lie.argument, lie.result, lie.revision)
        let blind = script.operations.map { operation in
            var operation = operation
            operation.revision = nil
            return operation
        }
        #expect(Checker.check(blind, model: .tree).isViolation)
    }

    @Test func theEffectOfAFailureIsFound() {
        var script = PlantedTreeViolationTests.begun()
        script.lost("put", "/a", PlantedTreeViolationTests.value("v"), failed: true)
        #expect(Checker.check(script.operations, model: .tree) == .valid)
        script.said("get", "/a", .null, PlantedTreeViolationTests.node(3, 1, 8, "v"), 8)
        #expect(Checker.check(script.operations, model: .tree).isViolation)
    }

    @Test func anUnknownWriteMayHappenOnceAndNotTwice() {
        var script = PlantedTreeViolationTests.begun()
        script.lost("increment", "/n", PlantedTreeViolationTests.map(["by": .int(1)]))
        #expect(Checker.check(script.operations, model: .tree) == .valid)
        script.said("get", "/n", .null, PlantedTreeViolationTests.node(2, 5, 8, "4"), 8)
        #expect(Checker.check(script.operations, model: .tree) == .valid)
        script.said("get", "/n", .null, PlantedTreeViolationTests.node(3, 5, 9, "5"), 9)
        #expect(Checker.check(script.operations, model: .tree).isViolation)
    }

    @Test func anUnknownWriteHasNoEffectBeforeItWasAsked() {
        var script = PlantedTreeViolationTests.begun()
        script.said("get", "/a", .null, PlantedTreeViolationTests.node(3, 1, 8, "v"), 8)
        script.lost("put", "/a", PlantedTreeViolationTests.value("v"))
        #expect(Checker.check(script.operations, model: .tree).isViolation)
    }

    @Test func anUnknownWriteDoesNotComeBackAfterItWasOverwritten() {
        var script = PlantedTreeViolationTests.begun()
        script.lost("put", "/a", PlantedTreeViolationTests.value("v"))
        script.said("get", "/a", .null, PlantedTreeViolationTests.node(3, 1, 8, "v"), 8)
        script.said("put", "/a", PlantedTreeViolationTests.value("u"), PlantedTreeViolationTests.node(4, 1, 9), 9)
        #expect(Checker.check(script.operations, model: .tree) == .valid)
        script.said("get", "/a", .null, PlantedTreeViolationTests.node(5, 1, 10, "v"), 10)
        #expect(Checker.check(script.operations, model: .tree).isViolation)
    }

    @Test func changesOneAfterTheOtherDoNotChangePlaces() {
        let value = PlantedTreeViolationTests.value("v")
        var script = PlantedTreeViolationTests.begun()
        script.said("put", "/m", value, PlantedTreeViolationTests.node(1, 9, 9), 9)
        script.said("put", "/k", value, PlantedTreeViolationTests.node(1, 8, 8), 8)
        #expect(Checker.check(script.operations, model: .tree).isViolation)
        // At once they may.
        script.operations[7].returned = 16
        script.operations[8].invoked = 15
        script.operations[8].returned = 17
        #expect(Checker.check(script.operations, model: .tree) == .valid)
    }

    @Test func whatIsCompactedIsBelievedOfThePastAlone() {
        for key in ["/a", "/never"] {
            var script = PlantedTreeViolationTests.begun()
            let (past, compacted) = (
                PlantedTreeViolationTests.map(["at": .int(1)]), PlantedTreeViolationTests.refused("compacted")
            )
            script.said("get", key, past, compacted, 7)
            #expect(Checker.check(script.operations, model: .tree) == .valid)
            script.said("get", key, .null, compacted, 7)
            #expect(Checker.check(script.operations, model: .tree).isViolation)
        }
    }

    @Test func theLogDecidesWhatHappened() {
        var script = PlantedTreeViolationTests.begun()
        let value = PlantedTreeViolationTests.value("v")
        script.lost("put", "/m", value)
        script.lost("put", "/k", value)
        script.said("count", "/", .null, PlantedTreeViolationTests.number(3), 8)
        #expect(Checker.checkTree(script.operations) == .valid)
        let log = [CommittedOperation(revision: 8, function: "put", key: .text("/k"), argument: value)]
        #expect(Checker.checkTree(script.operations, committed: log) == .valid)
        script.said("get", "/m", .null, PlantedTreeViolationTests.node(1, 8, 8, "v"), 8)
        #expect(Checker.checkTree(script.operations) == .valid)
        #expect(Checker.checkTree(script.operations, committed: log).isViolation)
    }

    /// Any single answer that is changed in a long history is noticed, by construction: the change is one that no
    /// tree can answer at that revision.
    @Test func oneChangedAnswerInALongHistoryIsFound() {
        var planted = 0
        for seed in 0..<300 {
            var operations = TreeHistories().make(seed: UInt64(seed)).operations
            var dice = Dice(seed: UInt64(seed))
            let candidates = operations.indices.filter { operations[$0].outcome == .ok }
            let victim = candidates[dice.roll(candidates.count)]
            guard let changed = PlantedTreeViolationTests.changed(operations[victim].result, &dice) else { continue }
            operations[victim].result = changed
            planted += 1
            #expect(Checker.check(operations, model: .tree).isViolation, "seed \(seed)")
        }
        #expect(planted > 200)
    }

    private static func changed(_ result: HistoryValue, _ dice: inout Dice) -> HistoryValue? {
        guard case .map(var fields) = result else { return nil }
        if fields[.text("key")] != nil { return nil }
        if let names = fields[.text("names")]?.list {
            guard !names.isEmpty else { return .map([.text("names"): .list([.text("/a/never")])]) }
            var names = names
            names.remove(at: dice.roll(names.count))
            fields[.text("names")] = .list(names)
        } else if let version = fields[.text("version")]?.int {
            fields[.text("version")] = .int(version + 1 + Int64(dice.roll(3)))
        } else if let number = fields[.text("number")]?.int {
            fields[.text("number")] = .int(number + 1 + Int64(dice.roll(3)))
        } else {
            fields[.text("refused")] = .text("not_empty")
            if fields[.text("refused")] == result["refused"] { return nil }
        }
        return .map(fields)
    }
}
