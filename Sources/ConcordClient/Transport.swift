/// One HTTP request, ready to be sent to any member.
public struct TransportRequest: Sendable {
    /// `GET`, `PUT`, `POST`, `PATCH`, `DELETE`.
    public var method: String
    /// Path and query, percent-encoded.
    public var target: String
    /// Fields beyond `Host` and `Content-Length`, which the transport writes.
    public var headers: [(name: String, value: String)]
    /// `nil` for a request without a body; an empty one is sent as `Content-Length: 0`.
    public var body: [UInt8]?

    /// A request of these parts.
    public init(method: String, target: String, headers: [(name: String, value: String)] = [], body: [UInt8]? = nil) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }
}

/// One whole HTTP reply.
public struct TransportReply: Sendable {
    /// The HTTP status, 200 to 599.
    public var status: Int
    /// The fields as they came.
    public var headers: [(name: String, value: String)]
    /// The body, decoded from its transfer coding.
    public var body: [UInt8]

    /// A reply of these parts.
    public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The value of the first field of that name, in whatever case.
    public func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        return headers.first { $0.name.lowercased() == wanted }?.value
    }
}

/// Why there is no reply. What counts is whether the request may have reached the member.
public enum TransportFailure: Error, Hashable, Sendable {
    /// Nothing was sent: refused, unknown name, no connection in time.
    case notSent(String)
    /// The connection broke, or what came was no HTTP, after something may have been sent.
    case interrupted(String)
    /// No reply in time.
    case timedOut
    /// The task was cancelled.
    case cancelled
    /// The transport was closed.
    case closed
}

/// How requests travel. A transport sends each request at most once: retrying is the client's business, because
/// only the client knows what may be sent twice.
public protocol ConcordTransport: Sendable {
    /// Sends one request and waits for the whole reply.
    /// - Parameter timeout: from now until the reply's last byte; then `.timedOut` is thrown.
    func send(
        _ request: TransportRequest, to endpoint: ConcordEndpoint, timeout: Duration
    ) async throws(TransportFailure) -> TransportReply

    /// Sends one request, and hands the body of the reply over as it arrives.
    ///
    /// A transport that does not have it gets the whole reply first, as `send` does, and within its bounds.
    /// - Parameters:
    ///   - patience: the longest time without any progress; then `.timedOut` is thrown.
    ///   - take: is told the head of a reply with status 200, and then its body, in order and never twice at a time. When
    ///     it returns false the rest is not wanted, and `.cancelled` is thrown.
    /// - Returns: the head of a reply with status 200, whose body was handed over; any other reply as a whole.
    func download(
        _ request: TransportRequest, to endpoint: ConcordEndpoint, patience: Duration,
        _ take: @escaping @Sendable (DownloadPart) -> Bool
    ) async throws(TransportFailure) -> TransportReply

    /// Closes all connections; requests under way and later ones fail with `.closed`.
    func close()
}

/// What a download hands over.
public enum DownloadPart: Sendable {
    /// The head of the reply; its body follows.
    case head(TransportReply)
    /// The bytes of the body that follow those before.
    case bytes([UInt8])
}

extension ConcordTransport {
    /// Gets the whole reply, and then hands it over.
    public func download(
        _ request: TransportRequest, to endpoint: ConcordEndpoint, patience: Duration,
        _ take: @escaping @Sendable (DownloadPart) -> Bool
    ) async throws(TransportFailure) -> TransportReply {
        var reply = try await send(request, to: endpoint, timeout: patience)
        guard reply.status == 200 else { return reply }
        let body = reply.body
        reply.body = []
        guard take(.head(reply)), take(.bytes(body)) else { throw .cancelled }
        return reply
    }
}
