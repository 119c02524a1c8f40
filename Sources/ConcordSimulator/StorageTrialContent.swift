import ConcordRaft
import ConcordStorage

/// What a directory holds in the end, as plain values: a `StorageTrial`'s memory of it.
struct TrialContent: Equatable {
    var hardState = HardState(term: .zero, votedFor: nil)
    var log = TrialLog()
    /// The newest first.
    var snapshots: [TrialSnapshot] = []

    /// What it becomes when it is opened: a log that does not contain the newest snapshot's entry goes on behind it,
    /// and the snapshot's term has come.
    var opened: TrialContent {
        guard let snapshot = snapshots.first?.position else { return self }
        var result = self
        if hardState.term < snapshot.term {
            result.hardState = HardState(term: snapshot.term, votedFor: nil, doubt: hardState.doubt)
        }
        if log.position(at: snapshot.index) != snapshot { result.log = TrialLog(base: snapshot) }
        return result
    }

    /// Whether this is what was found, but for entries that a snapshot stands for.
    func matches(_ found: DataDirectory<SimulatedDisk>, on disk: SimulatedDisk) -> Bool {
        let released = found.recovered.released
        guard found.recovered.hardState == hardState, log.position(at: released.index) == released,
            Array(log.entries.dropFirst(Int(released.index.rawValue - log.base.index.rawValue)))
                == found.recovered.entries,
            released.index <= snapshots.first?.position.index ?? .zero
        else { return false }
        return found.snapshot == snapshots.first?.stored && found.snapshots.kept == snapshots.map(\.stored)
            && snapshots.allSatisfy { disk.contents(of: $0.file) == $0.bytes }
    }

    /// What it may be while `writes` are written, in this order: each group is durable or not.
    func stages(writing writes: [LogWrite]) -> [TrialContent] {
        var end = self
        var first = log.lastIndex.next
        for write in writes {
            if let hardState = write.hardState { end.hardState = hardState }
            if let base = write.base {
                end.log = TrialLog(base: base)
                first = base.index.next
            }
            guard let index = write.entries.first?.index else { continue }
            first = min(first, index)
            end.log.entries.removeLast(Int(end.log.lastIndex.next.rawValue - index.rawValue))
            end.log.entries += write.entries
        }
        var stages = [self]
        func add(_ change: (inout TrialContent) -> Void) {
            var next = stages[stages.count - 1]
            change(&next)
            if next != stages[stages.count - 1] { stages.append(next) }
        }
        add { $0.hardState = end.hardState }
        if end.log.base != log.base { add { $0.log = TrialLog(base: end.log.base) } }
        // Any first part of what is written in the end.
        var index = first
        while index <= end.log.lastIndex {
            let count = Int(index.rawValue - end.log.base.index.rawValue)
            add { $0.log.entries = Array(end.log.entries.prefix(count)) }
            index = index.next
        }
        return stages
    }

    /// What it may be while snapshots are removed, the oldest first.
    func stages(pruning pinned: Set<SnapshotIdentity>) -> [TrialContent] {
        var stages = [self]
        for snapshot in snapshots.dropFirst(StorageLimits.snapshotsKept).reversed() {
            guard !pinned.contains(snapshot.stored.identity), var next = stages.last else { continue }
            next.snapshots.removeAll { $0 == snapshot }
            stages.append(next)
        }
        return stages
    }

    var brief: String {
        let terms = log.entries.suffix(4).map { "\($0.term.rawValue)" }.joined(separator: " ")
        let snapshots = snapshots.map { "\($0.position.index.rawValue)" }.joined(separator: " ")
        let doubt = hardState.doubt.map { ", doubt \($0)" } ?? ""
        return "term \(hardState.term.rawValue)\(doubt), base \(log.base.index.rawValue), \(log.entries.count) entries "
            + "(\(terms)), snapshots [\(snapshots)]"
    }
}

/// The whole log behind its last base, with the entries that were released.
struct TrialLog: Equatable {
    var base = LogPosition.start
    var entries: [Entry] = []

    var lastIndex: LogIndex { LogIndex(base.index.rawValue + UInt64(entries.count)) }

    func position(at index: LogIndex) -> LogPosition? {
        guard index != base.index else { return base }
        guard index > base.index, index <= lastIndex else { return nil }
        let entry = entries[Int(index.rawValue - base.index.rawValue) - 1]
        return LogPosition(index: entry.index, term: entry.term, clock: entry.clock)
    }

    /// Whether these are its entries behind `position`, though perhaps not to its end.
    func begins(with found: [Entry], behind position: LogPosition) -> Bool {
        guard self.position(at: position.index) == position else { return false }
        return entries.dropFirst(Int(position.index.rawValue - base.index.rawValue)).starts(with: found)
    }
}

struct TrialSnapshot: Equatable {
    var stored: StoredSnapshot
    var bytes: [UInt8]

    var position: LogPosition { stored.header.base.position }

    var file: String {
        "snapshot-" + TrialSnapshot.hexadecimal(position.index.rawValue) + "-"
            + TrialSnapshot.hexadecimal(position.term.rawValue)
    }

    private static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
