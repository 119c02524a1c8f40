import ConcordClient
import ConcordCommandLine
import ConcordLinux
import Foundation
import Synchronization

/// A cluster with much state that makes snapshots while it is written to, and is then started again.
struct SnapshotTrial {
    let cluster: TestCluster
    let stateBytes: Int
    let valueBytes: Int
    let writers: Int
    /// Of each member while values are replaced, at least.
    let snapshots: Int
    let note: (String) -> Void

    func run() async throws -> SnapshotOutput {
        var output = SnapshotOutput(stateBytes: stateBytes, valueBytes: valueBytes)
        let term = try await highestTerm()
        let logs = try MadeSnapshots(cluster)
        let client = try cluster.client()
        defer { client.shutdown() }
        let (valueBytes, wanted) = (valueBytes, snapshots)
        let load = StateWriters(
            client, writers: writers, nodes: max(1, stateBytes / valueBytes), valueBytes: valueBytes)
        let line = SharedProgressLine()
        let filled = SystemClock.monotonicNanoseconds()
        try await load.fill { count in
            line.show("filling: \(Number.mebibytes(count * valueBytes))")
        }
        output.fillSeconds = seconds(since: filled)
        output.snapshots = try logs.take(phase: "filling")
        line.clear()
        note("filled in \(Number.text(output.fillSeconds)) s, \(output.snapshots.count) snapshots meanwhile")

        let replaced = SystemClock.monotonicNanoseconds()
        let writes = try await load.replace {
            try await logs.wait(forEach: wanted) { made in
                line.show("\(load.count) values replaced, \(made) snapshots")
            }
        }
        output.replaceSeconds = seconds(since: replaced)
        line.clear()
        output.snapshots += try logs.take(phase: "replacing")
        note("\(writes.count) values replaced in \(Number.text(output.replaceSeconds)) s")
        (output.quiet, output.during) = logs.split(writes)
        output.elections = Int(try await highestTerm() - term)
        output.members = try memories()
        try await restart(&output)
        return output
    }

    private func seconds(since start: UInt64) -> Double {
        Double(SystemClock.monotonicNanoseconds() - start) / 1e9
    }

    private func highestTerm() async throws -> UInt64 {
        let client = try cluster.client()
        defer { client.shutdown() }
        var highest: UInt64 = 0
        for member in cluster.members {
            guard let endpoint = ConcordEndpoint(member.url) else { continue }
            highest = max(highest, try await client.status(of: endpoint).term)
        }
        return highest
    }

    private func memories() throws -> [SnapshotOutput.Member] {
        try cluster.members.indices.map { index in
            let process = try cluster.process(index).identifier
            return SnapshotOutput.Member(
                name: cluster.members[index].name, longestTurn: 0,
                residentBytes: ProcessTimes.residentBytes(of: process) ?? 0,
                peakBytes: ProcessTimes.peakResidentBytes(of: process) ?? 0)
        }
    }

    // MARK: Starting again

    /// One of several beside the others, and then all at once.
    private func restart(_ output: inout SnapshotOutput) async throws {
        let all = Array(cluster.members.indices)
        if all.count > 1 {
            let leader = try await cluster.waitForLeader()
            let follower = (leader + 1) % all.count
            try stop([follower], &output)
            output.restarts.append(try await started([follower], as: cluster.members[follower].name))
        }
        try stop(all, &output)
        output.restarts.append(try await started(all, as: all.count > 1 ? "all" : cluster.members[0].name))
    }

    /// Ends members in order; each tells its longest turn then.
    private func stop(_ indices: [Int], _ output: inout SnapshotOutput) throws {
        var logs = try indices.map { try MemberLog(fromEndOf: cluster.members[$0].logPath) }
        for index in indices { try cluster.process(index).send(.terminate) }
        for (place, index) in indices.enumerated() {
            guard try cluster.process(index).wait(milliseconds: 60_000) == .exited(code: 0) else {
                throw TestCluster.Failure(description: "\(cluster.members[index].name) did not end in order")
            }
            let turn = try logs[place].read().last { $0.name == "stopped" }?.numbers["longest_turn_us"]
            guard let turn else {
                throw TestCluster.Failure(description: "\(cluster.members[index].name) does not tell its longest turn")
            }
            output.members[index].longestTurn = max(output.members[index].longestTurn, Double(turn) / 1000)
        }
        cluster.kill(indices)
    }

