import ConcordRaft
import ConcordSimulator
import ConcordStorage
import Testing

/// A small directory whose first two segments were released, and what it says.
private struct ReleasedDirectory {
    static let segmentBytes = 3 * block

    let disk = SimulatedDisk(seed: 1)
    let contents: [String: [UInt8]]
    var log: ReleasedLog
    /// The newest first.
    let snapshots: [StoredSnapshot]

    /// Twelve entries in two segments, an own snapshot, entries behind it; then, if asked for, another member's
    /// snapshot with a base record for it, and else a second one of its own. At last a group by itself.
    init(hasBase: Bool) throws {
        var opened = try openDirectory(disk, segmentBytes: ReleasedDirectory.segmentBytes)
        var model = ReleasedLog()
        func write(_ writes: [LogWrite]) throws {
            try opened.log.write(writes)
            model = model.applying(writes)
        }
        try write([ConcordStorageTests.write(HardState(term: Term(1), votedFor: MemberID(7)), [])])
        for first: UInt64 in stride(from: 1, to: 14, by: 2) {
            try write([ConcordStorageTests.write(entries(first...first + 1, term: 1))])
        }
        let older = try writeSnapshot(12, term: 1, on: disk)
        try opened.log.release(upTo: LogIndex(12))
        if hasBase {
            try write([
                LogWrite(
                    sequence: .zero, hardState: HardState(term: Term(2), votedFor: MemberID(9)),
                    base: position(20, term: 2), entries: entries(21...22, term: 2))
            ])
        }
        let newer = try writeSnapshot(hasBase ? 20 : 14, term: hasBase ? 2 : 1, on: disk)
        let (next, term) = (model.lastIndex + 1, model.hardState.term.rawValue)
        try write([ConcordStorageTests.write(entries(next...next + 1, term: term))])
        log = model
        snapshots = [newer, older]
        let again = try openDirectory(disk, segmentBytes: ReleasedDirectory.segmentBytes)
        contents = disk.allContents()
        let isRight = log.matches(again.recovered) && again.snapshots.kept == snapshots
        #expect(isRight && again.recovered.notes.isEmpty)
        #expect(logFiles(disk).first == logFile(3))
    }

    enum Outcome: Hashable {
        case whole
        case olderSnapshot
        case refused
        /// Something that was never true.
        case wrong
    }

    /// Opens it as it stands, and once more after a power cut; then puts it back.
    func open(_ context: String) -> (outcome: Outcome, error: StorageError?) {
        defer { disk.restore(contents) }
        let before = disk.allContents()
        do throws(StorageError) {
            let first = try openDirectory(disk, segmentBytes: ReleasedDirectory.segmentBytes)
            disk.cutPower()
            disk.restart()
            let second = try openDirectory(disk, segmentBytes: ReleasedDirectory.segmentBytes)
            #expect(PlainLog(second.recovered) == PlainLog(first.recovered), "\(context): opened twice")
            #expect(second.recovered.released == first.recovered.released, "\(context): opened twice")
            return (outcome(first), nil)
        } catch {
            #expect(disk.allContents() == before, "\(context): a refusal changed something")
            return (.refused, error)
        }
    }

    private func outcome(_ opened: DataDirectory<SimulatedDisk>) -> Outcome {
        if opened.snapshots.kept == [snapshots[1]] {
            let isTold = opened.recovered.notes.contains { if case .snapshotUnusable = $0 { true } else { false } }
            return isTold && log.matches(opened.recovered) ? .olderSnapshot : .wrong
        }
        guard opened.snapshot == snapshots[0] else { return .wrong }
        return log.matches(opened.recovered) ? .whole : .wrong
    }
}

@Suite struct SnapshotDamageTests {
    @Test(arguments: [true, false])
    func `one bad byte anywhere leaves the truth, the older snapshot or a refusal`(hasBase: Bool) throws {
        let directory = try ReleasedDirectory(hasBase: hasBase)
        var seen: [ReleasedDirectory.Outcome: Int] = [:]
        for (file, bytes) in directory.contents.sorted(by: { $0.key < $1.key }) {
            for offset in bytes.indices where bytes[offset] != 0 || offset % 7 == 0 {
                directory.disk.flipBit(offset % 8, ofByte: offset, in: file)
                let context = "\(file), byte \(offset)"
                let (outcome, error) = directory.open(context)
                seen[outcome, default: 0] += 1
                #expect(outcome != .wrong, "\(context)")
                switch error {
                case nil: break
                case .damaged(let named, _, _)?:
                    // A base without its snapshot is told of by the log's file.
                    #expect(named == file || file.hasPrefix("snapshot") && named == logFile(3), "\(context): \(named)")
                case let other?: Issue.record("\(context): \(other)")
                }
            }
        }
        #expect(seen[.whole, default: 0] > 1000)
        // More than fifty bytes are of the last group.
        #expect(seen[.refused, default: 0] > (hasBase ? 100 : 60))
        #expect((seen[.olderSnapshot, default: 0] > 500) == !hasBase)
    }

    @Test(arguments: [true, false])
    func `a file cut at any byte leaves the truth, the older snapshot or a refusal`(hasBase: Bool) throws {
        let directory = try ReleasedDirectory(hasBase: hasBase)
        for (file, bytes) in directory.contents.sorted(by: { $0.key < $1.key }) {
            for length in stride(from: 0, to: bytes.count, by: file.hasPrefix("snapshot") ? 1 : step) {
                directory.disk.replaceContents(of: file, with: Array(bytes[..<length]))
                let (outcome, _) = directory.open("\(file) cut to \(length)")
                #expect(outcome != .wrong, "\(file) cut to \(length)")
                let isNewest = file == "snapshot-000000000000000e-0000000000000001"
                #expect((outcome == .olderSnapshot) == isNewest, "\(file) cut to \(length)")
            }
        }
    }

    @Test(arguments: [true, false])
    func `a file that is gone leaves the truth, the older snapshot or a refusal`(hasBase: Bool) throws {
        let directory = try ReleasedDirectory(hasBase: hasBase)
        let newest = "snapshot-00000000000000" + (hasBase ? "14-0000000000000002" : "0e-0000000000000001")
        for file in directory.contents.keys.sorted() where file != newest {
            directory.disk.discard(file)
            let (outcome, _) = directory.open("without \(file)")
            let isNeeded = !file.hasPrefix("snapshot") && file != directory.contents.keys.filter { $0 < "m" }.max()
            #expect((outcome == .refused) == isNeeded, "without \(file): \(outcome)")
        }
        directory.disk.discard(newest)
        let opened = try? openDirectory(directory.disk, segmentBytes: ReleasedDirectory.segmentBytes)
        #expect((opened != nil) == !hasBase)
        if let opened { #expect(directory.log.matches(opened.recovered) && opened.snapshot == directory.snapshots[1]) }
    }

    @Test func `both snapshots gone is a refusal`() throws {
        for hasBase in [true, false] {
            let directory = try ReleasedDirectory(hasBase: hasBase)
            for snapshot in directory.contents.keys where snapshot.hasPrefix("snapshot") {
                directory.disk.discard(snapshot)
            }
            #expect(directory.open("no snapshot").outcome == .refused)
        }
    }
}
