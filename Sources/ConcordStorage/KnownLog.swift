import ConcordRaft

/// What is known of a log while its groups are read: entries without a hole, and what they follow.
struct KnownLog: Equatable, Sendable {
    /// The last base record; before the first entry where there is none. What stands before it is gone for good.
    private(set) var base = LogPosition.start
    /// Of the first entry, or of the one to come.
    private(set) var firstIndex = LogIndex(1)
    private(set) var entries: [Entry] = []

    var lastIndex: LogIndex { LogIndex(firstIndex.rawValue + UInt64(entries.count) - 1) }

    /// The entry that the first one follows; `nil` when only its index is known.
    var predecessor: LogPosition? { base.index.next == firstIndex ? base : nil }

    func entry(at index: LogIndex) -> Entry? {
        guard index >= firstIndex, index <= lastIndex else { return nil }
        return entries[Int(index.rawValue - firstIndex.rawValue)]
    }

    /// Takes the entries of a group, in place of any from the first one's index on.
    mutating func take(_ new: ArraySlice<Entry>) {
        guard let first = new.first?.index else { return }
        precondition(first > base.index && first <= lastIndex.next, "a group was taken that leaves a hole in the log")
        if first < firstIndex { begin(at: first) }
        forget(from: first)
        entries.append(contentsOf: new)
    }

    /// Nothing is known of the entries from `index` on.
    mutating func forget(from index: LogIndex) {
        guard index <= lastIndex else { return }
        let kept = index > firstIndex ? index.rawValue - firstIndex.rawValue : 0
        entries.removeLast(entries.count - Int(kept))
    }

    /// Nothing is known of the entries before `index`, and none from there on was read yet.
    mutating func begin(at index: LogIndex) {
        entries.removeAll()
        firstIndex = index
    }

    /// A base record: all entries are gone, and the log goes on behind it.
    mutating func reset(to newBase: LogPosition) {
        base = newBase
        begin(at: newBase.index.next)
    }
}
