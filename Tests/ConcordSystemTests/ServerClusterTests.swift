import ConcordLinux
import Testing

@Suite("A cluster of three processes", .serialized)
struct ServerClusterTests {
    @Test("goes on after kill -9 of its leader, and forgets nothing that it acknowledged")
    func leaderKilled() throws {
        let cluster = try ServerCluster()
        try cluster.waitUntilReady()
        let leader = try cluster.leader()
        let other = (leader + 1) % 3
        let client = try cluster.client(other)
        for number in 0..<20 {
            #expect(try client.request("PUT", "/v1/kv/k\(number)", body: "\(number)").status == 201)
        }
        cluster.kill(leader)
        let start = SystemClock.monotonicMilliseconds()
        #expect(try client.request("PUT", "/v1/kv/after", body: "x").status == 201)
        #expect(SystemClock.monotonicMilliseconds() - start < 5_000)
        for number in 0..<20 {
            #expect(try client.request("GET", "/v1/kv/k\(number)?raw").body == "\(number)")
        }
        try cluster.start(leader)
        try cluster.waitUntilReady()
        #expect(try cluster.client(leader).request("GET", "/v1/kv/after?raw").body == "x")
    }

    @Test("comes back with everything acknowledged after all members were killed at once")
    func allKilled() throws {
        let cluster = try ServerCluster()
        try cluster.waitUntilReady()
        let client = try cluster.client(0)
        for number in 0..<20 {
            #expect(try client.request("PUT", "/v1/kv/k\(number)", body: "\(number)").status == 201)
        }
        for index in 0..<3 { cluster.kill(index) }
        for index in 0..<3 { try cluster.start(index) }
        try cluster.waitUntilReady()
        let again = try cluster.client(2)
        for number in 0..<20 {
            #expect(try again.request("GET", "/v1/kv/k\(number)?raw").body == "\(number)")
        }
    }

    @Test("replaces a leader that is frozen, and takes it back as a follower")
    func leaderFrozen() throws {
        let cluster = try ServerCluster()
        try cluster.waitUntilReady()
        let leader = try cluster.leader()
        let other = (leader + 1) % 3
        let server = try #require(cluster.processes[leader])
        server.process.send(.stop)
        #expect(try cluster.client(other).request("PUT", "/v1/kv/a", body: "1").status == 201)
        server.process.send(.resume)
        try eventually("the old leader follows") {
            try cluster.status(leader).contains("\"role\":\"follower\"")
                && cluster.client(leader).request("GET", "/v1/kv/a?raw").body == "1"
        }
    }

    @Test("loses no request when its leader is told to stop")
    func leaderStops() throws {
        let cluster = try ServerCluster()
        try cluster.waitUntilReady()
        let leader = try cluster.leader()
        let (own, other) = (try cluster.client(leader), try cluster.client((leader + 1) % 3))
        #expect(try own.request("PUT", "/v1/kv/before", body: "1").status == 201)
        let server = try #require(cluster.processes[leader])
        // Sent before the stop and while it goes on: both connections get their answers.
        try own.send(RawClient.text("PUT", "/v1/kv/during", body: "1"))
        server.process.send(.terminate)
        #expect(try other.request("PUT", "/v1/kv/other", body: "1").status == 201)
        let last = try own.answer()
        #expect(last.status == 201)
        #expect(try own.isEnded())
        try server.expectPlannedStop()
        #expect(try other.request("GET", "/v1/kv/during?raw").body == "1")
    }

    @Test("does not take back a member whose data was wiped")
    func wiped() throws {
        let cluster = try ServerCluster()
        try cluster.waitUntilReady()
        cluster.kill(1)
        let removal = try ChildProcess(path: "/bin/rm", arguments: ["-rf", cluster.dataPath(1)])
        #expect(removal.wait(milliseconds: 10_000) == .exited(code: 0))
        try cluster.start(1)
        let server = try #require(cluster.processes[1])
        #expect(server.exitCode() == .exited(code: 78))
        let log = try server.log()
        #expect(log.contains("not_a_member") && log.contains("was wiped"))
        #expect(try cluster.client(0).request("PUT", "/v1/kv/a", body: "1").status == 201)
    }

