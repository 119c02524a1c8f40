import ConcordLinux
import Foundation
import Testing

/// Commands of `concord-bench` that make clusters of their own, in small.
@Suite("Commands of concord-bench", .serialized)
struct BenchCommandTests {
    private struct Run {
        var ending: ChildProcess.Ending?
        var document: [String: Any]
        var complaints: String

        func number(_ name: String) -> Double { (document[name] as? NSNumber)?.doubleValue ?? -1 }

        func list(_ name: String) -> [[String: Any]] { document[name] as? [[String: Any]] ?? [] }
    }

    private func run(_ arguments: [String]) throws -> Run {
        let scratch = try ScratchDirectory()
        defer { withExtendedLifetime(scratch) {} }
        let beside = ServerProcess.path.dropLast("concordd".count)
        let paths = (output: "\(scratch.path)/output", error: "\(scratch.path)/error")
        let output = try Descriptor.appending(paths.output)
        let error = try Descriptor.appending(paths.error)
        let process = try ChildProcess(
            path: "\(beside)concord-bench", arguments: arguments + ["--json", "--directory", scratch.path],
            environment: ProcessEnvironment.entries.filter { !$0.hasPrefix("CONCORD_") },
            standard: .init(output: output.number, error: error.number))
        let ending = process.wait(milliseconds: 240_000)
        process.killAndWait()
        let document = try? JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: paths.output)))
        return Run(
            ending: ending, document: document as? [String: Any] ?? [:],
            complaints: try String(contentsOfFile: paths.error, encoding: .utf8))
    }

    private func number(_ fields: [String: Any], _ name: String) -> Double {
        (fields[name] as? NSNumber)?.doubleValue ?? -1
    }

    @Test("snapshot tells the snapshots, the writes meanwhile, the longest turns and the starts", arguments: [1, 3])
    func snapshots(members: Int) throws {
        let run = try run([
            "snapshot", "--members", "\(members)", "--state", "4MiB", "--value-bytes", "16KiB", "--snapshot-after",
            "1MiB",
            "--snapshots", "2", "--writers", "4",
        ])
        // A machine that gives the members no time makes them vote; but that must be told.
        let isQuiet = run.number("elections") == 0
        #expect(run.ending == .exited(code: isQuiet ? 0 : 1), "\(run.complaints)")
        let made = run.list("snapshots").filter { $0["phase"] as? String == "replacing" }
        let byMember = Dictionary(grouping: made) { $0["member"] as? String ?? "" }
        #expect(byMember.count == members)
        #expect(byMember.values.allSatisfy { $0.count >= 2 })
        #expect(made.allSatisfy { number($0, "bytes") >= 4_194_304 && number($0, "longest_turn_ms") > 0 })
        let during = run.document["writes_during_snapshot"] as? [String: Any] ?? [:]
        #expect(number(during, "count") > 0 && number(during, "max_ms") >= number(during, "p50_ms"))
        #expect(run.list("members").count == members)
        #expect(run.list("members").allSatisfy { number($0, "longest_turn_ms") > 0 })
        let restarts = run.list("restarts")
        #expect(restarts.count == (members == 1 ? 1 : 2))
        #expect(restarts.allSatisfy { number($0, "ready_seconds") > 0 && number($0, "snapshot_bytes") >= 4_194_304 })
    }

    @Test("behind brings a member on by a snapshot, and no client notices")
    func behind() throws {
        let run = try run(["behind", "--entries", "3000", "--snapshot-after", "64KiB", "--writers", "4"])
        #expect(run.ending == .exited(code: 0), "\(run.complaints)")
        #expect(run.number("entries") >= 3000)
        #expect(run.number("installed_seconds") > 0)
        #expect(run.number("ready_seconds") > 0)
        #expect(run.number("client_writes") >= 300)
    }
}
