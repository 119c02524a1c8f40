import ConcordBytes
import ConcordClient
import ConcordCommandLine
import ConcordLinux
import ConcordTool
import Foundation
import Testing

@Suite("A restore by real processes", .serialized)
struct ServerRestoreTests {
    private func save(_ file: String, from url: String) async throws {
        let transport = try SocketTransport()
        defer { transport.close() }
        let run = await ToolRun.run(["--endpoints", url, "snapshot", "save", file], on: transport)
        #expect(run.code == .success, "\(run.complaints)")
    }

    /// Waits until all of them vote.
    private func waitForVoters(_ count: Int, at server: LoneServer) throws {
        try eventually("\(count) members vote", within: 60_000) {
            let body = try server.client().request("GET", "/v1/cluster").body
            return body.components(separatedBy: "\"role\":\"voter\"").count == count + 1 && !body.contains("\"change\"")
        }
    }

    @Test("a backup of three members becomes a cluster of three others that knows everything")
    func wholeStory() async throws {
        let old = try ServerCluster()
        try old.waitUntilReady()
        let leader = try old.leader()
        let client = try old.client(leader)
        for number in 0..<200 {
            #expect(try client.request("PUT", "/v1/kv/k\(number)", body: "value \(number)").status == 201)
        }
        #expect(try client.request("DELETE", "/v1/kv/k0").status == 200)
        let key = ["Idempotency-Key: the-first-try"]
        let first = try client.request("POST", "/v1/kv?sequential=job-", body: "once", headers: key)
        #expect(first.status == 201)
        let file = "\(old.scratch.path)/backup"
        try await save(file, from: "http://127.0.0.1:\(old.seats[(leader + 1) % 3].clientPort)")
        // Another connection: beside many tests a backup can take longer than an idle one is kept.
        #expect(try old.client(leader).request("PUT", "/v1/kv/too-late", body: "1").status == 201)
        for index in 0..<3 { old.kill(index) }

        let scratch = try ScratchDirectory()
        let servers = try ["r0", "r1", "r2"].map { try LoneServer($0, in: scratch) }
        let restored = try OfflineRun(
            [
                "restore", "--from", file, "--data", servers[0].data, "--name", "r0", "--peer-listen",
                servers[0].peerAddress,
            ], in: scratch)
        #expect(restored.code == .exited(code: 0), "\(restored.complaints)")
        #expect(restored.output.contains("restored 200 nodes") && restored.output.contains("revision  10000000002"))
        let verified = try OfflineRun(["verify", "--data", servers[0].data], in: scratch)
        #expect(verified.code == .exited(code: 0) && verified.output.hasSuffix("whole\n"), "\(verified.output)")
        try servers[0].start()
        for server in servers.dropFirst() { try server.start(["--join", servers[0].url]) }
        try waitForVoters(3, at: servers[0])
        for server in servers {
            let client = try server.client()
            for number in 1..<200 {
                #expect(try client.request("GET", "/v1/kv/k\(number)?raw").body == "value \(number)")
            }
            #expect(try client.request("GET", "/v1/kv/k0").status == 404)
            #expect(try client.request("GET", "/v1/kv/too-late").status == 404)
            #expect(try client.request("GET", "/v1/kv/k1?revision=2").status == 410)
            // The retry of a request from before the backup gets its first answer, and makes nothing.
            let again = try client.request("POST", "/v1/kv?sequential=job-", body: "once", headers: key)
            #expect(again.status == 201 && again.headers["idempotency-replayed"] == "true")
            #expect(again.headers["concord-revision"] == first.headers["concord-revision"])
            #expect(again.headers["location"] == first.headers["location"])
        }
        let write = try servers[1].client().request("PUT", "/v1/kv/new", body: "1")
        #expect(write.status == 201)
        #expect(Int(write.headers["concord-revision"] ?? "") ?? 0 > 1_000_000_000_000)
        #expect(Int(write.headers["concord-epoch"] ?? "") ?? 0 > 1_000_000)
        // One of three may go, the restored one too: what it had is everybody's.
        servers[0].kill()
        try eventually("two of three go on", within: 30_000) {
            try servers[2].client().request("GET", "/v1/kv/k7?raw").body == "value 7"
        }
    }

