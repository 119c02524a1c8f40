import ConcordRaft
import ConcordSimulator
import ConcordStorage
import Testing

/// What a log should hold whose beginning may be gone.
struct ReleasedLog: Equatable, CustomStringConvertible {
    var hardState = HardState(term: .zero, votedFor: nil)
    /// What a snapshot was installed for, last.
    var base = LogPosition.start
    /// All entries behind the base, those that are released included.
    var entries: [Entry] = []

    var lastIndex: UInt64 { base.index.rawValue + UInt64(entries.count) }

    /// Whether this was found, from some entry on.
    func matches(_ found: RecoveredLog) -> Bool {
        let released = found.released.index.rawValue
        guard released >= base.index.rawValue, released <= lastIndex, found.hardState == hardState else { return false }
        let place = Int(released - base.index.rawValue)
        return position(at: place) == found.released && Array(entries[place...]) == found.entries
    }

    private func position(at place: Int) -> LogPosition {
        guard place > 0 else { return base }
        let entry = entries[place - 1]
        return LogPosition(index: entry.index, term: entry.term, clock: entry.clock)
    }

    func applying(_ writes: [LogWrite]) -> ReleasedLog {
        var result = self
        for write in writes {
            if let hardState = write.hardState { result.hardState = hardState }
            if let base = write.base { (result.base, result.entries) = (base, []) }
            guard let first = write.entries.first?.index.rawValue else { continue }
            result.entries.removeLast(Int(result.lastIndex + 1 - first))
            result.entries += write.entries
        }
        return result
    }

    /// What it becomes when it is opened beside a snapshot that it does not contain.
    func reset(to snapshot: LogPosition) -> ReleasedLog {
        var result = self
        if hardState.term < snapshot.term { result.hardState = HardState(term: snapshot.term, votedFor: nil) }
        (result.base, result.entries) = (snapshot, [])
        return result
    }

    /// What it may be while `writes` are written: each group is durable or not, in their order.
    func stages(writing writes: [LogWrite]) -> [ReleasedLog] {
        let end = applying(writes)
        var next = self
        next.hardState = end.hardState
        var stages = [self, next]
        if end.base != base {
            (next.base, next.entries) = (end.base, [])
            stages.append(next)
        }
        let first = writes.compactMap { $0.entries.first?.index.rawValue }.min() ?? .max
        for count in next.entries.count..<max(end.entries.count, next.entries.count) {
            var stage = end
            stage.entries = Array(end.entries.prefix(count + 1))
            if stage.lastIndex >= first { stages.append(stage) }
        }
        return stages + [end]
    }

    var description: String {
        "term \(hardState.term.rawValue), base \(base.index.rawValue), terms \(entries.map(\.term.rawValue))"
    }
}

func logFiles(_ disk: SimulatedDisk) -> [String] {
    disk.allContents().keys.filter { $0.hasPrefix("log-") }.sorted()
}

func logFile(_ sequence: UInt64) -> String { "log-000000000000000\(sequence)" }

/// Segments of two blocks: each group below fills one block, so two of them fill a segment.
private let segmentBytes = 2 * block

/// Three entries in each of `groups` groups of one block, from `first` on.
private func fill(
    _ opened: inout DataDirectory<SimulatedDisk>, _ groups: Int, from first: UInt64 = 1, term: UInt64 = 1
) throws(StorageError) {
    for group in 0..<UInt64(groups) {
        let start = first + 3 * group
        let hardState = HardState(term: Term(term), votedFor: nil)
        try opened.log.write([write(hardState, entries(start...start + 2, term: term))])
    }
}

private func reopen(_ disk: SimulatedDisk) throws(StorageError) -> DataDirectory<SimulatedDisk> {
    disk.cutPower()
    disk.restart()
    return try openDirectory(disk, segmentBytes: segmentBytes)
}

