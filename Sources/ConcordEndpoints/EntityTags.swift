import ConcordModel

/// The list in `If-Match` or `If-None-Match` (RFC 9110 §13.1).
enum EntityTags: Equatable, Sendable {
    /// `*`
    case any
    /// The revisions named. Well-formed tags that are none of ours match nothing and are left out.
    case revisions([Revision])
}
