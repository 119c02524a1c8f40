import ConcordBytes
import ConcordClient
import ConcordCommandLine
import ConcordHTTP
import ConcordLinux

extension Bench {
    private struct Output: Encodable {
        var rounds = 0
        /// Reads that the leader answered with a value after it had been frozen.
        var answered = 0
        /// Reads that it refused, which is always right.
        var refused = 0
        var stale: [String] = []
    }

    func frozenLeader() async throws -> ExitCode {
        let rounds = parsed[BenchDeclaration.rounds]
        return try await withCluster { cluster in
            var output = Output()
            var line = ProgressLine()
            for round in 0..<rounds {
                try await frozenRound(cluster, round, &output)
                output.rounds += 1
                line.show("round \(round + 1) of \(rounds): \(output.answered) answered, \(output.stale.count) old")
            }
            line.clear()
            if isJSON {
                print(BenchJSON.text(of: output))
            } else {
                print(
                    "\(output.rounds) rounds: \(output.answered) reads answered by the leader that had been frozen, "
                        + "\(output.refused) refused, \(output.stale.count) old")
                for sentence in output.stale { print("  \(sentence)") }
            }
            // A check that saw no answer has shown nothing.
            let isFine = output.stale.isEmpty && output.answered > 0
            return (isFine ? .success : .failure, isFine)
        }
    }

    private func frozenRound(_ cluster: TestCluster, _ round: Int, _ output: inout Output) async throws {
        let leader = try await cluster.waitForLeader()
        try await cluster.waitUntilAllReady()
        let (old, new) = ("\(round) old", "\(round) new")
        // Only the others are asked to write: the frozen one would only keep the writer waiting.
        let others = cluster.members.indices.filter { $0 != leader }.map { cluster.members[$0].url }
        let client = try ConcordClient(endpoints: others)
        defer { client.shutdown() }
        try await client.put("/frozen", ConcordValue(old))
        let readers = try FrozenReaders(cluster.members[leader].endpoint)
        let process = try cluster.process(leader)
        process.send(.stop)
        defer { process.send(.resume) }
        try await waitUntilStopped(process)
        try readers.ask(FrozenReaders.early)
        try await client.put("/frozen", ConcordValue(new))
        try readers.ask(FrozenReaders.late)
        process.send(.resume)
        for (index, answer) in try readers.answers().enumerated() {
            switch answer {
            case nil:
                output.refused += 1
            case old:
                let moment = FrozenReaders.early.contains(index) ? "before" : "after"
                output.stale.append("round \(round): a read sent \(moment) the newer value was acknowledged")
            case new:
                output.answered += 1
            case let other?:
                output.stale.append("round \(round): a read answered '\(other)', which is neither old nor new")
            }
        }
    }

    private func waitUntilStopped(_ process: ChildProcess) async throws {
        let deadline = SystemClock.monotonicMilliseconds() + 5000
        while !ProcessTimes.isStopped(process.identifier) {
            guard SystemClock.monotonicMilliseconds() < deadline else {
                throw TestCluster.Failure(description: "the leader could not be stopped")
            }
            try await Task.sleep(for: .milliseconds(1))
        }
    }
}

/// Connections to one member whose requests wait in its socket until it runs again.
private final class FrozenReaders {
    static let early = 0..<4
    static let late = 4..<8

    private final class Reader {
        let stream: BlockingStream
        var input = ByteQueue()
        var parser = HTTPResponseParser()

        init(_ endpoint: HostAndPort) throws {
            stream = try BlockingStream.connect(to: endpoint, timeoutMilliseconds: 5000)
        }
    }

    private let readers: [Reader]
    private let scratch = ScratchBuffer()

    /// Connects, and reads once on every connection.
    init(_ endpoint: HostAndPort) throws {
        readers = try (0..<FrozenReaders.late.upperBound).map { _ in try Reader(endpoint) }
        try ask(0..<readers.count)
        _ = try answers()
    }

    func ask(_ indices: Range<Int>) throws {
        for index in indices {
            let request = "GET /v1/kv/frozen?raw&timeout=10s HTTP/1.1\r\nHost: localhost\r\n\r\n"
            let deadline = SystemClock.monotonicMilliseconds() + 5000
            try readers[index].stream.sendAll([UInt8](request.utf8), deadline: deadline)
        }
    }

    /// What every connection answers next: a value, or `nil` for a refusal or a closed connection.
    func answers() throws -> [String?] {
        let deadline = SystemClock.monotonicMilliseconds() + 20_000
        return try readers.map { try answer($0, deadline) }
    }

    private func answer(_ reader: Reader, _ deadline: UInt64) throws -> String? {
        while true {
            switch reader.parser.parse(&reader.input) {
            case .response(let response):
                return response.status == 200 ? String(decoding: response.body, as: UTF8.self) : nil
            case .failed:
                return nil
            case .needMore:
                do throws(SystemError) {
                    guard try reader.stream.receive(into: &reader.input, scratch: scratch, deadline: deadline) else {
                        return nil
                    }
                } catch {
                    if error.isTimeout { throw error }
                    return nil
                }
            }
        }
    }
}
