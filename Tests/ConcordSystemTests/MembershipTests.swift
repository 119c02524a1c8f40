import ConcordClient
import ConcordCommandLine
import ConcordLinux
import Synchronization
import Testing

/// Real processes that join and leave a cluster while it is written to.
final class GrowingCluster: Sendable {
    private let scratch: ScratchDirectory
    private let ports: [UInt16]
    private let flags: [String]
    private let servers: Mutex<[ServerProcess?]>

    /// - Parameters:
    ///   - count: seats; only the first one is taken.
    ///   - flags: of every member, at each start.
    init(seats count: Int, adding flags: [String] = []) throws {
        self.flags = flags
        scratch = try ScratchDirectory()
        ports = try freePorts(2 * count)
        servers = Mutex(Array(repeating: nil, count: count))
        try start(0)
    }

    func name(_ seat: Int) -> String { "m\(seat)" }

    func dataPath(_ seat: Int) -> String { "\(scratch.path)/\(name(seat))" }

    /// The first member forms a cluster of its own; the others join it by whom `through` names.
    func start(_ seat: Int, through: [Int] = []) throws {
        var arguments = [
            "serve", "--name", name(seat), "--data", dataPath(seat), "--listen", "127.0.0.1:\(ports[2 * seat])",
            "--peer-listen", "127.0.0.1:\(ports[2 * seat + 1])",
        ]
        arguments += flags
        if !through.isEmpty { arguments += ["--join", through.map(url).joined(separator: ",")] }
        let server = try ServerProcess(arguments, in: scratch, name: name(seat))
        servers.withLock { $0[seat] = server }
    }

    func url(_ seat: Int) -> String { "http://127.0.0.1:\(ports[2 * seat])" }

    func kill(_ seat: Int) {
        let server = servers.withLock { $0[seat].take() }
        server?.process.killAndWait()
    }

    func server(_ seat: Int) -> ServerProcess? { servers.withLock { $0[seat] } }

    func client(_ seats: [Int]) throws -> ConcordClient {
        var options = ConcordClient.Options()
        options.timeout = .seconds(60)
        return try ConcordClient(endpoints: seats.map(url), options: options)
    }

