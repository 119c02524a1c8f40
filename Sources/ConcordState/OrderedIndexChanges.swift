import ConcordBytes

// Insertion with splits on the way down, removal with joins on the way up.

extension OrderedIndex {
    /// Adds a record whose key is not in the index yet.
    package mutating func insert(_ record: Record) {
        let (bytes, keyCount) = (record.keyBytes, record.keyCount)
        var leaf = leaf(of: bytes, keyCount)
        if leaves.read(leaf, { $0.count }) == OrderedIndex.leafMax {
            makeRoom(bytes, keyCount)
            leaf = self.leaf(of: bytes, keyCount)
        }
        let capacity = height > 0 ? OrderedIndex.leafMax : 0
        leaves.update(leaf) { run in
            let (position, found) = run.search(bytes, keyCount)
            precondition(!found, "a key was inserted twice into an index")
            run.insert(record, at: position, capacity: capacity)
        }
        count += 1
    }

    @discardableResult
    package mutating func remove(_ bytes: [UInt8], _ keyCount: Int) -> Record? {
        guard let location = find(bytes, keyCount) else { return nil }
        let (record, left) = leaves.update(location.leaf) { ($0.remove(at: location.position), $0.count) }
        count -= 1
        if left < OrderedIndex.leafMin, height > 0 {
            join(root, level: height, record.keyBytes, keyCount)
            while height > 0, branches.read(root, { $0.children.count }) == 1 {
                let only = branches.read(root) { $0.children[0] }
                branches.remove(root)
                root = only
                height -= 1
            }
        }
        return record
    }

    @discardableResult
    package mutating func remove(_ bytes: [UInt8]) -> Record? { remove(bytes, bytes.count) }
}

// MARK: - Splitting

extension OrderedIndex {
    /// Splits every full node on the way to the key, so that the leaf and each branch above it have room.
    private mutating func makeRoom(_ bytes: [UInt8], _ keyCount: Int) {
        if height == 0 || branches.read(root, { $0.children.count }) == OrderedIndex.branchMax {
            root = branches.insert(Branch(separators: SortedRun(), children: [root]))
            height += 1
        }
        var slot = root
        for _ in 1..<height {
            var (position, child) = child(of: slot, bytes, keyCount)
            if branches.read(child, { $0.children.count }) == OrderedIndex.branchMax {
                splitBranch(child, parent: slot, position: position)
                (position, child) = self.child(of: slot, bytes, keyCount)
            }
            slot = child
        }
        let (position, leaf) = child(of: slot, bytes, keyCount)
        if leaves.read(leaf, { $0.count }) == OrderedIndex.leafMax {
            splitLeaf(leaf, parent: slot, position: position, bytes, keyCount)
        }
    }

    private func child(of slot: UInt32, _ bytes: [UInt8], _ keyCount: Int) -> (position: Int, slot: UInt32) {
        branches.read(slot) { branch in
            let position = branch.position(of: bytes, keyCount)
            return (position, branch.children[position])
        }
    }

    /// Splits in the middle, but where keys arrive in order, at the arriving key: then the left leaf stays full.
    private mutating func splitLeaf(
        _ leaf: UInt32, parent: UInt32, position: Int, _ bytes: [UInt8], _ keyCount: Int
    ) {
        let (right, separator) = leaves.update(leaf) { run in
            let arriving = run.search(bytes, keyCount).position
            let point = arriving * 4 >= run.count * 3 ? arriving : run.count / 2
            let separator =
                point == run.count
                ? OrderedIndex.separator(run[point - 1], bytes, keyCount)
                : OrderedIndex.separator(run[point - 1], run[point].keyBytes, run[point].keyCount)
            return (run.split(at: point), separator)
        }
        let slot = leaves.insert(right)
        branches.update(parent) { $0.insert(slot, separator, at: position) }
    }

    private mutating func splitBranch(_ slot: UInt32, parent: UInt32, position: Int) {
        let (right, separator) = branches.update(slot) { $0.split(at: $0.children.count / 2) }
        let rightSlot = branches.insert(right)
        branches.update(parent) { $0.insert(rightSlot, separator, at: position) }
    }

