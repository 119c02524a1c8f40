import ConcordBytes
import ConcordHTTP
import ConcordLinux
import Synchronization

/// Stands in for a member: real sockets, and answers that the test tells.
final class FakeMember: Sendable {
    enum Answer: Sendable {
        case reply(status: Int, headers: [(String, String)], body: String)
        /// A reply, and then the connection is closed.
        case lastReply(status: Int, body: String)
        /// The connection is closed without an answer.
        case hangUp
        /// Nothing, ever.
        case silence
        /// Bytes as they are.
        case raw(String)
        /// Bytes as they are, and then the connection is closed.
        case lastRaw(String)
    }

    struct Seen: Sendable {
        let method: String
        let target: String
        let host: String
        let body: [UInt8]
        let connection: Int
    }

    let port: UInt16
    private let seenRequests = Mutex<[Seen]>([])
    private let isStopped = Mutex(false)
    private let answer: @Sendable (Seen, Int) -> Answer

    /// - Parameter answer: gets the request and how many came before it.
    init(_ answer: @escaping @Sendable (Seen, Int) -> Answer) throws {
        guard let address = SocketAddress.literal(HostAndPort(host: "127.0.0.1", port: 0)) else {
            throw SystemError(operation: "listen", text: "no loopback address")
        }
        let listener = try ListeningSocket(address, name: "127.0.0.1:0")
        self.port = try listener.localPort()
        self.answer = answer
        let handover = Mutex<ListeningSocket?>(listener)
        _ = try Thread.start(name: "fake-member") { [self] in
            if let listener = handover.withLock({ $0.take() }) { accept(listener) }
        }
    }

    var endpoint: String { "http://127.0.0.1:\(port)" }
    var seen: [Seen] { seenRequests.withLock { $0 } }

    func stop() {
        isStopped.withLock { $0 = true }
    }

    private func accept(_ listener: borrowing ListeningSocket) {
        var connections = 0
        while !isStopped.withLock({ $0 }) {
            guard (try? listener.descriptor.waitReadable(milliseconds: 20)) ?? false,
                let socket = try? listener.accept()
            else { continue }
            let number = connections
            connections += 1
            let handover = Mutex<StreamSocket?>(socket)
            _ = try? Thread.start(name: "fake-conn") { [self] in
                if let socket = handover.withLock({ $0.take() }) { serve(BlockingStream(socket), number) }
            }
        }
    }

    private func serve(_ stream: consuming BlockingStream, _ connection: Int) {
        let scratch = ScratchBuffer()
        var input = ByteQueue()
        var parser = HTTPRequestParser(limits: HTTPLimits(bodyBytesMax: 4 << 20))
        while !isStopped.withLock({ $0 }) {
            switch parser.parse(&input) {
            case .request(let request):
                let seen = Seen(request, connection)
                let index = seenRequests.withLock { requests in
                    requests.append(seen)
                    return requests.count - 1
                }
                guard send(answer(seen, index), over: stream) else { return }
            case .failed:
                return
            default:
                let deadline = SystemClock.monotonicMilliseconds() + 20
                do throws(SystemError) {
                    guard try stream.receive(into: &input, scratch: scratch, deadline: deadline) else { return }
                } catch {
                    guard error.isTimeout else { return }
                }
            }
        }
    }

    /// - Returns: whether the connection goes on.
    private func send(_ answer: Answer, over stream: borrowing BlockingStream) -> Bool {
        var writer = ByteWriter()
        var goesOn = true
        switch answer {
        case .reply(let status, let headers, let body):
            writer.writeStatusLine(status, keepAlive: true)
            for (name, value) in headers {
                writer.writeRaw([UInt8]("\(name): \(value)\r\n".utf8))
            }
            writer.writeBody([UInt8](body.utf8))
        case .lastReply(let status, let body):
            writer.writeStatusLine(status, keepAlive: false)
            writer.writeBody([UInt8](body.utf8))
            goesOn = false
        case .hangUp:
            return false
        case .silence:
            return true
        case .raw(let text):
            writer.writeRaw([UInt8](text.utf8))
        case .lastRaw(let text):
            writer.writeRaw([UInt8](text.utf8))
            goesOn = false
        }
        let deadline = SystemClock.monotonicMilliseconds() + 5000
        do throws(SystemError) {
            try stream.sendAll(writer.bytes, deadline: deadline)
        } catch {
            return false
        }
        return goesOn
    }
}

extension FakeMember.Seen {
    init(_ request: HTTPRequest, _ connection: Int) {
        var target = String(decoding: request.path, as: UTF8.self)
        if request.hasQuery { target += "?" + String(decoding: request.query, as: UTF8.self) }
        method = String(describing: request.method.name)
        self.target = target
        host = request.headers.first("host").map { String(decoding: $0, as: UTF8.self) } ?? ""
        body = request.body
        self.connection = connection
    }
}
