import ConcordClient
import ConcordCommandLine
import ConcordLinux
import Synchronization

extension Bench {
    private struct Output: Encodable {
        var rounds: Int
        var signal: String
        var medianMilliseconds: Double
        var p99Milliseconds: Double
        var longestMilliseconds: Double
        var gapsMilliseconds: [Double]
        var backgroundWrites: Int
        var probes: ProbeOutput

        private enum CodingKeys: String, CodingKey {
            case rounds, signal, probes
            case medianMilliseconds = "median_ms"
            case p99Milliseconds = "p99_ms"
            case longestMilliseconds = "max_ms"
            case gapsMilliseconds = "gaps_ms"
            case backgroundWrites = "background_writes"
        }
    }

    func failover() async throws -> ExitCode {
        let rounds = parsed[BenchDeclaration.rounds]
        let probes = ProbeOutput(try Probes.measure(in: dataDirectory))
        note(probes.text)
        return try await withCluster { cluster in
            var gaps: [Double] = []
            var writes = 0
            var line = ProgressLine()
            for round in 0..<rounds {
                let (gap, written) = try await failoverRound(cluster, round)
                gaps.append(gap)
                writes += written
                line.show("round \(round + 1) of \(rounds): \(Number.text(gap)) ms")
            }
            line.clear()
            let sample = Sample(gaps)
            let output = Output(
                rounds: rounds, signal: parsed[BenchDeclaration.stop] ? "SIGTERM" : "SIGKILL",
                medianMilliseconds: sample.median, p99Milliseconds: sample.quantile(0.99),
                longestMilliseconds: sample.most, gapsMilliseconds: gaps, backgroundWrites: writes, probes: probes)
            if isJSON {
                print(BenchJSON.text(of: output))
            } else {
                print(
                    "\(output.signal) to the leader, \(rounds) rounds under load (\(writes) writes): median "
                        + "\(Number.text(output.medianMilliseconds)) ms, p99 \(Number.text(output.p99Milliseconds)) ms, "
                        + "longest \(Number.text(output.longestMilliseconds)) ms")
            }
            return (.success, true)
        }
    }

    /// - Returns: the gap in milliseconds, and how many writes the load made.
    private func failoverRound(_ cluster: TestCluster, _ round: Int) async throws -> (Double, Int) {
        let leader = try await cluster.waitForLeader()
        let background = try BackgroundWriters(
            cluster, writers: parsed[BenchDeclaration.writers], first: leader + 1, path: "/failover")
        try await background.waitForWrites(200)
        let client = try cluster.client(first: leader + 1)
        defer { client.shutdown() }
        // The connection that the measured write will use.
        try await client.put("/failover/gap", "\(round) before", createsParents: true)
        let start = SystemClock.monotonicNanoseconds()
        if parsed[BenchDeclaration.stop] {
            try cluster.process(leader).send(.terminate)
        } else {
            try cluster.process(leader).send(.kill)
        }
        try await client.put("/failover/gap", "\(round) after")
        let gap = Double(SystemClock.monotonicNanoseconds() - start) / 1e6
        let written = try await background.stop()
        if parsed[BenchDeclaration.stop] {
            // What an orderly end takes is not measured, but it has to come.
            _ = try cluster.process(leader).wait(milliseconds: 10_000)
        }
        cluster.kill([leader])
        try cluster.start(leader)
        try await cluster.waitUntilAllReady()
        return (gap, written)
    }
}

/// Tasks that write all the time until they are told to stop.
final class BackgroundWriters: Sendable {
    private let client: ConcordClient
    private let written = Atomic<Int>(0)
    private let isStopped = Atomic<Bool>(false)
    private let tasks: Mutex<[Task<Void, any Error>]>

    init(_ cluster: TestCluster, writers: Int, first: Int, path: String) throws {
        let client = try cluster.client(first: first)
        self.client = client
        tasks = Mutex([])
        for writer in 0..<writers {
            let task = Task {
                while !isStopped.load(ordering: .relaxed) {
                    try await client.put("\(path)/\(writer)", "x", createsParents: true)
                    written.add(1, ordering: .relaxed)
                }
            }
            tasks.withLock { $0.append(task) }
        }
    }

    func waitForWrites(_ count: Int) async throws {
        let deadline = SystemClock.monotonicMilliseconds() + 30_000
        while written.load(ordering: .relaxed) < count {
            guard SystemClock.monotonicMilliseconds() < deadline else {
                throw TestCluster.Failure(description: "the load makes no progress")
            }
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    /// Lets every writer finish its last write.
    /// - Returns: how many writes there were.
    func stop() async throws -> Int {
        isStopped.store(true, ordering: .relaxed)
        for task in tasks.withLock({ $0 }) { try await task.value }
        client.shutdown()
        return written.load(ordering: .relaxed)
    }
}
