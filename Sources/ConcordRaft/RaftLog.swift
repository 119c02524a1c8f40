/// The log in memory: every entry from `firstIndex` on, and the configurations among them.
///
/// What lies before `firstIndex` was released (its effects are in a snapshot); it was committed, so it equals
/// every leader's log (dissertation §5.1). Only the last released entry's term is still known.
package struct RaftLog: Sendable {
    /// A configuration and the index from which it holds.
    package struct ConfigurationMark: Sendable {
        package var index: LogIndex
        package var configuration: Configuration
    }

    /// The last entry that is not here any more.
    package private(set) var released: LogPosition
    private var entries: [Entry]
    /// In order of index. The first one is of a committed entry or of the beginning: what held before it is of no use
    /// to anyone, since nothing that is committed is ever taken back.
    package private(set) var marks: [ConfigurationMark]

    package init(restored: RestoredLog) {
        released = restored.released
        entries = []
        let base = restored.base
        marks = [ConfigurationMark(index: base.position.index, configuration: base.configuration)]
        entries.reserveCapacity(restored.entries.count)
        for entry in restored.entries { append(entry) }
        precondition(
            released.index <= base.position.index && term(at: base.position.index) == base.position.term,
            "a log was restored that does not hold what its snapshot stands for")
    }

    /// A log that is all released.
    package init(base: LogBase) {
        released = base.position
        entries = []
        marks = [ConfigurationMark(index: base.position.index, configuration: base.configuration)]
    }

    package var firstIndex: LogIndex { released.index.next }
    package var lastIndex: LogIndex { LogIndex(released.index.rawValue + UInt64(entries.count)) }
    package var lastTerm: Term { entries.last?.term ?? released.term }
    package var lastClock: UInt64 { entries.last?.clock ?? released.clock }

    /// The latest configuration, committed or not: a member uses it as soon as it is in its log
    /// (dissertation §4.1).
    package var configuration: Configuration { marks[marks.count - 1].configuration }

    /// `nil` beyond the log and before the last released entry; 0 at index 0.
    package func term(at index: LogIndex) -> Term? {
        if index == released.index { return released.term }
        guard index > released.index, index <= lastIndex else { return nil }
        return entries[position(of: index)].term
    }

    /// As `term(at:)`, with the entry's clock.
    package func position(at index: LogIndex) -> LogPosition? {
        if index == released.index { return released }
        guard index > released.index, index <= lastIndex else { return nil }
        let entry = entries[position(of: index)]
        return LogPosition(index: index, term: entry.term, clock: entry.clock)
    }

    /// What a snapshot of everything up to `index` stands for, or `nil` where that is not known any more.
    package func base(at index: LogIndex) -> LogBase? {
        guard let position = position(at: index), let mark = marks.last(where: { $0.index <= index }) else {
            return nil
        }
        return LogBase(position: position, configuration: mark.configuration)
    }

    /// All entries of `range`, which must be here.
    package func entries(in range: ClosedRange<LogIndex>) -> ArraySlice<Entry> {
        precondition(
            range.lowerBound >= firstIndex && range.upperBound <= lastIndex,
            "entries were asked for that the log does not hold")
        return entries[position(of: range.lowerBound)...position(of: range.upperBound)]
    }

    /// Entries from `start` to the end, or as many as one message carries. A single entry larger than the
    /// limit travels alone. Nothing when `start` was released: a follower that needs it needs a snapshot.
    package func batch(from start: LogIndex, entriesMax: Int = RaftLimits.appendEntriesMax) -> ArraySlice<Entry> {
        guard start >= firstIndex, start <= lastIndex else { return [] }
        let first = position(of: start)
        let bound = min(entries.count, first + entriesMax)
        var end = first
        var bytes = 0
        while end < bound {
            bytes += entries[end].payload.count
            if bytes > RaftLimits.appendBytesMax, end > first { break }
            end += 1
        }
        return entries[first..<end]
    }

    /// The last index at or below `bound` whose term is at most `term`. Terms never fall along a log, so both
    /// sides of a conflict leap over whole terms with it (dissertation §3.5, last paragraphs). Not below the
    /// last released entry.
    package func lastIndex(atOrBelow bound: LogIndex, termAtMost term: Term) -> LogIndex {
        var low = 0
        let reachable = min(bound, lastIndex)
        var high = reachable < firstIndex ? 0 : position(of: reachable) + 1
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].term <= term {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return LogIndex(firstIndex.rawValue - 1 + UInt64(low))
    }

    package mutating func append(_ entry: Entry) {
        precondition(entry.index == lastIndex.next, "an entry would leave a hole in the log or overwrite it")
        precondition(entry.term >= lastTerm, "terms fall along the log")
        precondition(entry.clock >= lastClock, "the cluster clock falls along the log")
        entries.append(entry)
        guard entry.kind == .configuration, entry.index > marks[0].index else { return }
        guard let configuration = Configuration(payload: entry.payload) else {
            preconditionFailure("a configuration entry in the log cannot be read")
        }
        marks.append(ConfigurationMark(index: entry.index, configuration: configuration))
    }

    /// Removes `index` and all behind it; a configuration among them holds no longer.
    package mutating func truncate(from index: LogIndex) {
        precondition(index >= firstIndex, "released entries were committed and cannot be removed")
        guard index <= lastIndex else { return }
        entries.removeSubrange(position(of: index)...)
        while marks.count > 1, marks[marks.count - 1].index >= index { marks.removeLast() }
    }

    /// Forgets the entries up to `index`, which are committed; but for the position of the last one.
    package mutating func release(upTo index: LogIndex) {
        guard index > released.index else { return }
        guard let newReleased = position(at: index) else {
            preconditionFailure("entries were released that the log does not hold")
        }
        entries.removeFirst(Int(index.rawValue - released.index.rawValue))
        released = newReleased
        let superseded = marks.prefix { $0.index <= index }.count - 1
        if superseded > 0 { marks.removeFirst(superseded) }
    }

    private func position(of index: LogIndex) -> Int {
        Int(index.rawValue - firstIndex.rawValue)
    }
}

extension LogIndex {
    /// Index 0 is before itself.
    var previous: LogIndex { LogIndex(rawValue == 0 ? 0 : rawValue - 1) }
}
