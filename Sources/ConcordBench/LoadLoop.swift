import ConcordBytes
package import ConcordLinux

/// What a load does.
package struct LoadPlan: Sendable {
    package enum Work: Sendable {
        case put
        /// Linearizable.
        case get
        /// The asked member's own state.
        case localGet
    }

    package var work: Work
    package var clients: Int
    package var seconds: Double
    package var valueBytes: Int
    package var keys: Int
    /// Clients are dealt out to these in turn.
    package var endpoints: [HostAndPort]
    package var seed: UInt64
}

/// What came of a load, or of one thread's part of it.
package struct LoadOutcome: Sendable {
    package var latencyNanoseconds = Histogram()
    package var errors: UInt64 = 0
    package var nanoseconds: UInt64 = 0

    package mutating func add(_ other: LoadOutcome) {
        latencyNanoseconds.add(other.latencyNanoseconds)
        errors += other.errors
        nanoseconds = max(nanoseconds, other.nanoseconds)
    }

    package var operationsPerSecond: Double {
        nanoseconds == 0 ? 0 : Double(latencyNanoseconds.count) / (Double(nanoseconds) / 1e9)
    }
}

/// Some clients of a closed loop on one thread: each has a connection of its own, and sends its next request when it
/// has the answer to the last. A request that fails counts as an error and not as an operation.
package final class LoadLoop {
    private final class Client {
        let endpoint: HostAndPort
        var socket: StreamSocket
        var input = ByteQueue()
        var scanner = ReplyScanner()
        /// Which request is under way, and how much of it was sent.
        var request = 0
        var sent = 0
        var startedAt: UInt64 = 0
        var isWriting = false

        init(_ endpoint: HostAndPort) throws(SystemError) {
            self.endpoint = endpoint
            socket = try LoadLoop.connect(endpoint)
        }

        /// Begins anew on a new connection.
        func reconnect() throws(SystemError) {
            socket = try LoadLoop.connect(endpoint)
            input = ByteQueue()
            scanner = ReplyScanner()
            isWriting = false
        }
    }

    private let loop: EventLoop
    private let scratch = ScratchBuffer()
    private var clients: [Client] = []
    private var random: SeededRandom
    /// One request a key, whole.
    private let requests: [[UInt8]]
    private var outcome = LoadOutcome()
    private var endsAt: UInt64 = 0

    /// Connects all clients.
    package init(_ plan: LoadPlan) throws(SystemError) {
        loop = try EventLoop()
        random = SeededRandom(seed: plan.seed)
        requests = LoadLoop.requests(plan)
        for index in 0..<plan.clients {
            let client = try Client(plan.endpoints[index % plan.endpoints.count])
            try loop.watch(client.socket.number, token: UInt64(index), interest: .readable)
            clients.append(client)
        }
    }

    private static func connect(_ endpoint: HostAndPort) throws(SystemError) -> StreamSocket {
        guard let address = try SocketAddress.resolve(endpoint).first else {
            throw SystemError(operation: "resolve \(endpoint)", text: "no address is known")
        }
        let socket = try StreamSocket.connect(to: address)
        guard try socket.descriptor.waitWritable(milliseconds: 5000) else { throw .timeout("connect to \(endpoint)") }
        if let error = socket.connectionResult() { throw error }
        return socket
    }

    private static func requests(_ plan: LoadPlan) -> [[UInt8]] {
        let value = String(repeating: "x", count: plan.valueBytes)
        return (0..<plan.keys).map { key in
            let path = "/v1/kv\(LoadKeys.path(key))"
            return switch plan.work {
            case .put:
                [UInt8](
                    "PUT \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(value.utf8.count)\r\n\r\n\(value)"
                        .utf8)
            case .get: [UInt8]("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
            case .localGet: [UInt8]("GET \(path)?consistency=local HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
            }
        }
    }

    /// Runs for `seconds`; what is under way at the end is not waited for.
    package func run(seconds: Double) throws(SystemError) -> LoadOutcome {
        outcome = LoadOutcome()
        let start = SystemClock.monotonicNanoseconds()
        endsAt = start + UInt64(seconds * 1e9)
        for index in clients.indices { try begin(index) }
        var ready: [ReadyDescriptor] = []
        var now = start
        while now < endsAt {
            try loop.wait(until: endsAt / 1_000_000 + 1, into: &ready)
            for descriptor in ready { try serve(descriptor) }
            now = SystemClock.monotonicNanoseconds()
        }
        outcome.nanoseconds = now - start
        return outcome
    }

    private func begin(_ index: Int) throws(SystemError) {
        let client = clients[index]
        client.request = Int(random.below(UInt64(requests.count)))
        client.sent = 0
        client.startedAt = SystemClock.monotonicNanoseconds()
        try send(index)
    }

    private func send(_ index: Int) throws(SystemError) {
        let client = clients[index]
        let request = requests[client.request]
        while client.sent < request.count {
            switch client.socket.send(request, from: client.sent) {
            case .moved(let count): client.sent += count
            case .blocked: return try watch(index, isWriting: true)
            case .ended, .failed: return try reconnect(index)
            }
        }
        try watch(index, isWriting: false)
    }

    private func watch(_ index: Int, isWriting: Bool) throws(SystemError) {
        let client = clients[index]
        guard client.isWriting != isWriting else { return }
        client.isWriting = isWriting
        let interest: Interest = isWriting ? [.readable, .writable] : .readable
        try loop.change(client.socket.number, token: UInt64(index), interest: interest)
    }

    private func serve(_ ready: ReadyDescriptor) throws(SystemError) {
        let index = Int(ready.token)
        let client = clients[index]
        if ready.isWritable, client.isWriting { try send(index) }
        guard ready.isReadable else { return }
        switch client.socket.receive(into: &client.input, scratch: scratch) {
        case .moved: break
        case .blocked: return
        case .ended, .failed: return try reconnect(index)
        }
        switch client.scanner.next(&client.input) {
        case .needMore:
            return
        case .reply(let status):
            if (200...299).contains(status) {
                outcome.latencyNanoseconds.record(SystemClock.monotonicNanoseconds() - client.startedAt)
            } else {
                outcome.errors += 1
            }
            try begin(index)
        case .broken:
            try reconnect(index)
        }
    }

    /// A new connection in the place of a broken one; its request is an error.
    private func reconnect(_ index: Int) throws(SystemError) {
        outcome.errors += 1
        guard outcome.errors < 1_000_000 else {
            throw SystemError(operation: "run a load", text: "a million requests have failed")
        }
        let client = clients[index]
        loop.ignore(client.socket.number)
        try client.reconnect()
        try loop.watch(client.socket.number, token: UInt64(index), interest: .readable)
        try begin(index)
    }
}

/// The nodes that a load touches.
package enum LoadKeys {
    package static let parent = "/bench"

    package static func path(_ key: Int) -> String {
        let digits = String(key)
        return "\(parent)/k\(String(repeating: "0", count: max(0, 6 - digits.count)))\(digits)"
    }
}
