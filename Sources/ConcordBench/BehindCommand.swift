import ConcordClient
import ConcordCommandLine
import ConcordLinux

extension Bench {
    private struct Output: Encodable {
        /// Entries of the log that the member lacked when it was started again.
        var entries: UInt64
        /// Writes that made them.
        var writes: UInt64
        var gapSeconds: Double
        /// From the start of the process.
        var installedSeconds = 0.0
        var readySeconds = 0.0
        /// Until it had applied what was committed when it was started.
        var caughtUpSeconds = 0.0
        /// Of the clients that went on all the time; none of them failed.
        var clientWrites = 0
        var longestMilliseconds = 0.0
        var elections: UInt64 = 0

        private enum CodingKeys: String, CodingKey {
            case entries, writes, elections
            case gapSeconds = "gap_seconds"
            case installedSeconds = "installed_seconds"
            case readySeconds = "ready_seconds"
            case caughtUpSeconds = "caught_up_seconds"
            case clientWrites = "client_writes"
            case longestMilliseconds = "client_longest_ms"
        }
    }

    func behind() async throws -> ExitCode {
        let flags = ["--snapshot-after", "\(parsed[BenchDeclaration.behindSnapshotAfter])"]
        return try await withCluster(flags: flags) { cluster in
            let leader = try await cluster.waitForLeader()
            let follower = (leader + 1) % cluster.members.count
            let term = try await status(leader, cluster).term
            let client = try cluster.client(first: leader)
            try await client.put(LoadKeys.parent, "")
            client.shutdown()
            let writers = try CountingWriters(cluster, writers: parsed[BenchDeclaration.behindWriters])
            var output: Output
            do {
                try await writers.waitForMore(100)
                cluster.kill([follower])
                output = try await fallBehind(follower, of: leader, cluster)
                try await writers.waitForMore(100)
                try await catchUp(follower, with: leader, cluster, &output)
                try await writers.waitForMore(100)
            } catch {
                await writers.abandon()
                throw error
            }
            (output.clientWrites, output.longestMilliseconds) = try await writers.stopAndCheck()
            try await expectEqualStates(cluster)
            output.elections = try await status(cluster.waitForLeader(), cluster).term - term
            show(output)
            return (.success, true)
        }
    }

    private func status(_ index: Int, _ cluster: TestCluster) async throws -> MemberStatus {
        guard let endpoint = ConcordEndpoint(cluster.members[index].url) else {
            preconditionFailure("a member's own address is no endpoint")
        }
        let client = try cluster.client()
        defer { client.shutdown() }
        return try await client.status(of: endpoint)
    }

    /// Writes small values at the leader until the log has grown far enough without the member that is down.
    private func fallBehind(_ follower: Int, of leader: Int, _ cluster: TestCluster) async throws -> Output {
        let first = try await status(leader, cluster).commitIndex
        let wanted = UInt64(parsed[BenchDeclaration.entries])
        var plan = LoadPlan(
            work: .put, clients: parsed[BenchDeclaration.behindClients], seconds: 0.5, valueBytes: 16, keys: 1000,
            endpoints: [cluster.members[leader].endpoint], seed: 1)
        var load = LoadOutcome()
        var reached = first
        var line = ProgressLine()
        let start = SystemClock.monotonicNanoseconds()
        while reached < first + wanted {
            load.add(try Load.run(plan, threads: 1))
            plan.seed += 1
            guard load.errors == 0 else {
                throw TestCluster.Failure(description: "\(load.errors) writes at the leader failed")
            }
            reached = try await status(leader, cluster).commitIndex
            line.show("\(reached - first) of \(wanted) entries")
        }
        line.clear()
        return Output(
            entries: reached - first, writes: load.latencyNanoseconds.count,
            gapSeconds: Double(SystemClock.monotonicNanoseconds() - start) / 1e9)
    }

    private func catchUp(
        _ follower: Int, with leader: Int, _ cluster: TestCluster, _ output: inout Output
    ) async throws {
        let goal = try await status(leader, cluster).commitIndex
        var log = try MemberLog(fromEndOf: cluster.members[follower].logPath)
        var events: [MemberLog.Event] = []
        let start = SystemClock.monotonicNanoseconds()
        let deadline = start + 300_000_000_000
        try cluster.start(follower)
        var isCaughtUp = false
        while !isCaughtUp || output.readySeconds == 0 {
            guard SystemClock.monotonicNanoseconds() < deadline else {
                throw TestCluster.Failure(description: "\(cluster.members[follower].name) did not catch up in 300 s")
            }
            try await Task.sleep(for: .milliseconds(2))
            let now = Double(SystemClock.monotonicNanoseconds() - start) / 1e9
            events += try log.read()
            if output.installedSeconds == 0, events.contains(where: { $0.name == "snapshot_installed" }) {
                output.installedSeconds = now
            }
            guard let status = try? await status(follower, cluster) else { continue }
            if status.isReady, output.readySeconds == 0 { output.readySeconds = now }
            if status.appliedIndex >= goal, !isCaughtUp {
                (isCaughtUp, output.caughtUpSeconds) = (true, now)
            }
        }
        events += try log.read()
        guard events.contains(where: { $0.name == "snapshot_installed" }) else {
            throw TestCluster.Failure(description: "the member was brought on without a snapshot; write more entries")
        }
        if output.installedSeconds == 0 { output.installedSeconds = output.caughtUpSeconds }
    }

    /// Without load all members come to the same index, and there to the same state.
    private func expectEqualStates(_ cluster: TestCluster) async throws {
        let deadline = SystemClock.monotonicMilliseconds() + 30_000
        while true {
            var seen: Set<String> = []
            for index in cluster.members.indices {
                let status = try await status(index, cluster)
                seen.insert("\(status.appliedIndex) \(status.stateHash)")
            }
            if seen.count == 1 { return }
            guard SystemClock.monotonicMilliseconds() < deadline else {
                throw TestCluster.Failure(description: "the members differ: \(seen.sorted())")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private func show(_ output: Output) {
        if isJSON { return print(BenchJSON.text(of: output)) }
        print(
            "\(output.entries) entries behind (\(output.writes) writes in \(Number.text(output.gapSeconds)) s): a snapshot was "
                + "installed \(Number.text(output.installedSeconds)) s after the start, ready after "
                + "\(Number.text(output.readySeconds)) s, caught up after \(Number.text(output.caughtUpSeconds)) s; "
                + "\(output.clientWrites) writes of clients meanwhile, none failed, the slowest took "
                + "\(Number.text(output.longestMilliseconds)) ms; \(output.elections) elections")
    }
}
