import ConcordClient
import ConcordCommandLine
import ConcordLinux
import Foundation

extension Bench {
    func snapshot() async throws -> ExitCode {
        let probes = ProbeOutput(try Probes.measure(in: dataDirectory))
        note(probes.text)
        let flags = ["--snapshot-after", "\(parsed[BenchDeclaration.snapshotAfter])"]
        return try await withCluster(members: parsed[BenchDeclaration.membersCount], flags: flags) { cluster in
            var output = try await SnapshotTrial(
                cluster: cluster, stateBytes: parsed[BenchDeclaration.state],
                valueBytes: parsed[BenchDeclaration.stateValueBytes], writers: parsed[BenchDeclaration.stateWriters],
                snapshots: parsed[BenchDeclaration.snapshots], note: note
            ).run()
            output.probes = probes
            show(output)
            return (output.elections == 0 ? .success : .failure, output.elections == 0)
        }
    }

    private func show(_ output: SnapshotOutput) {
        if isJSON { return print(BenchJSON.text(of: output)) }
        for snapshot in output.snapshots {
            print(
                "  \(snapshot.member) wrote \(Number.mebibytes(snapshot.bytes)) in \(Number.text(snapshot.seconds)) s, "
                    + "\(snapshot.phase); its loop's longest turn meanwhile \(Number.text(snapshot.longestTurn)) ms")
        }
        for (what, writes) in [("none under way", output.quiet), ("one under way", output.during)] {
            print(
                "writes with \(what): \(writes.count), p50 \(Number.text(writes.p50)) ms, p99 \(Number.text(writes.p99)) ms, "
                    + "longest \(Number.text(writes.longest)) ms")
        }
        for member in output.members {
            print(
                "\(member.name): longest turn \(Number.text(member.longestTurn)) ms, "
                    + "\(Number.mebibytes(member.residentBytes)) in memory at the end, "
                    + "\(Number.mebibytes(member.peakBytes)) at most")
        }
        for restart in output.restarts {
            print(
                "\(restart.who) started again: ready after \(Number.text(restart.readySeconds)) s; read "
                    + "\(Number.mebibytes(restart.snapshotBytes)) of snapshot in \(Number.text(restart.restoreSeconds)) s, "
                    + "and \(Number.mebibytes(restart.logBytes)) of log files")
        }
        print(
            output.elections == 0
                ? "no election" : "\(output.elections) elections, and there should be none while nobody fails")
    }
}

/// What the command prints; durations in milliseconds unless they say otherwise.
struct SnapshotOutput: Encodable {
    struct Made: Encodable {
        var member: String
        /// `filling` or `replacing`.
        var phase: String
        var bytes: Int
        var seconds: Double
        var longestTurn: Double

        enum CodingKeys: String, CodingKey {
            case member, phase, bytes, seconds
            case longestTurn = "longest_turn_ms"
        }
    }

    struct Writes: Encodable {
        var count: UInt64
        var p50: Double
        var p99: Double
        var longest: Double

        enum CodingKeys: String, CodingKey {
            case count
            case p50 = "p50_ms"
            case p99 = "p99_ms"
            case longest = "max_ms"
        }

        init(_ histogram: Histogram) {
            count = histogram.count
            p50 = Double(histogram.quantile(0.5)) / 1e6
            p99 = Double(histogram.quantile(0.99)) / 1e6
            longest = Double(histogram.maximum) / 1e6
        }
    }

    struct Member: Encodable {
        var name: String
        /// From its first start until it was stopped.
        var longestTurn: Double
        var residentBytes: Int
        var peakBytes: Int

        enum CodingKeys: String, CodingKey {
            case name
            case longestTurn = "longest_turn_ms"
            case residentBytes = "resident_bytes"
            case peakBytes = "peak_resident_bytes"
        }
    }

    struct Restart: Encodable {
        /// A member's name, or `all`.
        var who: String
        /// From the start of the process until it is ready to serve.
        var readySeconds: Double
        var snapshotBytes: Int
        var restoreSeconds: Double
        /// Of the log's files as they lie on the disk.
        var logBytes: Int

        enum CodingKeys: String, CodingKey {
            case who
            case readySeconds = "ready_seconds"
            case snapshotBytes = "snapshot_bytes"
            case restoreSeconds = "restore_seconds"
            case logBytes = "log_bytes"
        }
    }

    var stateBytes: Int
    var valueBytes: Int
    var fillSeconds = 0.0
    var replaceSeconds = 0.0
    var snapshots: [Made] = []
    var quiet = Writes(Histogram())
    var during = Writes(Histogram())
    var members: [Member] = []
    /// Of terms, from the first leader on, while no member failed.
    var elections = 0
    var restarts: [Restart] = []
    var probes: ProbeOutput?

    enum CodingKeys: String, CodingKey {
        case snapshots, members, elections, restarts, probes
        case stateBytes = "state_bytes"
        case valueBytes = "value_bytes"
        case fillSeconds = "fill_seconds"
        case replaceSeconds = "replace_seconds"
        case quiet = "writes_without_snapshot"
        case during = "writes_during_snapshot"
    }
}

extension Number {
    static func mebibytes(_ bytes: Int) -> String { "\((bytes + (1 << 19)) >> 20) MiB" }
}
