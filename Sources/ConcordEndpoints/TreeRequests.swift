import ConcordAPI
import ConcordBytes
import ConcordHTTP
import ConcordModel
import ConcordReplica

// What the requests under /v1/kv ask of the replica.

extension Endpoints {
    func readNode(_ request: HTTPRequest, _ parameters: QueryParameters) throws(Problem) -> EndpointDecision {
        let misplaced = parameters.present.intersection(.listing)
        guard misplaced.isEmpty else {
            let names = misplaced.members.map(\.name.description).joined(separator: ", ")
            throw Problem(.invalidRequest, "\(names) needs children: send ?children&\(names)")
        }
        try refuseIfMatch(request)
        let key = try key(of: request)
        let tags = try EntityTags(request.headers, "if-none-match", weakly: true)
        let query = Query.node(NodeQuery(key: key, at: parameters.revision))
        let kind = PendingReply.Kind.node(raw: parameters.flags.contains(.raw), unlessModifiedAt: tags)
        return .submit(
            .read(query, parameters.consistency, minimum: parameters.minRevision),
            timeoutMilliseconds: parameters.timeoutMilliseconds, PendingReply(kind, key, request))
    }

    func list(_ request: HTTPRequest, _ parameters: QueryParameters) throws(Problem) -> EndpointDecision {
        try refuseIfMatch(request)
        let flags = parameters.flags
        guard !flags.contains(.raw) else {
            throw Problem(.invalidRequest, "raw and children exclude each other; a listing has no raw form")
        }
        let pages: ParameterSet = [.values, .limit, .next]
        guard !flags.contains(.count) || parameters.present.intersection(pages).isEmpty else {
            throw Problem(.invalidRequest, "count tells a number only; leave out values, limit and next")
        }
        let key = try key(of: request)
        let shape = ListShape(
            scope: flags.contains(.recursive) ? .subtree : .children,
            detail: flags.contains(.count) ? .count : flags.contains(.values) ? .values : .names)
        let limit = parameters.limit ?? settings.pageNodesMax
        guard (1...settings.pageNodesMax).contains(limit) else {
            throw Problem(.invalidRequest, "the parameter limit must be from 1 to \(settings.pageNodesMax)")
        }
        var query = ListQuery(
            key: key, scope: shape.scope, detail: shape.detail, at: parameters.revision, nodesMax: limit,
            bytesMax: settings.pageBytesMax)
        var minimum = parameters.minRevision
        if let next = parameters.next {
            guard parameters.revision == nil else {
                throw Problem(.invalidRequest, "next and revision exclude each other; next tells its revision")
            }
            guard let cursor = ListCursor(next, key: key, shape: shape) else {
                throw Problem(
                    .invalidRequest,
                    "next is not a cursor of this listing; send it with the path and options of the page it came with")
            }
            query.at = cursor.revision
            query.after = cursor.after
            minimum = max(minimum, cursor.revision)
        }
        return .submit(
            .read(.list(query), parameters.consistency, minimum: minimum),
            timeoutMilliseconds: parameters.timeoutMilliseconds, PendingReply(.list(shape), key, request))
    }

    func put(_ request: HTTPRequest, _ parameters: QueryParameters) throws(Problem) -> EndpointDecision {
        let key = try key(of: request)
        let operation = PutOperation(
            key: key, value: try value(of: request, parameters), condition: try Condition(request.headers),
            createsParents: parameters.flags.contains(.parents))
        return try write(.put(operation), .put, key, request, parameters)
    }

    func createSequential(
        _ request: HTTPRequest, _ parameters: QueryParameters
    ) throws(Problem) -> EndpointDecision {
        guard let prefix = parameters.sequential else {
            throw Problem(
                .invalidRequest, "POST creates sequential nodes: send ?sequential=prefix-, or PUT to a path of its own")
        }
        guard request.headers.first("if-match") == nil, request.headers.first("if-none-match") == nil else {
            throw Problem(.invalidRequest, "a sequential node is always new; leave out If-Match and If-None-Match")
        }
        let parent = try key(of: request)
        do {
            try NodePath.checkSequential(parent: parent.bytes, prefix: prefix[...])
        } catch {
            throw Problem(.invalidPath, "the prefix of sequential does not make a path: \(error.detail)")
        }
        let operation = CreateSequentialOperation(
            parent: parent, prefix: prefix, value: try value(of: request, parameters),
            width: EndpointLimits.sequenceDigits,
            createsParents: parameters.flags.contains(.parents))
        return try write(.createSequential(operation), .sequential, parent, request, parameters)
    }

