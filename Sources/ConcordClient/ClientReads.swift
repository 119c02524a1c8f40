import ConcordAPI

extension ConcordClient {
    /// Reads a node.
    /// - Parameters:
    ///   - consistency: by default the read reflects every write that was acknowledged before it began.
    ///   - revision: reads the node as it was then; `nil` for the newest.
    /// - Throws: `notFound`, `compacted` when that revision is no longer kept, or what any call may throw.
    public func get(
        _ path: String, consistency: Consistency = .linearizable, at revision: UInt64? = nil
    ) async throws(ConcordError) -> ReadResult {
        var target = try RequestTarget(node: path)
        target.add(consistency)
        if let revision { target.add("revision", "\(revision)") }
        let reply = try await read(target)
        return ReadResult(node: ConcordNode(try reply.decode(NodeDocument.self)), position: reply.position)
    }

    /// Reads a node that may not exist.
    /// - Returns: `nil` when there is none.
    /// - Throws: what `get` throws, but for `notFound`.
    public func getIfPresent(
        _ path: String, consistency: Consistency = .linearizable, at revision: UInt64? = nil
    ) async throws(ConcordError) -> ReadResult? {
        do {
            return try await get(path, consistency: consistency, at: revision)
        } catch  where error.code == .notFound {
            return nil
        }
    }

    func read(_ target: RequestTarget) async throws(ConcordError) -> TransportReply {
        let request = TransportRequest(method: "GET", target: target.text)
        return try await caller.run(Caller.Call(request: request, isWrite: false))
    }
}

extension RequestTarget {
    mutating func add(_ consistency: Consistency) {
        switch consistency {
        case .linearizable: break
        case .local: add("consistency", "local")
        case .atLeast(let revision):
            add("consistency", "local")
            add("min_revision", "\(revision)")
        }
    }
}