    private func started(_ indices: [Int], as who: String) async throws -> SnapshotOutput.Restart {
        var logs = try indices.map { try MemberLog(fromEndOf: cluster.members[$0].logPath) }
        let logBytes = try indices.map { try self.logBytes($0) }.max() ?? 0
        let start = SystemClock.monotonicNanoseconds()
        for index in indices { try cluster.start(index) }
        try await cluster.waitUntilAllReady(seconds: 900)
        let ready = seconds(since: start)
        var restart = SnapshotOutput.Restart(
            who: who, readySeconds: ready, snapshotBytes: 0, restoreSeconds: 0, logBytes: logBytes)
        for place in logs.indices {
            let restored = try logs[place].read().last { $0.name == "snapshot_restored" }?.numbers ?? [:]
            restart.snapshotBytes = max(restart.snapshotBytes, Int(restored["bytes"] ?? 0))
            restart.restoreSeconds = max(restart.restoreSeconds, Double(restored["milliseconds"] ?? 0) / 1000)
        }
        return restart
    }

    private func logBytes(_ index: Int) throws -> Int {
        let directory = "\(cluster.members[index].dataDirectory)/member"
        return try FileManager.default.contentsOfDirectory(atPath: directory).reduce(0) { sum, name in
            guard name.hasPrefix("log-"), !name.hasSuffix(".new") else { return sum }
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(directory)/\(name)")
            return sum + ((attributes[.size] as? Int) ?? 0)
        }
    }
}

/// For several tasks.
private final class SharedProgressLine: Sendable {
    private let line = Mutex(ProgressLine())

    func show(_ text: String) { line.withLock { $0.show(text) } }

    func clear() { line.withLock { $0.clear() } }
}

/// The snapshots that the members say they have made, and when.
private final class MadeSnapshots: Sendable {
    private struct State {
        var logs: [MemberLog]
        var taken: [SnapshotOutput.Made] = []
        /// When each member was making one, in nanoseconds of the monotonic clock; the log has milliseconds.
        var intervals: [[ClosedRange<UInt64>]]
    }

    private let names: [String]
    private let state: Mutex<State>
    private let wallAheadMilliseconds: Int64

    init(_ cluster: TestCluster) throws {
        names = cluster.members.map(\.name)
        let logs = try cluster.members.map { try MemberLog(fromEndOf: $0.logPath) }
        state = Mutex(State(logs: logs, intervals: Array(repeating: [], count: logs.count)))
        wallAheadMilliseconds =
            Int64(SystemClock.wallMilliseconds()) - Int64(SystemClock.monotonicNanoseconds() / 1_000_000)
    }

    private func read() throws {
        try state.withLock { state in
            for index in state.logs.indices {
                for event in try state.logs[index].read() where event.name == "snapshot_written" {
                    guard let milliseconds = event.numbers["milliseconds"] else {
                        throw TestCluster.Failure(description: "\(names[index]) does not tell how long a snapshot took")
                    }
                    state.taken.append(
                        SnapshotOutput.Made(
                            member: names[index], phase: "", bytes: Int(event.numbers["bytes"] ?? 0),
                            seconds: Double(milliseconds) / 1000,
                            longestTurn: Double(event.numbers["longest_turn_us"] ?? 0) / 1000))
                    let end = UInt64(max(0, Int64(event.wallMilliseconds) - wallAheadMilliseconds)) * 1_000_000
                    let length = (milliseconds + 1) * 1_000_000
                    state.intervals[index].append((end > length ? end - length : 0)...(end + 1_000_000))
                }
            }
        }
    }

    /// Those since the last call.
    func take(phase: String) throws -> [SnapshotOutput.Made] {
        try read()
        return state.withLock { state in
            defer { state.taken = [] }
            return state.taken.map { made in
                var made = made
                made.phase = phase
                return made
            }
        }
    }

    /// Waits until every member has made so many since they were taken last.
    func wait(forEach count: Int, _ report: (Int) -> Void) async throws {
        while true {
            try read()
            let made = state.withLock { $0.taken.map(\.member) }
            report(made.count)
            if names.allSatisfy({ name in made.count { $0 == name } >= count }) { return }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Writes that some snapshot was under way in, and the others. Of those after some member's last snapshot nobody
    /// knows whether it had begun the next one: they are left out.
    func split(
        _ writes: [StateWriters.Write]
    ) -> (quiet: SnapshotOutput.Writes, during: SnapshotOutput.Writes) {
        let intervals = state.withLock { $0.intervals }
        let known = intervals.map { $0.map(\.upperBound).max() ?? 0 }.min() ?? 0
        let all = intervals.joined()
        var (quiet, during) = (Histogram(), Histogram())
        for write in writes {
            if all.contains(where: { $0.overlaps(write.start...write.end) }) {
                during.record(write.end - write.start)
            } else if write.end <= known {
                quiet.record(write.end - write.start)
            }
        }
        return (SnapshotOutput.Writes(quiet), SnapshotOutput.Writes(during))
    }
}