    func increment(_ request: HTTPRequest, _ parameters: QueryParameters) throws(Problem) -> EndpointDecision {
        let key = try key(of: request)
        try EndpointLimits.check(documentOf: request)
        let document = try JSONDocument.decodeRequest(IncrementRequest.self, from: request.body)
        guard document.increment.magnitude < 1 << 53 else {
            throw Problem(.invalidRequest, "increment must be between -2^53 and 2^53, as every number of this API")
        }
        let operation = IncrementOperation(
            key: key, amount: document.increment, condition: try Condition(request.headers))
        return try write(.increment(operation), .increment, key, request, parameters)
    }

    func delete(_ request: HTTPRequest, _ parameters: QueryParameters) throws(Problem) -> EndpointDecision {
        let key = try key(of: request)
        let recursive = parameters.flags.contains(.recursive)
        guard recursive || parameters.batch == nil else {
            throw Problem(.invalidRequest, "batch needs recursive: send ?recursive&batch")
        }
        let operation = DeleteOperation(
            key: key, condition: try Condition(request.headers), recursive: recursive, batch: parameters.batch ?? 0)
        return try write(.delete(operation), .delete, key, request, parameters)
    }

    /// Every write goes this way: it may be a repetition.
    func write(
        _ operation: Operation, _ kind: PendingReply.Kind, _ key: Key, _ request: HTTPRequest,
        _ parameters: QueryParameters
    ) throws(Problem) -> EndpointDecision {
        guard request.headers.first("concord-fencing-token") == nil else {
            throw Problem(
                .unsupported, "Concord-Fencing-Token is not supported by this version yet: it has no guards")
        }
        let retry = try RetryIdentity(request.headers)
        var pending = PendingReply(kind, key, request)
        pending.hasRetryIdentity = retry != .none
        return .submit(
            .write(operation, retry), timeoutMilliseconds: parameters.timeoutMilliseconds, pending)
    }

    // MARK: Parts of a request

    private func key(of request: HTTPRequest) throws(Problem) -> Key {
        let path = request.path.dropFirst(Resource.root.template.utf8CodeUnitCount)
        do {
            return Key(try NodePath(percentEncoded: path).bytes)
        } catch {
            throw Problem(.invalidPath, error.detail)
        }
    }

    /// A value beyond what the log's format carries is refused here; the cluster's own, lower limit is judged where
    /// the write is applied.
    /// - Returns: `nil` for a node without a value, which is asked for by `?directory`: a body of no bytes is a value.
    private func value(of request: HTTPRequest, _ parameters: QueryParameters) throws(Problem) -> [UInt8]? {
        if parameters.flags.contains(.directory) {
            guard request.body.isEmpty else {
                throw Problem(.invalidRequest, "a directory has no value; send no body, or leave directory out")
            }
            return nil
        }
        guard request.body.count <= ModelLimits.valueBytesMax else {
            throw Problem(.tooLarge, "a value has at most \(ModelLimits.valueBytesMax) bytes")
        }
        return request.body
    }

    private func refuseIfMatch(_ request: HTTPRequest) throws(Problem) {
        guard request.headers.first("if-match") == nil else {
            throw Problem(.invalidRequest, "If-Match belongs to writes; a read takes If-None-Match")
        }
    }
}

extension PendingReply {
    init(_ kind: Kind, _ key: Key, _ request: HTTPRequest) {
        self.init(
            kind: kind, key: key, isHead: request.method == .head, hasRetryIdentity: false,
            keepAlive: request.keepAlive)
    }
}
