package import ConcordClient
import ConcordCommandLine
import ConcordLinux
import Foundation
import Synchronization

extension Bench {
    private struct Output: Encodable {
        var rounds = 0
        var acknowledged = 0
        var lost: [String] = []
        /// From the start of the members until every acknowledged write of the round was read back.
        var recoveryMilliseconds: [Double] = []
        var powerCut: Bool

        private enum CodingKeys: String, CodingKey {
            case rounds, acknowledged, lost
            case recoveryMilliseconds = "recovery_ms"
            case powerCut = "power_cut"
        }
    }

    func durability() async throws -> ExitCode {
        let rounds = parsed[BenchDeclaration.rounds]
        let disks = parsed[BenchDeclaration.powerCut] ? PowerCut() : nil
        defer { disks?.detach() }
        return try await withCluster(
            preload: parsed[BenchDeclaration.preload].map { URL(fileURLWithPath: $0).path },
            prepare: { cluster in
                guard let disks else { return }
                _ = CleanUp.add {
                    cluster.killAll()
                    disks.detach()
                }
                try disks.attach(to: cluster.members.map(\.dataDirectory))
            }
        ) { cluster in
            var output = Output(powerCut: disks != nil)
            let ledger = AcknowledgedWrites()
            var line = ProgressLine()
            for round in 0..<rounds {
                try await durabilityRound(cluster, round, ledger, disks, &output)
                line.show(
                    "round \(round + 1) of \(rounds): \(output.acknowledged) acknowledged, \(output.lost.count) lost")
            }
            line.clear()
            // What survived its own round must survive the later ones too.
            output.lost += try await ledger.missing(below: "/durability", in: cluster, "at the end")
            show(output)
            let isFine = output.lost.isEmpty
            if let disks {
                cluster.killAll()
                disks.detach()
            }
            return (isFine ? .success : .failure, isFine)
        }
    }

    private func durabilityRound(
        _ cluster: TestCluster, _ round: Int, _ ledger: AcknowledgedWrites, _ disks: PowerCut?, _ output: inout Output
    ) async throws {
        let directory = "/durability/r\(round)"
        let writers = try DurabilityWriters(
            cluster, ledger, directory: directory, count: parsed[BenchDeclaration.writers])
        try await writers.waitForWrites(parsed[BenchDeclaration.writesLeast])
        try await Task.sleep(for: .milliseconds(Int.random(in: 0...300)))
        cluster.killAll()
        output.acknowledged += await writers.stop()
        try disks?.cut()
        let start = SystemClock.monotonicNanoseconds()
        try cluster.startAll()
        _ = try await cluster.waitForLeader()
        output.lost += try await ledger.missing(below: directory, in: cluster, "round \(round)")
        output.recoveryMilliseconds.append(Double(SystemClock.monotonicNanoseconds() - start) / 1e6)
        output.rounds += 1
        try await cluster.waitUntilAllReady()
    }

    private func show(_ output: Output) {
        if isJSON {
            print(BenchJSON.text(of: output))
            return
        }
        let recovery = Sample(output.recoveryMilliseconds)
        let fault = output.powerCut ? "power cuts" : "times kill -9"
        print(
            "\(output.rounds) \(fault) of all members: \(output.acknowledged) writes acknowledged, "
                + "\(output.lost.count) lost; started and read back in \(Int(recovery.median)) ms (median), "
                + "\(Int(recovery.most)) ms at most")
        for sentence in output.lost.prefix(100) { print("  \(sentence)") }
        if output.lost.count > 100 { print("  and \(output.lost.count - 100) more") }
    }
}

/// Every write that was acknowledged, and what it said.
package final class AcknowledgedWrites: Sendable {
    package struct Written: Sendable {
        let value: String
        let revision: UInt64

        package init(value: String, revision: UInt64) {
            self.value = value
            self.revision = revision
        }
    }

    package init() {}

    private let writes = Mutex<[String: Written]>([:])

    package func add(_ path: String, _ written: Written) {
        writes.withLock { $0[path] = written }
    }

    /// Reads the subtree back, linearizably, and says what is not as it was acknowledged.
    func missing(below directory: String, in cluster: TestCluster, _ moment: String) async throws -> [String] {
        let client = try cluster.client()
        defer { client.shutdown() }
        return missing(below: directory, try await nodes(below: directory, client), moment)
    }

    /// A subtree that does not exist has no nodes.
    private func nodes(
        below directory: String, _ client: ConcordClient
    ) async throws(ConcordError) -> [String: ConcordNode] {
        guard try await client.getIfPresent(directory) != nil else { return [:] }
        var found: [String: ConcordNode] = [:]
        for try await node in client.list(directory, ListOptions(recursive: true, values: true)) {
            found[node.path] = node
        }
        return found
    }

    /// What is told once is not looked for again.
    package func missing(below directory: String, _ found: [String: ConcordNode], _ moment: String) -> [String] {
        let expected = writes.withLock { $0.filter { $0.key.hasPrefix(directory + "/") } }
        var sentences: [String] = []
        for (path, written) in expected.sorted(by: { $0.value.revision < $1.value.revision }) {
            let node = found[path]
            if let node, node.value?.string == written.value, node.revision == written.revision { continue }
            writes.withLock { $0[path] = nil }
            let truth = node.map { "is at \($0.revision) with '\($0.value?.string ?? "no text")'" } ?? "is missing"
            sentences.append(
                "\(moment): \(path), acknowledged at revision \(written.revision) with '\(written.value)', \(truth)")
        }
        return sentences
    }
}

/// Writes nodes of ever new names at all members until they are gone.
private final class DurabilityWriters: Sendable {
    private let clients: [ConcordClient]
    private let count = Atomic<Int>(0)
    private let isStopped = Atomic<Bool>(false)
    private let tasks: Mutex<[Task<Void, Never>]>

    init(_ cluster: TestCluster, _ ledger: AcknowledgedWrites, directory: String, count writers: Int) throws {
        clients = try cluster.members.indices.map { try cluster.client(first: $0) }
        tasks = Mutex([])
        for writer in 0..<writers {
            let client = clients[writer % clients.count]
            let task = Task {
                var number = 0
                while !isStopped.load(ordering: .relaxed) {
                    number += 1
                    let path = "\(directory)/w\(writer)-\(number)"
                    let value = "\(path) \(UInt64.random(in: 0...UInt64.max))"
                    guard
                        let result = try? await client.put(
                            path, ConcordValue(value), if: .absent, createsParents: true)
                    else { return }
                    ledger.add(path, .init(value: value, revision: result.position.revision))
                    count.add(1, ordering: .relaxed)
                }
            }
            tasks.withLock { $0.append(task) }
        }
    }

    func waitForWrites(_ least: Int) async throws {
        let deadline = SystemClock.monotonicMilliseconds() + 60_000
        while count.load(ordering: .relaxed) < least {
            guard SystemClock.monotonicMilliseconds() < deadline else {
                throw TestCluster.Failure(description: "fewer than \(least) writes were acknowledged within 60 s")
            }
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    /// Ends all writers; what was acknowledged until now counts.
    func stop() async -> Int {
        isStopped.store(true, ordering: .relaxed)
        for client in clients { client.shutdown() }
        for task in tasks.withLock({ $0 }) { await task.value }
        return count.load(ordering: .relaxed)
    }
}
