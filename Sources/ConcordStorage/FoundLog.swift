import ConcordRaft

/// What a log on a disk comes to beside the snapshot that is there.
struct FoundLog: Equatable, Sendable {
    /// What the entries follow.
    var released: LogPosition
    var entries: [Entry]
    /// Whether the log does not contain the snapshot's entry: it ends before it, or follows another history. Then all
    /// of it is superseded. That is how a crash leaves it between a snapshot's name and the base record, and how a
    /// snapshot does of entries that were applied before this member's own disk had them.
    var isSuperseded = false

    init(_ scan: LogScan, snapshot: LogPosition?) throws(StorageError) {
        let log = scan.log
        released = log.predecessor ?? .start
        entries = log.entries
        guard let snapshot else { return }
        guard !scan.isAllReleased, log.lastIndex >= snapshot.index, try FoundLog.contains(snapshot, log) else {
            (released, entries, isSuperseded) = (snapshot, [], true)
            return
        }
        guard log.predecessor == nil else { return }
        if snapshot.index.next == log.firstIndex {
            released = snapshot
        } else if let first = entries.first {
            // The position of the entry before it is not known, and its own is.
            released = LogPosition(index: first.index, term: first.term, clock: first.clock)
            entries.removeFirst()
        }
    }

    /// Whether the log, which reaches to the snapshot's index, continues the same history.
    private static func contains(_ snapshot: LogPosition, _ log: KnownLog) throws(StorageError) -> Bool {
        let found: (term: Term, clock: UInt64)
        if let entry = log.entry(at: snapshot.index) {
            found = (entry.term, entry.clock)
        } else if let predecessor = log.predecessor {
            found = (predecessor.term, predecessor.clock)
        } else if let next = log.entry(at: snapshot.index.next) {
            // The entry itself was released, or damaged. Terms never fall along a log (dissertation §3.5), so what comes
            // next can show that another one stood there.
            return next.term >= snapshot.term && next.clock >= snapshot.clock
        } else {
            return false
        }
        guard found.term == snapshot.term else { return false }
        guard found.clock == snapshot.clock else {
            throw .damaged(
                file: SnapshotName.of(index: snapshot.index, term: snapshot.term), offset: 0,
                what: "it tells another cluster clock of its entry than the log does")
        }
        return true
    }
}
