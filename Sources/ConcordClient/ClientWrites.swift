import ConcordAPI

extension ConcordClient {
    /// Creates the node or replaces its value.
    /// - Parameters:
    ///   - value: at most 1 MiB, unless the cluster was told otherwise. `nil` makes a node without a value.
    ///   - condition: what must be there now.
    ///   - createsParents: makes missing parents as nodes without a value.
    /// - Throws: `parentNotFound`, `revisionMismatch`, `alreadyExists`, `tooLarge`, `limitExceeded`, `noSpace`, or
    ///   what any call may throw. With `outcomeUnknown` the write may have taken effect.
    @discardableResult
    public func put(
        _ path: String, _ value: ConcordValue?, if condition: Condition = .none, createsParents: Bool = false
    ) async throws(ConcordError) -> WriteResult {
        var target = try RequestTarget(node: path)
        if createsParents { target.add("parents") }
        if value == nil { target.add("directory") }
        return try await write("PUT", target, condition, body: value?.bytes ?? [])
    }

    /// Creates the node or replaces its value by a text.
    /// - Throws: what `put` of a value throws.
    @discardableResult
    public func put(
        _ path: String, _ text: String, if condition: Condition = .none, createsParents: Bool = false
    ) async throws(ConcordError) -> WriteResult {
        try await put(path, ConcordValue(text), if: condition, createsParents: createsParents)
    }

    /// Deletes the node.
    /// - Parameters:
    ///   - condition: what must be there now; `absent` makes no sense and is refused.
    ///   - recursive: also everything below, in the same revision; at most 10,000 nodes.
    /// - Throws: `notFound`, `notEmpty`, `revisionMismatch`, `limitExceeded`, or what any call may throw.
    @discardableResult
    public func delete(
        _ path: String, if condition: Condition = .none, recursive: Bool = false
    ) async throws(ConcordError) -> WriteResult {
        guard condition != .absent else {
            throw ConcordError(.invalidArgument, detail: "a node that is absent cannot be deleted", path: path)
        }
        var target = try RequestTarget(node: path)
        if recursive { target.add("recursive") }
        return try await write("DELETE", target, condition, body: nil)
    }

    /// Adds to a node whose value is a decimal 64-bit number.
    /// - Returns: in `number` the sum.
    /// - Throws: `notFound`, `invalidRequest` when the value is no number or the sum does not fit, or what any call
    ///   may throw.
    @discardableResult
    public func increment(
        _ path: String, by amount: Int64 = 1, if condition: Condition = .none
    ) async throws(ConcordError) -> WriteResult {
        try await write(
            "PATCH", try RequestTarget(node: path), condition, body: [UInt8]("{\"increment\":\(amount)}".utf8),
            contentType: "application/json")
    }

    /// Creates a child of `parent` named `prefix` and the next number of the parent's counter, in 20 digits.
    /// - Returns: in `node.path` the name that was made.
    /// - Throws: `notFound` or `parentNotFound`, `tooLarge`, `limitExceeded`, `noSpace`, or what any call may throw.
    @discardableResult
    public func createSequential(
        in parent: String, prefix: String, _ value: ConcordValue?, createsParents: Bool = false
    ) async throws(ConcordError) -> WriteResult {
        var target = try RequestTarget(node: parent)
        target.add("sequential", prefix)
        if createsParents { target.add("parents") }
        if value == nil { target.add("directory") }
        return try await write("POST", target, .none, body: value?.bytes ?? [])
    }

    private func write(
        _ method: String, _ target: RequestTarget, _ condition: Condition, body: [UInt8]?,
        contentType: String = "application/octet-stream"
    ) async throws(ConcordError) -> WriteResult {
        var request = TransportRequest(method: method, target: target.text, body: body)
        if body != nil { request.headers.append((name: "Content-Type", value: contentType)) }
        if let header = try condition.header { request.headers.append(header) }
        let reply = try await caller.run(Caller.Call(request: request, isWrite: true))
        do throws(ConcordError) {
            return try WriteResult(reply)
        } catch {
            // Whoever sent it said that the write was done, in words that are not understood.
            throw error.withUnknownOutcome(true)
        }
    }
}

extension WriteResult {
    /// The node, and what the kind of write adds to it; only the latter when the members no longer keep that
    /// revision.
    fileprivate init(_ reply: TransportReply) throws(ConcordError) {
        let facts = try reply.decode(Facts.self)
        node = facts.valuesOmitted == true ? nil : ConcordNode(try reply.decode(NodeDocument.self))
        created = reply.status == 201
        number = facts.value.flatMap { Int64($0) }
        deletedCount = facts.deletedCount
        replayed = reply.header("Idempotency-Replayed") == "true"
        position = reply.position
    }

    private struct Facts: Decodable {
        var value: String?
        var deletedCount: UInt64?
        var valuesOmitted: Bool?

        private enum CodingKeys: String, CodingKey {
            case value
            case deletedCount = "deleted_count"
            case valuesOmitted = "values_omitted"
        }
    }
}

extension Condition {
    fileprivate var header: (name: String, value: String)? {
        get throws(ConcordError) {
            switch self {
            case .none: return nil
            case .absent: return ("If-None-Match", "*")
            case .present: return ("If-Match", "*")
            case .revision(let revision): return ("If-Match", "\"\(revision)\"")
            case .anyRevision(let revisions):
                guard (1...64).contains(revisions.count) else {
                    throw ConcordError(.invalidArgument, detail: "a condition names 1 to 64 revisions")
                }
                return ("If-Match", revisions.map { "\"\($0)\"" }.joined(separator: ", "))
            }
        }
    }
}
