/// What went wrong, as a program reads it: the member `code` of an error document.
package enum ErrorCode: String, Codable, Sendable, CaseIterable {
    case invalidRequest = "invalid_request"
    case invalidPath = "invalid_path"
    case guarded
    case hostNotAllowed = "host_not_allowed"
    case originNotAllowed = "origin_not_allowed"
    case notFound = "not_found"
    case parentNotFound = "parent_not_found"
    case leaseNotFound = "lease_not_found"
    case methodNotAllowed = "method_not_allowed"
    case timeout
    case notEmpty = "not_empty"
    case staleToken = "stale_token"
    case lockTimeout = "lock_timeout"
    case conflict
    case leaseExpired = "lease_expired"
    case clientExpired = "client_expired"
    case compacted
    case revisionMismatch = "revision_mismatch"
    case alreadyExists = "already_exists"
    case tooLarge = "too_large"
    case uriTooLong = "uri_too_long"
    case headerTooLarge = "header_too_large"
    case idempotencyConflict = "idempotency_conflict"
    case overloaded
    case limitExceeded = "limit_exceeded"
    case `internal`
    case unsupported
    case noLeader = "no_leader"
    case recovering
    case readOnly = "read_only"
    case noSpace = "no_space"

    /// The status that goes with it. A `timeout` whose outcome is unknown has 504 instead.
    package var status: Int {
        switch self {
        case .invalidRequest, .invalidPath: 400
        case .guarded, .hostNotAllowed, .originNotAllowed: 403
        case .notFound, .parentNotFound, .leaseNotFound: 404
        case .methodNotAllowed: 405
        case .timeout: 408
        case .notEmpty, .staleToken, .lockTimeout, .conflict: 409
        case .leaseExpired, .clientExpired, .compacted: 410
        case .revisionMismatch, .alreadyExists: 412
        case .tooLarge: 413
        case .uriTooLong: 414
        case .idempotencyConflict: 422
        case .overloaded, .limitExceeded: 429
        case .headerTooLarge: 431
        case .internal: 500
        case .unsupported: 501
        case .noLeader, .recovering, .readOnly: 503
        case .noSpace: 507
        }
    }

    /// Whether the same request may succeed when it is sent again, unchanged.
    package var isRetryable: Bool {
        switch self {
        case .timeout, .overloaded, .noLeader, .recovering, .noSpace: true
        case .invalidRequest, .invalidPath, .guarded, .hostNotAllowed, .originNotAllowed, .notFound, .parentNotFound,
            .leaseNotFound, .methodNotAllowed, .notEmpty, .staleToken, .lockTimeout, .conflict, .leaseExpired,
            .clientExpired, .compacted, .revisionMismatch, .alreadyExists, .tooLarge, .uriTooLong, .headerTooLarge,
            .idempotencyConflict, .limitExceeded, .internal, .unsupported, .readOnly:
            false
        }
    }

    /// A short phrase for people, the same for every occurrence.
    package var title: String {
        switch self {
        case .invalidRequest: "The request is not well-formed"
        case .invalidPath: "The path is not well-formed"
        case .guarded: "The path is guarded by a lock"
        case .hostNotAllowed: "This Host is not served"
        case .originNotAllowed: "Pages of other origins may not ask"
        case .notFound: "Not found"
        case .parentNotFound: "The parent does not exist"
        case .leaseNotFound: "No such lease"
        case .methodNotAllowed: "The method is not allowed here"
        case .timeout: "The time is over"
        case .notEmpty: "The node has children"
        case .staleToken: "The fencing token is stale"
        case .lockTimeout: "The lock was not granted in time"
        case .conflict: "The request conflicts with another"
        case .leaseExpired: "The lease has expired"
        case .clientExpired: "The client is not known any more"
        case .compacted: "The revision is not kept any more"
        case .revisionMismatch: "The node is not at this revision"
        case .alreadyExists: "The node exists already"
        case .tooLarge: "The body or value is too large"
        case .uriTooLong: "The request target is too long"
        case .headerTooLarge: "The header is too large"
        case .idempotencyConflict: "The idempotency key belongs to another request"
        case .overloaded: "Too much is under way"
        case .limitExceeded: "A limit is exceeded"
        case .internal: "An error of the server"
        case .unsupported: "Not supported by this version"
        case .noLeader: "The cluster has no leader"
        case .recovering: "The member is not ready yet"
        case .readOnly: "The cluster is read-only"
        case .noSpace: "The cluster has no space left"
        }
    }
}
