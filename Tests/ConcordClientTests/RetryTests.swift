import ConcordClient
import Testing

@Suite struct RetryTests {
    @Test func aMemberThatRefusesConnectionsIsPassedOver() async throws {
        let transport = ScriptedTransport { sent, _ in
            sent.port == 3 ? .success(.node(value: "x")) : .failure(.notSent("refused"))
        }
        let time = VirtualTime()
        let client = try client(transport, time)
        let result = try await client.get("/a")
        #expect(result.node.value?.string == "x")
        #expect(result.position == ConcordPosition(revision: 7, epoch: 4))
        #expect(transport.sent.map(\.port) == [1, 2, 3])
        #expect(time.waits == [], "as long as there is another member nobody waits")
        _ = try await client.get("/a")
        #expect(transport.sent.map(\.port) == [1, 2, 3, 3], "the next call starts where the last one was answered")
    }

    @Test func withoutALeaderTheCallGoesAroundAndWaitsLonger() async throws {
        let transport = ScriptedTransport { _, index in
            index < 9
                ? .success(.problem(503, "no_leader", retryable: true, retryAfter: 5)) : .success(.node())
        }
        let time = VirtualTime()
        _ = try await client(transport, time).put("/a", "x")
        #expect(transport.sent.map(\.port) == [1, 2, 3, 1, 2, 3, 1, 2, 3, 1])
        #expect(time.waits.count == 3)
        #expect(time.waits[0] >= .milliseconds(10) && time.waits[0] <= .milliseconds(20))
        #expect(time.waits[1] >= .milliseconds(20) && time.waits[1] <= .milliseconds(40))
        #expect(time.waits[2] >= .milliseconds(40) && time.waits[2] <= .milliseconds(80))
    }

    @Test func anOverloadedMemberIsGivenTheTimeItAskedFor() async throws {
        let transport = ScriptedTransport([
            .success(.problem(429, "overloaded", retryable: true, retryAfter: 700)), .success(.node()),
        ])
        let time = VirtualTime()
        _ = try await client(transport, time).put("/a", "x")
        #expect(transport.sent.map(\.port) == [1, 1])
        #expect(time.waits == [.milliseconds(700)])
    }

    @Test(arguments: [
        (400, "invalid_request"), (403, "guarded"), (404, "not_found"), (409, "not_empty"), (412, "already_exists"),
        (413, "too_large"), (422, "idempotency_conflict"), (429, "limit_exceeded"), (500, "internal"),
        (501, "unsupported"), (503, "read_only"), (507, "no_space"), (418, "from_the_future"),
    ])
    func whatIsRefusedForGoodIsThrownAtOnce(status: Int, code: String) async throws {
        let transport = ScriptedTransport([.success(.problem(status, code))])
        let client = try client(transport)
        let error = try await failure { () throws(ConcordError) in try await client.put("/a", "x") }
        #expect(error.code.rawValue == code)
        #expect(error.status == status)
        #expect(error.detail == "why")
        #expect(!error.outcomeUnknown)
        #expect(transport.sent.count == 1)
    }

    /// A refusal that no member's state has spoken says nothing of an attempt whose answer was lost.
    @Test(arguments: [
        (403, "host_not_allowed", true), (400, "invalid_request", true), (501, "unsupported", true),
        (404, "not_found", false), (409, "not_empty", false), (412, "already_exists", false),
    ])
    func onlyTheStatesVerdictSpeaksForEarlierAttempts(status: Int, code: String, unknown: Bool) async throws {
        let transport = ScriptedTransport([.failure(.interrupted("reset")), .success(.problem(status, code))])
        let client = try client(transport)
        let error = try await failure { () throws(ConcordError) in try await client.put("/a", "x") }
        #expect(error.code.rawValue == code)
        #expect(error.outcomeUnknown == unknown)
    }

    @Test func aWriteUnderWayWhenTheClientIsShutDownIsUnknown() async throws {
        let transport = ScriptedTransport([.failure(.closed)])
        let client = try client(transport)
        let error = try await failure { () throws(ConcordError) in try await client.put("/a", "x") }
        #expect(error.code == .closed && error.outcomeUnknown)
    }

    @Test func aFullDiskIsNotWaitedForEvenIfItMayHelpLater() async throws {
        let transport = ScriptedTransport([.success(.problem(507, "no_space", retryable: true))])
        let client = try client(transport)
        let error = try await failure { () throws(ConcordError) in try await client.put("/a", "x") }
        #expect(error.code == .noSpace)
        #expect(transport.sent.count == 1)
    }

    @Test func aFailedConditionShowsTheNodeAsItIs() async throws {
        let node = """
            ,"path":"/a","node":{"path":"/a","value_base64":"/w==","kind":"persistent","revision":9,\
            "create_revision":3,"version":2,"lease":null,"child_revision":3,"children_count":0}
            """
        let transport = ScriptedTransport([.success(.problem(412, "revision_mismatch", more: node))])
        let client = try client(transport)
        let error = try await failure { () throws(ConcordError) in try await client.put("/a", "x", if: .revision(8)) }
        #expect(error.code == .revisionMismatch)
        #expect(error.node?.revision == 9)
        #expect(error.node?.value?.bytes == [0xFF])
        #expect(error.path == "/a")
    }

    @Test func theCallGivesUpWhenItsTimeIsOver() async throws {
        let time = VirtualTime()
        let transport = ScriptedTransport { sent, _ in
            time.advance(sent.timeout)
            return .failure(.timedOut)
        }
        var options = ConcordClient.Options()
        options.timeout = .seconds(10)
        let client = try client(transport, time, options: options)
        let read = try await failure { () throws(ConcordError) in _ = try await client.get("/a") }
        #expect(read.code == .timeout)
        #expect(!read.outcomeUnknown, "a read has no outcome that matters")
        #expect(time.now <= .seconds(10))
        let write = try await failure { () throws(ConcordError) in try await client.put("/a", "x") }
        #expect(write.outcomeUnknown)
        #expect(time.now <= .seconds(20))
    }

