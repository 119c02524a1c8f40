import ConcordAPI
import ConcordBytes
import ConcordHTTP
import ConcordModel
import ConcordReplica

/// What a request carries besides path and body: the cursor of a listing, entity tags, the headers that make a retry
/// safe, the query's parameters, Host and Origin. What was given out is accepted as what it was; what was not given out is
/// refused; what is accepted means the same in its canonical spelling.
func fuzz(_ input: [UInt8]) {
    var parts = InputBytes(input)
    switch parts.byte() % 8 {
    case 0: checkGivenCursor(&parts)
    case 1: checkForeignCursor(parts.remaining())
    case 2: checkEntityTag(revision: parts.tellingInteger(), text: parts.remaining())
    case 3: checkWriteCondition(parts.remaining())
    case 4: checkClientCall(parts.remaining())
    case 5: checkIdempotencyKey(parts.remaining())
    case 6: checkParameters(parts.remaining())
    default: _ = desk.asked(ApiDesk.request("GET /v1/kv/a", header: [UInt8]("Origin: ".utf8) + parts.remaining()))
    }
}

private let desk = ApiDesk()
private let listed = Key(text: "/a")

// MARK: Cursors

private func listQuery(_ next: [UInt8]) -> ListQuery? {
    let request = ApiDesk.request("GET /v1/kv/a?children&next=", query: NodePath.percentEncode(next).map(escapedPlain))
    guard case .read(.list(let query), _, let minimum)? = desk.asked(request)?.body else { return nil }
    precondition(query.at.map { minimum >= $0 } ?? true, "a page may be read before its revision")
    return query
}

/// `&` would end the parameter; it belongs to no cursor.
private func escapedPlain(_ byte: UInt8) -> UInt8 { byte == UInt8(ascii: "&") ? UInt8(ascii: "+") : byte }

/// The cursor that a listing gives out behind the page that ends with `last`.
private func cursor(revision: UInt64, after last: Key) -> [UInt8]? {
    guard let pending = desk.asked(ApiDesk.request("GET /v1/kv/a?children"))?.pending else { return nil }
    let page = ListPage(
        revision: Revision(revision), childRevision: Revision(1), nodes: [ApiDesk.node(last)], count: 1, hasMore: true)
    let response = desk.response(.answer(.page(page)), for: pending)
    let document = JSONDocument.decodeReply(ListingDocument.self, from: response.body)
    return document?.next.map { [UInt8]($0.utf8) }
}

private func checkGivenCursor(_ parts: inout InputBytes) {
    let revision = parts.tellingInteger()
    let (place, change) = (parts.number(below: 1 << 16), parts.byte())
    let last = Key(listed.bytes + [Key.separator] + parts.bytes(atMost: 255))
    guard (1..<1 << 53).contains(revision) else { return }
    guard let given = cursor(revision: revision, after: last) else {
        preconditionFailure("a page that goes on gives no cursor")
    }
    let query = listQuery(given)
    precondition(query?.at == Revision(revision) && query?.after == last, "a cursor leads somewhere else")
    var changed = given
    changed[place % given.count] ^= change
    precondition(changed == given || listQuery(changed) == nil, "a changed cursor is accepted")
    precondition(listQuery(given.dropLast()) == nil, "a cursor cut short is accepted")
}

private func checkForeignCursor(_ text: [UInt8]) {
    guard let query = listQuery(text), let at = query.at, let after = query.after else { return }
    precondition(cursor(revision: at.rawValue, after: after) == text, "a cursor is accepted that nobody gave out")
}

// MARK: Headers

private func header(_ name: StaticString, _ value: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    writer.writeRaw(name)
    writer.writeRaw(": ")
    writer.writeRaw(value)
    return writer.bytes
}

private func checkEntityTag(revision: UInt64, text: [UInt8]) {
    guard (1..<1 << 53).contains(revision) else { return }
    let node = ApiDesk.node(listed, revision: revision)
    guard let pending = desk.asked(ApiDesk.request("GET /v1/kv/a"))?.pending,
        let tag = desk.response(.answer(.node(node)), for: pending).headers.first("etag")
    else { preconditionFailure("a node has no entity tag") }
    let other = ApiDesk.node(listed, revision: revision == 1 ? 2 : revision - 1)
    // Alone, and in a list with whatever else stands there.
    for list in [[UInt8](tag), text + [UInt8]("\", ".utf8) + tag, text] {
        let request = ApiDesk.request("GET /v1/kv/a", header: header("If-None-Match", list))
        guard let pending = desk.asked(request)?.pending else {
            precondition(list != [UInt8](tag), "a tag is refused that was given out")
            continue
        }
        let status = desk.response(.answer(.node(node)), for: pending).status
        precondition(status == 304 || status == 200, "a read has another status")
        guard list == [UInt8](tag) else { continue }
        precondition(status == 304, "a tag does not match its node")
        precondition(desk.response(.answer(.node(other)), for: pending).status == 200, "a tag matches another node")
    }
}

private func checkWriteCondition(_ text: [UInt8]) {
    let request = ApiDesk.request("DELETE /v1/kv/a", header: header("If-Match", text))
    guard case .write(.delete(let operation), _)? = desk.asked(request)?.body else { return }
    guard case .modifiedAt(let revisions) = operation.condition else {
        precondition(operation.condition == .exists || request?.headers.first("if-match") == nil, "a condition is lost")
        return
    }
    let list = revisions.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
    guard !revisions.isEmpty else { return }
    let again = ApiDesk.request("DELETE /v1/kv/a", header: header("If-Match", [UInt8](list.utf8)))
    guard case .write(let same, _)? = desk.asked(again)?.body else {
        preconditionFailure("the canonical list is refused")
    }
    precondition(same == .delete(operation), "the canonical list means something else")
}

private func retry(_ name: StaticString, _ value: [UInt8]) -> RetryIdentity? {
    guard case .write(_, let retry)? = desk.asked(ApiDesk.request("PUT /v1/kv/a", header: header(name, value)))?.body
    else { return nil }
    return retry
}

private func checkClientCall(_ text: [UInt8]) {
    guard case .client(let call)? = retry("Concord-Client", text) else { return }
    precondition(call.sequence > call.done && call.sequence < 1 << 53, "a call is answered before it is made")
    let spelling = "\(HexadecimalText.text(call.client)); seq=\(call.sequence); done=\(call.done)"
    precondition(retry("Concord-Client", [UInt8](spelling.utf8)) == .client(call), "the canonical call is another")
}

private func checkIdempotencyKey(_ text: [UInt8]) {
    guard case .key(let key)? = retry("Idempotency-Key", text) else { return }
    precondition((1...128).contains(key.count) && key.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "a key is not printable")
    precondition(retry("Idempotency-Key", key) == .key(key), "a key is another when it is sent again")
}

// MARK: Parameters

/// The order of the parameters means nothing.
private func checkParameters(_ text: [UInt8]) {
    let reversed = text.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false).reversed()
    let other = [UInt8](reversed.joined(separator: [UInt8(ascii: "&")]))
    for line: StaticString in ["GET /v1/kv/a?", "PUT /v1/kv/a?", "POST /v1/kv/a?", "DELETE /v1/kv/a?"] {
        let one = desk.asked(ApiDesk.request(line, query: text))
        let two = desk.asked(ApiDesk.request(line, query: other))
        precondition((one == nil) == (two == nil), "the order of parameters decides")
        guard let one, let two else { continue }
        precondition("\(one.body)" == "\(two.body)", "the order of parameters means something")
    }
}
