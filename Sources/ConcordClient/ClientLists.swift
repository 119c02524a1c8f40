import ConcordAPI

/// Which nodes a listing shows.
public struct ListOptions: Hashable, Sendable {
    /// The whole subtree instead of the children alone.
    public var recursive = false
    /// With the values of the nodes.
    public var values = false
    /// As it was at this revision; `nil` for the newest.
    public var revision: UInt64?
    /// How fresh the first page must be; all pages show one revision.
    public var consistency = Consistency.linearizable
    /// Nodes a page, from 1 to 1,000; a page may have fewer.
    public var pageSize = 1000

    /// The children, without their values, as they are now.
    public init(
        recursive: Bool = false, values: Bool = false, revision: UInt64? = nil,
        consistency: Consistency = .linearizable, pageSize: Int = 1000
    ) {
        self.recursive = recursive
        self.values = values
        self.revision = revision
        self.consistency = consistency
        self.pageSize = pageSize
    }
}

/// Some nodes of a listing.
public struct NodePage: Hashable, Sendable {
    /// In the order of their paths' bytes.
    public let nodes: [ConcordNode]
    /// The revision that all pages of this listing show.
    public let revision: UInt64
    /// Where the next page begins; `nil` on the last one. Valid at any member.
    public let next: String?
    /// Where the member stood.
    public let position: ConcordPosition
}

extension ConcordClient {
    /// The nodes below `path`, read page by page as they are asked for; all pages show one revision.
    ///
    /// The sequence throws what `listPage` throws.
    public func list(_ path: String, _ options: ListOptions = ListOptions()) -> NodeSequence {
        NodeSequence(client: self, path: path, options: options)
    }

    /// How many nodes a listing has.
    /// - Parameter recursive: of the whole subtree instead of the children alone; `path` itself is not counted.
    /// - Throws: `notFound`, or what any call may throw.
    public func count(_ path: String, recursive: Bool = false) async throws(ConcordError) -> UInt64 {
        var target = try RequestTarget(node: path)
        target.add("children")
        if recursive { target.add("recursive") }
        target.add("count")
        return try await read(target).decode(CountDocument.self).count
    }

    /// One page of a listing.
    /// - Parameter cursor: `next` of the page before; `nil` for the first.
    /// - Throws: `notFound`, `compacted` when the listing took so long that its revision is no longer kept, or what
    ///   any call may throw.
    public func listPage(
        _ path: String, _ options: ListOptions = ListOptions(), cursor: String? = nil
    ) async throws(ConcordError) -> NodePage {
        guard (1...1000).contains(options.pageSize) else {
            throw ConcordError(.invalidArgument, detail: "a page has 1 to 1,000 nodes")
        }
        var target = try RequestTarget(node: path)
        target.add("children")
        if options.recursive { target.add("recursive") }
        if options.values { target.add("values") }
        target.add("limit", "\(options.pageSize)")
        if let cursor {
            target.add("next", cursor)
        } else {
            target.add(options.consistency)
            if let revision = options.revision { target.add("revision", "\(revision)") }
        }
        let reply = try await read(target)
        let document = try reply.decode(ListingDocument.self)
        return NodePage(
            nodes: document.nodes.map(ConcordNode.init), revision: document.revision, next: document.next,
            position: reply.position)
    }
}

/// The nodes of a listing, one after the other.
public struct NodeSequence: AsyncSequence, Sendable {
    /// What is listed.
    public typealias Element = ConcordNode
    /// Why a listing ends early.
    public typealias Failure = ConcordError

    let client: ConcordClient
    let path: String
    let options: ListOptions

    /// Begins the listing anew.
    public func makeAsyncIterator() -> Iterator {
        Iterator(client: client, path: path, options: options)
    }

    /// Where one listing stands.
    public struct Iterator: AsyncIteratorProtocol {
        let client: ConcordClient
        let path: String
        let options: ListOptions
        private var page: [ConcordNode] = []
        private var position = 0
        private var next: String?
        private var isDone = false

        init(client: ConcordClient, path: String, options: ListOptions) {
            self.client = client
            self.path = path
            self.options = options
        }

        /// The next node, or `nil` behind the last one.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(ConcordError) -> ConcordNode? {
            while position == page.count {
                guard !isDone else { return nil }
                let fetched = try await client.listPage(path, options, cursor: next)
                page = fetched.nodes
                position = 0
                next = fetched.next
                isDone = fetched.next == nil
            }
            defer { position += 1 }
            return page[position]
        }

        /// The next node, or `nil` behind the last one.
        public mutating func next() async throws(ConcordError) -> ConcordNode? {
            try await next(isolation: nil)
        }
    }
}
