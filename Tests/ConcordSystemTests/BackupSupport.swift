import ConcordBytes
import ConcordClient
import ConcordHTTP
import ConcordLinux
import Foundation
import Testing

/// One member by itself, or one that joins others.
final class LoneServer {
    let data: String
    let ports: [UInt16]
    private(set) var process: ServerProcess?
    private let scratch: ScratchDirectory
    private let name: String

    init(_ name: String, in scratch: ScratchDirectory) throws {
        self.name = name
        self.scratch = scratch
        data = "\(scratch.path)/\(name)"
        ports = try freePorts(2)
    }

    var url: String { "http://127.0.0.1:\(ports[0])" }
    var peerAddress: String { "127.0.0.1:\(ports[1])" }

    func start(_ more: [String] = []) throws {
        let arguments = [
            "serve", "--name", name, "--data", data, "--listen", "127.0.0.1:\(ports[0])", "--peer-listen", peerAddress,
        ]
        process = try ServerProcess(arguments + more, in: scratch, name: name)
        try eventually("\(name) becomes ready", within: 60_000) {
            try client().request("GET", "/readyz").status == 200
        }
    }

    func client() throws -> RawClient { try RawClient(port: ports[0]) }

    /// Asks the member to end, and waits until it has.
    func stop() throws {
        let process = try #require(process)
        process.process.send(.terminate)
        #expect(process.exitCode() == .exited(code: 0))
        self.process = nil
    }

    func kill() {
        process?.process.killAndWait()
        process = nil
    }

    /// Writes `count` nodes of so many bytes.
    func fill(_ count: Int, bytes: Int) throws {
        let client = try client()
        for number in 0..<count {
            // No two are alike, so that what is sent cannot be short for any reason.
            let value = "\(number) " + String(repeating: "\(number % 10)", count: bytes)
            #expect(try client.request("PUT", "/v1/kv/n\(number)", body: value).status == 201)
        }
    }

    func residentBytes() throws -> Int {
        let number = try #require(process).process.identifier
        let status = String(decoding: try Descriptor.reading("/proc/\(number)/statm").read(count: 100), as: UTF8.self)
        return (Int(status.split(separator: " ")[1]) ?? 0) * 4096
    }
}

/// Runs `concordd` to its end.
struct OfflineRun {
    let code: ChildProcess.Ending?
    let output: String
    let complaints: String

    init(_ arguments: [String], in scratch: ScratchDirectory) throws {
        let process = try ServerProcess(arguments, in: scratch, name: "offline-\(SystemRandom.uint64())")
        code = process.exitCode(within: 60_000)
        output = try process.output()
        complaints = try process.log()
    }
}

/// A client that asks for a backup and reads it, or does not.
final class BackupReading {
    private let stream: BlockingStream
    private var input = ByteQueue()
    private var parser = HTTPResponseParser()
    private let scratch = ScratchBuffer()

    init(port: UInt16, _ query: String = "") throws {
        stream = try BlockingStream.connect(to: HostAndPort(host: "127.0.0.1", port: port), timeoutMilliseconds: 5000)
        let text = "GET /v1/snapshot\(query) HTTP/1.1\r\nHost: localhost\r\n\r\n"
        try stream.sendAll([UInt8](text.utf8), deadline: SystemClock.monotonicMilliseconds() + 5000)
    }

    /// Reads to the end.
    /// - Returns: the status and the bytes; no status when the answer broke off.
    func finish(within milliseconds: UInt64 = 30_000) throws -> (status: Int?, body: [UInt8]) {
        var body: [UInt8] = []
        let deadline = SystemClock.monotonicMilliseconds() + milliseconds
        while true {
            switch parser.parse(&input) {
            case .response(let response): return (response.status, body + response.body)
            case .failed: return (nil, body)
            case .needMore: body += parser.takeBody()
            }
            do throws(SystemError) {
                guard try stream.receive(into: &input, scratch: scratch, deadline: deadline) else { return (nil, body) }
            } catch {
                if error.isTimeout { throw error }
                return (nil, body)
            }
        }
    }

    /// Reads until the head is there.
    func head() throws -> Int {
        let deadline = SystemClock.monotonicMilliseconds() + 10_000
        while true {
            switch parser.parse(&input) {
            case .response(let response): return response.status
            case .failed(let failure): throw SystemError(operation: "read a head", text: failure.detail)
            case .needMore: if let begun = parser.begun { return begun.status }
            }
            guard try stream.receive(into: &input, scratch: scratch, deadline: deadline) else {
                throw SystemError(operation: "read a head", text: "the connection was closed")
            }
        }
    }
}
