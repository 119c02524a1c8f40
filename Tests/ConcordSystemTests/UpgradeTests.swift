import ConcordClient
import ConcordLinux
import Synchronization
import Testing

/// What members tell of themselves, and the feature level, with real processes.
@Suite("Members that change", .serialized)
struct UpgradeTests {
    private func document(_ cluster: ServerCluster, _ index: Int) throws -> String {
        let answer = try cluster.client(index).request("GET", "/v1/cluster")
        return answer.status == 200 ? answer.body : ""
    }

    /// Writes that go on until they are told to stop; what a node holds is how often it was counted.
    private final class Counter: Sendable {
        let isStopped = Atomic<Bool>(false)
        let acknowledged = Atomic<Int>(0)
        let failures = Mutex<[String]>([])

        func run(_ client: ConcordClient) async {
            while !isStopped.load(ordering: .relaxed) {
                do {
                    try await client.increment("/n")
                    acknowledged.add(1, ordering: .relaxed)
                } catch {
                    failures.withLock { $0.append("\(error)") }
                    return
                }
            }
        }
    }

    @Test("one that is started again at other ports is reached by all, under load")
    func movedMember() async throws {
        let cluster = try ServerCluster()
        try cluster.waitUntilReady()
        let ports = try freePorts(2)
        let urls = cluster.seats.map { "http://127.0.0.1:\($0.clientPort)" }
        var options = ConcordClient.Options()
        options.timeout = .seconds(60)
        let client = try ConcordClient(endpoints: [urls[0], urls[2]], options: options)
        try await client.put("/n", "0")
        let counter = Counter()
        let load = Task { await counter.run(client) }
        cluster.kill(1)
        // The list would say that it is where it was.
        let moved = try ServerProcess(
            [
                "serve", "--name", "b", "--data", cluster.dataPath(1), "--listen", "127.0.0.1:\(ports[0])",
                "--peer-listen", "127.0.0.1:\(ports[1])",
            ], in: cluster.scratch, name: "moved")
        let wanted = "\"peer_address\":\"127.0.0.1:\(ports[1])\""
        let wantedURL = "\"client_url\":\"http://127.0.0.1:\(ports[0])\""
        for index in [0, 2] {
            try eventually("member \(index) knows where b is, and b has what the others have", within: 30_000) {
                let text = try document(cluster, index)
                return text.contains(wanted) && text.contains(wantedURL)
            }
        }
        // Each of the others is started again, and so knows of it only what is written; first one and then the other
        // is needed for a quorum with it.
        for index in [0, 2] {
            cluster.kill(index)
            let before = counter.acknowledged.load(ordering: .relaxed)
            try eventually("the others go on without \(index)", within: 30_000) {
                counter.acknowledged.load(ordering: .relaxed) > before + 20
            }
            try cluster.start(index)
            try cluster.waitUntilReady([index])
            try eventually("member \(index) is told of b again", within: 30_000) {
                try document(cluster, index).contains(wanted)
            }
        }
        #expect(try RawClient(port: ports[0]).request("GET", "/readyz").status == 200)
        counter.isStopped.store(true, ordering: .relaxed)
        await load.value
        #expect(counter.failures.withLock { $0 } == [])
        let total = counter.acknowledged.load(ordering: .relaxed)
        #expect(try await client.get("/n").node.value?.string == "\(total)")
        client.shutdown()
        withExtendedLifetime(moved) {}
    }

    @Test("hold the feature level as long as one of them wants it, and raise it by themselves after")
    func heldLevel() async throws {
        let cluster = try ServerCluster(adding: ["--feature-level-max", "1"])
        try cluster.waitUntilReady()
        cluster.flags = []
        for index in 0..<2 {
            cluster.kill(index)
            try cluster.start(index)
            try cluster.waitUntilReady()
        }
        for index in 0..<3 {
            let version = try cluster.client(index).request("GET", "/v1/version").body
            #expect(version.contains("\"cluster_feature_level\":1"), "the level rose in spite of the hold")
            #expect(try document(cluster, index).contains("\"feature_level\":1"))
        }
        cluster.kill(2)
        try cluster.start(2)
        try cluster.waitUntilReady()
        for index in 0..<3 {
            try eventually("the level rises at \(index)", within: 30_000) {
                let version = try cluster.client(index).request("GET", "/v1/version").body
                return version.contains("\"cluster_feature_level\":2")
            }
        }
        // It never falls: what is held now is what comes.
        cluster.kill(0)
        try cluster.start(0, adding: ["--feature-level-max", "1"])
        try cluster.waitUntilReady()
        #expect(try cluster.client(0).request("GET", "/v1/version").body.contains("\"cluster_feature_level\":2"))
        let urls = cluster.seats.map { "http://127.0.0.1:\($0.clientPort)" }.joined(separator: ",")
        let status = await ToolRun.run(["--endpoints", urls, "status"], on: try SocketTransport())
        #expect(status.output.contains(", feature level 2\n"))
        #expect(status.output.contains("BUILD") && status.output.contains("LEVEL"))
        let list = await ToolRun.run(["--endpoints", urls, "member", "list", "--json"], on: try SocketTransport())
        #expect(list.json["feature_level"] as? Int == 2)
    }

    @Test("one that is too old for a cluster does not ask to be taken in, and says why")
    func tooOldToJoin() throws {
        let member = try FakeMember { _, _ in
            .reply(
                status: 200, headers: [("Content-Type", "application/json")],
                body: #"{"cluster_id":"000000000000000000000000000000cd","feature_level":999,"members":[]}"#)
        }
        let scratch = try ScratchDirectory()
        let ports = try freePorts(2)
        let server = try ServerProcess(
            [
                "serve", "--name", "d", "--data", "\(scratch.path)/d", "--listen", "127.0.0.1:\(ports[0])",
                "--peer-listen", "127.0.0.1:\(ports[1])", "--join", member.endpoint,
            ], in: scratch)
        #expect(server.exitCode() == .exited(code: 78))
        let log = try server.log()
        #expect(log.contains("build_too_old") && log.contains("feature level 999"))
        #expect(member.seen.allSatisfy { $0.method == "GET" })
        member.stop()
    }
}