@Suite struct ReleaseTests {
    @Test func `only whole segments from the front go, one after the other and durably`() throws {
        let disk = SimulatedDisk(seed: 1)
        disk.keepsHistory = true
        var opened = try openDirectory(disk, segmentBytes: segmentBytes)
        try fill(&opened, 7)
        #expect(logFiles(disk) == [1, 2, 3, 4].map(logFile))
        for (index, files) in [(0, [1, 2, 3, 4]), (5, [1, 2, 3, 4]), (6, [2, 3, 4]), (17, [3, 4])] {
            try opened.log.release(upTo: LogIndex(UInt64(index)))
            #expect(logFiles(disk) == files.map { logFile(UInt64($0)) }, "up to \(index)")
        }
        let before = disk.history.count
        try opened.log.release(upTo: LogIndex(18))
        #expect(Array(disk.history[before...]) == ["remove \(logFile(3))", "synchronize directory"])
    }

    @Test func `the segments of the last group and behind it stay`() throws {
        let disk = SimulatedDisk(seed: 1)
        var opened = try openDirectory(disk, segmentBytes: segmentBytes)
        try fill(&opened, 4)
        _ = try writeSnapshot(12, term: 1, on: disk)
        // The next group goes into segment 3: after a start, too, when segment 2 is seen to be full.
        opened = try reopen(disk)
        try opened.log.release(upTo: LogIndex(12))
        #expect(logFiles(disk) == [2, 3, 4].map(logFile))
        opened = try reopen(disk)
        #expect(opened.recovered.entries == entries(8...12, term: 1) && opened.recovered.notes.isEmpty)
        try fill(&opened, 1, from: 13)
        try opened.log.release(upTo: LogIndex(12))
        #expect(logFiles(disk) == [3, 4].map(logFile))
        opened = try reopen(disk)
        #expect(opened.recovered.released == position(12, term: 1))
        #expect(opened.recovered.entries == entries(13...15, term: 1))
    }

    @Test func `what the entries follow is known wherever the log begins`() throws {
        // Snapshots within the second segment's first group, at its end, and before it.
        for (index, released, first) in [(8, 7, 8), (7, 7, 8), (6, 6, 7), (12, 7, 8)] as [(UInt64, UInt64, UInt64)] {
            let disk = SimulatedDisk(seed: 1)
            var opened = try openDirectory(disk, segmentBytes: segmentBytes)
            try fill(&opened, 4)
            _ = try writeSnapshot(index, term: 1, on: disk)
            opened = try reopen(disk)
            #expect(opened.recovered.released == .start && opened.recovered.entries.count == 12)
            try opened.log.release(upTo: LogIndex(index))
            for _ in 0..<2 {
                opened = try reopen(disk)
                #expect(opened.recovered.released == position(released, term: 1), "\(index)")
                #expect(opened.recovered.entries == entries(first...12, term: 1), "\(index)")
                #expect(opened.recovered.notes.isEmpty && opened.snapshot?.identity.index == LogIndex(index))
            }
            try fill(&opened, 3, from: 13)
            #expect(try reopen(disk).recovered.entries == entries(first...21, term: 1))
        }
    }

    @Test func `without a snapshot for it a released log is refused by its name`() throws {
        let disk = SimulatedDisk(seed: 1)
        var opened = try openDirectory(disk, segmentBytes: segmentBytes)
        try fill(&opened, 6)
        try opened.log.release(upTo: LogIndex(6))
        expectDamage(disk, file: logFile(1), "no snapshot")
        _ = try writeSnapshot(5, term: 1, on: disk)
        expectDamage(disk, file: logFile(2), "a snapshot that does not reach")
        let reaching = try writeSnapshot(6, term: 1, on: disk)
        #expect(try reopen(disk).snapshot == reaching)
    }

    @Test func `a hole between segments is refused whatever a snapshot stands for`() throws {
        let disk = SimulatedDisk(seed: 1)
        var opened = try openDirectory(disk, segmentBytes: segmentBytes)
        try fill(&opened, 7)
        _ = try writeSnapshot(21, term: 1, on: disk)
        disk.discard(logFile(2))
        expectDamage(disk, file: logFile(2), "a hole")
    }

