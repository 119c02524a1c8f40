import ConcordBytes

/// Records in the byte order of their keys: a B+tree whose leaves and branches lie in pages, so that a copy costs
/// nothing and a write afterwards copies only its own path.
///
/// Nodes are split on the way down and joined on the way up, a few records at a time: no operation takes longer
/// than a few of its depth.
package struct OrderedIndex<Record: IndexedRecord>: Sendable {
    /// An inner node of the tree: child `i` holds the keys below separator `i` and from separator `i - 1` on.
    struct Branch: Blankable {
        var separators = SortedRun<Separator>()
        var children: [UInt32] = []

        static var blank: Branch { Branch() }

        /// The position of the child that holds the key, if any does.
        @inline(__always)
        borrowing func position(of bytes: [UInt8], _ count: Int) -> Int {
            let (position, found) = separators.search(bytes, count)
            return found ? position + 1 : position
        }
    }

    struct Separator: IndexedRecord {
        let keyBytes: [UInt8]
        var keyCount: Int { keyBytes.count }
    }

    /// Where a record lies until the next insertion or removal.
    package struct Location: Hashable {
        var leaf: UInt32
        var position: Int
    }

    /// A place in the order of the keys, until the next insertion or removal.
    package struct Cursor {
        var leaf: UInt32
        var position: Int
        /// Where the next leaf begins; `nil` in the last one.
        var upper: [UInt8]?
    }

    static var leafMax: Int { 64 }
    static var leafMin: Int { 16 }
    static var branchMax: Int { 64 }
    static var branchMin: Int { 16 }

    var leaves = PagedArray<SortedRun<Record>>()
    var branches = PagedArray<Branch>()
    var root: UInt32
    /// How many branches lie above a leaf.
    var height = 0
    package internal(set) var count: UInt64 = 0

    package init() {
        root = leaves.insert(SortedRun())
    }
}

// MARK: - Finding

extension OrderedIndex {
    @inline(__always)
    borrowing func leaf(of bytes: [UInt8], _ count: Int) -> UInt32 {
        var slot = root
        for _ in 0..<height {
            slot = branches.read(slot) { $0.children[$0.position(of: bytes, count)] }
        }
        return slot
    }

    package borrowing func find(_ bytes: [UInt8], _ count: Int) -> Location? {
        let leaf = leaf(of: bytes, count)
        let (position, found) = leaves.read(leaf) { $0.search(bytes, count) }
        return found ? Location(leaf: leaf, position: position) : nil
    }

    package func find(_ bytes: [UInt8]) -> Location? { find(bytes, bytes.count) }

    package subscript(location: Location) -> Record {
        leaves.read(location.leaf) { $0[location.position] }
    }

    package borrowing func record(_ bytes: [UInt8], _ count: Int) -> Record? {
        guard let location = find(bytes, count) else { return nil }
        return self[location]
    }

    package func record(_ bytes: [UInt8]) -> Record? { record(bytes, bytes.count) }

    /// Changes a record in place; its key must stay as it is.
    @inline(__always)
    package mutating func update<Result>(_ location: Location, _ body: (inout Record) -> Result) -> Result {
        leaves.update(location.leaf) { $0.update(location.position, body) }
    }
}

// MARK: - Walking

extension OrderedIndex {
    /// The first record that does not come before the key.
    package func seek(_ bytes: [UInt8]) -> Cursor {
        var slot = root
        var upper: [UInt8]?
        for _ in 0..<height {
            slot = branches.read(slot) { branch in
                let position = branch.position(of: bytes, bytes.count)
                if position < branch.separators.count { upper = branch.separators[position].keyBytes }
                return branch.children[position]
            }
        }
        let position = leaves.read(slot) { $0.search(bytes, bytes.count).position }
        var cursor = Cursor(leaf: slot, position: position, upper: upper)
        settle(&cursor)
        return cursor
    }

    package var start: Cursor { seek([]) }

    /// The record at the cursor; `nil` behind the last one.
    @inline(__always)
    package borrowing func record(at cursor: Cursor) -> Record? {
        leaves.read(cursor.leaf) { cursor.position < $0.count ? $0[cursor.position] : nil }
    }

    @inline(__always)
    package func advance(_ cursor: inout Cursor) {
        cursor.position += 1
        settle(&cursor)
    }

    /// Moves a cursor that stands behind its leaf to the next leaf.
    @inline(__always)
    private func settle(_ cursor: inout Cursor) {
        if cursor.position >= leaves.read(cursor.leaf, { $0.count }), let upper = cursor.upper {
            cursor = seek(upper)
        }
    }

    /// The last record that comes before the key.
    package func last(before bytes: [UInt8]) -> Record? {
        var bound = bytes
        while true {
            var slot = root
            var lower: [UInt8]?
            for _ in 0..<height {
                slot = branches.read(slot) { branch in
                    // A child that begins at the bound itself holds nothing before it.
                    let position = branch.separators.search(bound, bound.count).position
                    if position > 0 { lower = branch.separators[position - 1].keyBytes }
                    return branch.children[position]
                }
            }
            let position = leaves.read(slot) { $0.search(bound, bound.count).position }
            if position > 0 { return leaves.read(slot) { $0[position - 1] } }
            guard let lower else { return nil }
            bound = lower
        }
    }

    /// How many records lie from `lower` on and before `upper`, or some number from `limit` on.
    package func count(from lower: [UInt8], before upper: [UInt8], limit: UInt64 = .max) -> UInt64 {
        guard ByteOrder.compare(lower, lower.count, upper, upper.count) < 0 else { return 0 }
        var total: UInt64 = 0
        count(&total, below: root, height, from: lower, before: upper, limit)
        return total
    }

    /// - Parameters:
    ///   - height: how many branches lie on the way from here to a leaf; so deep goes the recursion.
    ///   - lower: `nil` where everything below lies behind it.
    ///   - upper: `nil` where everything below lies before it.
    private func count(
        _ total: inout UInt64, below slot: UInt32, _ height: Int, from lower: [UInt8]?, before upper: [UInt8]?,
        _ limit: UInt64
    ) {
        guard height > 0 else {
            total += leaves.read(slot) { leaf in
                let first = lower.map { leaf.search($0, $0.count).position } ?? 0
                let end = upper.map { leaf.search($0, $0.count).position } ?? leaf.count
                return UInt64(Swift.max(0, end - first))
            }
            return
        }
        let (first, last, children) = branches.read(slot) { branch in
            (
                lower.map { branch.position(of: $0, $0.count) } ?? 0,
                upper.map { branch.position(of: $0, $0.count) } ?? branch.children.count - 1, branch.children
            )
        }
        for position in first...last where total < limit {
            count(
                &total, below: children[position], height - 1, from: position == first ? lower : nil,
                before: position == last ? upper : nil, limit)
        }
    }
}
