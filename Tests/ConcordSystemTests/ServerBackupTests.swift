import ConcordClient
import ConcordCommandLine
import ConcordLinux
import ConcordTool
import Foundation
import Testing

@Suite("Backups of real processes", .serialized)
struct ServerBackupTests {
    private func tool(_ words: [String], _ endpoints: [String]) async throws -> ToolRun {
        let transport = try SocketTransport()
        defer { transport.close() }
        let flags = endpoints.isEmpty ? [] : ["--endpoints", endpoints.joined(separator: ",")]
        return await ToolRun.run(flags + words, on: transport)
    }

    @Test("a backup is saved and inspected, and a state of one moment is in it while writes go on")
    func saveAndInspect() async throws {
        let scratch = try ScratchDirectory()
        let server = try LoneServer("a", in: scratch)
        try server.start()
        try server.fill(300, bytes: 10_000)
        let file = "\(scratch.path)/one.snapshot"
        let saved = try await tool(["snapshot", "save", file, "--json"], [server.url])
        #expect(saved.code == .success, "\(saved.complaints)")
        #expect(saved.json["revision"] as? Int == 300)
        let size = try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int
        #expect(saved.json["bytes"] as? Int == size && (size ?? 0) > 3_000_000)
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(!FileManager.default.fileExists(atPath: file + ".part"))
        let inspected = try await tool(["snapshot", "inspect", file, "--json"], ["http://127.0.0.1:1"])
        #expect(inspected.code == .success, "\(inspected.complaints)")
        #expect(inspected.json["nodes"] as? Int == 300 && inspected.json["revision"] as? Int == 300)
        #expect(inspected.json["checksum"] as? String == saved.json["checksum"] as? String)
        let status = try server.client().request("GET", "/v1/status").body
        let hash = try #require(inspected.json["state_hash"] as? String)
        #expect(status.contains(hash), "the state in the file is the member's own")
        let text = try await tool(["snapshot", "inspect", file], ["http://127.0.0.1:1"])
        #expect(text.output.contains("revision       300\n") && text.output.contains("a \(server.peerAddress) voter"))

        let again = try await tool(["snapshot", "save", file], [server.url])
        #expect(again.code == .failure && again.complaints.contains("exists already"))
        #expect(try server.client().request("PUT", "/v1/kv/more", body: "1").status == 201)
        try FileManager.default.setAttributes([.posixPermissions: NSNumber(value: 0o644)], ofItemAtPath: file)
        let forced = try await tool(["snapshot", "save", file, "--force", "--json"], [server.url])
        #expect(forced.code == .success && forced.json["revision"] as? Int == 301, "\(forced.complaints)")
        #expect(try await tool(["snapshot", "inspect", file, "--json"], []).json["revision"] as? Int == 301)
        let modeAfter = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(modeAfter == 0o600, "whoever could read the old file may not read the new one for that")
        #expect(try Directory(scratch.path).list().filter { $0.hasPrefix("one.snapshot") } == ["one.snapshot"])
        let nowhere = try await tool(["snapshot", "save", "\(scratch.path)/no/such/x"], [server.url])
        #expect(nowhere.code == .failure && nowhere.complaints.contains("cannot be made"))
    }

