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

    /// Why it is asked no more.
    enum End: Equatable, Sendable {
        /// The cluster is at this feature level, which this build does not support.
        case buildTooOld(UInt16)
        /// This member's id belongs to somebody who was a member once, or was to become one when the change was
        /// cancelled: it is never taken in again.
        case formerMember
    }

    private static let answerMilliseconds: UInt64 = 5_000
    private static let pauseMilliseconds: Int32 = 500

    private let stops: Mailbox<Stop>
    private let ends: Mailbox<End>

    /// - Parameter wakeup: of who looks at `end`.
    init(_ question: Question, waking wakeup: Wakeup, log: Log) throws(SystemError) {
        let stops = Mailbox<Stop>(waking: try Wakeup())
        let ends = Mailbox<End>(waking: wakeup)
        _ = try Thread.start(name: "join") {
            var asking = Asking(question, log: log)
            while asking.end == nil, stops.waitAll(milliseconds: JoinThread.pauseMilliseconds).isEmpty {
                asking.next()
            }
            if let end = asking.end { ends.post(end) }
        }
        self.stops = stops
        self.ends = ends
    }

    /// Told once, when it is of no use to ask again.
    func end() -> End? { ends.takeAll().first }

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
        private(set) var end: End?
        /// How often it was refused, one after the other, for what looks like an id of the past.
        private var refusals = 0

        init(_ question: Question, log: Log) {
            self.question = question
            self.log = log
        }

        mutating func next() {
            let target = question.targets[position % question.targets.count]
            do throws(SystemError) {
                let cluster = try self.cluster(of: target)
                guard !isTakenIn(by: cluster) else { return }
                if let level = cluster.featureLevel, level > ModelLimits.featureLevel {
                    end = .buildTooOld(level)
                } else {
                    try ask(target)
                }
            } catch {
                complain(target, "\(error)")
                position += 1
            }
        }

        private func cluster(of target: HostAndPort) throws(SystemError) -> ClusterDocument {
            let response = try exchange("GET", "/v1/cluster", [], [], with: target)
            guard response.status == 200,
                let cluster = JSONDocument.decodeReply(ClusterDocument.self, from: response.body)
            else { throw SystemError(operation: "ask \(target)", text: reason(response)) }
            return cluster
        }

        /// Whether the cluster knows of this member already.
        private func isTakenIn(by cluster: ClusterDocument) -> Bool {
            let id = question.addition.id
            return cluster.members.contains { $0.id == id } || cluster.change?.add.contains { $0.id == id } == true
        }

        /// Whether it was refused for an id of the past: the id is refused as known, and neither the id nor the address,
        /// which may become free, is anybody's now.
        private func isFormer(_ problem: Problem?, at target: HostAndPort) throws(SystemError) -> Bool {
            guard problem?.detail == MemberChangeRequest.knownDetail else { return false }
            let cluster = try self.cluster(of: target)
            return !isTakenIn(by: cluster) && cluster.change == nil
                && !cluster.members.contains { $0.peerAddress == question.addition.peer }
        }

        private mutating func ask(_ target: HostAndPort) throws(SystemError) {
            let body = JSONDocument.encode(MemberChangeRequest(add: [question.addition]))
            let key = "join-\(question.addition.id)-\(question.boot)-\(attempt)"
            let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)]
            let response = try exchange("POST", "/v1/cluster/change", headers, body, with: target)
            if response.status < 500 { attempt += 1 }
            guard response.status == 200 else {
                let problem = JSONDocument.decodeReply(Problem.self, from: response.body)
                refusals = try isFormer(problem, at: target) ? refusals + 1 : 0
                // An address may have become free since the first refusal, and not since it was seen to be free.
                if refusals == 2 { end = .formerMember }
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