    /// The shortest bytes that come after `left` and not after the right key.
    private static func separator(_ left: Record, _ right: [UInt8], _ rightCount: Int) -> Separator {
        let common = ByteOrder.commonPrefix(left.keyBytes, left.keyCount, right, rightCount)
        precondition(common < rightCount, "the records of an index are out of order")
        return Separator(keyBytes: Array(right[...common]))
    }
}

// MARK: - Joining

extension OrderedIndex {
    /// Joins what has become too small on the way to the key with a neighbour, from the leaf up.
    private mutating func join(_ slot: UInt32, level: Int, _ bytes: [UInt8], _ keyCount: Int) {
        let (position, child) = child(of: slot, bytes, keyCount)
        let left = Swift.min(position, branches.read(slot) { $0.children.count } - 2)
        if level > 1 {
            join(child, level: level - 1, bytes, keyCount)
            if left >= 0, branches.read(child, { $0.children.count }) < OrderedIndex.branchMin {
                joinBranches(parent: slot, position: left)
            }
        } else if left >= 0, leaves.read(child, { $0.count }) < OrderedIndex.leafMin {
            joinLeaves(parent: slot, position: left)
        }
    }

    /// Makes one leaf of the children at `position` and behind it, or two of equal size.
    private mutating func joinLeaves(parent: UInt32, position: Int) {
        let (left, right) = branches.read(parent) { ($0.children[position], $0.children[position + 1]) }
        var whole = leaves[left]
        whole.append(leaves[right])
        if whole.count <= OrderedIndex.leafMax {
            leaves.update(left) { $0 = whole }
            leaves.remove(right)
            branches.update(parent) { $0.remove(at: position) }
            return
        }
        let middle = whole.count / 2
        let separator = OrderedIndex.separator(whole[middle - 1], whole[middle].keyBytes, whole[middle].keyCount)
        let half = whole.split(at: middle)
        leaves.update(left) { $0 = whole }
        leaves.update(right) { $0 = half }
        branches.update(parent) { $0.replaceSeparator(at: position, separator) }
    }

    private mutating func joinBranches(parent: UInt32, position: Int) {
        let (left, right, separator) = branches.read(parent) {
            ($0.children[position], $0.children[position + 1], $0.separators[position])
        }
        var whole = branches[left]
        whole.append(branches[right], separator)
        if whole.children.count <= OrderedIndex.branchMax {
            branches.update(left) { $0 = whole }
            branches.remove(right)
            branches.update(parent) { $0.remove(at: position) }
            return
        }
        let (half, middle) = whole.split(at: whole.children.count / 2)
        branches.update(left) { $0 = whole }
        branches.update(right) { $0 = half }
        branches.update(parent) { $0.replaceSeparator(at: position, middle) }
    }
}

extension OrderedIndex.Branch {
    /// Puts a child behind the one at `position`, with the separator between them.
    fileprivate mutating func insert(_ child: UInt32, _ separator: OrderedIndex.Separator, at position: Int) {
        separators.insert(separator, at: position, capacity: 0)
        children.insert(child, at: position + 1)
    }

    /// Takes away the child behind the one at `position`, and the separator between them.
    fileprivate mutating func remove(at position: Int) {
        _ = separators.remove(at: position)
        children.remove(at: position + 1)
    }

    fileprivate mutating func replaceSeparator(at position: Int, _ separator: OrderedIndex.Separator) {
        _ = separators.remove(at: position)
        separators.insert(separator, at: position, capacity: 0)
    }

    fileprivate mutating func append(_ other: OrderedIndex.Branch, _ separator: OrderedIndex.Separator) {
        separators.insert(separator, at: separators.count, capacity: 0)
        separators.append(other.separators)
        children.append(contentsOf: other.children)
    }

    /// Keeps the children before `position`; the separator before it goes to the parent.
    fileprivate mutating func split(at position: Int) -> (right: OrderedIndex.Branch, separator: OrderedIndex.Separator)
    {
        let right = OrderedIndex.Branch(
            separators: separators.split(at: position), children: Array(children[position...]))
        children.removeSubrange(position...)
        return (right, separators.remove(at: position - 1))
    }
}
