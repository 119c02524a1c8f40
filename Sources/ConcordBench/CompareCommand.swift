import ConcordClient
import ConcordCommandLine
import ConcordLinux
import Foundation

extension Bench {
    /// One kind of work with so many clients, for every service: a figure a round.
    fileprivate struct Contest: Encodable {
        struct Entry: Encodable {
            var service: String
            var operationsPerSecond: [Double] = []
            var p50Milliseconds: [Double] = []
            var p99Milliseconds: [Double] = []
            var serverMicroseconds: [Double] = []
            var errors = 0

            private enum CodingKeys: String, CodingKey {
                case service, errors
                case operationsPerSecond = "ops_per_second"
                case p50Milliseconds = "p50_ms"
                case p99Milliseconds = "p99_ms"
                case serverMicroseconds = "server_cpu_us_per_op"
            }
        }

        var work: String
        var clients: Int
        var entries: [Entry]
    }

    private struct Output: Encodable {
        var rounds: Int
        var seconds: Int
        var valueBytes: Int
        var keys: Int
        var contests: [Contest]
        /// Of each round.
        var probes: [ProbeOutput]

        private enum CodingKeys: String, CodingKey {
            case rounds, seconds, keys, contests, probes
            case valueBytes = "value_bytes"
        }
    }

    func compare() async throws -> ExitCode {
        var peers: [PeerCluster] = []
        var tokens: [Int] = []
        defer {
            for peer in peers { peer.stop() }
            for token in tokens { CleanUp.remove(token) }
        }
        for name in parsed[BenchDeclaration.peers] {
            let peer = try PeerCluster(
                name, script: parsed[BenchDeclaration.peersScript], programs: parsed[BenchDeclaration.peersPrograms],
                directory: dataDirectory)
            peers.append(peer)
            tokens.append(CleanUp.add { peer.stop() })
        }
        let output = try await withCluster { cluster in
            (try await compare(cluster, peers), true)
        }
        print(isJSON ? BenchJSON.text(of: output) : text(of: output))
        return .success
    }

    private func compare(_ cluster: TestCluster, _ peers: [PeerCluster]) async throws -> Output {
        let rounds = parsed[BenchDeclaration.compareRounds]
        let leader = try await cluster.waitForLeader()
        let leaders = try peers.map { try $0.leader() }
        let (keys, valueBytes) = (parsed[BenchDeclaration.keys], parsed[BenchDeclaration.valueBytes])
        try await LoadSetup.fill(cluster.members.map(\.url), keys: keys, valueBytes: valueBytes)
        var output = Output(
            rounds: rounds, seconds: parsed[BenchDeclaration.compareSeconds], valueBytes: valueBytes, keys: keys,
            contests: emptyContests(peers), probes: [])
        let empty = output.contests
        var line = ProgressLine()
        // Everybody warms up in a short round that does not count.
        for round in 0...rounds {
            output.probes.append(ProbeOutput(try Probes.measure(in: dataDirectory)))
            for index in output.contests.indices {
                let contest = output.contests[index]
                line.show("round \(round) of \(rounds): \(contest.work), \(contest.clients) clients")
                let plan = LoadPlan(
                    work: Bench.work(contest.work), clients: contest.clients,
                    seconds: round == 0 ? 1 : Double(output.seconds), valueBytes: valueBytes, keys: keys,
                    endpoints: [cluster.members[leader].endpoint], seed: UInt64(round))
                try output.contests[index].run(plan, cluster, Array(zip(peers, leaders)), parsed)
            }
            if round == 0 { (output.contests, output.probes) = (empty, []) }
        }
        line.clear()
        return output
    }

    private func emptyContests(_ peers: [PeerCluster]) -> [Contest] {
        let services = ["concord"] + peers.map(\.name)
        return parsed[BenchDeclaration.work].flatMap { work in
            parsed[BenchDeclaration.clients].map { clients in
                Contest(work: work, clients: clients, entries: services.map { Contest.Entry(service: $0) })
            }
        }
    }

