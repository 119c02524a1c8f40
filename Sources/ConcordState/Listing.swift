import ConcordBytes
import ConcordModel

// Listings: children and subtrees, now and at a revision of the past, in the byte order of keys.

extension Tree {
    /// One page of a listing; `nil` when the node did not exist. A page ends early where the budget does.
    /// - Parameter revision: the present one, or one whose later events are all retained.
    func list(
        _ query: ListQuery, at revision: UInt64, _ budget: inout StepBudget
    ) throws(TooMuchWork) -> ListPage? {
        let isPast = revision != self.revision.rawValue
        let key = query.key.bytes
        let listed = isPast ? try version(of: key, key.count, at: revision, &budget) : present(key, key.count)
        guard let listed else { return nil }
        var page = ListPage(
            revision: Revision(revision), childRevision: Revision(listed.children.childRevision), nodes: [], count: 0,
            hasMore: false)
        if query.detail == .count, query.after == nil, let count = try quickCount(query, listed, isPast: isPast) {
            page.count = count
            return page
        }
        var scan = try ListingScan(self, query, at: revision, isPast: isPast, &budget)
        if query.detail == .count {
            while try scan.next(&budget) != nil { page.count += 1 }
            return page
        }
        do throws(TooMuchWork) {
            try fill(&page, query, from: &scan, &budget)
        } catch {
            guard !page.nodes.isEmpty else { throw error }
            page.hasMore = true
        }
        return page
    }

    private func fill(
        _ page: inout ListPage, _ query: ListQuery, from scan: inout ListingScan, _ budget: inout StepBudget
    ) throws(TooMuchWork) {
        var bytes = 0
        while let version = try scan.next(&budget) {
            bytes += query.detail == .values ? version.body.bytes.count : version.body.keyCount
            if !page.nodes.isEmpty, page.nodes.count >= query.nodesMax || bytes > query.bytesMax {
                page.hasMore = true
                return
            }
            page.nodes.append(version.node(withValue: query.detail == .values))
            page.count += 1
        }
    }

    /// How many nodes a listing has, where that is known without looking at each.
    private func quickCount(
        _ query: ListQuery, _ listed: NodeVersion, isPast: Bool
    ) throws(TooMuchWork) -> UInt64? {
        switch query.scope {
        case .children:
            // Uncounted nodes are listed too; only the history remembers them once they are gone.
            return uncountedNodes == 0 && !isPast ? listed.children.childrenCount : nil
        case .subtree:
            guard !isPast else { return nil }
            let (lower, upper) = Tree.range(below: query.key)
            let count = nodes.count(from: lower, before: upper, limit: StateLimits.countedNodesMax + 1)
            if count > StateLimits.countedNodesMax { throw TooMuchWork() }
            return count
        }
    }
}

/// A walk over the keys of a listing. In the past, the living keys that were there already are merged with those
/// that the membership chains name as deleted since, and each is asked what it was then.
private struct ListingScan {
    private let tree: Tree
    private let scope: ListQuery.Scope
    private let revision: UInt64
    private let isPast: Bool
    private let lower: [UInt8]
    private let upper: [UInt8]
    /// Keys before this one were on earlier pages.
    private let from: [UInt8]
    private var living: OrderedIndex<NodeRecord>.Cursor
    /// What lived at the revision and was deleted since, as far as the directories were looked at.
    private var departed = KeyHeap()
    /// The next directory record of a subtree to be looked at.
    private var directories: OrderedIndex<DirectoryRecord>.Cursor?

    init(
        _ tree: Tree, _ query: ListQuery, at revision: UInt64, isPast: Bool, _ budget: inout StepBudget
    ) throws(TooMuchWork) {
        self.tree = tree
        self.scope = query.scope
        self.revision = revision
        self.isPast = isPast
        (lower, upper) = Tree.range(below: query.key)
        // The key right behind `after` in the order is `after` and a zero byte.
        let behind = query.after.map { $0.bytes + [0] } ?? []
        from = ByteOrder.compare(behind, behind.count, lower, lower.count) > 0 ? behind : lower
        living = tree.nodes.seek(from)
        guard isPast else { return }
        try addDeparted(of: query.key.bytes, query.key.bytes.count, &budget)
        guard scope == .subtree else { return }
        directories = tree.directories.seek(from)
        try addDirectoriesBefore(query, &budget)
    }

    /// Directories before `from` can still have children behind it: those whose key begins it.
    private mutating func addDirectoriesBefore(_ query: ListQuery, _ budget: inout StepBudget) throws(TooMuchWork) {
        guard from.count > lower.count, from.starts(with: lower) else { return }
        for count in lower.count..<from.count { try addDeparted(of: from, count, &budget) }
    }

