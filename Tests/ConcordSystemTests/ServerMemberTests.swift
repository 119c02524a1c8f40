import ConcordBytes
import ConcordLinux
import Testing

/// One member alone, started with the fewest flags.
private final class Single {
    let scratch: ScratchDirectory
    let ports: [UInt16]
    var server: ServerProcess?

    init(start: Bool = true, through shell: String? = nil) throws {
        scratch = try ScratchDirectory()
        ports = try freePorts(2)
        if start { try self.start(through: shell) }
    }

    var arguments: [String] {
        [
            "--data", "\(scratch.path)/data", "--listen", "127.0.0.1:\(ports[0])", "--peer-listen",
            "127.0.0.1:\(ports[1])",
        ]
    }

    func start(standardError: Int32? = nil, through shell: String? = nil) throws {
        server = try ServerProcess(arguments, in: scratch, standardError: standardError, through: shell)
        try eventually("the member becomes ready") { try client().request("GET", "/readyz").status == 200 }
    }

    func client() throws -> RawClient { try RawClient(port: ports[0]) }

    /// The memory that the member's process takes.
    func residentBytes() throws -> Int {
        let process = try #require(server).process.identifier
        let status = String(decoding: try Descriptor.reading("/proc/\(process)/statm").read(count: 100), as: UTF8.self)
        return (Int(status.split(separator: " ")[1]) ?? .max / 4096) * 4096
    }
}

@Suite("One member", .serialized)
struct ServerMemberTests {
    @Test("answers writes and reads, and keeps them over kill -9")
    func survivesKill() throws {
        let single = try Single()
        let client = try single.client()
        let put = try client.request("PUT", "/v1/kv/greeting", body: "hello")
        #expect(put.status == 201)
        #expect(put.headers["concord-revision"] == "1")
        #expect(try client.request("GET", "/v1/kv/greeting?raw").body == "hello")
        single.server?.process.killAndWait()
        try single.start()
        #expect(try single.client().request("GET", "/v1/kv/greeting?raw").body == "hello")
    }

    @Test("takes up the requests of one connection in their order, also when they come in one piece")
    func pipelining() throws {
        let single = try Single()
        let client = try single.client()
        var text = ""
        for number in 0..<200 {
            text += RawClient.text("PUT", "/v1/kv/n", body: "\(number)")
            text += RawClient.text("GET", "/v1/kv/n?raw")
            text += RawClient.text("GET", "/livez")
        }
        try client.send(text)
        for number in 0..<200 {
            #expect(try client.answer().status == (number == 0 ? 201 : 200))
            #expect(try client.answer().body == "\(number)")
            #expect(try client.answer().status == 200)
        }
    }

    @Test("answers a client that has said that nothing more comes, and then closes")
    func halfClosed() throws {
        let single = try Single()
        let client = try single.client()
        try client.send(RawClient.text("PUT", "/v1/kv/a", body: "1") + RawClient.text("GET", "/v1/kv/a?raw"))
        client.stream.socket.finishSending()
        #expect(try client.answer().status == 201)
        #expect(try client.answer().body == "1")
        #expect(try client.isEnded())
    }

    @Test("takes a value of a megabyte, refuses a larger one, and goes on")
    func largeValues() throws {
        let single = try Single()
        let client = try single.client()
        let large = String(repeating: "x", count: 1 << 20)
        #expect(try client.request("PUT", "/v1/kv/large", body: large).status == 201)
        #expect(try client.request("GET", "/v1/kv/large?raw").body == large)
        #expect(try client.request("PUT", "/v1/kv/large", body: large + "x").status == 413)
        #expect(try single.client().request("GET", "/v1/kv/large?raw").body == large)
    }

