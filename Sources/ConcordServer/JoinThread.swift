internal import ConcordAPI
internal import ConcordBytes
internal import ConcordHTTP
internal import ConcordLinux
internal import ConcordModel

/// Asks a running cluster to take this member in, again and again until it has. On a thread of its own: each question
/// waits for its answer, and the event loop waits for nothing.
///
/// Who was lost on the way asks anew after the next start. That is safe: an id that is a member already, or about to
/// be one, is not taken twice, and the question carries an `Idempotency-Key` made of the id.
final class JoinThread: Sendable {
    private enum Stop {
        case stop
    }

    struct Question: Sendable {
        var targets: [HostAndPort]
        var addition: AdditionDocument
        /// Makes the keys of this boot differ from those of others.
        var boot: UInt64
    }

    private static let answerMilliseconds: UInt64 = 5_000
    private static let pauseMilliseconds: Int32 = 500

    private let stops: Mailbox<Stop>
    private let tooHigh: Mailbox<UInt16>

    /// - Parameter wakeup: of who looks at `featureLevelTooHigh`.
    init(_ question: Question, waking wakeup: Wakeup, log: Log) throws(SystemError) {
        let stops = Mailbox<Stop>(waking: try Wakeup())
        let tooHigh = Mailbox<UInt16>(waking: wakeup)
        _ = try Thread.start(name: "join") {
            var asking = Asking(question, log: log)
            while asking.featureLevelTooHigh == nil,
                stops.waitAll(milliseconds: JoinThread.pauseMilliseconds).isEmpty
            {
                asking.next()
            }
            if let level = asking.featureLevelTooHigh { tooHigh.post(level) }
        }
        self.stops = stops
        self.tooHigh = tooHigh
    }

    /// Told once, when the cluster is at a level that this build does not support: then it is asked no more.
    func featureLevelTooHigh() -> UInt16? { tooHigh.takeAll().first }

    /// This member is one of the cluster's voters.
    func stop() {
        stops.post(.stop)
    }

    /// One turn after the other of what the thread does.
    private struct Asking {
        private let question: Question
        private let log: Log
        private var throttle = LogThrottle(intervalMilliseconds: 10_000)
        private var position = 0
        /// One more after each answer that decides: the same key would only get the same answer again.
        private var attempt: UInt64 = 1
        private(set) var featureLevelTooHigh: UInt16?

        init(_ question: Question, log: Log) {
            self.question = question
            self.log = log
        }

        mutating func next() {
            let target = question.targets[position % question.targets.count]
            do throws(SystemError) {
                if try !isTakenIn(by: target), featureLevelTooHigh == nil { try ask(target) }
            } catch {
                complain(target, "\(error)")
                position += 1
            }
        }

        /// Whether the cluster knows of this member already.
        private mutating func isTakenIn(by target: HostAndPort) throws(SystemError) -> Bool {
            let response = try exchange("GET", "/v1/cluster", [], [], with: target)
            guard response.status == 200,
                let cluster = JSONDocument.decodeReply(ClusterDocument.self, from: response.body)
            else { throw SystemError(operation: "ask \(target)", text: reason(response)) }
            let id = question.addition.id
            let isKnown =
                cluster.members.contains { $0.id == id } || cluster.change?.add.contains { $0.id == id } == true
            if !isKnown, let level = cluster.featureLevel, level > ModelLimits.featureLevel {
                featureLevelTooHigh = level
            }
            return isKnown
        }

        private mutating func ask(_ target: HostAndPort) throws(SystemError) {
            let body = JSONDocument.encode(MemberChangeRequest(add: [question.addition]))
            let key = "join-\(question.addition.id)-\(question.boot)-\(attempt)"
            let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)]
            let response = try exchange("POST", "/v1/cluster/change", headers, body, with: target)
            if response.status < 500 { attempt += 1 }
            guard response.status == 200 else {
                throw SystemError(operation: "join by \(target)", text: reason(response))
            }
            log.info("join_asked", [("member", .text("\(target)"))])
        }

        private func reason(_ response: HTTPResponse) -> String {
            let problem = JSONDocument.decodeReply(Problem.self, from: response.body)
            return "status \(response.status)" + (problem.map { ": \($0.detail)" } ?? "")
        }

        private mutating func complain(_ target: HostAndPort, _ reason: String) {
            let now = SystemClock.monotonicMilliseconds()
            guard throttle.admit(reason, now: now) != nil else { return }
            log.warning(
                "join_waits",
                [
                    ("member", .text("\(target)")), ("reason", .text(reason)),
                    ("advice", "it is asked again; GET /v1/cluster shows the change of membership under way"),
                ])
        }

        /// One request on a connection of its own.
        private func exchange(
            _ method: String, _ path: String, _ headers: [(String, String)], _ body: [UInt8],
            with target: HostAndPort
        ) throws(SystemError) -> HTTPResponse {
            let deadline = SystemClock.monotonicMilliseconds() + JoinThread.answerMilliseconds
            let stream = try BlockingStream.connect(to: target, timeoutMilliseconds: JoinThread.answerMilliseconds)
            var head = "\(method) \(path) HTTP/1.1\r\nHost: \(target)\r\nConnection: close\r\n"
            for (name, value) in headers { head += "\(name): \(value)\r\n" }
            head += "Content-Length: \(body.count)\r\n\r\n"
            try stream.sendAll([UInt8](head.utf8) + body, deadline: deadline)
            let scratch = ScratchBuffer()
            var (input, parser) = (ByteQueue(), HTTPResponseParser(limits: HTTPLimits(bodyBytesMax: 1 << 20)))
            while true {
                let isOpen = try stream.receive(into: &input, scratch: scratch, deadline: deadline)
                switch isOpen ? parser.parse(&input) : parser.endOfInput() {
                case .response(let response): return response
                case .failed(let failure): throw SystemError(operation: "read the answer", text: failure.detail)
                case .needMore:
                    guard isOpen else { throw SystemError(operation: "read the answer", text: "it was cut short") }
                }
            }
        }
    }
}
