import ConcordModel

extension Tree {
    /// Deletes a node; with `recursive` also everything below it.
    ///
    /// With `batch` at most so many nodes go, from the bottom up, and the node itself last. The result's number
    /// says how many went. Its node tells whether that was all: it is there when the node itself went, and `nil`
    /// while the node still stands. (A replay from below the history's floor has no nodes; then the caller simply
    /// asks again, and `notFound` says that nothing is left.)
    ///
    /// A node is kept by the children that it counts. Nodes of a flat front end keep nobody, but `recursive` takes
    /// them along.
    mutating func delete(_ delete: DeleteOperation, _ settings: ReplicatedSettings, _ change: Change) throws(Refused)
        -> Done
    {
        if delete.key.isRoot { throw Refused(.invalidRequest) }
        let location = nodes.find(delete.key.bytes)
        if location == nil, delete.condition == .none || delete.condition == .absent { throw Refused(.notFound) }
        try judge(delete.condition, location)
        guard let location else { throw Refused(.notFound) }

        let changedMax = settings[.nodesChangedMax]
        guard delete.recursive else {
            if childCounters(of: nodes[location]).childrenCount > 0 { throw Refused(.notEmpty) }
            return Done(status: .deleted, node: remove(delete.key, change), number: 1)
        }
        guard delete.batch == 0 else {
            return deleteBatch(delete.key, Swift.min(UInt64(delete.batch), changedMax), change)
        }
        let (lower, upper) = Tree.range(below: delete.key)
        let below = nodes.count(from: lower, before: upper, limit: changedMax)
        if below >= changedMax {
            throw Refused(.limitExceeded, number: changedMax, setting: .nodesChangedMax)
        }
        return deleteBatch(delete.key, below + 1, change)
    }

    /// Removes at most `count` nodes in descending order of their keys, so that each goes before its parent.
    private mutating func deleteBatch(_ key: Key, _ count: UInt64, _ change: Change) -> Done {
        let (lower, upper) = Tree.range(below: key)
        let before = present(key.bytes, key.bytes.count)
        var gone: UInt64 = 0
        while gone < count, let last = nodes.last(before: upper), Tree.isBelow(last, lower) {
            remove(last.body.key, change)
            gone += 1
        }
        guard gone < count else { return Done(status: .deleted, node: nil, number: Int64(gone)) }
        remove(key, change)
        return Done(status: .deleted, node: before, number: Int64(gone + 1))
    }

    /// Whether a record lies below the key that a range was made of.
    private static func isBelow(_ record: NodeRecord, _ lower: [UInt8]) -> Bool {
        record.keyCount >= lower.count && record.body.bytes.prefix(lower.count).elementsEqual(lower)
    }

    /// Everything strictly below a key: from the first bytes on, and before the second.
    static func range(below key: Key) -> (lower: [UInt8], upper: [UInt8]) {
        (key.bytes + [Key.separator], key.bytes + [Key.separator + 1])
    }
}
