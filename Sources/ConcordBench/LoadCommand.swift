import ConcordClient
import ConcordCommandLine
import ConcordLinux
import Foundation

/// The figures of one run.
struct LoadRow: Encodable {
    var clients: Int
    var operationsPerSecond: Double
    var p50Milliseconds: Double
    var p99Milliseconds: Double
    var p999Milliseconds: Double
    var longestMilliseconds: Double
    var operations: UInt64
    var errors: UInt64
    /// Of all servers together, an operation.
    var serverMicroseconds: Double?
    var clientMicroseconds: Double

    private enum CodingKeys: String, CodingKey {
        case clients, operations, errors
        case operationsPerSecond = "ops_per_second"
        case p50Milliseconds = "p50_ms"
        case p99Milliseconds = "p99_ms"
        case p999Milliseconds = "p99_9_ms"
        case longestMilliseconds = "max_ms"
        case serverMicroseconds = "server_cpu_us_per_op"
        case clientMicroseconds = "client_cpu_us_per_op"
    }

    init(_ outcome: LoadOutcome, clients: Int, serverMicroseconds: Int?, clientNanoseconds: UInt64) {
        let latency = outcome.latencyNanoseconds
        let milliseconds = { (share: Double) in Double(latency.quantile(share)) / 1e6 }
        let count = Double(max(1, latency.count))
        self.clients = clients
        operationsPerSecond = outcome.operationsPerSecond
        p50Milliseconds = milliseconds(0.5)
        p99Milliseconds = milliseconds(0.99)
        p999Milliseconds = milliseconds(0.999)
        longestMilliseconds = Double(latency.maximum) / 1e6
        operations = latency.count
        errors = outcome.errors
        self.serverMicroseconds = serverMicroseconds.map { Double($0) / count }
        clientMicroseconds = Double(clientNanoseconds) / 1000 / count
    }
}

struct ProbeOutput: Encodable {
    var synchroniseMicroseconds: Double
    var synchroniseMicrosecondsP99: Double
    var roundTripMicroseconds: Double
    var processors: Int

    private enum CodingKeys: String, CodingKey {
        case processors
        case synchroniseMicroseconds = "fdatasync_us"
        case synchroniseMicrosecondsP99 = "fdatasync_p99_us"
        case roundTripMicroseconds = "loopback_round_trip_us"
    }

    init(_ probes: Probes) {
        synchroniseMicroseconds = probes.synchroniseMicroseconds
        synchroniseMicrosecondsP99 = probes.synchroniseMicrosecondsP99
        roundTripMicroseconds = probes.roundTripMicroseconds
        processors = ProcessInfo.processInfo.activeProcessorCount
    }

    var text: String {
        "probes: fdatasync \(Int(synchroniseMicroseconds)) µs (p99 \(Int(synchroniseMicrosecondsP99))), "
            + "loopback round trip \(Int(roundTripMicroseconds)) µs, \(processors) processors"
    }
}

extension Bench {
    private struct Output: Encodable {
        var work: String
        var valueBytes: Int
        var keys: Int
        var target: String
        var runs: [LoadRow]
        var probes: ProbeOutput

        private enum CodingKeys: String, CodingKey {
            case work, keys, target, runs, probes
            case valueBytes = "value_bytes"
        }
    }

    func load(_ work: LoadPlan.Work) async throws -> ExitCode {
        if let endpoints = parsed[BenchDeclaration.endpoints] {
            return try await load(work, endpoints.map(\.description), processes: nil)
        }
        return try await withCluster { cluster in
            let urls = cluster.members.map(\.url)
            let code = try await load(work, urls, processes: cluster.processIdentifiers)
            return (code, code == .success)
        }
    }

    private func load(_ work: LoadPlan.Work, _ urls: [String], processes: [Int32]?) async throws -> ExitCode {
        let endpoints = try await targets(urls)
        let servers = processes ?? self.servers(at: urls)
        try await LoadSetup.fill(
            urls, keys: parsed[BenchDeclaration.keys], valueBytes: parsed[BenchDeclaration.valueBytes])
        let probes = ProbeOutput(try Probes.measure(in: dataDirectory))
        note(probes.text)
        var rows: [LoadRow] = []
        for clients in parsed[BenchDeclaration.clients] {
            let plan = LoadPlan(
                work: work, clients: clients, seconds: Double(parsed[BenchDeclaration.seconds]),
                valueBytes: parsed[BenchDeclaration.valueBytes], keys: parsed[BenchDeclaration.keys],
                endpoints: endpoints, seed: UInt64(clients))
            rows.append(try LoadSetup.measure(plan, threads: parsed[BenchDeclaration.threads], servers: servers))
        }
        let output = Output(
            work: "\(work)", valueBytes: parsed[BenchDeclaration.valueBytes], keys: parsed[BenchDeclaration.keys],
            target: parsed[BenchDeclaration.target], runs: rows, probes: probes)
        print(isJSON ? BenchJSON.text(of: output) : LoadSetup.table(rows).text())
        if work == .put, let single = rows.first(where: { $0.clients == 1 }) {
            let least = (2 * probes.roundTripMicroseconds + probes.synchroniseMicroseconds) / 1000
            note(
                "A write needs a client's round trip, a peer's round trip and an fdatasync: \(Number.text(least)) ms here. "
                    + "With 1 client the median is \(Number.text(single.p50Milliseconds / max(least, 0.001))) times that."
            )
        }
        return rows.allSatisfy { $0.operations > 0 } ? .success : .failure
    }

