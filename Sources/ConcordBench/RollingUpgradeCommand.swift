import ConcordClient
import ConcordCommandLine
import ConcordLinux
import Synchronization

extension Bench {
    private struct Output: Encodable {
        var replacements: Int
        var writes: Int
        var levelBefore: Int
        var levelAfter: Int
        var longestMilliseconds: Double

        private enum CodingKeys: String, CodingKey {
            case replacements, writes
            case levelBefore = "level_before"
            case levelAfter = "level_after"
            case longestMilliseconds = "longest_ms"
        }
    }

    func rollingUpgrade() async throws -> ExitCode {
        let old = parsed[BenchDeclaration.old]
        let cluster = try TestCluster(
            program: parsed[BenchDeclaration.server], directory: parsed[BenchDeclaration.directory])
        let token = CleanUp.add { cluster.cleanUp(keepingFiles: false) }
        defer { CleanUp.remove(token) }
        do {
            for index in cluster.members.indices { try cluster.start(index, program: old) }
            try await cluster.waitUntilAllReady()
            let output = try await RollingUpgrade(
                cluster: cluster, old: old, writesBetween: parsed[BenchDeclaration.writesBetween], note: note
            ).run(writers: parsed[BenchDeclaration.upgradeWriters])
            cluster.cleanUp(keepingFiles: false)
            report(
                Output(
                    replacements: output.replacements, writes: output.writes, levelBefore: output.levelBefore,
                    levelAfter: output.levelAfter, longestMilliseconds: output.longestMilliseconds))
            return .success
        } catch {
            cluster.cleanUp(keepingFiles: true)
            StandardStream.error.write("logs and data are kept in \(cluster.directory)\n")
            throw error
        }
    }

    private func report(_ output: Output) {
        guard !isJSON else { return print(BenchJSON.text(of: output)) }
        print(
            "\(output.replacements) members replaced under load: \(output.writes) writes, none failed, lost or done twice; "
                + "the slowest took \(Number.text(output.longestMilliseconds)) ms; feature level \(output.levelBefore), "
                + "then \(output.levelAfter)")
    }
}

/// One upgrade, and what it must not do.
private struct RollingUpgrade {
    struct Result {
        var replacements = 0
        var writes = 0
        var levelBefore = 0
        var levelAfter = 0
        var longestMilliseconds = 0.0
    }

    let cluster: TestCluster
    let old: String
    let writesBetween: Int
    let note: (String) -> Void

    func run(writers: Int) async throws -> Result {
        var result = Result()
        let load = try CountingWriters(cluster, writers: writers)
        do {
            try await load.waitForMore(writesBetween)
            result.levelBefore = try await level()
            let hold = ["--feature-level-max", "\(result.levelBefore)"]
            note("every member runs the build before, at level \(result.levelBefore)")
            try await replaceAll(by: nil, flags: hold, load, &result)
            try await expectLevel(result.levelBefore, "held by --feature-level-max")
            note("every member runs this build")
            try await replaceAll(by: old, flags: [], load, &result)
            note("every member runs the build before again")
            try await replaceAll(by: nil, flags: hold, load, &result)
            try await replaceAll(by: nil, flags: [], load, &result)
            result.levelAfter = try await settledLevel()
            note("the level is not held any more: \(result.levelAfter)")
            if result.levelAfter > result.levelBefore { try await expectRefusal(load, &result) }
            try await load.waitForMore(writesBetween)
        } catch {
            await load.abandon()
            throw error
        }
        (result.writes, result.longestMilliseconds) = try await load.stopAndCheck()
        return result
    }

    /// One after the other, the leader too.
    private func replaceAll(
        by program: String?, flags: [String], _ load: CountingWriters, _ result: inout Result
    ) async throws {
        for index in cluster.members.indices {
            try stop(index)
            // In the middle of it the others serve alone.
            try await load.waitForMore(writesBetween)
            try cluster.start(index, program: program, flags: flags)
            try await cluster.waitUntilAllReady()
            try await load.waitForMore(writesBetween)
            result.replacements += 1
        }
    }

    private func stop(_ index: Int) throws {
        let process = try cluster.process(index)
        process.send(.terminate)
        guard process.wait(milliseconds: 20_000) == .exited(code: 0) else {
            throw TestCluster.Failure(description: "\(cluster.members[index].name) did not end in order")
        }
        cluster.kill([index])
    }

