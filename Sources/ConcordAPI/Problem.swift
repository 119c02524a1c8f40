/// An error document (RFC 9457, `application/problem+json`).
public struct Problem: Error, Equatable, Sendable {
    /// What went wrong, for programs.
    public var code: ErrorCode
    /// The HTTP status.
    public var status: Int
    /// What went wrong here and what to do about it, for people.
    public var detail: String
    /// Whether the same request may succeed when it is sent again.
    public var retryable: Bool
    /// How long to wait before that.
    public var retryAfterMilliseconds: UInt64?
    /// True when the request may have taken effect, or may yet.
    public var outcomeUnknown: Bool
    /// The node in question.
    public var path: String?
    /// The revision in question: that of the node in a failed condition, the first one kept for `compacted`.
    public var revision: UInt64?
    /// The operation of a transaction that failed.
    public var index: Int?
    /// The node as it is, for a failed condition.
    public var node: NodeDocument?

    /// An error with the status and the verdict on retries that its code has.
    public init(
        _ code: ErrorCode, _ detail: String, status: Int? = nil, retryable: Bool? = nil,
        retryAfterMilliseconds: UInt64? = nil, outcomeUnknown: Bool = false, path: String? = nil,
        revision: UInt64? = nil, index: Int? = nil, node: NodeDocument? = nil
    ) {
        self.code = code
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
}

extension Problem: Codable {
    private enum CodingKeys: String, CodingKey {
        case type, title, status, detail, code, retryable
        case retryAfterMilliseconds = "retry_after_ms"
        case outcome, path, revision, index, node
    }

    /// Reads an error document.
    public init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try members.decode(ErrorCode.self, forKey: .code),
            try members.decodeIfPresent(String.self, forKey: .detail) ?? "",
            status: try members.decode(Int.self, forKey: .status),
            retryable: try members.decode(Bool.self, forKey: .retryable),
            retryAfterMilliseconds: try members.decodeIfPresent(UInt64.self, forKey: .retryAfterMilliseconds),
            outcomeUnknown: try members.decodeIfPresent(String.self, forKey: .outcome) == "unknown",
            path: try members.decodeIfPresent(String.self, forKey: .path),
            revision: try members.decodeIfPresent(UInt64.self, forKey: .revision),
            index: try members.decodeIfPresent(Int.self, forKey: .index),
            node: try members.decodeIfPresent(NodeDocument.self, forKey: .node))
    }

    /// Writes an error document.
    public func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: CodingKeys.self)
        try members.encode("urn:concord:error:\(code.rawValue)", forKey: .type)
        try members.encode(code.title, forKey: .title)
        try members.encode(status, forKey: .status)
        try members.encode(detail, forKey: .detail)
        try members.encode(code, forKey: .code)
        try members.encode(retryable, forKey: .retryable)
        try members.encodeIfPresent(retryAfterMilliseconds, forKey: .retryAfterMilliseconds)
        if outcomeUnknown { try members.encode("unknown", forKey: .outcome) }
        try members.encodeIfPresent(path, forKey: .path)
        try members.encodeIfPresent(revision, forKey: .revision)
        try members.encodeIfPresent(index, forKey: .index)
        try members.encodeIfPresent(node, forKey: .node)
    }
}
