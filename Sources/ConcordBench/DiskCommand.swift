import ConcordClient
import ConcordCommandLine
import ConcordLinux
import Foundation
import Synchronization

extension Bench {
    private struct Output: Encodable {
        var fault: String
        var rounds = 0
        var acknowledged = 0
        /// From the failure to the first write that another leader acknowledged.
        var gapsMilliseconds: [Double] = []
        /// From the end of the fault until the member was a ready one again.
        var recoveriesMilliseconds: [Double] = []
        var boundMilliseconds: Double
        var wrong: [String] = []

        private enum CodingKeys: String, CodingKey {
            case fault, rounds, acknowledged, wrong
            case gapsMilliseconds = "gaps_ms"
            case recoveriesMilliseconds = "recoveries_ms"
            case boundMilliseconds = "bound_ms"
        }
    }

    func disk() async throws -> ExitCode {
        guard let fault = FaultyDisks.Fault(rawValue: parsed[BenchDeclaration.fault]) else {
            preconditionFailure("a fault is declared that nobody makes")
        }
        let rounds = parsed[BenchDeclaration.diskRounds]
        let disks = FaultyDisks(fault)
        defer { disks.detach() }
        return try await withCluster(
            prepare: { cluster in
                _ = CleanUp.add {
                    cluster.killAll()
                    disks.detach()
                }
                try disks.attach(to: cluster.members.map(\.dataDirectory))
            }
        ) { cluster in
            var output = Output(fault: fault.rawValue, boundMilliseconds: fault.boundMilliseconds)
            let ledger = AcknowledgedWrites()
            var line = ProgressLine()
            for round in 0..<rounds {
                try await diskRound(cluster, round, fault, disks, ledger, &output)
                line.show("round \(round + 1) of \(rounds): \(Number.text(output.gapsMilliseconds.last ?? 0)) ms")
            }
            line.clear()
            output.wrong += try await ledger.missing(below: "/disk", in: cluster, "at the end")
            show(output)
            cluster.killAll()
            disks.detach()
            let isFine = output.wrong.isEmpty
            return (isFine ? .success : .failure, isFine)
        }
    }

    private func diskRound(
        _ cluster: TestCluster, _ round: Int, _ fault: FaultyDisks.Fault, _ disks: FaultyDisks,
        _ ledger: AcknowledgedWrites, _ output: inout Output
    ) async throws {
        let leader = try await cluster.waitForLeader()
        let directory = "/disk/r\(round)"
        let writers = try DiskFaultWriters(
            cluster, ledger, directory: directory, count: parsed[BenchDeclaration.diskWriters], first: leader + 1)
        try await writers.wait(for: "the load to begin") { $0.acknowledgements.count >= 100 }
        let epoch = writers.epoch
        let log = try LogReader(cluster.members[leader].logPath)
        try disks.begin(leader)
        let failedAt = try await failure(of: leader, fault, cluster, log)
        try await writers.wait(for: "another leader to acknowledge a write") { $0.first(after: epoch) != nil }
        if let first = writers.first(after: epoch) {
            let gap = Double(first) / 1e6 - Double(failedAt) / 1e6
            output.gapsMilliseconds.append(max(0, gap))
            if gap > fault.boundMilliseconds {
                output.wrong.append("round \(round): \(Number.text(gap)) ms without an acknowledged write")
            }
        }
        output.acknowledged += await writers.stop()
        if fault == .fsync { output.wrong += try ended(leader, cluster, writers, epoch, failedAt, round) }
        let start = SystemClock.monotonicNanoseconds()
        try disks.end(leader)
        if fault == .fsync { try cluster.start(leader) }
        if fault == .full { try await log.wait(for: "disk_has_space") }
        try await cluster.waitUntilAllReady()
        output.recoveriesMilliseconds.append(Double(SystemClock.monotonicNanoseconds() - start) / 1e6)
        if fault != .fsync, try cluster.process(leader).poll() != nil {
            output.wrong.append("round \(round): the member ended, and was to go on")
        }
        output.wrong += try await ledger.missing(below: directory, in: cluster, "round \(round)")
        output.rounds += 1
    }

    /// When the disk failed, as far as anybody could notice: a full one when the next segment found no room, one of
    /// `fsync` when an fsync failed, and one that hangs at once.
    private func failure(
        of leader: Int, _ fault: FaultyDisks.Fault, _ cluster: TestCluster, _ log: LogReader
    ) async throws -> UInt64 {
        switch fault {
        case .full: try await log.wait(for: "disk_full")
        case .fsync: try await log.wait(for: "storage_failed")
        case .hang: break
        }
        return SystemClock.monotonicNanoseconds()
    }

