import ConcordBytes
import ConcordLinux
import Testing

// Real processes of `concordd` on free loopback ports, in directories of their own, which end with the test.

/// A directory that is removed with its owner.
final class ScratchDirectory: Sendable {
    let path: String

    init() throws {
        path = "/tmp/concord-system-tests-\(SystemRandom.uint64())"
        _ = try Directory.create(path)
    }

    deinit {
        let removal = try? ChildProcess(path: "/bin/rm", arguments: ["-rf", path])
        _ = removal?.wait(milliseconds: 10_000)
    }
}

/// One `concordd`, killed when its owner goes away.
final class ServerProcess: Sendable {
    let process: ChildProcess
    let logPath: String
    let outputPath: String

    /// The program stands beside the tests that were built with it.
    static var path: String {
        let own = ProcessEnvironment.executablePath
        return (own.lastIndex(of: "/").map { String(own[...$0]) } ?? "./") + "concordd"
    }

    /// - Parameter standardError: where the log goes in place of a file.
    init(
        _ arguments: [String], in scratch: ScratchDirectory, name: String = "server", environment: [String] = [],
        standardError: Int32? = nil, through shell: String? = nil
    ) throws {
        logPath = "\(scratch.path)/\(name).log"
        outputPath = "\(scratch.path)/\(name).out"
        let log = try Descriptor.appending(logPath)
        let output = try Descriptor.appending(outputPath)
        let (path, arguments) =
            shell.map { ("/bin/sh", ["-c", "\($0); exec \"$0\" \"$@\"", ServerProcess.path] + arguments) }
            ?? (ServerProcess.path, arguments)
        process = try ChildProcess(
            path: path, arguments: arguments,
            environment: ProcessEnvironment.entries.filter { !$0.hasPrefix("CONCORD_") } + environment,
            standard: .init(output: output.number, error: standardError ?? log.number))
    }

    deinit { process.killAndWait() }

    /// What it has written to standard error so far.
    func log() throws -> String { try text(logPath) }
    /// A running member writes its log beside what it answers: a line may come after the answer that it belongs to.
    func waitUntilLogged(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try eventually("its log says '\(text)'", sourceLocation: sourceLocation) { try log().contains(text) }
    }
    func output() throws -> String { try text(outputPath) }

    private func text(_ path: String) throws -> String {
        let file = try Descriptor.reading(path)
        var bytes: [UInt8] = []
        while case let piece = try file.read(count: 1 << 20), !piece.isEmpty { bytes += piece }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Waits for the end of a planned stop. That it takes at most five seconds is what the member promises of itself, so
    /// its own measure is asked for it: how long this machine took to start it, or to tell of its end, is another matter.
    func expectPlannedStop(sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(exitCode() == .exited(code: 0), sourceLocation: sourceLocation)
        let line = try log().split(separator: "\n").last { $0.contains("\"event\":\"stopped\"") }
        let after = line.flatMap { $0.firstMatch(of: /"after_ms":([0-9]+)/) }.flatMap { Int($0.output.1) }
        #expect(try #require(after, "no line says when it ended") <= 5_000, sourceLocation: sourceLocation)
    }

    /// Waits for the end.
    func exitCode(within milliseconds: Int32 = 10_000) -> ChildProcess.Ending? {
        process.wait(milliseconds: milliseconds)
    }
}

/// Waits until `condition` holds; what it throws counts as not yet.
func eventually(
    _ what: String, within milliseconds: UInt64 = 10_000, sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () throws -> Bool
) throws {
    let pause = try Wakeup()
    let deadline = SystemClock.monotonicMilliseconds() + milliseconds
    while SystemClock.monotonicMilliseconds() < deadline {
        if (try? condition()) == true { return }
        _ = pause.wait(milliseconds: 10)
    }
    Issue.record("\(what) did not happen within \(milliseconds) ms", sourceLocation: sourceLocation)
    throw SystemError.timeout(what)
}

/// Neighbouring ports that nobody listens on, below those that the kernel gives to connections.
func freePorts(_ count: Int) throws -> [UInt16] {
    for _ in 0..<1000 {
        let base = 10_000 + UInt16(SystemRandom.uint64() % 20_000)
        let ports = (0..<count).map { base + UInt16($0) }
        let allFree = ports.allSatisfy { port in
            guard let address = SocketAddress.literal(HostAndPort(host: "127.0.0.1", port: port)) else { return false }
            return (try? ListeningSocket(address, name: "a free port")) != nil
        }
        if allFree { return ports }
    }
    throw SystemError(operation: "find free ports", text: "there are none")
}

struct Answer: Equatable {
    var status: Int
    /// With their names in lower case.
    var headers: [String: String]
    var body: String
}

/// A connection that speaks just enough HTTP for a test.
final class RawClient {
    let stream: BlockingStream
    private var input = ByteQueue()
    private let scratch = ScratchBuffer()

    init(port: UInt16) throws {
        stream = try BlockingStream.connect(
            to: HostAndPort(host: "127.0.0.1", port: port), timeoutMilliseconds: 5_000)
    }

    func send(_ text: String) throws {
        try stream.sendAll(Array(text.utf8), deadline: SystemClock.monotonicMilliseconds() + 10_000)
    }

    func request(_ method: String, _ target: String, body: String? = nil, headers: [String] = []) throws -> Answer {
        try send(RawClient.text(method, target, body: body, headers: headers))
        return try answer()
    }