    mutating func next(_ budget: inout StepBudget) throws(TooMuchWork) -> NodeVersion? {
        while true {
            try budget.spend(1)
            let record = try nextLiving(&budget)
            if isPast { try lookAtDirectories(before: record, &budget) }
            if let record, !isDepartedNext(before: record) {
                tree.nodes.advance(&living)
                guard isPast else {
                    try budget.spend(StateLimits.stepsPerNode)
                    return tree.present(record)
                }
                // Of a key that lives anew since, the earlier life is among the departed.
                guard record.createRevision <= revision else { continue }
                if let version = try version(of: record.keyBytes, record.keyCount, &budget) { return version }
            } else {
                guard let key = departed.removeFirst() else { return nil }
                if let version = try version(of: key, key.count, &budget) { return version }
            }
        }
    }

    private func version(
        of bytes: [UInt8], _ count: Int, _ budget: inout StepBudget
    ) throws(TooMuchWork) -> NodeVersion? {
        try budget.spend(StateLimits.stepsPerNode)
        return try tree.version(of: bytes, count, at: revision, &budget)
    }

    private func isDepartedNext(before record: NodeRecord) -> Bool {
        guard let first = departed.first else { return false }
        return ByteOrder.compare(first, first.count, record.keyBytes, record.keyCount) < 0
    }

    /// The next living node in the scope; a child listing seeks past what lies below a child.
    private mutating func nextLiving(_ budget: inout StepBudget) throws(TooMuchWork) -> NodeRecord? {
        while let record = tree.nodes.record(at: living) {
            if ByteOrder.compare(record.keyBytes, record.keyCount, upper, upper.count) >= 0 { return nil }
            guard scope == .children, let slash = separator(in: record) else { return record }
            try budget.spend(StateLimits.stepsPerNode)
            var behind = Array(record.keyBytes[...slash])
            behind[slash] = Key.separator + 1
            living = tree.nodes.seek(behind)
        }
        return nil
    }

    /// The first separator behind the listed node's own.
    private func separator(in record: NodeRecord) -> Int? {
        var position = lower.count
        while position < record.keyCount {
            if record.keyBytes[position] == Key.separator { return position }
            position += 1
        }
        return nil
    }

    /// Takes in what departed from all directories that could have had children before the next key.
    private mutating func lookAtDirectories(
        before record: NodeRecord?, _ budget: inout StepBudget
    ) throws(TooMuchWork) {
        while let cursor = directories, let directory = tree.directories.record(at: cursor) {
            guard ByteOrder.compare(directory.key, directory.key.count, upper, upper.count) < 0 else { break }
            if let record,
                ByteOrder.compare(directory.key, directory.key.count, record.keyBytes, record.keyCount) >= 0
            {
                return
            }
            if let first = departed.first,
                ByteOrder.compare(directory.key, directory.key.count, first, first.count) >= 0
            {
                return
            }
            try addDeparted(of: directory.key, directory.key.count, &budget)
            var next = cursor
            tree.directories.advance(&next)
            directories = next
        }
    }

    /// Adds the children of a directory that lived at the revision and were deleted since: each life ends once.
    private mutating func addDeparted(
        of bytes: [UInt8], _ count: Int, _ budget: inout StepBudget
    ) throws(TooMuchWork) {
        try budget.spend(StateLimits.stepsPerNode)
        var number = tree.directories.record(bytes, count)?.lastMembership ?? 0
        while tree.history.events.contains(number) {
            try budget.spend(1)
            let (at, previous, body) = tree.history.events.read(number) { event in
                let isEnd = event.isDeletion && event.createRevision <= revision
                return (event.revision, event.previousOfParent, isEnd ? event.before : nil)
            }
            guard at > revision else { return }
            if let body, ByteOrder.compare(body.bytes, body.keyCount, from, from.count) >= 0 {
                try budget.spend(StateLimits.stepsPerNode)
                departed.insert(Array(body.bytes[..<body.keyCount]))
            }
            number = previous
        }
    }
}

/// Keys of which the least is at hand.
private struct KeyHeap {
    private var keys: [[UInt8]] = []

    var first: [UInt8]? { keys.first }

    mutating func insert(_ key: [UInt8]) {
        keys.append(key)
        var child = keys.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard isLess(child, parent) else { return }
            keys.swapAt(child, parent)
            child = parent
        }
    }

    /// Removes the least key.
    mutating func removeFirst() -> [UInt8]? {
        guard !keys.isEmpty else { return nil }
        keys.swapAt(0, keys.count - 1)
        let key = keys.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < keys.count && isLess(child, least) {
                least = child
            }
            guard least != parent else { return key }
            keys.swapAt(parent, least)
            parent = least
        }
    }

    private func isLess(_ one: Int, _ other: Int) -> Bool {
        ByteOrder.compare(keys[one], keys[one].count, keys[other], keys[other].count) < 0
    }
}