    @Test("a bad file, a bad directory and a bad number are refused, and nothing is made")
    func refusals() async throws {
        let scratch = try ScratchDirectory()
        let files = try TemporaryDirectory()
        let server = try LoneServer("a", in: scratch)
        try server.start()
        try server.fill(3, bytes: 100)
        let good = "\(files.path)/good"
        try await save(good, from: server.url)
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: good)))
        try files.write("cut", [UInt8](bytes.dropLast(5)))
        var flipped = bytes
        flipped[bytes.count / 2] ^= 4
        try files.write("flipped", flipped)
        try files.write("newer", ofNewerFormat(bytes))
        try files.write("empty", "")
        try files.write("foreign", "PK and so on")
        try files.write("full/something", "1")
        let target = "\(files.path)/target"
        let expected: [([String], Int32, String)] = [
            (["--from", "\(files.path)/cut", "--data", target], 65, "it ends at byte \(bytes.count - 5)"),
            (["--from", "\(files.path)/flipped", "--data", target], 65, "is damaged at offset"),
            (["--from", "\(files.path)/newer", "--data", target], 65, "has format 9"),
            (["--from", "\(files.path)/empty", "--data", target], 65, "is empty"),
            (["--from", "\(files.path)/foreign", "--data", target], 65, "is no snapshot"),
            (["--from", "\(files.path)/missing", "--data", target], 78, "No such file"),
            (["--from", files.path, "--data", target], 78, "directory"),
            (["--from", good, "--data", "\(files.path)/full"], 78, "it is not empty: it holds something"),
            (["--from", good, "--data", "\(good)/below"], 78, "Not a directory"),
            (["--from", good, "--data", "/proc/concord"], 78, "/proc/concord"),
            (["--from", good, "--data", server.data], 78, "it is not empty"),
            (["--from", good, "--data", target, "--raise", "4503599627370497"], 2, "--raise"),
            (["--data", target], 2, "--from"),
            (["--from", good, "--data", target, "--peer-listen", "0.0.0.0:7401"], 2, "--advertise-peer"),
            (["--from", good, "--data", target, "--peer-listen", "foo:7401"], 2, "is no IP address"),
        ]
        for (arguments, code, sentence) in expected {
            let run = try OfflineRun(["restore"] + arguments, in: scratch)
            #expect(run.code == .exited(code: code), "\(arguments): \(run.complaints)")
            #expect(run.complaints.contains(sentence), "\(arguments): \(run.complaints)")
            #expect(!FileManager.default.fileExists(atPath: target), "\(arguments)")
        }
        #expect(try Directory("\(files.path)/full").list() == ["something"])
        #expect(try server.client().request("GET", "/v1/kv/n1").status == 200)
    }

    /// The length of its header stands at 8, the checksum of that in its last four bytes. docs/formats.md
    private func ofNewerFormat(_ backup: [UInt8]) -> [UInt8] {
        var bytes = backup
        bytes[4] = 9
        let end = (0..<4).reduce(0) { $0 | Int(backup[8 + $1]) << (8 * $1) }
        let sum = CRC32C.checksum(bytes, in: 0..<end - 4)
        for place in 0..<4 { bytes[end - 4 + place] = UInt8(truncatingIfNeeded: sum >> (8 * UInt32(place))) }
        return bytes
    }

    @Test("a full disk stops a restore, and what is left is nothing")
    func fullDisk() async throws {
        let scratch = try ScratchDirectory()
        let server = try LoneServer("a", in: scratch)
        try server.start()
        try server.fill(40, bytes: 100_000)
        let file = "\(scratch.path)/backup"
        try await save(file, from: server.url)
        let target = "\(scratch.path)/target"
        // Files of at most 2 MiB: the snapshot has 4.
        let process = try ServerProcess(
            ["restore", "--from", file, "--data", target], in: scratch, name: "restore", through: "ulimit -f 2048")
        #expect(process.exitCode() == .exited(code: 74))
        #expect(try process.log().contains("Nothing is left in \(target)"))
        #expect(try Directory(target).list() == [])
        let again = try OfflineRun(["restore", "--from", file, "--data", target], in: scratch)
        #expect(again.code == .exited(code: 0), "\(again.complaints)")
    }
}
