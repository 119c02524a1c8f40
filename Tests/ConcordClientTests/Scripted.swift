import ConcordClient
import Synchronization

/// A network whose every answer is told by the test, and which remembers what was sent.
final class ScriptedTransport: ConcordTransport {
    typealias Answer = Result<TransportReply, TransportFailure>

    struct Sent: Sendable {
        let request: TransportRequest
        let port: UInt16
        let timeout: Duration

        /// The fields of `Concord-Client`.
        var call: (identity: String, sequence: UInt64, done: UInt64)? {
            guard let header = request.headers.first(where: { $0.name == "Concord-Client" })?.value else { return nil }
            let parts = header.split(separator: ";").map { $0.drop { $0 == " " } }
            guard parts.count == 3, parts[1].hasPrefix("seq="), parts[2].hasPrefix("done="),
                let sequence = UInt64(parts[1].dropFirst(4)), let done = UInt64(parts[2].dropFirst(5))
            else { return nil }
            return (String(parts[0]), sequence, done)
        }
    }

    private let log = Mutex<[Sent]>([])
    private let answer: @Sendable (Sent, Int) async -> Answer

    /// - Parameter answer: gets the request and how many were sent before it.
    init(_ answer: @escaping @Sendable (Sent, Int) async -> Answer) {
        self.answer = answer
    }

    /// Answers one after the other; the last one for ever.
    convenience init(_ answers: [Answer]) {
        self.init { _, index in answers[min(index, answers.count - 1)] }
    }

    var sent: [Sent] { log.withLock { $0 } }

    func send(
        _ request: TransportRequest, to endpoint: ConcordEndpoint, timeout: Duration
    ) async throws(TransportFailure) -> TransportReply {
        let sent = Sent(request: request, port: endpoint.port, timeout: timeout)
        let index = log.withLock { log in
            log.append(sent)
            return log.count - 1
        }
        return try await answer(sent, index).get()
    }

    func close() {}
}

/// Time that passes only by waiting, all at once.
final class VirtualTime: Sendable {
    private let state = Mutex((now: Duration.zero, waits: [Duration]()))

    var now: Duration { state.withLock { $0.now } }
    var waits: [Duration] { state.withLock { $0.waits } }

    func advance(_ duration: Duration) {
        state.withLock { $0.now += duration }
    }

    /// - Parameter waitsPass: whether a wait ends at once; else it lasts until its task is cancelled.
    func surroundings(waitsPass: Bool = true) -> Surroundings {
        let chance = Mutex<UInt64>(1)
        return Surroundings(
            now: { self.now },
            sleep: { duration in
                guard waitsPass else {
                    await untilCancelled()
                    return
                }
                self.state.withLock { state in
                    state.now += duration
                    state.waits.append(duration)
                }
            },
            random: {
                chance.withLock { chance in
                    chance &+= 1
                    return chance
                }
            })
    }
}

/// Lets a test decide when something may go on.
final class Latch: Sendable {
    private let state = Mutex((isOpen: false, waiters: [CheckedContinuation<Void, Never>]()))

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiters.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}

private func untilCancelled() async {
    let latch = Latch()
    await withTaskCancellationHandler {
        await latch.wait()
    } onCancel: {
        latch.open()
    }
}

/// Waits until something that other tasks do is done.
func eventually(_ condition: @Sendable () -> Bool) async {
    while !condition() { await Task.yield() }
}

extension TransportReply {
    static func node(
        _ path: String = "/a", status: Int = 200, revision: UInt64 = 7, value: String? = nil, replayed: Bool = false
    ) -> TransportReply {
        let shown = value.map { "\"value\":\"\($0)\"," } ?? ""
        let body = """
            {"path":"\(path)",\(shown)"kind":"persistent","revision":\(revision),"create_revision":3,"version":2,\
            "lease":null,"child_revision":3,"children_count":0}
            """
        var headers = [(name: "concord-revision", value: "\(revision)"), (name: "concord-epoch", value: "4")]
        if replayed { headers.append((name: "idempotency-replayed", value: "true")) }
        return TransportReply(status: status, headers: headers, body: [UInt8](body.utf8))
    }

    static func problem(
        _ status: Int, _ code: String, retryable: Bool = false, retryAfter: Int? = nil, unknown: Bool = false,
        more: String = ""
    ) -> TransportReply {
        let after = retryAfter.map { ",\"retry_after_ms\":\($0)" } ?? ""
        let outcome = unknown ? ",\"outcome\":\"unknown\"" : ""
        let body = """
            {"type":"urn:concord:error:\(code)","title":"t","status":\(status),"detail":"why","code":"\(code)",\
            "retryable":\(retryable)\(after)\(outcome)\(more)}
            """
        return TransportReply(
            status: status, headers: [(name: "Content-Type", value: "application/problem+json")],
            body: [UInt8](body.utf8))
    }
}

let three = ["http://a:1", "http://b:2", "http://c:3"]

func client(
    _ transport: ScriptedTransport, _ time: VirtualTime = VirtualTime(), endpoints: [String] = three,
    options: ConcordClient.Options = ConcordClient.Options(), waitsPass: Bool = true
) throws -> ConcordClient {
    try ConcordClient(
        endpoints: endpoints, transport: transport, options: options,
        surroundings: time.surroundings(waitsPass: waitsPass))
}

/// The error that `body` throws; a test fails when it throws none.
func failure(_ body: () async throws(ConcordError) -> Void) async throws -> ConcordError {
    do throws(ConcordError) {
        try await body()
    } catch {
        return error
    }
    throw NoError()
}

struct NoError: Error {}
