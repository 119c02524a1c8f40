#if SocketTransport
    import ConcordBytes
    import ConcordHTTP
    import ConcordLinux
    import Synchronization

    extension SocketTransport {
        /// Sends one request, on a connection and a thread of its own, and hands the reply's body over as it arrives: what
        /// `take` does not take yet waits at the member.
        public func download(
            _ request: TransportRequest, to endpoint: ConcordEndpoint, patience: Duration,
            _ take: @escaping @Sendable (DownloadPart) -> Bool
        ) async throws(TransportFailure) -> TransportReply {
            guard endpoint.scheme == "http" else {
                throw .notSent("the socket transport does not speak \(endpoint.scheme)")
            }
            guard let bytes = SocketTransport.encode(request, to: endpoint) else {
                throw .notSent("the method \(request.method) is not known")
            }
            let job = SocketDownload(
                endpoint: endpoint, bytes: bytes, patienceMilliseconds: UInt64(max(1, patience / .milliseconds(1))),
                gate: gate, take: take)
            let result = await withTaskCancellationHandler {
                await withCheckedContinuation { (continuation: SocketContinuation) in
                    do throws(SystemError) {
                        _ = try Thread.start(name: "concord-download") { continuation.resume(returning: job.run()) }
                    } catch {
                        continuation.resume(returning: .failure(.notSent("\(error)")))
                    }
                }
            } onCancel: {
                job.isCancelled.store(true, ordering: .relaxed)
            }
            return try result.get()
        }
    }

    /// One download, from its connection to its end.
    private final class SocketDownload: Sendable {
        let isCancelled = Atomic<Bool>(false)
        private let endpoint: ConcordEndpoint
        private let bytes: [UInt8]
        private let patienceMilliseconds: UInt64
        private let gate: SocketGate
        private let take: @Sendable (DownloadPart) -> Bool

        /// How often a thread that waits for bytes looks whether somebody wants them still.
        private static let lookMilliseconds: UInt64 = 200

        init(
            endpoint: ConcordEndpoint, bytes: [UInt8], patienceMilliseconds: UInt64, gate: SocketGate,
            take: @escaping @Sendable (DownloadPart) -> Bool
        ) {
            self.endpoint = endpoint
            self.bytes = bytes
            self.patienceMilliseconds = patienceMilliseconds
            self.gate = gate
            self.take = take
        }

        func run() -> Result<TransportReply, TransportFailure> {
            let stream: BlockingStream
            do throws(SystemError) {
                stream = try BlockingStream.connect(
                    to: HostAndPort(host: endpoint.host, port: endpoint.port),
                    timeoutMilliseconds: patienceMilliseconds)
            } catch {
                return .failure(.notSent("\(error)"))
            }
            do throws(TransportFailure) {
                return .success(try exchange(stream))
            } catch {
                return .failure(error)
            }
        }

        private func exchange(_ stream: borrowing BlockingStream) throws(TransportFailure) -> TransportReply {
            do throws(SystemError) {
                try stream.sendAll(bytes, deadline: SystemClock.monotonicMilliseconds() + patienceMilliseconds)
            } catch {
                throw .interrupted("\(error)")
            }
            var input = ByteQueue()
            let scratch = ScratchBuffer()
            var parser = HTTPResponseParser(limits: HTTPLimits(bodyBytesMax: ClientLimits.replyBytesMax))
            var head: TransportReply?
            while true {
                let goesOn = try receive(stream, into: &input, scratch)
                let progress = goesOn ? parser.parse(&input) : parser.endOfInput()
                if let begun = parser.begun, begun.status == 200 {
                    if head == nil { head = try tell(TransportReply(begun)) }
                    try hand(over: parser.takeBody())
                }
                switch progress {
                case .failed(let failure): throw .interrupted(failure.detail)
                case .needMore:
                    guard goesOn else { throw .interrupted("the connection was closed before a reply came") }
                case .response(let response):
                    guard response.status == 200 else { return TransportReply(response) }
                    let told = if let head { head } else { try tell(TransportReply(response)) }
                    try hand(over: response.body)
                    return told
                }
            }
        }

        /// - Returns: the head, which was told.
        private func tell(_ reply: TransportReply) throws(TransportFailure) -> TransportReply {
            var head = reply
            head.body = []
            guard take(.head(head)) else { throw .cancelled }
            return head
        }

        private func hand(over bytes: [UInt8]) throws(TransportFailure) {
            guard bytes.isEmpty || take(.bytes(bytes)) else { throw .cancelled }
        }

        /// - Returns: false at the end of what the member sends.
        private func receive(
            _ stream: borrowing BlockingStream, into input: inout ByteQueue, _ scratch: borrowing ScratchBuffer
        ) throws(TransportFailure) -> Bool {
            let deadline = SystemClock.monotonicMilliseconds() + patienceMilliseconds
            while true {
                if isCancelled.load(ordering: .relaxed) { throw .cancelled }
                guard gate.pass({}) else { throw .closed }
                let now = SystemClock.monotonicMilliseconds()
                guard now < deadline else { throw .timedOut }
                do throws(SystemError) {
                    return try stream.receive(
                        into: &input, scratch: scratch, deadline: min(deadline, now + SocketDownload.lookMilliseconds))
                } catch {
                    guard error.isTimeout else { throw .interrupted("\(error)") }
                }
            }
        }
    }
#endif