    /// The build before must not run in a cluster that has gone on; this one takes its place again.
    private func expectRefusal(_ load: CountingWriters, _ result: inout Result) async throws {
        try stop(0)
        try cluster.start(0, program: old)
        let ending = try cluster.process(0).wait(milliseconds: 20_000)
        guard ending == .exited(code: 78) else {
            throw TestCluster.Failure(
                description: "the build before went on above its feature level: \(ending.map { "\($0)" } ?? "it runs")")
        }
        note("the build before refuses to run at level \(result.levelAfter)")
        cluster.kill([0])
        try cluster.start(0)
        try await cluster.waitUntilAllReady()
        result.replacements += 1
    }

    // MARK: The level

    /// Builds that know of none are at the first one.
    private func level() async throws -> Int {
        let client = try cluster.client()
        defer { client.shutdown() }
        return try await client.cluster().featureLevel ?? 1
    }

    private func expectLevel(_ wanted: Int, _ why: String) async throws {
        let found = try await level()
        guard found == wanted else {
            throw TestCluster.Failure(description: "the feature level is \(found), and should be \(wanted): \(why)")
        }
    }

    /// Waits until the level is what all members support.
    private func settledLevel() async throws -> Int {
        let client = try cluster.client()
        defer { client.shutdown() }
        let deadline = SystemClock.monotonicMilliseconds() + 20_000
        while SystemClock.monotonicMilliseconds() < deadline {
            let status = try await client.cluster()
            let supported = status.members.map { $0.featureLevel ?? 0 }.min() ?? 0
            if let level = status.featureLevel, level == supported { return level }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw TestCluster.Failure(description: "the feature level did not rise to what every member supports")
    }
}

/// Writers that count, each in a node of its own: what the node holds is how often it was told that it counted, so a
/// count that was lost, or done twice, shows at once.
final class CountingWriters: Sendable {
    private let client: ConcordClient
    private let written = Atomic<Int>(0)
    private let longestNanoseconds = Atomic<UInt64>(0)
    private let isStopped = Atomic<Bool>(false)
    private let failure = Mutex<(any Error)?>(nil)
    private let tasks: Mutex<[Task<Void, Never>]>

    init(_ cluster: TestCluster, writers: Int) throws {
        client = try cluster.client()
        tasks = Mutex([])
        for writer in 0..<writers {
            let task = Task {
                do {
                    try await count("/rolling-\(writer)")
                } catch {
                    failure.withLock { $0 = $0 ?? error }
                }
            }
            tasks.withLock { $0.append(task) }
        }
    }

    private func count(_ path: String) async throws {
        try await client.put(path, "0")
        var counted = 0
        while !isStopped.load(ordering: .relaxed) {
            let start = SystemClock.monotonicNanoseconds()
            try await client.increment(path)
            counted += 1
            longestNanoseconds.max(SystemClock.monotonicNanoseconds() - start, ordering: .relaxed)
            let value = try await client.get(path).node.value?.string
            guard value == "\(counted)" else {
                throw TestCluster.Failure(description: "\(path) holds \(value ?? "nothing") after \(counted) counts")
            }
            written.add(1, ordering: .relaxed)
        }
    }

    func waitForMore(_ count: Int) async throws {
        let target = written.load(ordering: .relaxed) + count
        let deadline = SystemClock.monotonicMilliseconds() + 60_000
        while written.load(ordering: .relaxed) < target {
            if let failure = failure.withLock({ $0 }) { throw failure }
            guard SystemClock.monotonicMilliseconds() < deadline else {
                throw TestCluster.Failure(description: "the load makes no progress")
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// - Returns: how many counts there were, and how long the slowest took.
    func stopAndCheck() async throws -> (writes: Int, longestMilliseconds: Double) {
        await abandon()
        if let failure = failure.withLock({ $0 }) { throw failure }
        return (written.load(ordering: .relaxed), Double(longestNanoseconds.load(ordering: .relaxed)) / 1e6)
    }

    func abandon() async {
        isStopped.store(true, ordering: .relaxed)
        for task in tasks.withLock({ $0 }) { await task.value }
        client.shutdown()
    }
}