    /// Waits until the voters are exactly these seats and no change is under way. Other tests block the threads that
    /// tasks run on, so an answer may come when the client's own time is long over: it is asked again.
    func waitForVoters(_ seats: [Int], _ client: ConcordClient) async throws {
        let wanted = Set(seats.map(name))
        let deadline = SystemClock.monotonicMilliseconds() + 180_000
        var last = ""
        while SystemClock.monotonicMilliseconds() < deadline {
            do {
                let cluster = try await client.cluster()
                let voters = Set(cluster.members.filter { $0.role == "voter" }.map(\.name))
                if cluster.change == nil, voters == wanted, cluster.members.count == wanted.count { return }
                last = "\(cluster.members.map { "\($0.name) \($0.role)" }), "
                last += cluster.change.map { "change \($0.number) waits for \($0.waitsFor)" } ?? "no change"
            } catch {
                last = "\(error)"
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw SystemError(operation: "wait for \(wanted.sorted())", text: "\(last)\n\(logs)")
    }

    /// The last lines of every member's log.
    var logs: String {
        servers.withLock { servers in
            servers.compactMap { server -> String? in
                guard let log = try? server?.log() else { return nil }
                return log.split(separator: "\n").suffix(12).joined(separator: "\n")
            }.joined(separator: "\n---\n")
        }
    }

    func id(of seat: Int, _ client: ConcordClient) async throws -> String {
        try await client.cluster().members.first { $0.name == name(seat) }?.id ?? "nobody"
    }
}

/// Writes that go on until they are told to stop; each must be acknowledged, and none may be lost or done twice.
final class CountingWriters: Sendable {
    let isStopped = Atomic<Bool>(false)
    let acknowledged = Atomic<Int64>(0)
    let failures = Mutex<[String]>([])

    func run(_ client: ConcordClient, _ key: String) async {
        while !isStopped.load(ordering: .relaxed) {
            do {
                try await client.increment(key)
                acknowledged.add(1, ordering: .relaxed)
            } catch {
                failures.withLock { $0.append("\(error)") }
                return
            }
        }
    }
}

@Suite("Members of real processes", .serialized)
struct MembershipTests {
    @Test("grow from one to three to five and shrink to three, under load, and no write fails")
    func growAndShrink() async throws {
        let cluster = try GrowingCluster(seats: 5)
        let client = try cluster.client([0, 1, 2, 3, 4])
        try await cluster.waitForVoters([0], client)
        let writers = CountingWriters()
        var rest: [Int] = []
        try await client.put("/n", "0")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 { group.addTask { await writers.run(client, "/n") } }
            for seat in 1...4 {
                try cluster.start(seat, through: [0, seat - 1])
                try await cluster.waitForVoters(Array(0...seat), client)
            }
            let members = try await client.cluster().members
            let gone = [members.first { $0.isLeader }, members.first { !$0.isLeader }].compactMap(\.self)
            try await client.changeMembers(removing: gone.map(\.id))
            rest = (0..<5).filter { seat in !gone.contains { $0.name == cluster.name(seat) } }
            try await cluster.waitForVoters(rest, client)
            writers.isStopped.store(true, ordering: .relaxed)
            try await group.waitForAll()
        }
        #expect(writers.failures.withLock { $0 } == [])
        let total = writers.acknowledged.load(ordering: .relaxed)
        #expect(total > 0)
        #expect(try await client.get("/n").node.value?.string == "\(total)")
        for seat in (0..<5).filter({ !rest.contains($0) }) {
            #expect(cluster.server(seat)?.exitCode(within: 30_000) == .exited(code: 69), "\(seat) was removed")
        }
        for seat in rest { #expect(cluster.server(seat)?.exitCode(within: 1) == nil, "\(seat) goes on") }
    }

    @Test("each is replaced by a new one, under load, and no write fails")
    func replaceAll() async throws {
        let cluster = try GrowingCluster(seats: 6)
        let client = try cluster.client([0, 1, 2, 3, 4, 5])
        for seat in 1...2 { try cluster.start(seat, through: [0]) }
        try await cluster.waitForVoters([0, 1, 2], client)
        let writers = CountingWriters()
        try await client.put("/n", "0")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 { group.addTask { await writers.run(client, "/n") } }
            for seat in 0..<3 {
                try cluster.start(seat + 3, through: [seat, seat + 1])
                try await cluster.waitForVoters(Array(seat...(seat + 3)), client)
                try await client.changeMembers(removing: [try await cluster.id(of: seat, client)])
                try await cluster.waitForVoters(Array((seat + 1)...(seat + 3)), client)
                #expect(cluster.server(seat)?.exitCode(within: 30_000) == .exited(code: 69))
            }
            writers.isStopped.store(true, ordering: .relaxed)
            try await group.waitForAll()
        }
        #expect(writers.failures.withLock { $0 } == [])
        let total = writers.acknowledged.load(ordering: .relaxed)
        #expect(total > 0)
        #expect(try await client.get("/n").node.value?.string == "\(total)")
        withExtendedLifetime(cluster) {}
    }

    @Test("are listed, removed by name and taken back by the command line, which says what is wrong")
    func commandLine() async throws {
        let cluster = try GrowingCluster(seats: 3)
        let client = try cluster.client([0, 1])
        try cluster.start(1, through: [0])
        try await cluster.waitForVoters([0, 1], client)
        func run(_ line: String) async throws -> ToolRun {
            let words = ["--endpoints", "\(cluster.url(0)),\(cluster.url(1))", "--timeout", "60s", "member"]
            return await ToolRun.run(
                words + line.split(separator: " ").map(String.init), on: try SocketTransport())
        }
        let list = try await run("list --json").json
        let names = (list["members"] as? [[String: Any]])?.compactMap { $0["name"] as? String } ?? []
        #expect(Set(names) == ["m0", "m1"] && list["change"] == nil)
        #expect(try await run("list").output.contains("voter"))
        #expect(try await run("remove nobody").complaints.contains("there is no member 'nobody'; the members are"))
        #expect(try await run("cancel").complaints.contains("no change of membership is under way"))
        // Nobody with this id runs, so the change waits until it is cancelled.
        let id = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
        #expect(
            try await run("add \(id) ghost 127.0.0.1:1").output == "change 2 is under way; "
                + "'concord member list' shows what it waits for\n")
        #expect(try await run("list").output.contains("change 2: waits for ghost to catch up"))
        #expect(try await run("add \(id) ghost 127.0.0.1:1").complaints.contains("another change of membership"))
        #expect(try await run("cancel --wait").output == "change 2 is done\n")
        // Who waits for a change that somebody else cancels is not told that it was done.
        async let waiting = run("add 1\(id.dropFirst()) ghost 127.0.0.1:2 --wait")
        while try await run("cancel").code != .success { try await Task.sleep(for: .milliseconds(20)) }
        let cancelled = try await waiting
        #expect(cancelled.code == .failure && cancelled.complaints.contains("change 3 was cancelled"))
        #expect(try await run("remove m1 --wait --json").json["done"] as? Bool == true)
        #expect(cluster.server(1)?.exitCode() == .exited(code: 69))
        #expect(try await run("remove m0").complaints.contains("would leave no member that votes"))
        withExtendedLifetime(cluster) {}
    }