    /// A failed fsync ends the process, and from then on it acknowledges nothing.
    private func ended(
        _ leader: Int, _ cluster: TestCluster, _ writers: DiskFaultWriters, _ epoch: UInt64, _ failedAt: UInt64,
        _ round: Int
    ) throws -> [String] {
        var wrong: [String] = []
        let ending = try cluster.process(leader).wait(milliseconds: 5000)
        if ending != .exited(code: 74) {
            wrong.append("round \(round): after a failed fsync the member ended as \(String(describing: ending))")
        }
        // What it had sent before may still arrive.
        let late = writers.last(of: epoch).map { $0 > failedAt + 250_000_000 } ?? false
        if late { wrong.append("round \(round): the member acknowledged a write after its fsync had failed") }
        cluster.kill([leader])
        return wrong
    }

    private func show(_ output: Output) {
        if isJSON { return print(BenchJSON.text(of: output)) }
        let (gaps, recoveries) = (Sample(output.gapsMilliseconds), Sample(output.recoveriesMilliseconds))
        print(
            "\(output.fault), \(output.rounds) rounds under load (\(output.acknowledged) writes acknowledged): from the "
                + "failure to a write of another leader \(Number.text(gaps.median)) ms (median), "
                + "\(Number.text(gaps.most)) ms at most, of \(Number.text(output.boundMilliseconds)) allowed; well again "
                + "\(Int(recoveries.median)) ms after the fault ended; \(output.wrong.count) wrong")
        for sentence in output.wrong.prefix(100) { print("  \(sentence)") }
    }
}

extension FaultyDisks.Fault {
    /// Two election timeouts T, where a failure is told; max(2 s, 4T) more where it is not.
    fileprivate var boundMilliseconds: Double {
        switch self {
        case .full, .fsync: 500
        case .hang: 2000 + 500
        }
    }
}

/// Looks for what a member writes to its log from now on.
private final class LogReader {
    private let path: String
    private let start: UInt64

    init(_ path: String) throws {
        self.path = path
        start = try FileHandle(forReadingFrom: URL(fileURLWithPath: path)).seekToEnd()
    }

    func wait(for event: String, seconds: UInt64 = 60) async throws {
        let deadline = SystemClock.monotonicMilliseconds() + seconds * 1000
        while true {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            try file.seek(toOffset: start)
            let text = String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
            if text.contains(event) { return }
            guard SystemClock.monotonicMilliseconds() < deadline else {
                throw TestCluster.Failure(description: "\(event) did not come within \(seconds) s; see \(path)")
            }
            try await Task.sleep(for: .milliseconds(1))
        }
    }
}

/// Writes nodes of ever new names, large enough that a segment of the log is soon full, and goes on when one fails.
private final class DiskFaultWriters: Sendable {
    struct Acknowledgement {
        var epoch: UInt64
        /// On the monotonic clock.
        var nanoseconds: UInt64
    }

    private let client: ConcordClient
    private let isStopped = Atomic<Bool>(false)
    private let taken = Mutex<[Acknowledgement]>([])
    private let tasks: Mutex<[Task<Void, Never>]>

    init(
        _ cluster: TestCluster, _ ledger: AcknowledgedWrites, directory: String, count: Int, first: Int
    ) throws {
        let client = try cluster.client(first: first)
        self.client = client
        tasks = Mutex([])
        for writer in 0..<count {
            let task = Task {
                var number = 0
                while !isStopped.load(ordering: .relaxed) {
                    number += 1
                    let path = "\(directory)/w\(writer)-\(number)"
                    let value = "\(UInt64.random(in: 0...UInt64.max)) " + String(repeating: "x", count: 30_000)
                    let result = try? await client.put(path, ConcordValue(value), if: .absent, createsParents: true)
                    guard let result else {
                        try? await Task.sleep(for: .milliseconds(5))
                        continue
                    }
                    let now = SystemClock.monotonicNanoseconds()
                    ledger.add(path, .init(value: value, revision: result.position.revision))
                    taken.withLock { $0.append(.init(epoch: result.position.epoch, nanoseconds: now)) }
                }
            }
            tasks.withLock { $0.append(task) }
        }
    }

    var acknowledgements: [Acknowledgement] { taken.withLock { $0 } }

    var epoch: UInt64 { taken.withLock { $0.last?.epoch ?? 0 } }

    /// When the first write of a later epoch was acknowledged.
    func first(after epoch: UInt64) -> UInt64? {
        taken.withLock { $0.lazy.filter { $0.epoch > epoch }.map(\.nanoseconds).min() }
    }

    func last(of epoch: UInt64) -> UInt64? {
        taken.withLock { $0.lazy.filter { $0.epoch <= epoch }.map(\.nanoseconds).max() }
    }

    func wait(for what: String, until holds: (DiskFaultWriters) -> Bool) async throws {
        let deadline = SystemClock.monotonicMilliseconds() + 60_000
        while !holds(self) {
            guard SystemClock.monotonicMilliseconds() < deadline else {
                throw TestCluster.Failure(description: "waited 60 s for \(what)")
            }
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    func stop() async -> Int {
        isStopped.store(true, ordering: .relaxed)
        for task in tasks.withLock({ $0 }) { await task.value }
        client.shutdown()
        return taken.withLock { $0.count }
    }
}
