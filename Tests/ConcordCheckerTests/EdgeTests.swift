import ConcordChecker
import Testing

/// Numbers at the end of their range, and texts that only look the same.
@Suite struct EdgeTests {
    private static let extremes: [Int64] = [.min, .min + 1, -1, 0, 1 << 53, .max - 1, .max]

    @Test func noNumberIsATrap() {
        for one in EdgeTests.extremes {
            for other in EdgeTests.extremes {
                _ = Checker.checkTree(versions(one, other))
                #expect(TopicChecker.check(offsets(one, other)) != .valid || one == other &- 1, "\(one), \(other)")
                _ = LeaseChecker.check(lease(at: one, keptAt: other))
                _ = LockChecker.check(lease(at: one, keptAt: other))
                _ = WatchChecker.check(watch(from: one, told: other))
                _ = Checker.check(registers(one, other), model: .register)
            }
        }
    }

    /// Two looks at a node, and a write of unknown outcome to it.
    private func versions(_ one: Int64, _ other: Int64) -> [RecordedOperation] {
        var history = Recorder()
        history.call("put", .fields(["value": .text("b")]), by: 9, key: .text("/a"))
        for version in [one, other] {
            history.did(
                "get", .null, .fields(["version": .int(version), "created": .int(1), "modified": .int(version)]),
                key: .text("/a"))
        }
        return history.operations.enumerated().map { number, operation in
            var operation = operation
            operation.revision = Int64(number + 2)
            return operation
        }
    }

    private func offsets(_ one: Int64, _ other: Int64) -> [RecordedOperation] {
        var history = StoryRecorder()
        let topic = HistoryValue.text("t")
        func message(_ sequence: Int) -> HistoryValue {
            .fields(["sender": .text("a"), "sequence": .number(sequence)])
        }
        for (sequence, offset) in [one, other].enumerated() {
            history.run("publish", message(sequence), key: topic, .fields(["offset": .int(offset)]))
        }
        history.run("subscribe", .fields(["from": .int(one)]), key: topic, process: .text("r"))
        for (sequence, offset) in [one, other].enumerated() {
            history.deliver(
                "message", .fields(["offset": .int(offset), "value": message(sequence)]), key: topic,
                process: .text("r"))
        }
        return history.operations
    }

    private func lease(at granted: Int64, keptAt kept: Int64) -> [RecordedOperation] {
        [
            RecordedOperation(
                process: .int(0), function: "lease-grant",
                result: .fields(["lease": .text("l"), "ttl_ms": .number(1_000_000_000_000)]), outcome: .ok, invoked: 0,
                returned: 1, invokedTime: granted, returnedTime: granted, revision: 1),
            RecordedOperation(
                process: .int(0), function: "lease-keepalive", key: .text("l"), outcome: .ok, invoked: 2, returned: 3,
                invokedTime: kept, returnedTime: kept),
            .delivery(
                process: .int(1), "lease-expired", key: .text("l"), at: 4, time: granted, revision: kept),
        ]
    }

    private func watch(from: Int64, told: Int64) -> [RecordedOperation] {
        var history = StoryRecorder()
        history.run("watch", .fields(["from": .int(from)]), key: .text("/a"), process: .text("w"))
        for type in ["progress", "synced"] {
            history.deliver("event", .fields(["type": .text(type), "revision": .int(told)]), process: .text("w"))
        }
        return history.operations
    }

    private func registers(_ one: Int64, _ other: Int64) -> [RecordedOperation] {
        var history = Recorder()
        history.did("write", .int(1))
        history.call("write", .int(2), by: 1)
        history.did("read", .null, .int(1))
        var operations = history.operations
        operations[0].revision = one
        operations[2].revision = other
        return operations
    }

    @Test func aRevisionOfARegisterIsAnyNumber() {
        for revision in EdgeTests.extremes {
            #expect(Checker.check(registers(revision, revision), model: .register) == .valid, "\(revision)")
        }
        #expect(Checker.check(registers(.min, .max), model: .register) == .valid)
        #expect(Checker.check(registers(.max, .min), model: .register).isViolation)
    }

    // MARK: - Texts

    static let (composed, decomposed) = ("\u{E9}", "e\u{301}")

    @Test func textsAreComparedByTheirBytes() {
        #expect(HistoryValue.text(EdgeTests.composed) != .text(EdgeTests.decomposed))
        #expect(HistoryValue.text("a") == .text("a") && Set([HistoryValue.text("a"), .text("a")]).count == 1)
        var register = Recorder()
        register.did("write", .text(EdgeTests.composed))
        register.did("read", .null, .text(EdgeTests.decomposed))
        #expect(Checker.check(register.operations, model: .register).isViolation)
        var tree = StoryRecorder()
        for (revision, name) in [EdgeTests.composed, EdgeTests.decomposed].enumerated() {
            tree.run(
                "put", .fields(["value": .text("v"), "if": .text("absent")]), key: .text("/" + name),
                .fields(["version": .int(1)]), revision: revision + 1)
        }
        #expect(Checker.check(tree.operations, model: .tree) == .valid)
    }

    @Test func aWatchOfOnePathTellsNothingOfAnother() {
        func verdict(_ told: String) -> Verdict {
            var history = StoryRecorder()
            history.run(
                "watch", .fields(["from": .int(1)]), key: .text("/" + EdgeTests.composed), process: .text("w"))
            history.run("put", .fields(["value": .text("v")]), key: .text("/" + told), .fields([:]), revision: 1)
            let event = HistoryValue.fields([
                "type": .text("put"), "path": .text("/" + told), "value": .text("v"),
            ])
            history.deliver(
                "event", .fields(["type": .text("events"), "revision": .int(1), "events": .list([event])]),
                process: .text("w"))
            return WatchChecker.check(history.operations)
        }
        #expect(verdict(EdgeTests.composed) == .valid)
        #expect(verdict(EdgeTests.decomposed).isViolation)
    }
}
