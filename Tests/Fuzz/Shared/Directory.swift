import ConcordBytes
import ConcordRaft
import ConcordSimulator
import ConcordStorage

/// A data directory that a member wrote, and what an input does to its files.
struct Directory {
    static let block = StorageLimits.blockBytes
    static let segmentBytes = 2 * block
    static let member = MemberID(7)
    private static let wholeNames =
        ["member", "vote"] + (1...4).map { "log-000000000000000\($0)" } + ["member.new", "log-0000000000000005.new"]
    private static let releasedNames =
        ["member", "vote"] + (2...6).map { "log-000000000000000\($0)" }
        + ["snapshot-0000000000000006-0000000000000001", "snapshot-0000000000000014-0000000000000003"]

    let names: [String]
    /// What a file holds; `nil` where there is none.
    var files: [[UInt8]?]
    /// How many changes were made, and whether each kept to one block of the log or of the votes.
    private(set) var changes = 0
    private(set) var isWithinOneBlock = true

    init(_ disk: SimulatedDisk, names: [String] = wholeNames) {
        self.names = names
        files = names.map { disk.contents(of: $0) }
    }

    /// What was on the disk after each group of the log: files, entries, votes.
    struct Stage {
        var directory: Directory
        /// What the entries follow.
        var base = LogPosition.start
        /// Those that were released included.
        var entries: [Entry]
        var hardState: HardState

        /// Whether this is what was found, but for entries from the beginning, and for those at the end of which the
        /// member remembers that its disk has lost them.
        func contains(_ found: RecoveredLog) -> Bool {
            guard found.released.index >= base.index else { return false }
            let place = Int(found.released.index.rawValue - base.index.rawValue)
            guard place <= entries.count else { return false }
            let position = place == 0 ? base : Directory.position(of: entries[place - 1])
            let rest = entries[place...]
            return position == found.released
                && (found.hardState.doubt == nil ? rest.elementsEqual(found.entries) : rest.starts(with: found.entries))
        }

        /// Whether this is the vote that was found, or the one that a member takes whose disk has lost something.
        func explains(_ found: HardState) -> Bool {
            guard let doubt = found.doubt else { return found == hardState }
            return found.term == hardState.term.next && doubt.term == found.term && found.votedFor == nil
        }

        /// Where the log ends.
        var last: LastEntry {
            let last = entries.last.map { Directory.position(of: $0) } ?? base
            return LastEntry(term: last.term, index: last.index)
        }
    }

    /// Entries 1 to 3, then 4 and 5, then 4 of a later term in place of both, then a long 5.
    static let stages: [Stage] = {
        let disk = SimulatedDisk(seed: 1)
        guard var opened = try? openNew(disk) else { preconditionFailure("a new directory does not open") }
        let start = HardState(term: .zero, votedFor: nil)
        var stages = [Stage(directory: Directory(disk), entries: [], hardState: start)]
        let writes = [
            LogWrite(
                sequence: .zero, hardState: HardState(term: Term(1), votedFor: member), entries: entries(1...3, term: 1)
            ),
            LogWrite(sequence: .zero, hardState: nil, entries: entries(4...5, term: 1)),
            LogWrite(
                sequence: .zero, hardState: HardState(term: Term(2), votedFor: MemberID(9)),
                entries: entries(4...4, term: 2)),
            LogWrite(sequence: .zero, hardState: nil, entries: entries(5...5, term: 2, bytes: block)),
        ]
        for write in writes {
            let isWritten: Void? = try? { _ = try opened.log.write([write]) }()
            precondition(isWritten != nil, "a sound disk refuses a write")
            guard let last = stages.last, let first = write.entries.first else { break }
            let kept = last.entries.prefix(Int(first.index.rawValue) - 1)
            stages.append(
                Stage(
                    directory: Directory(disk), entries: kept + write.entries,
                    hardState: write.hardState ?? last.hardState))
        }
        return stages
    }()

    /// Entries 1 to 6 in two segments, of which a snapshot stands for all; the first segment is gone. Then 7 to 9 and 10
    /// to 12; then another member's snapshot up to entry 20 of term 3 with a base record for it, and 21 to 23.
    static let releasedStages: [Stage] = {
        let disk = SimulatedDisk(seed: 1)
        guard var opened = try? openNew(disk) else { preconditionFailure("a new directory does not open") }
        var stages: [Stage] = []
        var last = Stage(
            directory: Directory(disk, names: releasedNames), entries: [],
            hardState: HardState(term: .zero, votedFor: nil))
        func write(_ new: [Entry], _ term: UInt64, base: LogPosition? = nil) {
            let hardState = HardState(term: Term(term), votedFor: member)
            let write = LogWrite(sequence: .zero, hardState: hardState, base: base, entries: new)
            let isWritten: Void? = try? { _ = try opened.log.write([write]) }()
            precondition(isWritten != nil, "a sound disk refuses a write")
            if let base { (last.base, last.entries) = (base, []) }
            last.entries += new
            last.hardState = hardState
        }
        func keep() {
            last.directory = Directory(disk, names: releasedNames)
            stages.append(last)
        }
        for first: UInt64 in [1, 4, 7] { write(entries(first...first + 2, term: 1), 1) }
        addSnapshot(position(of: entries(6...6, term: 1)[0]), on: disk)
        let isReleased: Void? = try? opened.log.release(upTo: LogIndex(6))
        precondition(isReleased != nil, "a sound disk refuses a release")
        keep()
        write(entries(10...12, term: 1), 1)
        keep()
        let base = LogPosition(index: LogIndex(20), term: Term(3), clock: 20)
        addSnapshot(base, on: disk)
        write([], 3, base: base)
        keep()
        write(entries(21...23, term: 3), 3)
        keep()
        return stages
    }()

