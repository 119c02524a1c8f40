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
        leaves.update(leaf) { records in
            let (position, found) = OrderedIndex.lowerBound(records, bytes, keyCount)
            precondition(!found, "a key was inserted twice into an index")
            if records.capacity < OrderedIndex.leafMax, height > 0 { records.reserveCapacity(OrderedIndex.leafMax) }
            records.insert(record, at: position)
        }
        count += 1
    }

    @discardableResult
    package mutating func remove(_ bytes: [UInt8], _ keyCount: Int) -> Record? {
        guard let location = find(bytes, keyCount) else { return nil }
        let (record, left) = leaves.update(location.leaf) { records in
            let record = records.remove(at: location.position)
            return (record, records.count)
        }
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

    // MARK: - Splitting

    /// Splits every full node on the way to the key, so that the leaf and each branch above it have room.
    private mutating func makeRoom(_ bytes: [UInt8], _ keyCount: Int) {
        let rootIsFull =
            height == 0 || branches.read(root, { $0.children.count }) == OrderedIndex.branchMax
        if rootIsFull {
            root = branches.insert(Branch(separators: [], children: [root]))
            height += 1
        }
        var slot = root
        for level in stride(from: height, to: 1, by: -1) {
            var (position, child) = child(of: slot, bytes, keyCount)
            if branches.read(child, { $0.children.count }) == OrderedIndex.branchMax {
                splitBranch(child, parent: slot, position: position)
                (position, child) = self.child(of: slot, bytes, keyCount)
            }
            precondition(level > 1, "a leaf was taken for a branch")
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
        let (right, separator) = leaves.update(leaf) { records in
            let arriving = OrderedIndex.lowerBound(records, bytes, keyCount).position
            let point = arriving * 4 >= records.count * 3 ? arriving : records.count / 2
            let last = records[point - 1]
            let separator =
                point == records.count
                ? OrderedIndex.separator(last, bytes, keyCount)
                : OrderedIndex.separator(last, records[point].keyBytes, records[point].keyCount)
            let right = Array(records[point...])
            records.removeSubrange(point...)
            return (right, separator)
        }
        let slot = leaves.insert(right)
        branches.update(parent) { branch in
            branch.separators.insert(separator, at: position)
            branch.children.insert(slot, at: position + 1)
        }
    }

    private mutating func splitBranch(_ slot: UInt32, parent: UInt32, position: Int) {
        let (right, separator) = branches.update(slot) { branch in
            let middle = branch.children.count / 2
            let right = Branch(
                separators: Array(branch.separators[middle...]), children: Array(branch.children[middle...]))
            let separator = branch.separators[middle - 1]
            branch.separators.removeSubrange((middle - 1)...)
            branch.children.removeSubrange(middle...)
            return (right, separator)
        }
        let rightSlot = branches.insert(right)
        branches.update(parent) { branch in
            branch.separators.insert(separator, at: position)
            branch.children.insert(rightSlot, at: position + 1)
        }
    }

    /// The shortest bytes that come after `left` and not after the right key.
    private static func separator(_ left: Record, _ right: [UInt8], _ rightCount: Int) -> [UInt8] {
        let common = ByteOrder.commonPrefix(left.keyBytes, left.keyCount, right, rightCount)
        precondition(common < rightCount, "the records of an index are out of order")
        return Array(right[...common])
    }

    // MARK: - Joining

    /// Joins what has become too small on the way to the key with a neighbour, from the leaf up.
    private mutating func join(_ slot: UInt32, level: Int, _ bytes: [UInt8], _ keyCount: Int) {
        let (position, child) = child(of: slot, bytes, keyCount)
        let childrenCount = branches.read(slot) { $0.children.count }
        if level > 1 {
            join(child, level: level - 1, bytes, keyCount)
            guard branches.read(child, { $0.children.count }) < OrderedIndex.branchMin, childrenCount > 1 else {
                return
            }
            joinBranches(parent: slot, position: Swift.min(position, childrenCount - 2))
        } else if leaves.read(child, { $0.count }) < OrderedIndex.leafMin, childrenCount > 1 {
            joinLeaves(parent: slot, position: Swift.min(position, childrenCount - 2))
        }
    }

    /// Makes one leaf of the children at `position` and behind it, or two of equal size.
    private mutating func joinLeaves(parent: UInt32, position: Int) {
        let (left, right) = branches.read(parent) { ($0.children[position], $0.children[position + 1]) }
        var records = leaves[left]
        records.append(contentsOf: leaves[right])
        if records.count <= OrderedIndex.leafMax {
            leaves.update(left) { $0 = records }
            leaves.remove(right)
            branches.update(parent) { branch in
                branch.separators.remove(at: position)
                branch.children.remove(at: position + 1)
            }
            return
        }
        let middle = records.count / 2
        let separator = OrderedIndex.separator(
            records[middle - 1], records[middle].keyBytes, records[middle].keyCount)
        leaves.update(left) { $0 = Array(records[..<middle]) }
        leaves.update(right) { $0 = Array(records[middle...]) }
        branches.update(parent) { $0.separators[position] = separator }
    }

    private mutating func joinBranches(parent: UInt32, position: Int) {
        let (left, right, separator) = branches.read(parent) {
            ($0.children[position], $0.children[position + 1], $0.separators[position])
        }
        var whole = branches[left]
        let other = branches[right]
        whole.separators.append(separator)
        whole.separators.append(contentsOf: other.separators)
        whole.children.append(contentsOf: other.children)
        if whole.children.count <= OrderedIndex.branchMax {
            branches.update(left) { $0 = whole }
            branches.remove(right)
            branches.update(parent) { branch in
                branch.separators.remove(at: position)
                branch.children.remove(at: position + 1)
            }
            return
        }
        let middle = whole.children.count / 2
        branches.update(left) {
            $0 = Branch(
                separators: Array(whole.separators[..<(middle - 1)]), children: Array(whole.children[..<middle]))
        }
        branches.update(right) {
            $0 = Branch(
                separators: Array(whole.separators[middle...]), children: Array(whole.children[middle...]))
        }
        branches.update(parent) { $0.separators[position] = whole.separators[middle - 1] }
    }
}
