import ConcordClient
import ConcordLinux
import Foundation
import Testing

@Suite("A restored directory", .serialized)
struct ServerRestoredStartTests {
    /// A backup in a file of `scratch`.
    private func backup(in scratch: ScratchDirectory) throws -> String {
        let server = try LoneServer("source", in: scratch)
        try server.start()
        try server.fill(3, bytes: 100)
        let file = "\(scratch.path)/backup"
        let body = try BackupReading(port: server.ports[0]).finish().body
        try Descriptor.appending(file).writeAll(body)
        return file
    }

    @Test(
        "is started by the command that restore prints",
        arguments: [
            (["--peer-listen", "127.0.0.1:PEER"], "127.0.0.1"), (["--advertise-peer", "db1.example:PEER"], "0.0.0.0"),
            (["--advertise-peer", "127.0.0.1:PEER"], "127.0.0.1"),
            (["--peer-listen", "0.0.0.0:PEER", "--advertise-peer", "10.0.0.1:7401"], "0.0.0.0"),
        ])
    func printedCommand(flags: [String], host: String) throws {
        let scratch = try ScratchDirectory()
        let file = try backup(in: scratch)
        let ports = try freePorts(2)
        let secret = "\(scratch.path)/secret"
        try Descriptor.appending(secret).writeAll(Array("a secret of sixteen bytes or more".utf8))
        let restored = try OfflineRun(
            ["restore", "--from", file, "--data", "\(scratch.path)/new", "--name", "first"]
                + flags.map { $0.replacingOccurrences(of: "PEER", with: "\(ports[1])") }, in: scratch)
        #expect(restored.code == .exited(code: 0), "\(restored.complaints)")
        let start = "Start it with: concordd "
        let line = try #require(restored.output.split(separator: "\n").first { $0.hasPrefix(start) })
        // Only what the reader fills in is filled in here, and the client port that other tests may have.
        let words = line.dropFirst(start.count).split(separator: " ").map {
            $0.replacingOccurrences(of: ":7400", with: ":\(ports[0])").replacingOccurrences(of: "FILE", with: secret)
        }
        #expect(words.contains("--name") && words.contains("first"), "\(line)")
        #expect(line.contains("--peer-listen \(host):\(ports[1])"), "\(line)")
        #expect(words.contains("--cluster-secret-file") == !restored.output.contains("--listen 127.0.0.1"), "\(line)")
        let server = try ServerProcess(words, in: scratch, name: "restored")
        try eventually("the restored member serves") {
            try RawClient(port: ports[0]).request("GET", "/v1/kv/n1?raw").body.hasPrefix("1 ")
        }
        #expect(try !server.log().contains("name_ignored"))
        // Who joins asks under the name that is printed for that.
        let printed = try #require(restored.output.firstMatch(of: /--join http:\/\/([^:]+):7400/)?.output.1)
        let client = try RawClient(port: ports[0])
        try client.send("GET /v1/cluster HTTP/1.1\r\nHost: \(printed):\(ports[0])\r\n\r\n")
        let answer = try client.answer()
        #expect(answer.status == 200, "\(answer.body)")
    }

    /// These are not started: nobody listens there on this machine.
    @Test("has a client port of its own, and clients find it under the name that it has for members")
    func clientAddress() throws {
        let scratch = try ScratchDirectory()
        let file = try backup(in: scratch)
        let data = "\(scratch.path)/it's new"
        let restored = try OfflineRun(
            ["restore", "--from", file, "--data", data, "--peer-listen", "127.0.0.1:7400"],
            in: scratch)
        #expect(restored.code == .exited(code: 0), "\(restored.complaints)")
        #expect(
            restored.output.contains(
                " --data '\(scratch.path)/it'\\''s new' --listen 127.0.0.1:7401 --peer-listen 127.0.0.1:7400\n"),
            "\(restored.output)")
        let named = try OfflineRun(
            [
                "restore", "--from", file, "--data", "\(scratch.path)/named", "--peer-listen", "10.0.0.1:7401",
                "--advertise-peer", "db1.example:7401",
            ], in: scratch)
        #expect(named.code == .exited(code: 0), "\(named.complaints)")
        #expect(named.output.contains(" --advertise-client http://db1.example:7400 "), "\(named.output)")
        #expect(named.output.contains(" --join http://db1.example:7400\n"), "\(named.output)")
    }

    @Test("whose making was interrupted is named so by serve and by restore, which touch nothing")
    func interrupted() throws {
        let scratch = try ScratchDirectory()
        let file = try backup(in: scratch)
        let target = "\(scratch.path)/new"
        let arguments = ["restore", "--from", file, "--data", target]
        #expect(try OfflineRun(arguments, in: scratch).code == .exited(code: 0))
        // A restore writes the member record last: without it the directory is what a killed one leaves; so it is with
        // the beginning of a snapshot alone.
        let directory = try Directory(target)
        try directory.remove("member")
        let snapshot = try #require(try directory.list().first { $0.hasPrefix("snapshot-") })
        for isBegun in [false, true] {
            if isBegun {
                for name in try directory.list() where name != "lock" && name != snapshot { try directory.remove(name) }
                try directory.rename(snapshot, to: snapshot + ".new")
            }
            let before = try directory.list()
            let ports = try freePorts(2)
            let serve = try OfflineRun(
                [
                    "serve", "--data", target, "--listen", "127.0.0.1:\(ports[0])", "--peer-listen",
                    "127.0.0.1:\(ports[1])",
                ], in: scratch)
            #expect(serve.code == .exited(code: 65))
            #expect(
                serve.complaints.contains("'concordd restore' was interrupted here, remove the directory"),
                "\(serve.complaints)")
            let again = try OfflineRun(arguments, in: scratch)
            #expect(again.code == .exited(code: 78))
            #expect(
                again.complaints.contains("a restore was interrupted here")
                    && again.complaints.contains("remove the directory"), "\(again.complaints)")
            #expect(try directory.list() == before)
        }
    }

    @Test("may be the root of a file system, and may have been tried for before anything was made")
    func lostAndFound() throws {
        let scratch = try ScratchDirectory()
        let file = try backup(in: scratch)
        let server = try LoneServer("new", in: scratch)
        _ = try Directory.create("\(server.data)/lost+found")
        _ = try Directory(server.data).open("lock", creating: true)
        let arguments = ["restore", "--from", file, "--data", server.data, "--name", "new"]
        // Files of at most 1 KiB: nothing of it fits, and what belongs to the file system stays.
        let failing = try ServerProcess(arguments, in: scratch, name: "failing", through: "ulimit -f 1")
        #expect(failing.exitCode() == .exited(code: 74))
        #expect(try Directory(server.data).list() == ["lost+found"])
        let run = try OfflineRun(arguments, in: scratch)
        #expect(run.code == .exited(code: 0), "\(run.complaints)")
        try server.start()
        #expect(try server.client().request("GET", "/v1/kv/n1?raw").body.hasPrefix("1 "))
    }
}
