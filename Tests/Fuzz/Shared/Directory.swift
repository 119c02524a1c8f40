import ConcordBytes
import ConcordRaft
import ConcordSimulator
import ConcordStorage

/// A data directory that a member wrote, and what an input does to its files.
struct Directory {
    static let block = StorageLimits.blockBytes
    static let segmentBytes = 2 * block
    static let member = MemberID(7)
    static let names =
        ["member", "vote"] + (1...4).map { "log-000000000000000\($0)" } + ["member.new", "log-0000000000000005.new"]

    /// What a file holds; `nil` where there is none.
    var files: [[UInt8]?]
    /// How many changes were made, and whether each kept to one block of the log or of the votes.
    private(set) var changes = 0
    private(set) var isWithinOneBlock = true

    init(_ disk: SimulatedDisk) {
        files = Directory.names.map { disk.contents(of: $0) }
    }

    /// What was on the disk after each group of the log: files, entries, votes.
    struct Stage {
        var directory: Directory
        var entries: [Entry]
        var hardState: HardState
    }

    /// Entries 1 to 3, then 4 and 5, then 4 of a later term in place of both, then a long 5.
    static let stages: [Stage] = {
        let disk = SimulatedDisk(seed: 1)
        guard var opened = try? open(disk) else { preconditionFailure("a new directory does not open") }
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
            let isWritten: Void? = try? opened.log.write([write])
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

    func disk() -> SimulatedDisk {
        let disk = SimulatedDisk(seed: 1)
        for (name, bytes) in zip(Directory.names, files) {
            if let bytes { disk.replaceContents(of: name, with: bytes) }
        }
        return disk
    }

    /// Lets the input change something: bits, bytes, blocks, whole files.
    mutating func change(_ parts: inout InputBytes) {
        let number = parts.number(below: Directory.names.count)
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
            let stages = Directory.stages
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
