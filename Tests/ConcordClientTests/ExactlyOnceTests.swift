import ConcordClient
import Synchronization
import Testing

@Suite struct ExactlyOnceTests {
    @Test func aRetryHasTheSameIdentityAndSequence() async throws {
        let transport = ScriptedTransport([
            .failure(.interrupted("reset")), .success(.problem(504, "timeout", retryable: true, unknown: true)),
            .success(.problem(503, "no_leader", retryable: true)), .failure(.timedOut), .failure(.notSent("refused")),
            .success(.problem(408, "timeout", retryable: true)), .success(.node(replayed: true)),
        ])
        let result = try await client(transport).put("/a", "x")
        #expect(result.replayed)
        let calls = transport.sent.compactMap(\.call)
        #expect(calls.count == 7)
        #expect(Set(calls.map(\.identity)).count == 1)
        #expect(calls.allSatisfy { $0.sequence == 1 && $0.done == 0 })
        #expect(calls[0].identity.count == 32)
    }

    @Test func sequencesGrowAndDoneFollows() async throws {
        let transport = ScriptedTransport([.success(.node())])
        let client = try client(transport)
        for _ in 0..<3 { try await client.put("/a", "x") }
        try await client.delete("/a")
        try await client.increment("/a")
        try await client.createSequential(in: "/a", prefix: "n-", "x")
        #expect(transport.sent.compactMap { $0.call?.sequence } == [1, 2, 3, 4, 5, 6])
        #expect(transport.sent.compactMap { $0.call?.done } == [0, 1, 2, 3, 4, 5])
        _ = try await client.get("/a")
        #expect(transport.sent.last?.call == nil, "a read needs no place among the writes")
    }

    @Test func doneStopsBelowTheLowestOpenWrite() async throws {
        let latch = Latch()
        let transport = ScriptedTransport { sent, _ in
            if sent.call?.sequence == 2 { await latch.wait() }
            return .success(.node())
        }
        let client = try client(transport, waitsPass: false)
        try await client.put("/a", "1")
        let slow = Task { try await client.put("/a", "2") }
        await eventually { transport.sent.count == 2 }
        try await client.put("/a", "3")
        try await client.put("/a", "4")
        #expect(transport.sent.compactMap { $0.call?.done } == [0, 1, 1, 1])
        latch.open()
        _ = try await slow.value
        try await client.put("/a", "5")
        #expect(transport.sent.last?.call?.done == 4)
    }

