import ConcordBytes
import ConcordEndpoints
import ConcordHTTP
import ConcordModel
import ConcordRaft
import ConcordReplica

/// The endpoints of one member that leads and is ready.
struct ApiDesk {
    let endpoints = Endpoints(
        settings: EndpointSettings(allowedHosts: ["concord.example"], version: "0.1.0", build: "fuzz"))
    let facts = MemberFacts(
        status: StatusView(
            id: MemberID(0xAB), name: "one", boot: 3, clusterID: ClusterID(0xCD),
            standing: Standing(role: .leader, term: Term(5), leader: MemberID(0xAB)),
            leaderClientURL: "http://127.0.0.1:7400", commitIndex: LogIndex(90), appliedIndex: LogIndex(89),
            lastIndex: LogIndex(91), revision: Revision(70), epoch: Epoch(4), clusterClock: 1234, stateHash: 0xEF,
            nodesCount: 6, waitingRequests: 2), readiness: .ready)

    /// The first request in `bytes`, when it is whole and well-formed.
    static func request(_ bytes: [UInt8]) -> HTTPRequest? {
        var parser = HTTPRequestParser()
        var input = ByteQueue()
        input.append(bytes)
        guard case .request(let request) = parser.parse(&input) else { return nil }
        return request
    }

    /// `GET /v1/kv/a` and one more header line, from bytes that may be anything.
    static func request(_ line: StaticString, query: [UInt8] = [], header: [UInt8] = []) -> HTTPRequest? {
        var writer = ByteWriter()
        writer.writeRaw(line)
        writer.writeRaw(query)
        writer.writeRaw(" HTTP/1.1\r\nHost: localhost\r\n")
        writer.writeRaw(header)
        if !header.isEmpty { writer.writeRaw("\r\n") }
        writer.writeRaw("\r\n")
        return request(writer.bytes)
    }

    func asked(_ request: HTTPRequest?) -> (body: ReplicaRequest.Body, pending: PendingReply)? {
        guard let request, case .submit(let body, _, let pending) = endpoints.decide(request, facts: facts) else {
            return nil
        }
        return (body, pending)
    }

    /// The answer to a read: exactly one well-formed response.
    func response(_ result: ReplicaReply.Result, for pending: PendingReply, isHead: Bool = false) -> HTTPResponse {
        var output = ByteQueue()
        let reply = ReplicaReply(id: RequestID(1), result: result, revision: Revision(1 << 53 - 1), epoch: Epoch(1))
        endpoints.write(reply, for: pending, facts: facts, into: &output)
        return ApiDesk.response(&output, answersHead: isHead)
    }

    static func response(_ output: inout ByteQueue, answersHead: Bool) -> HTTPResponse {
        var parser = HTTPResponseParser()
        guard case .response(let response) = parser.parse(&output, answersHead: answersHead), output.isEmpty else {
            preconditionFailure("an answer is not exactly one response")
        }
        return response
    }

    static func node(_ key: Key, value: [UInt8]? = [0x76], revision: UInt64 = 17) -> Node {
        Node(
            key: key, value: value, kind: .persistent, createRevision: Revision(3),
            modifyRevision: Revision(revision), version: 4, lease: nil, childRevision: Revision(9), childVersion: 2,
            childrenCount: 1)
    }
}
