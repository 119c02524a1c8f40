import ConcordLinux
import Foundation
import Testing

@Suite("A check of a real directory", .serialized)
struct ServerVerifyTests {
    private func verify(_ data: String, _ more: [String] = [], in scratch: ScratchDirectory) throws -> OfflineRun {
        try OfflineRun(["verify", "--data", data] + more, in: scratch)
    }

    /// Every file and its bytes.
    private func contents(_ directory: String) throws -> [String: Data] {
        var contents: [String: Data] = [:]
        for name in try Directory(directory).list() {
            contents[name] = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)"))
        }
        return contents
    }

    private func object(_ text: some StringProtocol) -> [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any] ?? [:]
    }

    @Test("a running member is left alone, a stopped one is read to its end and not changed")
    func runningAndStopped() throws {
        let scratch = try ScratchDirectory()
        let server = try LoneServer("a", in: scratch)
        try server.start(["--snapshot-after", "64KiB"])
        try server.fill(30, bytes: 10_000)
        try server.process?.waitUntilLogged("snapshot_written")
        let busy = try verify(server.data, in: scratch)
        #expect(busy.code == .exited(code: 73) && busy.complaints.contains("in use"), "\(busy.complaints)")
        let client = try server.client()
        let put = try client.request(
            "PUT", "/v1/kv/last", body: "a \"value\"", headers: ["Idempotency-Key: k1", "If-None-Match: *"])
        #expect(put.status == 201)
        #expect(try client.request("PUT", "/v1/kv/bytes", body: "x").status == 201)
        let status = try client.request("GET", "/v1/status").body
        try server.stop()
        let before = try contents(server.data)
        let run = try verify(server.data, ["--json"], in: scratch)
        #expect(run.code == .exited(code: 0), "\(run.output) \(run.complaints)")
        let report = object(run.output)
        #expect(report["damaged"] as? Bool == false && (report["findings"] as? [Any])?.isEmpty == true)
        let end = try #require(report["end"] as? [String: Any])
        let live = object(status)
        #expect(end["revision"] as? Int == 32 && end["state_hash"] as? String == live["state_hash"] as? String)
        #expect((report["member"] as? [String: Any])?["id"] as? String == live["member"] as? String)
        let committed = try #require(report["committed"] as? [String: Any])
        let base = try #require(committed["index"] as? Int)

        let dump = try verify(server.data, ["--dump-log"], in: scratch)
        #expect(dump.code == .exited(code: 0) && dump.complaints.hasSuffix("whole\n"))
        let entries = dump.output.split(separator: "\n").map { object($0) }
        #expect(entries.allSatisfy { $0["index"] != nil && $0["term"] != nil && $0["kind"] != nil })
        let indices = entries.compactMap { $0["index"] as? Int }
        #expect(indices == Array((indices.first ?? 0)...(indices.last ?? 0)) && indices.last == end["index"] as? Int)
        for entry in entries {
            let isBelow = (entry["index"] as? Int ?? 0) <= base
            #expect((entry["committed"] as? Bool) == (isBelow ? true : nil))
        }
        let commands = entries.flatMap { $0["commands"] as? [[String: Any]] ?? [] }
        let last = try #require(commands.first { $0["path"] as? String == "/last" })
        #expect(last["operation"] as? String == "put" && last["value"] as? String == "a \"value\"")
        #expect(last["idempotency_key"] as? String == "k1" && last["if"] as? String == "absent")
        #expect(try contents(server.data) == before)
        try server.start()
        #expect(try server.client().request("GET", "/v1/kv/last?raw").body == "a \"value\"")
    }

    @Test("damage is named by file and offset, and stays as it is")
    func damage() throws {
        let scratch = try ScratchDirectory()
        let server = try LoneServer("a", in: scratch)
        try server.start()
        try server.fill(20, bytes: 100)
        try server.stop()
        let log = "\(server.data)/log-0000000000000001"
        let good = try Data(contentsOf: URL(fileURLWithPath: log))
        var bad = good
        bad[120] ^= 1
        try bad.write(to: URL(fileURLWithPath: log))
        let before = try contents(server.data)
        let run = try verify(server.data, in: scratch)
        #expect(run.code == .exited(code: 65), "\(run.output)")
        #expect(run.output.contains("DAMAGED       log-0000000000000001 at offset 0"), "\(run.output)")
        #expect(run.output.hasSuffix("damaged\n"))
        #expect(try contents(server.data) == before)
        try good.write(to: URL(fileURLWithPath: log))
        #expect(try verify(server.data, in: scratch).code == .exited(code: 0))
    }

    @Test("what is no directory of a member is told so")
    func noDirectory() throws {
        let scratch = try ScratchDirectory()
        let missing = try verify("\(scratch.path)/missing", in: scratch)
        #expect(missing.code == .exited(code: 78) && missing.complaints.contains("No such file"))
        let empty = try ScratchDirectory()
        let run = try verify(empty.path, in: scratch)
        #expect(run.code == .exited(code: 65) && run.output.contains("no member has ever lived here"))
        #expect(try Directory(empty.path).list() == [], "not even a lock is made")
    }
}