    private static func work(_ word: String) -> LoadPlan.Work {
        switch word {
        case "put": .put
        case "get": .get
        default: .localGet
        }
    }

    private func text(of output: Output) -> String {
        var table = TextTable([
            ("work", .left), ("clients", .right), ("service", .left), ("ops/s", .right), ("least – most", .right),
            ("Concord is", .right), ("p50 ms", .right), ("p99 ms", .right), ("server CPU µs/op", .right),
            ("errors", .right),
        ])
        for contest in output.contests {
            let own = Sample(contest.entries[0].operationsPerSecond).median
            for entry in contest.entries where !entry.operationsPerSecond.isEmpty {
                let rate = Sample(entry.operationsPerSecond)
                let ratio = entry.service == "concord" || rate.median == 0 ? "" : "\(Number.text(own / rate.median)) ×"
                table.append([
                    contest.work, "\(contest.clients)", entry.service, "\(Int(rate.median))",
                    "\(Int(rate.least)) – \(Int(rate.most))", ratio, Number.text(Sample(entry.p50Milliseconds).median),
                    Number.text(Sample(entry.p99Milliseconds).median),
                    entry.serverMicroseconds.isEmpty ? "-" : Number.text(Sample(entry.serverMicroseconds).median),
                    "\(entry.errors)",
                ])
            }
        }
        let disk = Sample(output.probes.map(\.synchroniseMicroseconds))
        let network = Sample(output.probes.map(\.roundTripMicroseconds))
        let command = (["concord-bench"] + CommandLine.arguments.dropFirst()).joined(separator: " ")
        return """
            \(table.markdown())
            Medians of \(output.rounds) alternating rounds of \(output.seconds) s, \(output.valueBytes)-byte values, \
            \(output.keys) keys, requests to the leader, three members and the load on this machine.
            Probes: fdatasync \(Int(disk.median)) µs (\(Int(disk.least)) – \(Int(disk.most))), loopback round trip \
            \(Int(network.median)) µs (\(Int(network.least)) – \(Int(network.most))).
            Command: `\(command)`
            """
    }
}

extension Bench.Contest {
    /// One after the other, each alone.
    fileprivate mutating func run(
        _ plan: LoadPlan, _ cluster: TestCluster, _ peers: [(PeerCluster, String)], _ parsed: ParsedArguments
    ) throws {
        let threads = parsed[BenchDeclaration.threads]
        entries[0].add(
            try LoadSetup.measure(plan, threads: threads, servers: cluster.processIdentifiers, warmsUp: false))
        for (number, (peer, leader)) in peers.enumerated() {
            try entries[number + 1].add(peer, plan, leader: leader)
        }
    }
}

extension Bench.Contest.Entry {
    fileprivate mutating func add(_ row: LoadRow) {
        operationsPerSecond.append(row.operationsPerSecond)
        p50Milliseconds.append(row.p50Milliseconds)
        p99Milliseconds.append(row.p99Milliseconds)
        if let microseconds = row.serverMicroseconds { serverMicroseconds.append(microseconds) }
        errors += Int(clamping: row.errors)
    }

    fileprivate mutating func add(_ peer: PeerCluster, _ plan: LoadPlan, leader: String) throws {
        let servers = peer.processIdentifiers
        let before = servers.compactMap { ProcessTimes.microseconds(of: $0) }
        guard let figures = try peer.measure(plan, leader: leader) else { return }
        let after = servers.compactMap { ProcessTimes.microseconds(of: $0) }
        operationsPerSecond.append(figures.operationsPerSecond)
        p50Milliseconds.append(figures.p50Milliseconds)
        p99Milliseconds.append(figures.p99Milliseconds)
        errors += figures.errors
        let operations = figures.operationsPerSecond * plan.seconds
        if before.count == servers.count, after.count == servers.count, operations > 0 {
            serverMicroseconds.append(Double(after.reduce(0, +) - before.reduce(0, +)) / operations)
        }
    }
}