    private func targets(_ urls: [String]) async throws -> [HostAndPort] {
        var wanted = urls
        if parsed[BenchDeclaration.target] == "leader" {
            let client = try ConcordClient(endpoints: urls)
            defer { client.shutdown() }
            wanted = try await client.cluster().members.filter(\.isLeader).compactMap(\.clientURL)
        }
        let endpoints = wanted.compactMap { ConcordEndpoint($0) }.map { HostAndPort(host: $0.host, port: $0.port) }
        guard !endpoints.isEmpty else { throw TestCluster.Failure(description: "the leader's address is not known") }
        return endpoints
    }

    private func servers(at urls: [String]) -> [Int32] {
        if let told = parsed[BenchDeclaration.serverProcesses] { return told.map { Int32($0) } }
        return urls.compactMap { ConcordEndpoint($0) }.compactMap { ProcessTimes.listening(on: $0.port) }
    }
}

enum LoadSetup {
    /// Creates the nodes that a load touches.
    static func fill(_ urls: [String], keys: Int, valueBytes: Int) async throws {
        let client = try ConcordClient(endpoints: urls)
        defer { client.shutdown() }
        let value = ConcordValue([UInt8](repeating: UInt8(ascii: "x"), count: valueBytes))
        try await client.put(LoadKeys.path(0), value, createsParents: true)
        let tasks = 32
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<tasks {
                group.addTask {
                    for key in stride(from: task, to: keys, by: tasks) {
                        try await client.put(LoadKeys.path(key), value)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Runs a plan once, by default after a moment of the same to warm up, and what it cost.
    static func measure(_ plan: LoadPlan, threads: Int, servers: [Int32], warmsUp: Bool = true) throws -> LoadRow {
        if warmsUp {
            var warmUp = plan
            warmUp.seconds = min(0.5, plan.seconds / 4)
            _ = try Load.run(warmUp, threads: threads)
        }
        let serversBefore = servers.compactMap { ProcessTimes.microseconds(of: $0) }
        let clientBefore = SystemClock.processTimeNanoseconds()
        let outcome = try Load.run(plan, threads: threads)
        let clientNanoseconds = SystemClock.processTimeNanoseconds() - clientBefore
        let serversAfter = servers.compactMap { ProcessTimes.microseconds(of: $0) }
        let isWhole = !servers.isEmpty && serversBefore.count == servers.count && serversAfter.count == servers.count
        let serverMicroseconds = isWhole ? serversAfter.reduce(0, +) - serversBefore.reduce(0, +) : nil
        return LoadRow(
            outcome, clients: plan.clients, serverMicroseconds: serverMicroseconds,
            clientNanoseconds: clientNanoseconds)
    }

    static func table(_ rows: [LoadRow]) -> TextTable {
        var table = TextTable([
            ("CLIENTS", .right), ("OPS/S", .right), ("P50 ms", .right), ("P99 ms", .right), ("P99.9 ms", .right),
            ("MAX ms", .right), ("ERRORS", .right), ("SERVERS µs/op", .right), ("CLIENT µs/op", .right),
        ])
        for row in rows {
            table.append([
                "\(row.clients)", "\(Int(row.operationsPerSecond))", Number.text(row.p50Milliseconds),
                Number.text(row.p99Milliseconds), Number.text(row.p999Milliseconds),
                Number.text(row.longestMilliseconds), "\(row.errors)",
                row.serverMicroseconds.map { Number.text($0) } ?? "-", Number.text(row.clientMicroseconds),
            ])
        }
        return table
    }
}

enum Number {
    /// Two places after the point.
    static func text(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        let rest = String(hundredths % 100)
        return "\(hundredths / 100).\(rest.count == 1 ? "0" : "")\(rest)"
    }
}

enum BenchJSON {
    static func text(of document: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        guard let data = try? encoder.encode(document) else {
            preconditionFailure("a result cannot be written as JSON")
        }
        return String(decoding: data, as: UTF8.self)
    }
}