    @Test func `segments of impossible numbers are refused without a trap`() throws {
        for name in ["log-ffffffffffffffff", "log-0000000000000000", "log-7fffffffffffffff"] {
            let disk = SimulatedDisk(seed: 1)
            var opened = try openDirectory(disk, segmentBytes: segmentBytes)
            try fill(&opened, 1)
            _ = try writeSnapshot(2, term: 1, on: disk)
            let zeros = [UInt8](repeating: 0, count: segmentBytes)
            disk.replaceContents(of: name, with: zeros)
            #expect(throws: StorageError.self) { _ = try openDirectory(disk, segmentBytes: segmentBytes) }
            for file in logFiles(disk) where file != name { disk.discard(file) }
            #expect(throws: StorageError.self) { _ = try openDirectory(disk, segmentBytes: segmentBytes) }
        }
    }
}

@Suite struct BaseTests {
    private var voted: HardState { HardState(term: Term(2), votedFor: nil) }

    private func base(_ index: UInt64, term: UInt64 = 2, _ entries: [Entry] = []) -> LogWrite {
        LogWrite(sequence: .zero, hardState: nil, base: position(index, term: term), entries: entries)
    }

    @Test func `a base drops all entries and the log goes on behind it`() throws {
        for (index, more) in [(9, 0), (9, 2), (3, 2), (40, 1)] as [(UInt64, UInt64)] {
            let disk = SimulatedDisk(seed: 1)
            var opened = try openDirectory(disk, segmentBytes: segmentBytes)
            try fill(&opened, 3)
            _ = try writeSnapshot(index, term: 2, on: disk)
            let new = more == 0 ? [] : entries(index + 1...index + more, term: 2)
            try opened.log.write([write(voted, []), base(index, new)])
            try opened.log.write([write(entries(index + more + 1...index + more + 4, term: 2))])
            opened = try reopen(disk)
            #expect(opened.recovered.released == position(index, term: 2))
            #expect(opened.recovered.entries == entries(index + 1...index + more + 4, term: 2))
            #expect(opened.recovered.hardState == voted && opened.recovered.notes.isEmpty)
        }
    }

    @Test func `hard state, base and entries are written in this order, and what a base drops never is`() throws {
        let disk = SimulatedDisk(seed: 1)
        disk.keepsHistory = true
        var opened = try openDirectory(disk)
        let before = disk.history.count
        let writes = [
            write(entries(1...3, term: 1)), base(10, entries(11...12, term: 2)),
            base(20, entries(21...21, term: 2)), write(voted, entries(22...22, term: 2)),
        ]
        try opened.log.write(writes)
        let group = ["write \(logFile(1))", "synchronize \(logFile(1))"]
        let vote = ["write vote", "synchronize vote"]
        #expect(Array(disk.history[before...]) == vote + vote + group + group)
        _ = try writeSnapshot(20, term: 2, on: disk)
        let found = try reopen(disk).recovered
        #expect(found.released == position(20, term: 2) && found.entries == entries(21...22, term: 2))
    }

    /// A base group of format version 2. The checksums were worked out by another program. docs/formats.md
    @Test func `a base is written as version 2 byte by byte`() throws {
        let disk = SimulatedDisk(seed: 1)
        var opened = try openDirectory(disk, segmentBytes: segmentBytes)
        try opened.log.write([base(9, term: 4)])
        let expected = BaseTests.golden
        let digits = expected.utf8.map { $0 < 0x3A ? $0 - 0x30 : $0 - 0x61 + 10 }
        let bytes = stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
        let written = try #require(disk.contents(of: logFile(1)))
        #expect(Array(written[..<bytes.count]) == bytes)
        #expect(written.indices.dropFirst(bytes.count).filter { written[$0] != 0 } == [511])
        #expect(written[511] == 255)
    }