    @Test("one whose id was used up by a cancelled change says so and ends")
    func cancelledJoin() async throws {
        let cluster = try GrowingCluster(seats: 2)
        let client = try cluster.client([0])
        try await cluster.waitForVoters([0], client)
        // It asks itself, which is of no use: so it has an id and an address, and nobody has taken it in.
        try cluster.start(1, through: [1])
        let asking = try #require(cluster.server(1))
        try asking.waitUntilLogged("join_waits")
        let log = try asking.log()
        func field(_ name: String) throws -> String {
            let start = try #require(log.firstRange(of: "\"\(name)\":\"")).upperBound
            return String(log[start...].prefix { $0 != "\"" })
        }
        let new = NewMember(id: try field("id"), name: cluster.name(1), peerAddress: try field("peer"))
        cluster.kill(1)
        try await client.changeMembers(adding: [new])
        // It is a learner before it has caught up, and a former member when the change is taken back.
        var isLearner = false
        for _ in 0..<1500 where !isLearner {
            try await Task.sleep(for: .milliseconds(20))
            isLearner = try await client.cluster().members.contains { $0.id == new.id }
        }
        #expect(isLearner)
        try await client.cancelMemberChange()
        try await cluster.waitForVoters([0], client)
        // The leader that has taken it back would find it and say so; after a start it looks for it no more.
        cluster.kill(0)
        try cluster.start(0)
        try await cluster.waitForVoters([0], client)
        try cluster.start(1, through: [0])
        let refused = try #require(cluster.server(1))
        #expect(refused.exitCode(within: 30_000) == .exited(code: 69))
        #expect(try refused.log().contains("former_member"))
        withExtendedLifetime(cluster) {}
    }

    @Test("one that is killed in the middle of joining goes on when it is started again")
    func killedWhileJoining() async throws {
        let cluster = try GrowingCluster(seats: 2)
        let client = try cluster.client([0])
        for round in 0..<5 {
            try cluster.start(1, through: [0])
            try await Task.sleep(for: .milliseconds(10 * round))
            cluster.kill(1)
        }
        try cluster.start(1, through: [0])
        try await cluster.waitForVoters([0, 1], client)
        withExtendedLifetime(cluster) {}
    }
}
