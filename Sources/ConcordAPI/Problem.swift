/// An error document (RFC 9457, `application/problem+json`).
package struct Problem: Error, Equatable, Sendable {
    /// What went wrong, for programs: a word of `ErrorCode`, or of a later version.
    package var word: String
    /// The HTTP status.
    package var status: Int
    /// What went wrong here and what to do about it, for people.
    package var detail: String
    /// Whether the same request may succeed when it is sent again.
    package var retryable: Bool
    /// How long to wait before that.
    package var retryAfterMilliseconds: UInt64?
    /// True when the request may have taken effect, or may yet.
    package var outcomeUnknown: Bool
    /// The node in question.
    package var path: String?
    /// The revision in question: that of the node in a failed condition, the first one kept for `compacted`.
    package var revision: UInt64?
    /// The operation of a transaction that failed.
    package var index: Int?
    /// The node as it is, for a failed condition.
    package var node: NodeDocument?
    /// A repeated request whose node was not kept: the first answer had it.
    package var valuesOmitted = false

    /// An error with the status and the verdict on retries that its code has.
    package init(
        _ code: ErrorCode, _ detail: String, status: Int? = nil, retryable: Bool? = nil,
        retryAfterMilliseconds: UInt64? = nil, outcomeUnknown: Bool = false, path: String? = nil,
        revision: UInt64? = nil, index: Int? = nil, node: NodeDocument? = nil
    ) {
        self.word = code.rawValue
        self.status = status ?? code.status
        self.detail = detail
        self.retryable = retryable ?? code.isRetryable
        self.retryAfterMilliseconds = retryAfterMilliseconds
        self.outcomeUnknown = outcomeUnknown
        self.path = path
        self.revision = revision
        self.index = index
        self.node = node
    }

    /// `nil` for a word of a later version.
    package var code: ErrorCode? { ErrorCode(rawValue: word) }
}

extension Problem: Codable {
    private enum CodingKeys: String, CodingKey {
        case type, title, status, detail, code, retryable
        case retryAfterMilliseconds = "retry_after_ms"
        case outcome, path, revision, index, node
        case valuesOmitted = "values_omitted"
    }

    /// Reads an error document.
    package init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            .internal, try members.decodeIfPresent(String.self, forKey: .detail) ?? "",
            status: try members.decode(Int.self, forKey: .status),
            retryable: try members.decode(Bool.self, forKey: .retryable),
            retryAfterMilliseconds: try members.decodeIfPresent(UInt64.self, forKey: .retryAfterMilliseconds),
            outcomeUnknown: try members.decodeIfPresent(String.self, forKey: .outcome) == "unknown",
            path: try members.decodeIfPresent(String.self, forKey: .path),
            revision: try members.decodeIfPresent(UInt64.self, forKey: .revision),
            index: try members.decodeIfPresent(Int.self, forKey: .index),
            node: try members.decodeIfPresent(NodeDocument.self, forKey: .node))
        word = try members.decode(String.self, forKey: .code)
        valuesOmitted = try members.decodeIfPresent(Bool.self, forKey: .valuesOmitted) ?? false
    }

    /// Writes an error document.
    package func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: CodingKeys.self)
        try members.encode("urn:concord:error:\(word)", forKey: .type)
        try members.encodeIfPresent(code?.title, forKey: .title)
        try members.encode(status, forKey: .status)
        try members.encode(detail, forKey: .detail)
        try members.encode(word, forKey: .code)
        try members.encode(retryable, forKey: .retryable)
        try members.encodeIfPresent(retryAfterMilliseconds, forKey: .retryAfterMilliseconds)
        if outcomeUnknown { try members.encode("unknown", forKey: .outcome) }
        try members.encodeIfPresent(path, forKey: .path)
        try members.encodeIfPresent(revision, forKey: .revision)
        try members.encodeIfPresent(index, forKey: .index)
        try members.encodeIfPresent(node, forKey: .node)
        if valuesOmitted { try members.encode(true, forKey: .valuesOmitted) }
    }
}
