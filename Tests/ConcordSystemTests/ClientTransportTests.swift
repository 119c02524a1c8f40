import ConcordClient
import ConcordLinux
import Testing

/// Every transport must keep the same promises over real sockets.
enum TransportKind: String, CaseIterable, Sendable {
    case socket
    case session

    func make(connections: Int = 64) throws -> any ConcordTransport {
        switch self {
        case .socket: try SocketTransport(connectionsPerEndpoint: connections)
        case .session: URLSessionTransport(connectionsPerEndpoint: connections)
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct ClientTransportTests {
    private func endpoint(_ member: FakeMember) throws -> ConcordEndpoint {
        try #require(ConcordEndpoint(member.endpoint))
    }

    private func failure(
        _ transport: any ConcordTransport, _ request: TransportRequest, _ endpoint: ConcordEndpoint,
        timeout: Duration = .seconds(10)
    ) async -> TransportFailure? {
        do throws(TransportFailure) {
            _ = try await transport.send(request, to: endpoint, timeout: timeout)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: TransportKind.allCases)
    func aRequestArrivesWholeAndItsReplyComesBack(_ kind: TransportKind) async throws {
        let member = try FakeMember { seen, _ in
            .reply(status: 201, headers: [("Concord-Revision", "5")], body: "hello \(seen.method)")
        }
        defer { member.stop() }
        let transport = try kind.make()
        let request = TransportRequest(
            method: "PUT", target: "/v1/kv/a%20b?parents", headers: [("X-Test", "1")], body: [0, 255, 10])
        let reply = try await transport.send(request, to: endpoint(member), timeout: .seconds(10))
        #expect(reply.status == 201)
        #expect(reply.header("concord-revision") == "5")
        #expect(reply.body == [UInt8]("hello PUT".utf8))
        let seen = try #require(member.seen.first)
        #expect(seen.target == "/v1/kv/a%20b?parents")
        #expect(seen.host == "127.0.0.1:\(member.port)")
        #expect(seen.body == [0, 255, 10])
        transport.close()
    }

    @Test func aConnectionIsUsedAgain() async throws {
        let member = try FakeMember { _, _ in .reply(status: 200, headers: [], body: "{}") }
        defer { member.stop() }
        let transport = try SocketTransport()
        for _ in 0..<10 {
            _ = try await transport.send(
                TransportRequest(method: "GET", target: "/"), to: endpoint(member), timeout: .seconds(10))
        }
        #expect(Set(member.seen.map(\.connection)) == [0])
    }

    @Test func aConnectionThatTheMemberClosesIsNotUsedAgain() async throws {
        let member = try FakeMember { _, _ in .lastReply(status: 200, body: "{}") }
        defer { member.stop() }
        let transport = try SocketTransport()
        for _ in 0..<5 {
            let request = TransportRequest(method: "GET", target: "/")
            let reply = try await transport.send(request, to: endpoint(member), timeout: .seconds(10))
            #expect(reply.status == 200)
        }
        #expect(Set(member.seen.map(\.connection)).count == 5)
    }

    @Test func moreRequestsThanConnectionsWaitTheirTurn() async throws {
        let member = try FakeMember { seen, _ in .reply(status: 200, headers: [], body: seen.target) }
        defer { member.stop() }
        let transport = try SocketTransport(connectionsPerEndpoint: 3)
        let target = try endpoint(member)
        let bodies = try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for index in 0..<200 {
                group.addTask {
                    let request = TransportRequest(method: "GET", target: "/\(index)")
                    return try await transport.send(request, to: target, timeout: .seconds(20)).body
                }
            }
            return try await group.reduce(into: Set<[UInt8]>()) { $0.insert($1) }
        }
        #expect(bodies.count == 200)
        #expect(Set(member.seen.map(\.connection)).count <= 3)
    }

    @Test(arguments: TransportKind.allCases)
    func nobodyListens(_ kind: TransportKind) async throws {
        let free = try FakeMember { _, _ in .hangUp }
        free.stop()
        // A port that was just given back; the listener closes within a moment.
        let target = try endpoint(free)
        let transport = try kind.make()
        let request = TransportRequest(method: "GET", target: "/")
        var last: TransportFailure?
        let deadline = SystemClock.monotonicMilliseconds() + 10_000
        repeat {
            last = await failure(transport, request, target, timeout: .milliseconds(500))
            if case .notSent = last { break }
        } while SystemClock.monotonicMilliseconds() < deadline
        guard case .notSent = last else {
            Issue.record("\(String(describing: last))")
            return
        }
    }

    @Test(arguments: TransportKind.allCases)
    func aMemberThatHangsUpMayHaveDoneIt(_ kind: TransportKind) async throws {
        let member = try FakeMember { _, _ in .hangUp }
        defer { member.stop() }
        let transport = try kind.make()
        let request = TransportRequest(method: "PUT", target: "/a", body: [1])
        let result = await failure(transport, request, try endpoint(member))
        guard case .interrupted = result else {
            Issue.record("\(String(describing: result))")
            return
        }
    }

    @Test(arguments: TransportKind.allCases)
    func aSilentMemberIsLeftInTime(_ kind: TransportKind) async throws {
        let member = try FakeMember { _, _ in .silence }
        defer { member.stop() }
        let transport = try kind.make()
        let request = TransportRequest(method: "GET", target: "/a")
        #expect(await failure(transport, request, try endpoint(member), timeout: .milliseconds(300)) == .timedOut)
    }

    @Test(arguments: TransportKind.allCases)
    func aRequestCanBeCancelled(_ kind: TransportKind) async throws {
        let member = try FakeMember { _, _ in .silence }
        defer { member.stop() }
        let transport = try kind.make()
        let target = try endpoint(member)
        let task = Task { await failure(transport, TransportRequest(method: "GET", target: "/a"), target) }
        while member.seen.isEmpty { await Task.yield() }
        task.cancel()
        #expect(await task.value == .cancelled)
    }

    /// The cancellation was told before there was a call to cancel, and forgotten.
    @Test(arguments: TransportKind.allCases)
    func aTaskThatIsCancelledAlreadySendsNothing(_ kind: TransportKind) async throws {
        let member = try FakeMember { _, _ in .silence }
        defer { member.stop() }
        let transport = try kind.make()
        let target = try endpoint(member)
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return await failure(transport, TransportRequest(method: "GET", target: "/a"), target, timeout: .seconds(3))
        }
        task.cancel()
        #expect(await task.value == .cancelled)
    }

    /// Those that wait for a connection were left waiting until their time was over.
    @Test func whenNoNameIsFoundThoseBehindAreServedToo() async throws {
        // A label of more than 63 characters: no resolver needs to ask anyone.
        let target = try #require(ConcordEndpoint("http://\(String(repeating: "a", count: 64)).invalid:7400"))
        let transport = try SocketTransport(connectionsPerEndpoint: 1)
        let failures = await withTaskGroup(of: TransportFailure?.self) { group in
            for _ in 0..<4 {
                group.addTask { await failure(transport, TransportRequest(method: "GET", target: "/"), target) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(failures.count == 4)
        for failure in failures {
            guard case .notSent(let reason) = failure else {
                Issue.record("\(String(describing: failure))")
                continue
            }
            #expect(!reason.contains("busy"))
        }
    }

    @Test(arguments: ["HTTP/1.1 2x0 OK\r\n\r\n", "SSH-2.0-x\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"])
    func whatIsNoHTTPBreaksTheConnection(_ text: String) async throws {
        let member = try FakeMember { _, index in index == 0 ? .raw(text) : .reply(status: 200, headers: [], body: "") }
        defer { member.stop() }
        let transport = try SocketTransport()
        let request = TransportRequest(method: "GET", target: "/a")
        let target = try endpoint(member)
        let result = await failure(transport, request, target, timeout: .milliseconds(300))
        #expect(result != nil)
        #expect(try await transport.send(request, to: target, timeout: .seconds(10)).status == 200)
    }

    @Test func aReplyAfterItsTimeIsNotTakenForTheNextOne() async throws {
        let member = try FakeMember { seen, _ in
            seen.target == "/slow" ? .silence : .reply(status: 200, headers: [], body: seen.target)
        }
        defer { member.stop() }
        let transport = try SocketTransport(connectionsPerEndpoint: 1)
        let target = try endpoint(member)
        let slow = TransportRequest(method: "GET", target: "/slow")
        #expect(await failure(transport, slow, target, timeout: .milliseconds(100)) == .timedOut)
        let fast = TransportRequest(method: "GET", target: "/fast")
        let reply = try await transport.send(fast, to: target, timeout: .seconds(10))
        #expect(reply.body == [UInt8]("/fast".utf8))
        #expect(member.seen.map(\.connection) == [0, 1])
    }

    @Test func aClosedTransportAnswersEveryone() async throws {
        let member = try FakeMember { _, _ in .silence }
        defer { member.stop() }
        let transport = try SocketTransport()
        let target = try endpoint(member)
        let request = TransportRequest(method: "GET", target: "/a")
        let task = Task { await failure(transport, request, target) }
        while member.seen.isEmpty { await Task.yield() }
        transport.close()
        #expect(await task.value == .closed)
        #expect(await failure(transport, request, target) == .closed)
    }

    @Test func aClientTurnsToTheMemberThatAnswers() async throws {
        let node = """
            {"path":"/a","value":"x","kind":"persistent","revision":2,"create_revision":2,"version":1,"lease":null,\
            "child_revision":2,"children_count":0}
            """
        let dying = try FakeMember { _, _ in .hangUp }
        let well = try FakeMember { _, _ in .reply(status: 200, headers: [("Concord-Revision", "9")], body: node) }
        defer {
            dying.stop()
            well.stop()
        }
        let client = try ConcordClient(endpoints: [dying.endpoint, well.endpoint])
        let result = try await client.put("/a", "x")
        #expect(result.position.revision == 9)
        #expect(try await client.get("/a").node.value?.string == "x")
        #expect(dying.seen.count == 1)
        #expect(well.seen.count == 2)
        client.shutdown()
    }
}
