import ConcordAPI
import ConcordBytes
import ConcordEndpoints
import ConcordHTTP
import ConcordModel
import ConcordReplica

/// A whole request at the door of a member: it is answered by exactly one well-formed response, never by 500, and
/// every JSON body keeps the rules that a request has to keep. What a write asks for can be written to the log and is
/// read from it alike.
func fuzz(_ input: [UInt8]) {
    // Small limits too: nobody writes an input of a megabyte.
    let isNarrow = CRC32C.checksum(input, seed: 1) % 4 == 0
    var parser = HTTPRequestParser(
        limits: isNarrow
            ? HTTPLimits(targetBytesMax: 48, headerBytesMax: 128, headersMax: 5, bodyBytesMax: 32) : HTTPLimits())
    var queue = ByteQueue()
    queue.append(input)
    var output = ByteQueue()
    var isHead = false
    switch parser.parse(&queue) {
    case .needMore, .sendContinue: return
    case .failed(let failure): desk.endpoints.write(failure, facts: desk.facts, into: &output)
    case .request(let request):
        isHead = request.method == .head
        switch desk.endpoints.decide(request, facts: desk.facts) {
        case .respond(let reply): desk.endpoints.write(reply, facts: desk.facts, into: &output)
        case .submit(let body, _, let pending):
            if case .write(let operation, let retry) = body { checkLog(Command(operation: operation, retry: retry)) }
            let reply = ReplicaReply(
                id: RequestID(1), result: result(body), revision: Revision(9), epoch: Epoch(1))
            desk.endpoints.write(reply, for: pending, facts: desk.facts, into: &output)
        }
    }
    let response = ApiDesk.response(&output, answersHead: isHead)
    precondition(response.status != 500, "a request is an error of the server")
    let kind = response.headers.first("content-type").map { String(decoding: $0, as: UTF8.self) } ?? ""
    guard kind.contains("json"), !isHead else { return }
    let isJSON: Void? = try? StrictJSON.check(response.body)
    precondition(isJSON != nil, "an answer is not JSON")
}

private let desk = ApiDesk()

private func checkLog(_ command: Command) {
    var batch = CommandBatch()
    batch.append(command)
    let read = try? CommandBatch.decode(batch.payload())
    precondition(read == [command], "a write is another one when it is read from the log")
}

/// What a replica could answer; the node has the key that was asked for, whatever bytes it has.
private func result(_ body: ReplicaRequest.Body) -> ReplicaReply.Result {
    switch body {
    case .write(.changeSettings, _):
        return applied(OperationResult(status: .settingsChanged, key: .root, node: nil, number: nil))
    case .write(.changeMembers, _):
        return applied(OperationResult(status: .memberChangeBegun, key: .root, node: nil, number: 3))
    case .write(.cancelMemberChange, _):
        return applied(OperationResult(status: .memberChangeCancelled, key: .root, node: nil, number: 3))
    case .write(.put(let put), _):
        let node = ApiDesk.node(put.key, value: put.value)
        return applied(OperationResult(status: .created, key: put.key, node: node, number: nil))
    case .write(.createSequential(let create), _):
        let key = Key(create.parent.bytes + [Key.separator] + create.prefix + [UInt8]("00000000000000000007".utf8))
        return applied(OperationResult(status: .created, key: key, node: ApiDesk.node(key), number: nil))
    case .write(.increment(let increment), _):
        let node = ApiDesk.node(increment.key)
        return applied(OperationResult(status: .created, key: node.key, node: node, number: increment.amount))
    case .write(.delete(let delete), _):
        return applied(
            OperationResult(
                status: .deleted, key: delete.key, node: delete.batch == 1 ? nil : ApiDesk.node(delete.key), number: 3))
    case .write(.raiseFeatureLevel, _), .write(.memberInfo, _):
        preconditionFailure("a client may not ask for what a leader decides by itself")
    case .read(.node(let query), _, _): return .answer(.node(ApiDesk.node(query.key)))
    case .read(.list(let query), _, _):
        let nodes = query.detail == .count ? [] : [ApiDesk.node(Key(query.key.bytes + [Key.separator, 0x62]))]
        return .answer(
            .page(
                ListPage(
                    revision: query.at ?? Revision(9), childRevision: Revision(1), nodes: nodes, count: 1,
                    hasMore: query.nodesMax > 2)))
    case .read(.settings, _, _): return .answer(.settings([], featureLevel: 1))
    case .cluster, .backup: return .failed(.timeout)
    case .transferLeadership: return .failed(.transferRefused(.unknownMember))
    }
}

private func applied(_ result: OperationResult) -> ReplicaReply.Result {
    .outcome(
        Outcome(revision: Revision(71), verdict: .applied([result]), replayed: false, valuesOmitted: result.node == nil)
    )
}