    @Test("two backups are sent at once, a third is put off, and a reader that stands still is cut off")
    func slowReaders() throws {
        let scratch = try ScratchDirectory()
        let server = try LoneServer("a", in: scratch)
        try server.start()
        try server.fill(64, bytes: 1_000_000)
        let before = try server.residentBytes()
        let slow = try BackupReading(port: server.ports[0])
        #expect(try slow.head() == 200)
        let other = try BackupReading(port: server.ports[0], "?consistency=local")
        #expect(try other.head() == 200)
        let third = try BackupReading(port: server.ports[0])
        #expect(try third.finish().status == 429)
        // Others are served meanwhile, and what they change is not in the backup.
        let client = try server.client()
        for number in 0..<20 { #expect(try client.request("PUT", "/v1/kv/x\(number)", body: "1").status == 201) }
        #expect(try server.residentBytes() - before < 40 << 20, "the state of 61 MiB waits in no buffer")
        let whole = try other.finish()
        #expect(whole.status == 200 && whole.body.count > 60 << 20)
        #expect(try BackupReading(port: server.ports[0]).finish().status == 200)
        try eventually("the reader that stands still is cut off", within: 60_000) {
            try server.process?.log().contains("backup_cut") == true
        }
        let cut = try slow.finish()
        #expect(cut.status == nil && !cut.body.isEmpty && cut.body.count < whole.body.count)
        try server.process?.waitUntilLogged("backup_sent")
        let last = try BackupReading(port: server.ports[0])
        #expect(try last.head() == 200)
    }

    @Test("a backup that a planned stop cuts is in the log")
    func cutByStop() throws {
        let scratch = try ScratchDirectory()
        let server = try LoneServer("a", in: scratch)
        try server.start()
        try server.fill(32, bytes: 1_000_000)
        let slow = try BackupReading(port: server.ports[0])
        #expect(try slow.head() == 200)
        let process = try #require(server.process)
        process.process.send(.terminate)
        try process.expectPlannedStop()
        let line = try process.log().split(separator: "\n").first { $0.contains("\"event\":\"backup_cut\"") }
        #expect(line?.contains("this member ended") == true, "\(line ?? "nothing")")
        withExtendedLifetime(slow) {}
    }

    @Test("a member that breaks off is no reason to fail: the next one sends a backup of its own")
    func breaksOff() async throws {
        let scratch = try ScratchDirectory()
        let server = try LoneServer("a", in: scratch)
        try server.start()
        try server.fill(20, bytes: 1000)
        let fake = try FakeMember { _, _ in
            .lastRaw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConcord-Revision: 7\r\n\r\n6\r\nCSNP")
        }
        defer { fake.stop() }
        let file = "\(scratch.path)/file"
        let saved = try await tool(["snapshot", "save", file, "--json"], [fake.endpoint, server.url])
        #expect(saved.code == .success && saved.json["revision"] as? Int == 20, "\(saved.complaints)")
        #expect(fake.seen.map(\.target).first?.hasPrefix("/v1/snapshot?timeout=") == true)
        #expect(try await tool(["snapshot", "inspect", file], []).code == .success)
        // Alone it is an error, and nothing that looks like a backup is left.
        let alone = try await tool(["snapshot", "save", "\(scratch.path)/none"], [fake.endpoint])
        #expect(alone.code == .failure && alone.complaints.contains("broke off"), "\(alone.complaints)")
        #expect(try Directory(scratch.path).list().filter { $0.hasPrefix("none") } == [])
    }

    @Test("what is sent whole and is no snapshot is not saved")
    func sentRubbish() async throws {
        let scratch = try ScratchDirectory()
        let fake = try FakeMember { _, _ in .reply(status: 200, headers: [], body: "CSNP and then something else") }
        let short = try FakeMember { _, _ in .reply(status: 200, headers: [], body: "CSNP") }
        let busy = try FakeMember { _, _ in
            .reply(
                status: 429, headers: [("Content-Type", "application/problem+json")],
                body: #"{"code":"overloaded","detail":"two are enough","retryable":true,"retry_after_ms":1}"#)
        }
        defer { for member in [fake, short, busy] { member.stop() } }
        let file = "\(scratch.path)/file"
        let expected = [
            (fake, "is damaged at offset 0"), (short, "is not whole: it ends at byte 4"), (busy, "two are enough"),
        ]
        for (member, sentence) in expected {
            let run = try await tool(["snapshot", "save", file], [member.endpoint])
            #expect(run.code == .failure && run.complaints.contains(sentence), "\(run.complaints)")
            #expect(try Directory(scratch.path).list().filter { $0.hasPrefix("file") } == [])
        }
        #expect(busy.seen.count == 2)
    }

    @Test("a file that is no backup is refused by inspect, and told what is wrong")
    func inspectBad() async throws {
        let scratch = try TemporaryDirectory()
        try scratch.write("empty", "")
        try scratch.write("text", "hello")
        let expected = [
            ("empty", "is empty"), ("text", "is no snapshot"), ("missing", "cannot be read"), ("", "cannot be read"),
        ]
        for (name, sentence) in expected {
            let run = try await tool(["snapshot", "inspect", "\(scratch.path)/\(name)"], [])
            #expect(run.code == .failure && run.complaints.contains(sentence), "\(name): \(run.complaints)")
        }
    }
}
