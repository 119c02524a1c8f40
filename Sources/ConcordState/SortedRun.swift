import ConcordBytes

/// What lies in an ordered index: a record that begins, for the index, with the bytes of its key.
package protocol IndexedRecord: Sendable {
    /// Bytes whose first `keyCount` are the key.
    var keyBytes: [UInt8] { get }
    var keyCount: Int { get }
}

/// A few records in the order of their keys: a leaf of an index, or the separators of a branch.
///
/// Beside the records lie the eight bytes of each key behind the bytes that all keys share, so that a search reads
/// one short array and the key of one record, and not a dozen keys in a dozen places of memory.
package struct SortedRun<Record: IndexedRecord>: Blankable {
    package private(set) var records: [Record] = []
    private var hints: [UInt64] = []
    /// Every key begins with these bytes.
    private var prefix: [UInt8] = []

    package init() {}

    package static var blank: SortedRun { SortedRun() }

    init(_ records: ArraySlice<Record>) {
        self.records = Array(records)
        measure()
    }

    package var count: Int { records.count }

    package subscript(position: Int) -> Record { records[position] }

    /// The position of the first record that does not come before the key, and whether it is the key's own.
    borrowing func search(_ bytes: [UInt8], _ count: Int) -> (position: Int, found: Bool) {
        let shared = Swift.min(prefix.count, count)
        let order = ByteOrder.compare(bytes, shared, prefix, prefix.count)
        if order != 0 { return (order < 0 ? 0 : records.count, false) }
        let hint = ByteOrder.word(bytes, from: prefix.count, count: count)
        var (low, high) = (0, hints.count)
        while low < high {
            let middle = (low + high) / 2
            let other = hints[middle]
            if other == hint {
                let order = ByteOrder.compare(records[middle].keyBytes, records[middle].keyCount, bytes, count)
                if order == 0 { return (middle, true) }
                if order < 0 { low = middle + 1 } else { high = middle }
            } else if other < hint {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return (low, false)
    }

    /// - Parameter capacity: for how many records room is made at once.
    mutating func insert(_ record: Record, at position: Int, capacity: Int) {
        if records.capacity < capacity {
            records.reserveCapacity(capacity)
            hints.reserveCapacity(capacity)
        }
        let (bytes, count) = (record.keyBytes, record.keyCount)
        records.insert(record, at: position)
        if records.count > 1, ByteOrder.commonPrefix(bytes, count, prefix, prefix.count) == prefix.count {
            hints.insert(ByteOrder.word(bytes, from: prefix.count, count: count), at: position)
        } else {
            measure()
        }
    }

    /// Changes a record in place; its key must stay as it is.
    mutating func update<Result>(_ position: Int, _ body: (inout Record) -> Result) -> Result {
        body(&records[position])
    }

    mutating func remove(at position: Int) -> Record {
        hints.remove(at: position)
        return records.remove(at: position)
    }

    /// Takes away the records from `position` on.
    mutating func split(at position: Int) -> SortedRun {
        let right = SortedRun(records[position...])
        records.removeSubrange(position...)
        measure()
        return right
    }

    mutating func append(_ other: SortedRun) {
        records.append(contentsOf: other.records)
        measure()
    }

    /// Finds what all keys share: in order, what the first and the last share.
    private mutating func measure() {
        hints.removeAll(keepingCapacity: true)
        guard let first = records.first, let last = records.last else {
            prefix = []
            return
        }
        let shared = ByteOrder.commonPrefix(first.keyBytes, first.keyCount, last.keyBytes, last.keyCount)
        prefix = Array(first.keyBytes[..<shared])
        for record in records {
            hints.append(ByteOrder.word(record.keyBytes, from: shared, count: record.keyCount))
        }
    }
}
