import ConcordBytes
import ConcordLinux
import Foundation
import Testing

@Suite("Starting concordd", .serialized)
struct ServerStartTests {
    private func run(_ arguments: [String], in scratch: ScratchDirectory) throws -> (ChildProcess.Ending?, String) {
        let server = try ServerProcess(arguments, in: scratch, name: "run-\(SystemRandom.uint64())")
        let ending = server.exitCode()
        return (ending, try server.log())
    }

    @Test("with an unknown flag names the nearest one")
    func unknownFlag() throws {
        let scratch = try ScratchDirectory()
        let (ending, log) = try run(["serve", "--dtaa", "x"], in: scratch)
        #expect(ending == .exited(code: 2))
        #expect(log.contains("did you mean '--data'"))
    }

    @Test("beyond loopback without a word of consent is refused, with the word to say")
    func beyondLoopback() throws {
        let scratch = try ScratchDirectory()
        let (ending, log) = try run(["--data", scratch.path, "--listen", "0.0.0.0:0"], in: scratch)
        #expect(ending == .exited(code: 2))
        #expect(log.contains("--allow-unauthenticated"))
        #expect(try Directory(scratch.path).list().contains("member") == false, "nothing was made")
    }

    @Test("on a data directory that is in use is refused, and leaves the other alone")
    func dataInUse() throws {
        let cluster = try ServerCluster(1)
        try cluster.waitUntilReady()
        let ports = try freePorts(2)
        let (ending, log) = try run(
            [
                "--data", cluster.dataPath(0), "--listen", "127.0.0.1:\(ports[0])", "--peer-listen",
                "127.0.0.1:\(ports[1])",
            ], in: cluster.scratch)
        #expect(ending == .exited(code: 73))
        #expect(log.contains("is in use") && log.contains("--data"))
        #expect(try cluster.client(0).request("PUT", "/v1/kv/a", body: "1").status == 201)
    }

    @Test("on a port that is in use is refused, before anything is written")
    func portInUse() throws {
        let cluster = try ServerCluster(1)
        try cluster.waitUntilReady()
        let (ending, log) = try run(
            ["--data", "\(cluster.scratch.path)/other", "--listen", "127.0.0.1:\(cluster.seats[0].clientPort)"],
            in: cluster.scratch)
        #expect(ending == .exited(code: 73))
        #expect(log.contains("another program listens there") && log.contains("--listen"))
        #expect(try Directory("\(cluster.scratch.path)/other").list() == ["lock"])
    }

    @Test("on a damaged data directory is refused, and changes nothing in it")
    func damaged() throws {
        let cluster = try ServerCluster(1)
        try cluster.waitUntilReady()
        cluster.kill(0)
        let member = try Directory(cluster.dataPath(0)).open("member", creating: false)
        try member.write([0xFF], at: 20)
        let (ending, log) = try run(cluster.arguments(0), in: cluster.scratch)
        #expect(ending == .exited(code: 65))
        #expect(log.contains("member is damaged"))
    }

    /// Where the version stands in the first block, and how long what its checksum covers is. docs/formats.md
    @Test(
        "on a directory of a newer format is refused, and changes nothing in it",
        arguments: [("vote", 4, 60), ("log-0000000000000001", 8, 108)])
    func newerFormat(file: String, version: Int, covered: Int) throws {
        let cluster = try ServerCluster(1)
        try cluster.waitUntilReady()
        cluster.kill(0)
        let path = "\(cluster.dataPath(0))/\(file)"
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        bytes[version] = 9
        bytes.replaceSubrange(covered..<covered + 4, with: checksum(bytes[..<covered]))
        try Directory(cluster.dataPath(0)).open(file, creating: false).write(bytes, at: 0)
        let (ending, log) = try run(cluster.arguments(0), in: cluster.scratch)
        #expect(ending == .exited(code: 65))
        #expect(log.contains("\(file) has format 9") && log.contains("newer version"), "\(log)")
        #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) == bytes)
    }

    private func checksum(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        let sum = CRC32C.checksum(Array(bytes))
        return (0..<4).map { UInt8(truncatingIfNeeded: sum >> (8 * UInt32($0))) }
    }

    /// Whether the process has blocked SIGTERM, as it does before it reads anything.
    private func takesSignals(_ server: ServerProcess) throws -> Bool {
        let path = "/proc/\(server.process.identifier)/status"
        let status = String(decoding: try Descriptor.reading(path).read(count: 4096), as: UTF8.self)
        let line = status.split(separator: "\n").first { $0.hasPrefix("SigBlk:") }
        let blocked = line.flatMap { UInt64($0.split(separator: "\t").last ?? "", radix: 16) } ?? 0
        return blocked & (1 << 14) != 0
    }

    @Test("ends at once on SIGTERM as long as it reads its directory, and has lost nothing")
    func terminatedEarly() throws {
        let scratch = try ScratchDirectory()
        let server = try LoneServer("a", in: scratch)
        try server.start()
        try server.fill(30, bytes: 1_000_000)
        server.kill()
        let arguments = [
            "serve", "--name", "a", "--data", server.data, "--listen", "127.0.0.1:\(server.ports[0])",
            "--peer-listen", server.peerAddress,
        ]
        // Beside other tests the signal may come when the start is over: then that was a planned stop.
        var caught = 0
        for round in 0..<30 where caught == 0 {
            let starting = try ServerProcess(arguments, in: scratch, name: "starting-\(round)")
            try eventually("it takes signals") { try takesSignals(starting) }
            starting.process.send(.terminate)
            #expect(starting.exitCode() == .exited(code: 0))
            let log = try starting.log()
            #expect(log.contains("\"event\":\"stopping\""))
            if !log.contains("\"event\":\"listening\"") { caught += 1 }
        }
        #expect(caught == 1, "each start went on to its end before it ended")
        try server.start()
        #expect(try server.client().request("GET", "/v1/kv/n29?raw").body.hasPrefix("29 "))
    }

    @Test("with free ports tells which ones it took")
    func freePortsTold() throws {
        let scratch = try ScratchDirectory()
        let server = try ServerProcess(
            ["--data", "\(scratch.path)/d", "--listen", "127.0.0.1:0", "--peer-listen", "127.0.0.1:0"], in: scratch)
        var port: UInt16?
        try eventually("the log tells the port") {
            let log = try server.log()
            guard let start = log.firstRange(of: "\"client_url\":\"http://127.0.0.1:") else { return false }
            port = UInt16(log[start.upperBound...].prefix { $0.isNumber })
            return port != nil
        }
        let client = try RawClient(port: try #require(port))
        #expect(try client.request("GET", "/livez").status == 200)
    }
}
