import ConcordModel

/// What of a listing its answer and its cursor depend on.
struct ListShape: Equatable, Sendable {
    var scope: ListQuery.Scope
    var detail: ListQuery.Detail
}
