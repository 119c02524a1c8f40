import ConcordClient
import ConcordLinux
import Synchronization
import Testing

/// Three members, to be killed and started again.
private final class Trio: Sendable {
    private let scratch: ScratchDirectory
    private let ports: [UInt16]
    private let servers: Mutex<[ServerProcess?]>

    init() throws {
        scratch = try ScratchDirectory()
        ports = try freePorts(6)
        servers = Mutex([nil, nil, nil])
        for index in 0..<3 { try start(index) }
    }

    func start(_ index: Int) throws {
        let names = ["a", "b", "c"]
        let list = zip(names, ports[3...]).map { "\($0)=127.0.0.1:\($1)" }.joined(separator: ",")
        let server = try ServerProcess(
            [
                "serve", "--name", names[index], "--data", "\(scratch.path)/\(names[index])", "--listen",
                "127.0.0.1:\(ports[index])", "--peer-listen", "127.0.0.1:\(ports[3 + index])", "--cluster", list,
            ], in: scratch, name: names[index])
        servers.withLock { $0[index] = server }
    }

    func kill(_ index: Int) {
        let server = servers.withLock { $0[index].take() }
        server?.process.killAndWait()
    }

    func client() throws -> ConcordClient {
        var options = ConcordClient.Options()
        options.timeout = .seconds(60)
        return try ConcordClient(endpoints: ports[..<3].map { "http://127.0.0.1:\($0)" }, options: options)
    }

    func leader(_ client: ConcordClient) async throws -> Int {
        while true {
            for (index, endpoint) in client.endpoints.enumerated() {
                if let status = try? await client.status(of: endpoint), status.role == "leader", status.isReady {
                    return index
                }
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

/// What many tasks have counted together.
private final class Tally: Sendable {
    let isStopped = Atomic<Bool>(false)
    let acknowledged = Atomic<Int>(0)
    let numbers = Mutex<Set<Int64>>([])

    func waitFor(_ count: Int) async throws {
        while acknowledged.load(ordering: .relaxed) < count { try await Task.sleep(for: .milliseconds(2)) }
    }
}

@Suite(.serialized, .timeLimit(.minutes(3))) struct ClientClusterTests {
    /// A counter shows every write that took effect twice, and every acknowledged one that did not.
    @Test func everyIncrementCountsOnceWhileLeadersDie() async throws {
        let cluster = try Trio()
        let client = try cluster.client()
        defer { client.shutdown() }
        try await client.put("/counter", "0")
        let tally = Tally()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    while !tally.isStopped.load(ordering: .relaxed) {
                        let result = try await client.increment("/counter")
                        tally.acknowledged.add(1, ordering: .relaxed)
                        if let number = result.number { tally.numbers.withLock { _ = $0.insert(number) } }
                    }
                }
            }
            for round in 1...3 {
                try await tally.waitFor(round * 100)
                let leader = try await cluster.leader(client)
                cluster.kill(leader)
                try await tally.waitFor(tally.acknowledged.load(ordering: .relaxed) + 50)
                try cluster.start(leader)
            }
            tally.isStopped.store(true, ordering: .relaxed)
            try await group.waitForAll()
        }
        let count = tally.acknowledged.load(ordering: .relaxed)
        #expect(try await client.get("/counter").node.value?.string == "\(count)")
        let untold = Set(1...Int64(count)).symmetricDifference(tally.numbers.withLock { $0 })
        #expect(untold.isEmpty, "every sum was told once")
    }

    @Test func theWholeTreeAnswersThroughTheLibrary() async throws {
        let cluster = try Trio()
        let client = try cluster.client()
        defer { client.shutdown() }
        let created = try await client.put("/a/b", "1", createsParents: true)
        #expect(created.created)
        #expect(try await client.put("/a/b", "2", if: .revision(created.position.revision)).created == false)
        do {
            try await client.put("/a/b", "3", if: .revision(created.position.revision))
            Issue.record("a condition that does not hold was passed over")
        } catch {
            #expect(error.code == .revisionMismatch)
            #expect(error.node?.value?.string == "2")
        }
        try await client.put("/a/directory", ConcordValue?.none)
        #expect(try await client.get("/a/directory").node.value == nil)
        try await client.put("/a/ü b%2F?", ConcordValue([0, 255]))
        let odd = try await client.createSequential(in: "/a", prefix: "s-", "x").node
        #expect(odd?.path == "/a/s-00000000000000000000" || odd?.path == "/a/s-00000000000000000001")
        var paths: [String] = []
        for try await node in client.list("/", ListOptions(recursive: true, values: true, pageSize: 2)) {
            paths.append(node.path)
            if node.path == "/a/ü b%2F?" { #expect(node.value?.bytes == [0, 255]) }
        }
        #expect(paths.count == 5)
        #expect(try await client.count("/", recursive: true) == 5)
        #expect(try await client.get("/a/b", at: created.position.revision).node.value?.string == "1")
        #expect(
            try await client.get("/a/b", consistency: .atLeast(revision: created.position.revision)).node.version >= 1)
        #expect(try await client.delete("/a", recursive: true).deletedCount == 5)
        #expect(try await client.getIfPresent("/a") == nil)
        let status = try await client.cluster()
        #expect(status.members.count == 3)
        #expect(status.members.contains { $0.id == status.leader && $0.isLeader })
    }

    /// The same tree through the other transport.
    @Test func theOtherTransportSpeaksTheSame() async throws {
        let cluster = try Trio()
        let probe = try cluster.client()
        defer { probe.shutdown() }
        let client = try ConcordClient(
            endpoints: probe.endpoints.map(\.description), transport: URLSessionTransport())
        defer { client.shutdown() }
        try await client.put("/a", ConcordValue([UInt8](repeating: 7, count: 100_000)))
        #expect(try await client.get("/a").node.value?.bytes.count == 100_000)
        #expect(try await client.put("/empty", "").node?.path == "/empty")
        #expect(try await client.get("/empty").node.value?.bytes == [])
    }
}
