/// Why a node changed.
package enum EventCause: UInt8, Sendable {
    case client = 1
    case leaseExpired = 2
    case leaseRevoked = 3
    case ttl = 4
    case container = 5
}

/// One change of one node in the event history.
package struct Event: Equatable, Sendable {
    package enum Kind: UInt8, Sendable {
        case put = 1
        case delete = 2
    }

    package var revision: Revision
    package var kind: Kind
    package var key: Key
    package var value: [UInt8]?
    /// The node's version after a put, before a deletion.
    package var version: UInt64
    package var createRevision: Revision
    /// The modify revision that this change replaced; `nil` for a creation.
    package var previousRevision: Revision?
    package var lease: LeaseID?
    package var cause: EventCause
    package var wallMilliseconds: UInt64

    package init(
        revision: Revision, kind: Kind, key: Key, value: [UInt8]?, version: UInt64, createRevision: Revision,
        previousRevision: Revision?, lease: LeaseID?, cause: EventCause, wallMilliseconds: UInt64
    ) {
        self.revision = revision
        self.kind = kind
        self.key = key
        self.value = value
        self.version = version
        self.createRevision = createRevision
        self.previousRevision = previousRevision
        self.lease = lease
        self.cause = cause
        self.wallMilliseconds = wallMilliseconds
    }
}