    static func text(_ method: String, _ target: String, body: String? = nil, headers: [String] = []) -> String {
        var lines = ["\(method) \(target) HTTP/1.1", "Host: localhost"] + headers
        if let body { lines.append("Content-Length: \(body.utf8.count)") }
        return lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")
    }

    /// The next answer on this connection.
    func answer(within milliseconds: UInt64 = 15_000) throws -> Answer {
        let deadline = SystemClock.monotonicMilliseconds() + milliseconds
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual(Array("\r\n\r\n".utf8)) {
            while input.isEmpty { try receive(deadline) }
            head.append(contentsOf: input.take(1))
        }
        var lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        let status = Int(lines.removeFirst().split(separator: " ")[1]) ?? 0
        var headers: [String: String] = [:]
        for line in lines {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts[1].drop { $0 == " " }.description
        }
        let count = headers["content-length"].flatMap { Int($0) } ?? 0
        while input.count < count { try receive(deadline) }
        return Answer(status: status, headers: headers, body: String(decoding: input.take(count), as: UTF8.self))
    }

    /// Sends one request over and over without waiting for an answer, until so many bytes are gone, the other side
    /// takes no more for half a second, or two seconds are over.
    /// - Parameter reads: whether the answers are taken, and thrown away.
    /// - Returns: how many bytes were sent.
    func flood(_ request: String, bytesMax: Int, reads: Bool) throws -> Int {
        let batch = [UInt8](String(repeating: request, count: 1000).utf8)
        var output = ByteQueue()
        var thrownAway = ByteQueue()
        var sent = 0
        let deadline = SystemClock.monotonicMilliseconds() + 2000
        while sent < bytesMax, SystemClock.monotonicMilliseconds() < deadline {
            if output.isEmpty { output.append(batch) }
            switch stream.socket.send(from: &output) {
            case .moved(let count): sent += count
            case .blocked:
                let wait: Int32 = reads ? 1 : 500
                guard try stream.socket.descriptor.waitWritable(milliseconds: wait) || reads else { return sent }
            case .ended, .failed: throw SystemError(operation: "send requests", text: "the connection was closed")
            }
            while reads, case .moved(let count) = stream.socket.receive(into: &thrownAway, scratch: scratch) {
                thrownAway.consume(count)
            }
        }
        return sent
    }

    /// Whether the other side has ended the connection, after what it had to say.
    func isEnded(within milliseconds: UInt64 = 10_000) throws -> Bool {
        let deadline = SystemClock.monotonicMilliseconds() + milliseconds
        var rest = ByteQueue()
        do throws(SystemError) {
            while try stream.receive(into: &rest, scratch: scratch, deadline: deadline) {}
            return true
        } catch {
            return !error.isTimeout
        }
    }

    private func receive(_ deadline: UInt64) throws {
        guard try stream.receive(into: &input, scratch: scratch, deadline: deadline) else {
            throw SystemError(operation: "receive an answer", text: "the connection was closed")
        }
    }
}

/// Three members on this machine, each started by hand.
final class ServerCluster {
    struct Seat {
        let name: String
        let clientPort: UInt16
        let peerPort: UInt16
    }

    let scratch: ScratchDirectory
    let seats: [Seat]
    private(set) var processes: [ServerProcess?]
    /// Flags of every member from its next start on.
    var flags: [String]

    init(_ count: Int = 3, adding flags: [String] = []) throws {
        self.flags = flags
        scratch = try ScratchDirectory()
        let ports = try freePorts(2 * count)
        seats = (0..<count).map { index in
            Seat(
                name: String(UnicodeScalar(UInt8(ascii: "a") + UInt8(index))), clientPort: ports[2 * index],
                peerPort: ports[2 * index + 1])
        }
        processes = Array(repeating: nil, count: count)
        for index in 0..<count { try start(index) }
    }

    func dataPath(_ index: Int) -> String { "\(scratch.path)/\(seats[index].name)" }

    func arguments(_ index: Int) -> [String] {
        let list = seats.map { "\($0.name)=127.0.0.1:\($0.peerPort)" }.joined(separator: ",")
        return [
            "serve", "--name", seats[index].name, "--data", dataPath(index), "--listen",
            "127.0.0.1:\(seats[index].clientPort)", "--peer-listen", "127.0.0.1:\(seats[index].peerPort)", "--cluster",
            list,
        ]
    }

    func start(_ index: Int, adding more: [String] = [], standardError: Int32? = nil) throws {
        processes[index] = try ServerProcess(
            arguments(index) + flags + more, in: scratch, name: "\(seats[index].name)", standardError: standardError)
    }

    func kill(_ index: Int) {
        processes[index]?.process.killAndWait()
        processes[index] = nil
    }

    func client(_ index: Int) throws -> RawClient { try RawClient(port: seats[index].clientPort) }

    func status(_ index: Int) throws -> String { try client(index).request("GET", "/v1/status").body }

    func waitUntilReady(_ indices: [Int]? = nil) throws {
        for index in indices ?? Array(seats.indices) {
            try eventually("member \(seats[index].name) becomes ready") {
                try client(index).request("GET", "/readyz").status == 200
            }
        }
    }

    /// The member that leads, once there is one.
    func leader() throws -> Int {
        var leader = -1
        try eventually("a leader is elected") {
            for index in seats.indices where processes[index] != nil {
                if try status(index).contains("\"role\":\"leader\"") {
                    leader = index
                    return true
                }
            }
            return false
        }
        return leader
    }
}
