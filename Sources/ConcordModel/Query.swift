/// A question to the state; it changes nothing.
package enum Query: Equatable, Sendable {
    case node(NodeQuery)
    case list(ListQuery)
    case settings
}

package struct NodeQuery: Equatable, Sendable {
    package var key: Key
    /// As of this revision; `nil` for the newest.
    package var at: Revision?
    package var withValue: Bool

    package init(key: Key, at: Revision? = nil, withValue: Bool = true) {
        self.key = key
        self.at = at
        self.withValue = withValue
    }
}

package struct ListQuery: Equatable, Sendable {
    package enum Scope: UInt8, Sendable {
        case children = 1
        /// Everything strictly below the key.
        case subtree = 2
    }

    package enum Detail: UInt8, Sendable {
        /// The nodes without their values.
        case names = 1
        case values = 2
        /// Only how many there are.
        case count = 3
    }

    package var key: Key
    package var scope: Scope
    package var detail: Detail
    package var at: Revision?
    /// Only keys that come after this one in the order of the listing: the last key of the page before.
    package var after: Key?
    package var nodesMax: Int
    /// Bytes of keys and values in a page; a page holds at least one node.
    package var bytesMax: Int

    package init(
        key: Key, scope: Scope, detail: Detail, at: Revision? = nil, after: Key? = nil, nodesMax: Int, bytesMax: Int
    ) {
        self.key = key
        self.scope = scope
        self.detail = detail
        self.at = at
        self.after = after
        self.nodesMax = nodesMax
        self.bytesMax = bytesMax
    }
}

package struct ListPage: Equatable, Sendable {
    /// The revision that all pages of this listing show.
    package var revision: Revision
    /// The listed node's child revision at that revision.
    package var childRevision: Revision
    package var nodes: [Node]
    package var count: UInt64
    /// More nodes follow behind the last one.
    package var hasMore: Bool

    package init(revision: Revision, childRevision: Revision, nodes: [Node], count: UInt64, hasMore: Bool) {
        self.revision = revision
        self.childRevision = childRevision
        self.nodes = nodes
        self.count = count
        self.hasMore = hasMore
    }
}

package enum QueryResult: Equatable, Sendable {
    case node(Node)
    case page(ListPage)
    case settings([SettingValue], featureLevel: UInt16)
    case notFound
    /// The revision asked for lies below the history's floor.
    case compacted(firstAvailable: Revision)
    /// The revision asked for has not happened yet.
    case futureRevision(current: Revision)
    /// So much has changed since the revision asked for that the answer would keep all other requests waiting.
    case tooMuchWork
}
