import ConcordAPI
import ConcordBytes
import ConcordEndpoints
import ConcordHTTP
import ConcordModel
import ConcordRaft
import ConcordReplica

/// A response as a client sees it.
struct Answer {
    var status: Int
    var headers: HTTPHeaders
    var body: [UInt8]
    var keepAlive: Bool

    var text: String { String(decoding: body, as: UTF8.self) }
    var problem: Problem? { JSONDocument.decodeReply(Problem.self, from: body) }

    func header(_ name: StaticString) -> String? {
        headers.first(name).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// What a request asks of the replica.
struct Question {
    var body: ReplicaRequest.Body
    var timeoutMilliseconds: UInt64
    var pending: PendingReply

    var operation: ConcordModel.Operation? {
        guard case .write(let operation, _) = body else { return nil }
        return operation
    }

    var retry: RetryIdentity? {
        guard case .write(_, let retry) = body else { return nil }
        return retry
    }

    var query: Query? {
        guard case .read(let query, _, _) = body else { return nil }
        return query
    }
}

/// The endpoints of one member, and requests as text.
struct Desk {
    var endpoints = Endpoints(
        settings: EndpointSettings(allowedHosts: ["concord.example", "Node-1"], version: "0.1.0", build: "test"))
    var facts = Desk.facts()

    static func facts(
        leader: String? = "http://127.0.0.1:7400", readiness: MemberFacts.Readiness = .ready
    ) -> MemberFacts {
        MemberFacts(status: status(leader: leader), readiness: readiness)
    }

    static func status(leader: String? = "http://127.0.0.1:7400", name: String = "one") -> StatusView {
        StatusView(
            id: MemberID(0xAB), name: name, boot: 3, clusterID: ClusterID(0xCD),
            standing: Standing(role: .leader, term: Term(5), leader: MemberID(0xAB)), leaderClientURL: leader,
            commitIndex: LogIndex(90), appliedIndex: LogIndex(89), lastIndex: LogIndex(91), revision: Revision(70),
            epoch: Epoch(4), clusterClock: 1234, stateHash: 0xEF, nodesCount: 6, waitingRequests: 2,
            agreement: .agreed, comparedIndex: LogIndex(88))
    }

    /// `PUT /v1/kv/a`, headers and a body, as a well-formed request with a Host and a length.
    static func text(_ line: String, _ headers: [String] = [], host: String = "localhost:7400", body: String = "")
        -> String
    {
        var text = "\(line) HTTP/1.1\r\nHost: \(host)\r\n"
        for header in headers { text += header + "\r\n" }
        if !body.isEmpty { text += "Content-Length: \(body.utf8.count)\r\n" }
        return text + "\r\n" + body
    }

    func decide(_ text: String) -> EndpointDecision? {
        var parser = HTTPRequestParser()
        var input = ByteQueue()
        input.append([UInt8](text.utf8))
        guard case .request(let request) = parser.parse(&input) else { return nil }
        return endpoints.decide(request, facts: facts)
    }

    /// What `line` asks of the replica; `nil` when it is answered at once.
    func ask(_ line: String, _ headers: [String] = [], body: String = "") -> Question? {
        guard case .submit(let asked, let timeout, let pending) = decide(Desk.text(line, headers, body: body)) else {
            return nil
        }
        return Question(body: asked, timeoutMilliseconds: timeout, pending: pending)
    }

    /// The answer that `line` gets at once; `nil` when the replica is asked.
    func answer(_ line: String, _ headers: [String] = [], host: String = "localhost:7400", body: String = "") -> Answer?
    {
        answer(raw: Desk.text(line, headers, host: host, body: body), answersHead: line.hasPrefix("HEAD"))
    }

    func answer(raw text: String, answersHead: Bool = false) -> Answer? {
        guard case .respond(let reply) = decide(text) else { return nil }
        var output = ByteQueue()
        endpoints.write(reply, facts: facts, into: &output)
        return Desk.read(output, answersHead: answersHead)
    }

    /// The answer to `line` when the replica says `result`.
    func answer(
        _ line: String, _ headers: [String] = [], body: String = "", when result: ReplicaReply.Result
    ) -> Answer? {
        guard let question = ask(line, headers, body: body) else { return nil }
        let reply = ReplicaReply(id: RequestID(1), result: result, revision: Revision(71), epoch: Epoch(5))
        var output = ByteQueue()
        endpoints.write(reply, for: question.pending, facts: facts, into: &output)
        return Desk.read(output, answersHead: line.hasPrefix("HEAD"))
    }

    /// Exactly one well-formed response, or `nil`.
    static func read(_ bytes: ByteQueue, answersHead: Bool = false) -> Answer? {
        var parser = HTTPResponseParser()
        var input = bytes
        guard case .response(let response) = parser.parse(&input, answersHead: answersHead), input.isEmpty else {
            return nil
        }
        return Answer(
            status: response.status, headers: response.headers, body: response.body, keepAlive: response.keepAlive)
    }

    static func node(
        _ path: String = "/a", value: [UInt8]? = [UInt8]("v".utf8), revision: UInt64 = 17, childRevision: UInt64 = 9
    ) -> Node {
        Node(
            key: Key(text: path), value: value, kind: .persistent, createRevision: Revision(3),
            modifyRevision: Revision(revision), version: 4, lease: nil, childRevision: Revision(childRevision),
            childVersion: 2, childrenCount: 1)
    }

    static func applied(
        _ status: OperationResult.Status, _ node: Node?, number: Int64? = nil, revision: UInt64 = 71,
        replayed: Bool = false, key: Key? = nil
    ) -> ReplicaReply.Result {
        let result = OperationResult(status: status, key: key ?? node?.key ?? .root, node: node, number: number)
        return .outcome(
            Outcome(
                revision: Revision(revision), verdict: .applied([result]), replayed: replayed,
                valuesOmitted: node == nil))
    }

    static func refused(_ refusal: Refusal) -> ReplicaReply.Result {
        .outcome(Outcome(revision: Revision(71), verdict: .refused(refusal)))
    }
}

func key(_ text: String) -> Key { Key(text: text) }