    private static func addSnapshot(_ position: LogPosition, on disk: SimulatedDisk) {
        let base = LogBase(position: position, configuration: configuration)
        guard var writer = try? SnapshotWriter(SnapshotHeader(cluster: ClusterID(5), base: base), on: disk) else {
            preconditionFailure("a sound disk refuses a snapshot")
        }
        for piece: [UInt8] in [[1, 2, 3], [UInt8](repeating: 7, count: 40)] {
            let isWritten: Void? = try? writer.append(piece)
            precondition(isWritten != nil, "a sound disk refuses a piece")
        }
        let finished = try? writer.finish()
        precondition(finished != nil, "a sound disk refuses the end of a snapshot")
    }

    static func position(of entry: Entry) -> LogPosition {
        LogPosition(index: entry.index, term: entry.term, clock: entry.clock)
    }

    private static func entries(_ indices: ClosedRange<UInt64>, term: UInt64, bytes: Int = 20) -> [Entry] {
        indices.map { index in
            Entry(
                index: LogIndex(index), term: Term(term), clock: index, kind: .commands,
                payload: [UInt8](repeating: UInt8(index), count: bytes))
        }
    }

    static func open(_ disk: SimulatedDisk) throws(StorageError) -> DataDirectory<SimulatedDisk> {
        try DataDirectory.open(disk, newMember: member, name: "a", segmentBytes: segmentBytes)
    }

    /// A directory of a member that has others beside it: what it loses they may have.
    private static func openNew(_ disk: SimulatedDisk) throws(StorageError) -> DataDirectory<SimulatedDisk> {
        var opened = try open(disk)
        var record = opened.member.record
        (record.clusterID, record.initialConfiguration) = (ClusterID(5), configuration)
        try opened.member.write(record)
        return opened
    }

    private static let configuration = Configuration(
        members: [member, MemberID(8), MemberID(9)].map {
            Configuration.Member(id: $0, name: "m\($0.rawValue)", peerAddress: "m\($0.rawValue):1")
        })

    /// Whether a sector of what is here begins or ends with a zero where that of `other` does not. Then it may look as
    /// if it had never been written.
    func lacksSectors(of other: Directory) -> Bool {
        zip(files, other.files).contains { mine, theirs in
            guard let mine, let theirs else { return false }
            return zip(mine, theirs).enumerated().contains { offset, bytes in
                bytes.0 == 0 && bytes.1 != 0 && [0, 511].contains(offset % 512)
            }
        }
    }

    /// Whether it is refused because no number is left for what would be written next: no log lives so long.
    static func isAtItsEnd(_ disk: SimulatedDisk) -> Bool {
        do throws(StorageError) {
            _ = try open(disk)
            return false
        } catch {
            guard case .damaged(_, _, let what) = error else { return false }
            return what.hasSuffix(" at their end") || what.hasSuffix(" at its end")
        }
    }

    func disk() -> SimulatedDisk {
        let disk = SimulatedDisk(seed: 1)
        for (name, bytes) in zip(names, files) {
            if let bytes { disk.replaceContents(of: name, with: bytes) }
        }
        return disk
    }

    /// Lets the input change something: bits, bytes, blocks, whole files, which may be those of other `stages`.
    mutating func change(_ parts: inout InputBytes, among stages: [Stage] = stages) {
        let number = parts.number(below: names.count)
        var bytes = files[number] ?? []
        let offset = bytes.isEmpty ? 0 : parts.number(below: bytes.count)
        let blockStart = offset / Directory.block * Directory.block
        let blockEnd = min(bytes.count, blockStart + Directory.block)
        let kind = parts.byte() % 9
        changes += 1
        isWithinOneBlock = isWithinOneBlock && kind < 4 && number > 0
        switch kind {
        case 0 where !bytes.isEmpty: bytes[offset] ^= parts.byte()
        case 1: Directory.put(parts.piece(), at: offset, in: &bytes, end: blockEnd)
        case 2: Directory.put([UInt8](repeating: 0, count: blockEnd - blockStart), at: blockStart, in: &bytes)
        case 3: Directory.put(Directory.littleEndian(parts.tellingInteger()), at: offset, in: &bytes, end: blockEnd)
        case 4: bytes.removeLast(bytes.count - offset)
        case 5: bytes += [UInt8](repeating: 0, count: parts.number(below: 3) * Directory.block) + parts.piece()
        case 6:
            let from = files[parts.number(below: files.count)] ?? []
            let start = parts.number(below: from.count / Directory.block + 1) * Directory.block
            let copied = Array(from[start..<min(from.count, start + Directory.block)])
            Directory.put(copied, at: blockStart, in: &bytes)
        case 7:
            files[number] = nil
            return
        default:
            let stage = stages[parts.number(below: stages.count)]
            files[number] =
                stage.directory.files[parts.number(below: 2) == 0 ? number : parts.number(below: files.count)]
            return
        }
        files[number] = bytes
    }

    private static func put(_ new: [UInt8], at offset: Int, in bytes: inout [UInt8], end: Int = .max) {
        for (place, byte) in zip(offset..<min(bytes.count, end), new) { bytes[place] = byte }
    }

    static func littleEndian(_ number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
    }
}
