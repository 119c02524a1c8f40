import ConcordClient
import ConcordLinux
import Synchronization
import Testing

/// Requests at every member, each sent once, by clients that never try again: whoever is refused shows it.
private final class Load: Sendable {
    private let transport: SocketTransport
    private let isStopped = Atomic<Bool>(false)
    let answered = Atomic<Int>(0)
    private let failures = Mutex<[String]>([])

    init() throws {
        transport = try SocketTransport(connectionsPerEndpoint: 4)
    }

    func stop() { isStopped.store(true, ordering: .relaxed) }

    var failed: [String] { failures.withLock { $0 } }

    /// Writes and reads one node over and over; each must be answered with what it asked for.
    func run(at port: UInt16, writer: Int) async throws {
        let endpoint = try #require(ConcordEndpoint("http://127.0.0.1:\(port)"))
        let path = "/v1/kv/load-\(writer)"
        var number = 0
        while !isStopped.load(ordering: .relaxed) {
            number += 1
            let put = TransportRequest(method: "PUT", target: path, body: [UInt8]("\(number)".utf8))
            let get = TransportRequest(method: "GET", target: path + "?raw")
            for (request, expected) in [(put, nil), (get, "\(number)")] {
                do throws(TransportFailure) {
                    let reply = try await transport.send(request, to: endpoint, timeout: .seconds(10))
                    let text = String(decoding: reply.body, as: UTF8.self)
                    if ![200, 201].contains(reply.status) || expected.map({ $0 != text }) == true {
                        fail("\(port): \(request.method) \(number): \(reply.status) \(text)")
                    }
                } catch {
                    fail("\(port): \(request.method) \(number): \(error)")
                }
                answered.add(1, ordering: .relaxed)
            }
        }
    }

    private func fail(_ what: String) { failures.withLock { $0.append(what) } }

    /// Waits until so many more requests are answered.
    func passed(_ count: Int) async throws {
        let goal = answered.load(ordering: .relaxed) + count
        while answered.load(ordering: .relaxed) < goal { try await Task.sleep(for: .milliseconds(2)) }
    }
}

@Suite("Leadership that is moved", .serialized, .timeLimit(.minutes(3)))
struct LeadershipMoveTests {
    /// A leader gives up a transfer after an election timeout, which is not what these tests ask: beside other tests a
    /// machine may take longer than the usual 250 ms for the few messages of one.
    private static let patient = ["--election-timeout", "2s"]

    /// Runs `concord` and waits for its end.
    private func concord(_ arguments: String, on cluster: ServerCluster) throws -> (
        ending: ChildProcess.Ending?, output: String
    ) {
        let own = ServerProcess.path
        let path = "\(cluster.scratch.path)/concord-\(SystemRandom.uint64())"
        let output = try Descriptor.appending(path)
        let endpoints = cluster.seats.map { "http://127.0.0.1:\($0.clientPort)" }.joined(separator: ",")
        let process = try ChildProcess(
            path: String(own.dropLast()), arguments: arguments.split(separator: " ").map(String.init),
            environment: ["CONCORD_ENDPOINTS=\(endpoints)"],
            standard: .init(output: output.number, error: output.number))
        let ending = process.wait(milliseconds: 20_000)
        return (ending, String(decoding: try Descriptor.reading(path).read(count: 1 << 16), as: UTF8.self))
    }

    @Test("to each member in turn under load: no request fails")
    func moveUnderLoad() async throws {
        let cluster = try ServerCluster(adding: LeadershipMoveTests.patient)
        try cluster.waitUntilReady()
        let (load, ports) = (try Load(), cluster.seats.map(\.clientPort))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<6 { group.addTask { try await load.run(at: ports[writer % 3], writer: writer) } }
            for round in 0..<6 {
                let name = cluster.seats[round % 3].name
                let moved = try concord("leader move \(name)", on: cluster)
                #expect(moved.ending == .exited(code: 0) && moved.output.hasPrefix("\(name)  "), "\(moved.output)")
                #expect(try cluster.status(round % 3).contains("\"role\":\"leader\""), "round \(round)")
                try await load.passed(100)
            }
            let free = try concord("leader move --json", on: cluster)
            #expect(free.ending == .exited(code: 0) && !free.output.contains("\"name\":\"c\""), "c led until now")
            load.stop()
            try await group.waitForAll()
        }
        #expect(load.failed.isEmpty, "\(load.failed.prefix(5))")
        let name = cluster.seats[try cluster.leader()].name
        #expect(try concord("leader show", on: cluster).output.hasPrefix("\(name)  "))
        let unknown = try concord("leader move nobody", on: cluster)
        #expect(unknown.ending == .exited(code: 1) && unknown.output.contains("not_found"))
    }

    @Test("by SIGTERM of the leader under load: no request at the others fails")
    func leaderStopsUnderLoad() async throws {
        let cluster = try ServerCluster(adding: LeadershipMoveTests.patient)
        try cluster.waitUntilReady()
        let leader = try cluster.leader()
        let (load, ports) = (try Load(), cluster.seats.map(\.clientPort))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask { try await load.run(at: ports[(leader + 1 + writer % 2) % 3], writer: writer) }
            }
            try await load.passed(100)
            let server = try #require(cluster.processes[leader])
            server.process.send(.terminate)
            try server.expectPlannedStop()
            #expect(try !server.log().contains("leadership_stays"), "it handed over, and was not merely missed")
            try await load.passed(200)
            load.stop()
            try await group.waitForAll()
        }
        #expect(load.failed.isEmpty, "\(load.failed.prefix(5))")
    }
}
