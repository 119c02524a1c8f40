import ConcordAPI
import ConcordModel
package import ConcordReplica

/// What to do with a request.
package enum EndpointDecision: Sendable {
    /// Answer at once: `Endpoints.write(_:facts:into:)`.
    case respond(ReadyReply)
    /// Ask the replica, and write its reply with `Endpoints.write(_:for:facts:into:)`.
    case submit(ReplicaRequest.Body, timeoutMilliseconds: UInt64, PendingReply)
}

/// An answer that needs nobody else.
package struct ReadyReply: Sendable {
    enum Content: Sendable {
        case problem(Problem)
        case json([UInt8])
    }

    var status: Int
    var content: Content
    /// The methods to name in `Allow`, for 405.
    var allow: [UInt8]?
    /// The request was HEAD: the answer has the headers only.
    var isHead: Bool
    /// Read further requests on the connection after this answer; else close it.
    package var keepAlive: Bool
}

/// How to write the replica's reply to one request: everything of the request that its answer depends on.
package struct PendingReply: Sendable {
    enum Kind: Sendable {
        case node(raw: Bool, unlessModifiedAt: EntityTags?)
        case list(ListShape)
        case put
        case sequential
        case increment
        case delete
        case cluster
        case leader
        case settings
        case snapshot
        case changeSettings([SettingValue])
        /// One is begun, or taken back.
        case memberChange

        var isMemberChange: Bool {
            if case .memberChange = self { true } else { false }
        }
    }

    var kind: Kind
    var key: Key
    /// The request was HEAD: nothing follows the headers.
    package private(set) var isHead: Bool
    /// The write carried an identity, so it may be sent again when its outcome is unknown.
    var hasRetryIdentity: Bool
    /// Read further requests on the connection after this answer; else close it.
    package var keepAlive: Bool
}
