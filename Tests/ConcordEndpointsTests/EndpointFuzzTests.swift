import ConcordBytes
import ConcordEndpoints
import ConcordHTTP
import ConcordModel
import ConcordReplica
import Testing

/// Requests of words and damaged requests: never a trap, and exactly one well-formed response to each.
@Suite struct EndpointFuzzTests {
    private let desk = Desk()
    private static let lines = [
        "GET /v1/kv/a?children&limit=3", "GET /v1/kv/a?raw&revision=5", "PUT /v1/kv/a/b?parents",
        "DELETE /v1/kv/a?recursive&batch",
        "POST /v1/kv/a?sequential=s-", "PATCH /v1/kv/a", "GET /v1/cluster", "PUT /v1/cluster/settings",
        "GET /v1/status", "HEAD /v1/kv/a",
    ]
    private static let headers = [
        "If-Match: \"1\", W/\"2\"", "If-None-Match: *", "Idempotency-Key: k", "Origin: http://h",
        "Concord-Fencing-Token: 1",
        "Concord-Client: 0123456789abcdef0123456789abcdef; seq=2; done=1", "Connection: close",
    ]
    private static let words = [
        "/", "%2e", "%", "%C3", "..", "&", "=", "?", "raw", "children", "\"", ",", "*", "1", "9999999999999999999", "ü",
        "next=",
        "limit=", "timeout=1s", "{\"increment\":1}", "{", "W/", ";", "[::1]",
    ]

    @Test func damagedRequestsGetOneAnswer() {
        var decided = 0
        for seed in UInt64(1)...15_000 {
            var random = SeededRandom(seed: seed)
            func pick(_ from: [String]) -> String { from[Int(random.below(UInt64(from.count)))] }
            var headers: [String] = []
            for _ in 0..<random.below(3) { headers.append(pick(EndpointFuzzTests.headers)) }
            let body =
                random.chance(percent: 50)
                ? "" : pick(["{\"increment\":1}", "{\"settings\":{\"clients_max\":5}}", "v", "{"])
            var bytes = [UInt8](Desk.text(pick(EndpointFuzzTests.lines), headers, body: body).utf8)
            for _ in 0..<random.below(4) {
                let at = Int(random.below(UInt64(bytes.count)))
                switch random.below(3) {
                case 0: bytes[at] = UInt8(0x21 + random.below(0x5E))
                case 1: bytes.remove(at: at)
                default: bytes.insert(contentsOf: pick(EndpointFuzzTests.words).utf8, at: at)
                }
            }
            decided += answers(bytes, seed: seed)
        }
        #expect(decided > 5000, "most damage left a request")
    }

    private func answers(_ bytes: [UInt8], seed: UInt64) -> Int {
        var parser = HTTPRequestParser()
        var input = ByteQueue()
        input.append(bytes)
        var output = ByteQueue()
        var isHead = false
        switch parser.parse(&input) {
        case .needMore, .sendContinue: return 0
        case .failed(let failure): desk.endpoints.write(failure, facts: desk.facts, into: &output)
        case .request(let request):
            isHead = request.method == .head
            switch desk.endpoints.decide(request, facts: desk.facts) {
            case .respond(let reply): desk.endpoints.write(reply, facts: desk.facts, into: &output)
            case .submit(let body, _, let pending):
                let reply = ReplicaReply(id: RequestID(1), result: result(body), revision: Revision(9), epoch: Epoch(1))
                desk.endpoints.write(reply, for: pending, facts: desk.facts, into: &output)
            }
        }
        let answer = Desk.read(output, answersHead: isHead)
        #expect(answer != nil, "seed \(seed)")
        #expect(answer?.status != 500, "seed \(seed)")
        return 1
    }

    private func result(_ body: ReplicaRequest.Body) -> ReplicaReply.Result {
        switch body {
        case .write(.changeMembers, _): Desk.applied(.memberChangeBegun, nil, number: 3)
        case .write(.cancelMemberChange, _): Desk.applied(.memberChangeCancelled, nil, number: 3)
        case .write(.changeSettings, _): Desk.applied(.settingsChanged, nil)
        case .write: Desk.applied(.created, Desk.node(), number: 3)
        case .read(.node, _, _): .answer(.node(Desk.node()))
        case .read(.list, _, _):
            .answer(
                .page(
                    ListPage(
                        revision: Revision(9), childRevision: Revision(1), nodes: [Desk.node("/a/b")], count: 1,
                        hasMore: true)))
        case .read(.settings, _, _): .answer(.settings([], featureLevel: 1))
        case .cluster, .backup: .failed(.timeout)
        case .transferLeadership: .failed(.transferRefused(.busy))
        }
    }
}
