import ConcordClient
import ConcordLinux
import Synchronization
import Testing

/// A member whose disk is gone: it cannot come back as who it was, so it is removed and joins under a new id.
@Suite("A wiped member of real processes", .serialized)
struct ReplacementTests {
    /// What a member has logged since it was started last.
    private func latestLog(_ cluster: GrowingCluster, _ seat: Int) throws -> Substring {
        let log = try cluster.server(seat)?.log() ?? ""
        let starts = log.ranges(of: "\"event\":\"listening\"")
        return starts.last.map { log[$0.upperBound...] } ?? Substring(log)
    }

    private func snapshotsWritten(_ cluster: GrowingCluster, _ seat: Int) throws -> Int {
        try cluster.server(seat)?.log().ranges(of: "snapshot_written").count ?? 0
    }

    /// Writes until these members have made two more snapshots each: then what was in their logs before is released.
    private func outgrowLogs(_ cluster: GrowingCluster, _ seats: [Int], _ client: ConcordClient) async throws {
        let wanted = try seats.map { try snapshotsWritten(cluster, $0) + 2 }
        let filler = String(repeating: "x", count: 20_000)
        let deadline = SystemClock.monotonicMilliseconds() + 120_000
        var number = 0
        while try zip(seats, wanted).contains(where: { try snapshotsWritten(cluster, $0) < $1 }) {
            guard SystemClock.monotonicMilliseconds() < deadline else {
                throw SystemError(operation: "wait for snapshots", text: cluster.logs)
            }
            try await client.put("/filler-\(number % 10)", "\(number) \(filler)")
            number += 1
        }
    }

    private func wipe(_ path: String) throws {
        let removal = try ChildProcess(path: "/bin/rm", arguments: ["-rf", path])
        #expect(removal.wait(milliseconds: 10_000) == .exited(code: 0))
    }

    @Test("is removed and joins under a new id while the cluster is written to, and no write fails")
    func wipedUnderLoad() async throws {
        let cluster = try GrowingCluster(seats: 3, adding: ["--snapshot-after", "256KiB"])
        let client = try cluster.client([0, 1, 2])
        for seat in 1...2 { try cluster.start(seat, through: [0]) }
        try await cluster.waitForVoters([0, 1, 2], client)
        try await client.put("/n", "0")
        let lost = try await cluster.id(of: 1, client)
        let writers = CountingWriters()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 { group.addTask { await writers.run(client, "/n") } }
            cluster.kill(1)
            try wipe(cluster.dataPath(1))
            try await outgrowLogs(cluster, [0, 2], client)
            try await client.changeMembers(removing: [lost])
            try await cluster.waitForVoters([0, 2], client)
            try cluster.start(1, through: [0, 2])
            try await cluster.waitForVoters([0, 1, 2], client)
            writers.isStopped.store(true, ordering: .relaxed)
            try await group.waitForAll()
        }
        #expect(writers.failures.withLock { $0 } == [])
        let total = writers.acknowledged.load(ordering: .relaxed)
        #expect(total > 0)
        #expect(try await cluster.id(of: 1, client) != lost)
        try eventually("a snapshot brings what was released from the logs") {
            try latestLog(cluster, 1).contains("snapshot_installed")
        }
        let reborn = try cluster.client([1])
        #expect(try await reborn.get("/n").node.value?.string == "\(total)")
        // It counts: with another one gone, it is half of the quorum.
        cluster.kill(2)
        try await client.put("/after", "y")
        #expect(try await reborn.get("/after").node.value?.string == "y")
    }
}
