#if SocketTransport
    import ConcordBytes
    import ConcordHTTP
    import ConcordLinux
    import Synchronization

    /// Carries requests over plain sockets: connections that are kept alive, served by one event loop on a thread
    /// of its own. About ten times faster than `URLSessionTransport` on Linux; speaks `http` only.
    public final class SocketTransport: ConcordTransport {
        private let mailbox: Mailbox<SocketCommand>
        let gate: SocketGate
        private let thread: Mutex<Thread?>
        private let nextExchange = Atomic<UInt64>(0)

        /// Starts the thread.
        /// - Parameter connectionsPerEndpoint: more requests to one member wait for a free connection.
        /// - Throws: `invalidArgument` when the system gives no thread or descriptor.
        public init(connectionsPerEndpoint: Int = 64) throws(ConcordError) {
            do {
                let loop = try EventLoop()
                let mailbox = Mailbox<SocketCommand>(waking: loop.wakeup)
                let gate = SocketGate()
                let handover = Mutex<EventLoop?>(loop)
                let thread = try Thread.start(name: "concord-client") {
                    guard let loop = handover.withLock({ $0.take() }) else { return }
                    let exchanger = SocketExchanger(
                        loop: loop, mailbox: mailbox, gate: gate, connectionsPerEndpoint: connectionsPerEndpoint)
                    exchanger.run()
                }
                self.mailbox = mailbox
                self.gate = gate
                self.thread = Mutex(thread)
            } catch {
                throw ConcordError(.invalidArgument, detail: "no event loop could be started: \(error)")
            }
        }

        deinit {
            close()
        }

        /// Ends the thread and closes all connections; requests under way have failed when it returns.
        public func close() {
            gate.close()
            mailbox.post(.close)
            thread.withLock { $0.take() }?.join()
        }

        /// Sends one request, at most once.
        public func send(
            _ request: TransportRequest, to endpoint: ConcordEndpoint, timeout: Duration
        ) async throws(TransportFailure) -> TransportReply {
            guard endpoint.scheme == "http" else {
                throw .notSent("the socket transport does not speak \(endpoint.scheme)")
            }
            guard let bytes = SocketTransport.encode(request, to: endpoint) else {
                throw .notSent("the method \(request.method) is not known")
            }
            let id = nextExchange.wrappingAdd(1, ordering: .relaxed).newValue
            let patience = UInt64(max(1, timeout / .milliseconds(1)))
            let deadline = SystemClock.monotonicMilliseconds() + patience
            let call = SocketCall()
            let result = await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let exchange = SocketExchange(
                        id: id, endpoint: endpoint, bytes: bytes, answersHead: request.method == "HEAD",
                        deadline: deadline, continuation: continuation)
                    var isOpen = true
                    let isWanted = call.post { isOpen = gate.pass { mailbox.post(.exchange(exchange)) } }
                    if !isWanted {
                        continuation.resume(returning: .failure(.cancelled))
                    } else if !isOpen {
                        continuation.resume(returning: .failure(.closed))
                    }
                }
            } onCancel: {
                if call.cancel() { mailbox.post(.cancel(id)) }
            }
            return try result.get()
        }

        static func encode(_ request: TransportRequest, to endpoint: ConcordEndpoint) -> [UInt8]? {
            guard let method = method(request.method) else { return nil }
            var writer = ByteWriter(capacity: 256 + (request.body?.count ?? 0))
            writer.writeRequestLine(
                method, target: [UInt8](request.target.utf8), host: [UInt8](endpoint.authority.utf8))
            for (name, value) in request.headers {
                writer.writeHeaderText([UInt8](name.utf8))
                writer.writeRaw(": ")
                writer.writeHeaderText([UInt8](value.utf8))
                writer.writeRaw("\r\n")
            }
            if let body = request.body {
                writer.writeBody(body)
            } else {
                writer.writeNoBody()
            }
            return writer.bytes
        }

        private static func method(_ name: String) -> HTTPMethod? {
            switch name {
            case "GET": .get
            case "HEAD": .head
            case "PUT": .put
            case "POST": .post
            case "PATCH": .patch
            case "DELETE": .delete
            default: nil
            }
        }
    }

    typealias SocketContinuation = CheckedContinuation<Result<TransportReply, TransportFailure>, Never>

    /// A request on its way and who waits for its reply.
    struct SocketExchange: Sendable {
        let id: UInt64
        let endpoint: ConcordEndpoint
        let bytes: [UInt8]
        let answersHead: Bool
        /// On the monotonic clock, in milliseconds.
        let deadline: UInt64
        let continuation: SocketContinuation
    }

    /// Puts the beginning of a call and its cancellation in order: they come from different threads, and a task that is
    /// cancelled already tells so before the call begins.
    final class SocketCall: Sendable {
        private enum Stage { case new, posted, cancelled }
        private let stage = Mutex(Stage.new)

        /// - Returns: false, without calling `body`, when nobody wants the call any more.
        func post(_ body: () -> Void) -> Bool {
            stage.withLock { stage in
                guard stage == .new else { return false }
                body()
                stage = .posted
                return true
            }
        }

        /// - Returns: whether the call has begun and is to be ended.
        func cancel() -> Bool {
            stage.withLock { stage in
                defer { stage = .cancelled }
                return stage == .posted
            }
        }
    }

    /// Nobody posts an exchange once the gate is closed, so none is left behind without an answer.
    final class SocketGate: Sendable {
        private let isClosed = Mutex(false)

        func close() {
            isClosed.withLock { $0 = true }
        }

        /// - Returns: false, without calling `body`, when the gate is closed.
        func pass(_ body: () -> Void) -> Bool {
            isClosed.withLock { isClosed in
                if !isClosed { body() }
                return !isClosed
            }
        }
    }

    /// What other threads tell the event loop.
    enum SocketCommand: Sendable {
        case exchange(SocketExchange)
        case cancel(UInt64)
        case resolved(connection: UInt64, Result<[SocketAddress], SystemError>)
        case close
    }
#endif
