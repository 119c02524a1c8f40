import ConcordBytes
import ConcordModel

// Listings: children and subtrees, now and at a revision of the past, in the byte order of keys.

extension Tree {
    /// One page of a listing; `nil` when the node did not exist.
    /// - Parameter revision: the present one, or one whose later events are all retained.
    func list(_ query: ListQuery, at revision: UInt64) -> ListPage? {
        let isPast = revision != self.revision.rawValue
        let key = query.key.bytes
        guard let listed = isPast ? version(of: key, key.count, at: revision) : present(key, key.count) else {
            return nil
        }
        var page = ListPage(
            revision: Revision(revision), childRevision: Revision(listed.children.childRevision), nodes: [], count: 0,
            hasMore: false)
        if query.detail == .count, query.after == nil, let count = quickCount(query, listed, isPast: isPast) {
            page.count = count
            return page
        }
        var scan = ListingScan(self, query, at: revision, isPast: isPast)
        var bytes = 0
        while let version = scan.next() {
            if query.detail == .count {
                page.count += 1
                continue
            }
            bytes += query.detail == .values ? version.body.bytes.count : version.body.keyCount
            if !page.nodes.isEmpty, page.nodes.count >= query.nodesMax || bytes > query.bytesMax {
                page.hasMore = true
                break
            }
            page.nodes.append(version.node(withValue: query.detail == .values))
            page.count += 1
        }
        return page
    }

    /// How many nodes a listing has, where that is known without looking at each.
    private func quickCount(_ query: ListQuery, _ listed: NodeVersion, isPast: Bool) -> UInt64? {
        switch query.scope {
        case .children:
            // Uncounted nodes are listed too; only the history remembers them once they are gone.
            return uncountedNodes == 0 && !isPast ? listed.children.childrenCount : nil
        case .subtree:
            guard !isPast else { return nil }
            let (lower, upper) = Tree.range(below: query.key)
            return nodes.count(from: lower, before: upper)
        }
    }
}

/// A walk over the keys of a listing. In the past, the living keys are merged with those that the membership
/// chains name in later events, and each is asked what it was then.
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
    private var changed = KeyHeap()
    /// The next directory record of a subtree to be looked at.
    private var directories: OrderedIndex<DirectoryRecord>.Cursor?

    init(_ tree: Tree, _ query: ListQuery, at revision: UInt64, isPast: Bool) {
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
        addChanges(of: query.key.bytes, query.key.bytes.count)
        guard scope == .subtree else { return }
        directories = tree.directories.seek(from)
        addDirectoriesBefore(query)
    }

    /// Directories before `from` can still have children behind it: those whose key begins it.
    private mutating func addDirectoriesBefore(_ query: ListQuery) {
        guard from.count > lower.count, from.starts(with: lower) else { return }
        for count in lower.count..<from.count { addChanges(of: from, count) }
    }

    mutating func next() -> NodeVersion? {
        while true {
            let record = nextLiving()
            if isPast { lookAtDirectories(before: record) }
            let order = compare(record)
            guard order != nil else { return nil }
            if let record, order != .changedFirst {
                if order == .same { changed.removeFirstAndEqual() }
                tree.nodes.advance(&living)
                guard isPast else { return tree.present(record) }
                if let version = tree.version(of: record.keyBytes, record.keyCount, at: revision) { return version }
            } else {
                let key = changed.removeFirstAndEqual()
                if let version = tree.version(of: key, key.count, at: revision) { return version }
            }
        }
    }

    private enum Order { case livingFirst, changedFirst, same }

    /// Which comes next, the living key or the changed one; `nil` when there is neither.
    private func compare(_ record: NodeRecord?) -> Order? {
        guard let first = changed.first else { return record == nil ? nil : .livingFirst }
        guard let record else { return .changedFirst }
        let order = ByteOrder.compare(record.keyBytes, record.keyCount, first, first.count)
        return order < 0 ? .livingFirst : order > 0 ? .changedFirst : .same
    }

    /// The next living node in the scope; a child listing seeks past what lies below a child.
    private mutating func nextLiving() -> NodeRecord? {
        while let record = tree.nodes.record(at: living) {
            if ByteOrder.compare(record.keyBytes, record.keyCount, upper, upper.count) >= 0 { return nil }
            guard scope == .children, let slash = separator(in: record) else { return record }
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

    /// Takes in the changes of all directories that could have children before the next key.
    private mutating func lookAtDirectories(before record: NodeRecord?) {
        while let cursor = directories, let directory = tree.directories.record(at: cursor) {
            guard ByteOrder.compare(directory.key, directory.key.count, upper, upper.count) < 0 else { break }
            if let record,
                ByteOrder.compare(directory.key, directory.key.count, record.keyBytes, record.keyCount) >= 0
            {
                return
            }
            if let first = changed.first,
                ByteOrder.compare(directory.key, directory.key.count, first, first.count) >= 0
            {
                return
            }
            addChanges(of: directory.key, directory.key.count)
            var next = cursor
            tree.directories.advance(&next)
            directories = next
        }
    }

    /// Adds the keys that were created or deleted below a directory after the revision.
    private mutating func addChanges(of bytes: [UInt8], _ count: Int) {
        var number = tree.directories.record(bytes, count)?.lastMembership ?? 0
        while tree.history.events.contains(number) {
            let event = tree.history.events[number]
            guard event.revision > revision else { return }
            let body = event.body
            if ByteOrder.compare(body.bytes, body.keyCount, from, from.count) >= 0 {
                changed.insert(Array(body.bytes[..<body.keyCount]))
            }
            number = event.previousOfParent
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

    /// Removes the least key, however often it was inserted.
    @discardableResult
    mutating func removeFirstAndEqual() -> [UInt8] {
        let key = removeFirst()
        while keys.first == key { _ = removeFirst() }
        return key
    }

    private mutating func removeFirst() -> [UInt8] {
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