    @Test func `segments before a base go whatever their entries were`() throws {
        let disk = SimulatedDisk(seed: 1)
        var opened = try openDirectory(disk, segmentBytes: segmentBytes)
        try fill(&opened, 6)
        _ = try writeSnapshot(9, term: 2, on: disk)
        try opened.log.write([write(voted, []), base(9, entries(10...11, term: 2))])
        try opened.log.release(upTo: LogIndex(9))
        #expect(logFiles(disk) == [4, 5].map(logFile))
        opened = try reopen(disk)
        #expect(opened.recovered.released == position(9, term: 2))
        #expect(opened.recovered.entries == entries(10...11, term: 2))
    }

    @Test func `a base behind every snapshot is refused by its file`() throws {
        let disk = SimulatedDisk(seed: 1)
        var opened = try openDirectory(disk, segmentBytes: segmentBytes)
        try fill(&opened, 3)
        try opened.log.write([write(voted, []), base(9, entries(10...11, term: 2))])
        expectDamage(disk, file: logFile(2), offset: block, "no snapshot")
        _ = try writeSnapshot(8, term: 1, on: disk)
        expectDamage(disk, file: logFile(2), offset: block, "a snapshot before it")
        let reaching = try writeSnapshot(9, term: 2, on: disk)
        #expect(try reopen(disk).snapshot == reaching)
    }

    @Test func `a segment prepared beside the writes is waited for by a base as well`() throws {
        let disk = SimulatedDisk(seed: 1)
        var opened = try openDirectory(disk, segmentBytes: segmentBytes)
        try fill(&opened, 3)
        let next = opened.log.nextPreparation()
        let preparation = try #require(next)
        let unwritten = try opened.log.write([base(20)])
        let rest = try #require(unwritten?.rest)
        #expect(rest.base == position(20, term: 2) && unwritten?.finished == nil)
        var other = disk
        try preparation.run(on: &other)
        opened.log.prepared(preparation)
        try opened.log.write([rest])
        _ = try writeSnapshot(20, term: 2, on: disk)
        #expect(try reopen(disk).recovered.released == position(20, term: 2))
    }

    @Test func `what a snapshot stands for is never replaced`() async {
        await #expect(processExitsWith: .failure) {
            let disk = SimulatedDisk(seed: 1)
            var opened = try openDirectory(disk)
            try opened.log.write([LogWrite(sequence: .zero, hardState: nil, base: position(9, term: 2), entries: [])])
            try opened.log.write([write(entries(9...9, term: 2))])
        }
        await #expect(processExitsWith: .failure) {
            let disk = SimulatedDisk(seed: 1)
            var opened = try openDirectory(disk)
            try opened.log.write([LogWrite(sequence: .zero, hardState: nil, base: position(9, term: 2), entries: [])])
            try opened.log.write([LogWrite(sequence: .zero, hardState: nil, base: position(9, term: 2), entries: [])])
        }
        await #expect(processExitsWith: .failure) {
            var opened = try openDirectory(SimulatedDisk(seed: 1))
            try opened.log.write([
                LogWrite(
                    sequence: .zero, hardState: nil, base: position(9, term: 2), entries: entries(11...11, term: 2))
            ])
        }
    }

    private static let golden = [
        "434c474800000000020070000100000001000000000000000020000000000000",
        "01000000000000008c0000000000000009000000000000000400000000000000",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "00000000000000000000000003f6a27922ae7f64180000000200000009000000",
        "0000000004000000000000005a00000000000000",
    ].joined()
}

func expectDamage(_ disk: SimulatedDisk, file: String, offset: Int = 0, _ context: String) {
    let before = disk.allContents()
    do throws(StorageError) {
        _ = try openDirectory(disk, segmentBytes: segmentBytes)
        Issue.record("\(context): opened")
    } catch {
        guard case .damaged(file, offset, _) = error else {
            Issue.record("\(context): \(error)")
            return
        }
    }
    #expect(disk.allContents() == before, "\(context): a refusal changed something")
}