    @Test("keeps a bounded number of answers for a client that does not read, and gives it all of them in the end")
    func slowReader() throws {
        let single = try Single()
        let client = try single.client()
        let large = String(repeating: "x", count: 1 << 20)
        #expect(try client.request("PUT", "/v1/kv/large", body: large).status == 201)
        try client.send(String(repeating: RawClient.text("GET", "/v1/kv/large?raw"), count: 64))
        let other = try single.client()
        for number in 0..<100 { #expect(try other.request("PUT", "/v1/kv/n", body: "\(number)").status < 300) }
        #expect(try single.residentBytes() < 64 << 20, "64 answers were kept at once")
        for _ in 0..<64 { #expect(try client.answer().body.utf8.count == large.utf8.count) }
    }

    /// Requests that are answered at once leave nothing pending, so only what waits unparsed tells that a client is too
    /// fast: 128 MiB were taken in within a second.
    @Test(
        "takes in no more than it keeps up with, whether the client reads its answers or not", arguments: [true, false])
    func fastPipeliner(reads: Bool) throws {
        let single = try Single()
        let client = try single.client()
        #expect(try client.request("GET", "/livez").status == 200)
        let before = try single.residentBytes()
        let sent = try client.flood(RawClient.text("GET", "/livez"), bytesMax: 128 << 20, reads: reads)
        let grown = try single.residentBytes() - before
        #expect(grown < 32 << 20, "\(grown) bytes more after \(sent) were sent")
        #expect(sent > 1 << 20, "too little was sent to tell")
        #expect(try single.client().request("GET", "/livez").status == 200)
    }

    @Test("ends at the first write that fails, and says nothing more to anyone")
    func failedWrite() throws {
        let single = try Single()
        let client = try single.client()
        #expect(try client.request("PUT", "/v1/kv/a", body: "1").status == 201)
        let server = try #require(single.server)
        let limiting = try ChildProcess(
            path: "/usr/bin/prlimit", arguments: ["--pid", "\(server.process.identifier)", "--fsize=4096"])
        #expect(limiting.wait(milliseconds: 10_000) == .exited(code: 0))
        #expect(throws: SystemError.self) { try client.request("PUT", "/v1/kv/a", body: "2") }
        #expect(server.exitCode() == .exited(code: 74))
        #expect(try server.log().contains("storage_failed"))
        try single.start()
        #expect(try single.client().request("GET", "/v1/kv/a?raw").body == "1")
    }

    @Test("answers what is no request, and closes")
    func malformed() throws {
        let single = try Single()
        let client = try single.client()
        try client.send("GET / HTTP/1.1\nHost: localhost\n\n")
        let answer = try client.answer()
        #expect(answer.status == 400)
        #expect(answer.headers["connection"] == "close")
        #expect(try client.isEnded())
    }

    @Test("gives up on a head that comes too slowly, and not on a connection that merely waits")
    func slowHead() throws {
        let single = try Single()
        let idle = try single.client()
        let slow = try single.client()
        let slowBody = try single.client()
        try slow.send("GET /v1/status HTTP/1.1\r\nHost: ")
        try slowBody.send("PUT /v1/kv/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx")
        for client in [slow, slowBody] {
            #expect(try client.answer(within: 30_000).status == 408)
            #expect(try client.isEnded())
        }
        #expect(try idle.request("GET", "/v1/kv/a").status == 404)
        #expect(try idle.request("GET", "/livez").status == 200)
    }

    @Test("stops on SIGTERM within five seconds, answering what is under way and closing what is idle")
    func terminate() throws {
        let single = try Single()
        let idle = try single.client()
        #expect(try idle.request("GET", "/livez").status == 200)
        let server = try #require(single.server)
        server.process.send(.terminate)
        try server.expectPlannedStop()
        #expect(try idle.isEnded())
        #expect(throws: SystemError.self) { try single.client() }
    }

    @Test("goes on when nobody reads its log")
    func blockedLog() throws {
        let single = try Single(start: false)
        let pipe = try Pipe.make()
        // The pipe is full before the member says its first word.
        try pipe.fill()
        try single.start(standardError: pipe.writer.number)
        let client = try single.client()
        for number in 0..<50 {
            #expect(try client.request("PUT", "/v1/kv/n", body: "\(number)").status < 300)
        }
        let server = try #require(single.server)
        server.process.send(.terminate)
        #expect(server.exitCode() == .exited(code: 0))
    }

    @Test("survives that no descriptor is left, and takes connections again once there are some")
    func descriptorShortage() throws {
        let single = try Single(through: "ulimit -n 48")
        let first = try single.client()
        #expect(try first.request("GET", "/livez").status == 200)
        do {
            let crowd = (0..<100).compactMap { _ in try? single.client() }
            #expect(crowd.count > 20)
            // Those that are there already are served as before.
            #expect(try first.request("PUT", "/v1/kv/a", body: "1").status == 201)
        }
        try eventually("a new connection is served") {
            try single.client().request("GET", "/v1/kv/a?raw").body == "1"
        }
        try single.server?.waitUntilLogged("accept_failed")
    }

    @Test("is not moved by random bytes on its peer port")
    func randomBytes() throws {
        let single = try Single()
        #expect(try single.client().request("PUT", "/v1/kv/a", body: "1").status == 201)
        let before = try single.client().request("GET", "/v1/status").body
        for seed in 0..<50 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            let stream = try BlockingStream.connect(
                to: HostAndPort(host: "127.0.0.1", port: single.ports[1]), timeoutMilliseconds: 5_000)
            let bytes = (0..<random.below(2_000)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            // The member may have closed already.
            try? stream.sendAll(bytes, deadline: SystemClock.monotonicMilliseconds() + 1_000)
        }
        let after = try single.client().request("GET", "/v1/status").body
        for member in ["applied_index", "commit_index", "revision", "state_hash", "term", "boot"] {
            #expect(value(member, of: after) == value(member, of: before), "\(member) changed")
        }
        try single.server?.waitUntilLogged("peer port (7401 by default)")
    }

    private func value(_ member: String, of document: String) -> Substring? {
        document.split(separator: ",").first { $0.contains("\"\(member)\":") }
    }
}

extension Pipe {
    /// Writes until not one byte more fits.
    borrowing func fill() throws {
        let block = [UInt8](repeating: 0x2E, count: 4096)
        while try writer.waitWritable(milliseconds: 0) { try writer.writeAll(block) }
    }
}