    @Test("keeps a member with another secret out, and both sides say so")
    func wrongSecret() throws {
        let cluster = try ServerCluster()
        try cluster.waitUntilReady()
        cluster.kill(2)
        let path = "\(cluster.scratch.path)/secret"
        try Descriptor.appending(path).writeAll(Array("another secret of ours\n".utf8))
        try cluster.start(2, adding: ["--cluster-secret-file", path])
        let stranger = try #require(cluster.processes[2])
        try stranger.waitUntilLogged("start every member with the same --cluster-secret-file")
        try cluster.processes[0]?.waitUntilLogged("start every member with the same --cluster-secret-file")
        #expect(try cluster.client(2).request("GET", "/readyz").status == 503)
        #expect(try cluster.client(0).request("PUT", "/v1/kv/a", body: "1").status == 201)
    }

    @Test("says when --cluster differs from what it was formed with, and goes on")
    func otherList() throws {
        let cluster = try ServerCluster()
        try cluster.waitUntilReady()
        cluster.kill(0)
        let own = "a=127.0.0.1:\(cluster.seats[0].peerPort)"
        var arguments = cluster.arguments(0)
        arguments[arguments.count - 1] = own
        let server = try ServerProcess(arguments, in: cluster.scratch, name: "changed")
        try cluster.waitUntilReady([0])
        try server.waitUntilLogged("cluster_flag_ignored")
    }
}

@Suite("concordd dev", .serialized)
struct ServerDevTests {
    /// Runs `dev` with three members until it is ready.
    private func start(in scratch: ScratchDirectory) throws -> (ServerProcess, [UInt16]) {
        let base = try freePorts(22)[0]
        let dev = try ServerProcess(
            ["dev", "--port", "\(base)", "--data", "\(scratch.path)/data"], in: scratch, name: "dev")
        try eventually("dev is ready") { try dev.output().hasSuffix("ready\n") }
        return (dev, [base, base + 10, base + 20])
    }

    private func isGone(_ port: UInt16) -> Bool {
        (try? RawClient(port: port)) == nil
    }

    @Test("starts three members, says what to try, and ends them all on SIGTERM")
    func wholeLife() throws {
        let scratch = try ScratchDirectory()
        let (dev, ports) = try start(in: scratch)
        let text = try dev.output()
        for port in ports { #expect(text.contains("http://127.0.0.1:\(port)")) }
        #expect(text.contains("curl -X PUT -d world http://127.0.0.1:\(ports[0])/v1/kv/hello"))
        #expect(try RawClient(port: ports[0]).request("PUT", "/v1/kv/hello", body: "world").status == 201)
        #expect(try RawClient(port: ports[2]).request("GET", "/v1/kv/hello?raw").body == "world")
        dev.process.send(.terminate)
        #expect(dev.exitCode() == .exited(code: 0))
        for port in ports { #expect(isGone(port)) }
    }

    @Test("leaves no member behind when it is killed itself")
    func killed() throws {
        let scratch = try ScratchDirectory()
        let (dev, ports) = try start(in: scratch)
        dev.process.killAndWait()
        for port in ports { try eventually("the member on \(port) is gone") { isGone(port) } }
    }

    @Test("does not start a member again, and prints the command that does")
    func memberKilled() throws {
        let scratch = try ScratchDirectory()
        let (dev, ports) = try start(in: scratch)
        let line = try #require(try dev.output().split(separator: "\n").first { $0.contains("  a  ") })
        let number = try #require(line.split(separator: " ").compactMap { Int32($0) }.first)
        let killing = try ChildProcess(path: "/bin/kill", arguments: ["-9", "\(number)"])
        #expect(killing.wait(milliseconds: 10_000) == .exited(code: 0))
        try eventually("dev tells how to start the member again") {
            try dev.output().contains("member a was ended by signal 9")
                && dev.output().contains("concordd serve --name a --data \(scratch.path)/data/a --listen")
        }
        #expect(try RawClient(port: ports[1]).request("PUT", "/v1/kv/hello", body: "world").status == 201)
        #expect(isGone(ports[0]))
    }
}
