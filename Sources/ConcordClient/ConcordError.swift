/// Why a call failed: what a member answered, or that none did.
public struct ConcordError: Error, Sendable {
    /// The kind of an error, as the member's `code` or one of the library's own.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The word of the API.
        public let rawValue: String

        /// A code by its word; words that this library does not know are kept.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }
    }

    /// What kind of error it is.
    public let code: Code
    /// The HTTP status; `nil` when no member answered.
    public let status: Int?
    /// A sentence for people.
    public let detail: String
    /// The node as it is, when a condition failed (`revisionMismatch`, `alreadyExists`).
    public let node: ConcordNode?
    /// The path that the member complained about.
    public let path: String?
    /// Whether the write may have taken effect nevertheless. A failure with `false` changed nothing.
    public let outcomeUnknown: Bool
    /// Where the member that answered stood; `nil` when none did.
    public let position: ConcordPosition?

    package init(
        _ code: Code, status: Int? = nil, detail: String, node: ConcordNode? = nil, path: String? = nil,
        outcomeUnknown: Bool = false, position: ConcordPosition? = nil
    ) {
        self.code = code
        self.status = status
        self.detail = detail
        self.node = node
        self.path = path
        self.outcomeUnknown = outcomeUnknown
        self.position = position
    }
}

extension ConcordError: CustomStringConvertible {
    /// `not_found: /a does not exist`, and a warning when the outcome is unknown.
    public var description: String {
        let warning = outcomeUnknown ? " (the write may have taken effect)" : ""
        return "\(code.rawValue): \(detail)\(warning)"
    }
}

extension ConcordError.Code {
    /// The request itself is wrong (400).
    public static let invalidRequest = Self(rawValue: "invalid_request")
    /// The path breaks the rules for paths (400).
    public static let invalidPath = Self(rawValue: "invalid_path")
    /// There is no such node (404).
    public static let notFound = Self(rawValue: "not_found")
    /// The parent of the node does not exist (404); `createsParents` would make it.
    public static let parentNotFound = Self(rawValue: "parent_not_found")
    /// The node has children (409); `recursive` would delete them too.
    public static let notEmpty = Self(rawValue: "not_empty")
    /// The request contradicts the state in another way (409).
    public static let conflict = Self(rawValue: "conflict")
    /// The revision asked for is no longer kept (410).
    public static let compacted = Self(rawValue: "compacted")
    /// The members forgot this client between two attempts of the call (410); its outcome is unknown.
    public static let clientExpired = Self(rawValue: "client_expired")
    /// The node's revision is none of those asked for (412); `node` tells the truth.
    public static let revisionMismatch = Self(rawValue: "revision_mismatch")
    /// The node exists and was asked not to (412).
    public static let alreadyExists = Self(rawValue: "already_exists")
    /// Value, path or request beyond a limit (413).
    public static let tooLarge = Self(rawValue: "too_large")
    /// A limit of the cluster was reached (429); trying again does not help.
    public static let limitExceeded = Self(rawValue: "limit_exceeded")
    /// Too much work at once (429), for as long as the call was ready to wait.
    public static let overloaded = Self(rawValue: "overloaded")
    /// No quorum of members has disk space (507).
    public static let noSpace = Self(rawValue: "no_space")
    /// No leader was elected for as long as the call was ready to wait (503).
    public static let noLeader = Self(rawValue: "no_leader")
    /// No answer in time (408 or 504, or none at all); `outcomeUnknown` tells whether it may have happened.
    public static let timeout = Self(rawValue: "timeout")

    /// The library: no member could be reached.
    public static let unreachable = Self(rawValue: "unreachable")
    /// The library: a reply was no reply of this API.
    public static let invalidReply = Self(rawValue: "invalid_reply")
    /// The library: a parameter is wrong; nothing was sent.
    public static let invalidArgument = Self(rawValue: "invalid_argument")
    /// The library: the task was cancelled.
    public static let cancelled = Self(rawValue: "cancelled")
    /// The library: the client was shut down.
    public static let closed = Self(rawValue: "closed")
}