    @Test func aMemberIsToldHowLongItMayTake() async throws {
        let time = VirtualTime()
        let transport = ScriptedTransport { _, index in
            if index == 0 { time.advance(.milliseconds(3600)) }
            return index == 0 ? .failure(.timedOut) : .success(.node())
        }
        var options = ConcordClient.Options()
        options.timeout = .seconds(4)
        _ = try await client(transport, time, options: options).put("/a", "x", createsParents: true)
        #expect(
            transport.sent.map(\.request.target) == [
                "/v1/kv/a?parents&timeout=3000ms", "/v1/kv/a?parents&timeout=200ms",
            ])
        #expect(transport.sent.map(\.timeout) == [.milliseconds(3500), .milliseconds(400)])
    }

    /// A member without a leader answers when the time that it was told is over: the last such answer must arrive, and
    /// no further attempt may put it in doubt.
    @Test(arguments: [10_000, 1_000, 400, 60])
    func theLastWordOfAMemberIsHeard(milliseconds: Int) async throws {
        let time = VirtualTime()
        let travel = Duration.milliseconds(milliseconds) / 25
        let transport = ScriptedTransport { sent, _ in
            let told = sent.request.target.split(separator: "timeout=").last.flatMap { Int($0.dropLast(2)) } ?? 0
            let needed = Duration.milliseconds(told) + travel
            time.advance(min(needed, sent.timeout))
            return needed < sent.timeout
                ? .success(.problem(503, "no_leader", retryable: true)) : .failure(.timedOut)
        }
        var options = ConcordClient.Options()
        options.timeout = .milliseconds(milliseconds)
        let client = try client(transport, time, options: options)
        let error = try await failure { () throws(ConcordError) in try await client.put("/a", "x") }
        #expect(error.code == .noLeader && !error.outcomeUnknown, "\(error)")
        #expect(time.now <= options.timeout && time.now > options.timeout / 2)
    }

    @Test func anUnreachableClusterIsNamed() async throws {
        let transport = ScriptedTransport([.failure(.notSent("connection refused"))])
        let client = try client(transport)
        let error = try await failure { () throws(ConcordError) in try await client.put("/a", "x") }
        #expect(error.code == .unreachable)
        #expect(error.status == nil)
        #expect(!error.outcomeUnknown)
        #expect(error.detail.contains("connection refused"))
    }

    @Test func aRefusalAfterALostAttemptLeavesTheOutcomeOpen() async throws {
        let time = VirtualTime()
        let transport = ScriptedTransport { _, index in
            if index > 0 { time.advance(.seconds(1)) }
            return index == 0 ? .failure(.interrupted("reset")) : .failure(.notSent("refused"))
        }
        let client = try client(transport, time)
        let error = try await failure { () throws(ConcordError) in try await client.put("/a", "x") }
        #expect(error.outcomeUnknown, "the first attempt may have arrived")
        #expect(error.detail.contains("reset"), "the more telling failure is shown")
    }

    @Test func aProxyWithoutDocumentsIsRetriedByStatus() async throws {
        let transport = ScriptedTransport([
            .success(TransportReply(status: 502)), .success(TransportReply(status: 503)), .success(.node()),
        ])
        _ = try await client(transport).put("/a", "x")
        #expect(transport.sent.count == 3)
        let teapot = ScriptedTransport([.success(TransportReply(status: 418, body: [0xFF]))])
        let other = try client(teapot)
        let error = try await failure { () throws(ConcordError) in _ = try await other.get("/a") }
        #expect(error.code.rawValue == "http_418")
    }

    @Test func aReplyThatIsNotUnderstoodIsAnError() async throws {
        let transport = ScriptedTransport([.success(TransportReply(status: 200, body: [UInt8]("[]".utf8)))])
        let client = try client(transport)
        let error = try await failure { () throws(ConcordError) in _ = try await client.get("/a") }
        #expect(error.code == .invalidReply)
    }

    @Test func aCancelledCallEnds() async throws {
        let started = Latch()
        let transport = ScriptedTransport { _, _ in
            started.open()
            while !Task.isCancelled { await Task.yield() }
            return .failure(.cancelled)
        }
        let client = try client(transport)
        let call = Task { try await failure { () throws(ConcordError) in try await client.put("/a", "x") } }
        await started.wait()
        call.cancel()
        let error = try await call.value
        #expect(error.code == .cancelled)
        #expect(error.outcomeUnknown)
    }

    @Test func wrongOptionsAndEndpointsAreRefused() throws {
        for endpoints in [[], ["a b"], ["http://a:0"], ["http://a/x"], ["ftp://a:1"], ["http://u@a:1"]] {
            #expect(throws: ConcordError.self) { try ConcordClient(endpoints: endpoints) }
        }
        for change: (inout ConcordClient.Options) -> Void in [
            { $0.timeout = .seconds(61) }, { $0.timeout = .zero }, { $0.attemptTimeout = .seconds(61) },
            { $0.connectionsPerEndpoint = 0 },
        ] {
            var options = ConcordClient.Options()
            change(&options)
            #expect(throws: ConcordError.self) { try ConcordClient(endpoints: three, options: options) }
        }
        #expect(ConcordEndpoint("localhost")?.description == "http://localhost:7400")
        #expect(ConcordEndpoint("https://[::1]:9/")?.description == "https://[::1]:9")
        #expect(ConcordEndpoint("HTTP://a:1")?.description == "http://a:1")
    }
}