    @Test func theFirstWriteOfAnIdentityGoesAlone() async throws {
        let latch = Latch()
        let transport = ScriptedTransport { sent, _ in
            if sent.call?.sequence == 1 { await latch.wait() }
            return .success(.node())
        }
        let client = try client(transport, waitsPass: false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { try await client.put("/a", "x") } }
            await eventually { transport.sent.count == 1 }
            for _ in 0..<1000 { await Task.yield() }
            #expect(transport.sent.count == 1, "members accept an unknown identity only with sequence 1")
            latch.open()
            try await group.waitForAll()
        }
        #expect(Set(transport.sent.compactMap { $0.call?.sequence }) == Set(1...50))
    }

    @Test func aFirstWriteThatGaveUpLeavesItsIdentityBehind() async throws {
        let time = VirtualTime()
        let transport = ScriptedTransport { sent, index in
            if index == 0 { time.advance(.seconds(60)) }
            return index == 0 ? .failure(.timedOut) : .success(.node())
        }
        let client = try client(transport, time)
        let error = try await failure { () throws(ConcordError) in try await client.put("/a", "x") }
        #expect(error.outcomeUnknown)
        try await client.put("/a", "y")
        let calls = transport.sent.compactMap(\.call)
        #expect(calls[1].sequence == 1)
        #expect(calls[0].identity != calls[1].identity)
    }

    @Test func noMoreThan1024WritesAreOpen() async throws {
        let latch = Latch()
        let transport = ScriptedTransport { sent, _ in
            if sent.call?.sequence == 2 { await latch.wait() }
            return .success(.node())
        }
        let client = try client(transport, waitsPass: false)
        try await client.put("/a", "first")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<1100 { group.addTask { try await client.put("/a", "x") } }
            await eventually { transport.sent.count == 1025 }
            for _ in 0..<1000 { await Task.yield() }
            #expect(transport.sent.count == 1025, "sequence 2 is open, so 1025 is the last that may be sent")
            #expect(transport.sent.compactMap { $0.call?.sequence }.max() == 1025)
            latch.open()
            try await group.waitForAll()
        }
        #expect(transport.sent.count == 1101)
        for sent in transport.sent {
            let call = try #require(sent.call)
            #expect(call.sequence > call.done && call.sequence - call.done <= 1024)
        }
    }

    @Test func aWriteThatWaitsForItsTurnGivesUpInTime() async throws {
        let latch = Latch()
        let transport = ScriptedTransport { _, _ in
            await latch.wait()
            return .success(.node())
        }
        let client = try client(transport)
        let first = Task { try await client.put("/a", "1") }
        await eventually { transport.sent.count == 1 }
        let error = try await failure { () throws(ConcordError) in try await client.put("/a", "2") }
        #expect(error.code == .timeout)
        #expect(!error.outcomeUnknown, "it was never sent")
        #expect(transport.sent.count == 1)
        latch.open()
        _ = try await first.value
        try await client.put("/a", "3")
        #expect(transport.sent.last?.call?.sequence == 2)
    }

    @Test func aWriteThatWaitsForItsTurnCanBeCancelled() async throws {
        let latch = Latch()
        let transport = ScriptedTransport { _, _ in
            await latch.wait()
            return .success(.node())
        }
        let client = try client(transport, waitsPass: false)
        let first = Task { try await client.put("/a", "1") }
        await eventually { transport.sent.count == 1 }
        let second = Task { try await failure { () throws(ConcordError) in try await client.put("/a", "2") } }
        second.cancel()
        #expect(try await second.value.code == .cancelled)
        latch.open()
        _ = try await first.value
        try await client.put("/a", "3")
        #expect(transport.sent.last?.call?.sequence == 2)
    }

    @Test func aForgottenClientGoesOnUnderANewIdentity() async throws {
        let transport = ScriptedTransport { sent, index in
            sent.call?.sequence == 2 && index == 1 ? .success(.problem(410, "client_expired")) : .success(.node())
        }
        let client = try client(transport)
        try await client.put("/a", "1")
        try await client.put("/a", "2")
        let calls = transport.sent.compactMap(\.call)
        #expect(calls.map(\.sequence) == [1, 2, 1])
        #expect(calls[1].identity == calls[0].identity)
        #expect(calls[2].identity != calls[0].identity)
        #expect(calls[2].done == 0)
    }

    @Test func aForgottenRetryIsNotSentAgain() async throws {
        let transport = ScriptedTransport { sent, index in
            switch index {
            case 1: .failure(.timedOut)
            case 2: .success(.problem(410, "client_expired"))
            default: .success(.node())
            }
        }
        let client = try client(transport)
        try await client.put("/a", "1")
        let error = try await failure { () throws(ConcordError) in try await client.put("/a", "2") }
        #expect(error.code == .clientExpired)
        #expect(error.outcomeUnknown, "the attempt that timed out may have been applied before the id was forgotten")
        #expect(transport.sent.count == 3)
        try await client.put("/a", "3")
        let calls = transport.sent.compactMap(\.call)
        #expect(calls[3].sequence == 1)
        #expect(calls[3].identity != calls[0].identity)
    }

    @Test func aClusterThatForgetsEveryIdentityEndsTheCall() async throws {
        let transport = ScriptedTransport([.success(.problem(410, "client_expired"))])
        let client = try client(transport)
        let error = try await failure { () throws(ConcordError) in try await client.put("/a", "1") }
        #expect(error.code == .clientExpired)
        #expect(!error.outcomeUnknown)
        #expect(transport.sent.count == 4)
    }

    @Test func manyForgottenWritesShareOneNewIdentity() async throws {
        let forgotten = Mutex<String?>(nil)
        let transport = ScriptedTransport { sent, index in
            guard let call = sent.call else { return .success(.node()) }
            if index == 0 {
                forgotten.withLock { $0 = call.identity }
                return .success(.node())
            }
            let isForgotten = forgotten.withLock { $0 == call.identity }
            return isForgotten ? .success(.problem(410, "client_expired")) : .success(.node())
        }
        let client = try client(transport, waitsPass: false)
        try await client.put("/a", "first")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<100 { group.addTask { try await client.put("/a", "x") } }
            try await group.waitForAll()
        }
        let calls = transport.sent.compactMap(\.call)
        let renewed = calls.filter { $0.identity != calls[0].identity }
        #expect(Set(renewed.map(\.identity)).count == 1)
        #expect(Set(renewed.map(\.sequence)) == Set(1...100))
    }
}
