import ConcordBytes

/// How much of a group that does not verify was written, as its sectors show.
enum GroupExtent {
    /// A sector never reached the disk: the group was never synchronised, and nobody was told of it.
    case unfinished
    /// Its version shows no such thing: it was cut short, or has changed since.
    case unknown
    /// Every sector was written, as far as can be told, so it has changed since. Where no header verifies, that is told by
    /// the first sector alone.
    case whole
}

/// How a group's stream lies in its blocks. docs/formats.md, "Blocks".
///
/// The medium takes sectors, and a segment is zero where nothing was written. So since version 2 no sector of a group
/// begins or ends with a zero byte: where one does, the group was never written to its end. Then it was never
/// synchronised, and nobody was told of it. A group that has all of its sectors and does not verify has changed since.
struct GroupLayout: Equatable, Sendable {
    let version: UInt16

    static let newest = GroupLayout(unchecked: 2)

    /// `nil` for a version that is not known here.
    init?(version: UInt16) {
        guard version == 1 || version == GroupLayout.newest.version else { return nil }
        self.version = version
    }

    private init(unchecked version: UInt16) {
        self.version = version
    }

    /// What disks have always written as one.
    static let sectorBytes = 512
    private static let sectorsPerBlock = StorageLimits.blockBytes / sectorBytes
    /// What a sector begins and ends with, unless a block's mark begins it. No single bit makes it zero.
    private static let tooth: UInt8 = 0xFF

    private var hasTeeth: Bool { version > 1 }

    /// Of a block, what belongs to the stream.
    var streamBytesPerBlock: Int {
        StorageLimits.blockBytes - GroupHeader.Mark.bytes - (hasTeeth ? 2 * GroupLayout.sectorsPerBlock - 1 : 0)
    }

    func blocks(streamBytes: Int) -> Int {
        (streamBytes + streamBytesPerBlock - 1) / streamBytesPerBlock
    }

    // MARK: Writing

    /// The blocks of a group of the newest version. `stream` has the first block's mark before it.
    static func blocks(of stream: [UInt8], zeroBlocksBehind: Int) -> [UInt8] {
        let count = newest.blocks(streamBytes: stream.count - GroupHeader.Mark.bytes) + zeroBlocksBehind
        var blocks = ByteWriter(capacity: count * StorageLimits.blockBytes)
        var position = 0
        var sector = 0
        while position < stream.count {
            let end = (sector + 1) * sectorBytes - 1
            if sector > 0, sector % sectorsPerBlock == 0 {
                blocks.write(GroupHeader.Mark.continuation)
                blocks.write(UInt32(sector / sectorsPerBlock))
            } else if sector > 0 {
                blocks.write(tooth)
            }
            let share = min(stream.count - position, end - blocks.count)
            blocks.writeRaw(stream[position..<position + share])
            if blocks.count < end { blocks.writeRaw([UInt8](repeating: 0, count: end - blocks.count)) }
            blocks.write(tooth)
            position += share
            sector += 1
        }
        blocks.pad(to: StorageLimits.blockBytes)
        blocks.writeRaw([UInt8](repeating: 0, count: zeroBlocksBehind * StorageLimits.blockBytes))
        return blocks.bytes
    }

    // MARK: Reading

    /// The stream of `blocks` blocks from `offset` on, which lie within `segment`; `nil` where a mark is wrong.
    func stream(_ segment: [UInt8], at offset: Int, blocks: Int) -> [UInt8]? {
        var stream = ByteWriter(capacity: blocks * streamBytesPerBlock)
        for block in 0..<blocks {
            let start = offset + block * StorageLimits.blockBytes
            let tag = block == 0 ? GroupHeader.Mark.head : GroupHeader.Mark.continuation
            guard let mark = GroupHeader.Mark.read(segment, at: start), mark == (tag, UInt32(block)) else { return nil }
            guard hasTeeth else {
                stream.writeRaw(segment[start + GroupHeader.Mark.bytes..<start + StorageLimits.blockBytes])
                continue
            }
            for sector in 0..<GroupLayout.sectorsPerBlock {
                let first = start + sector * GroupLayout.sectorBytes
                let skipped = sector == 0 ? GroupHeader.Mark.bytes : 1
                stream.writeRaw(segment[first + skipped..<first + GroupLayout.sectorBytes - 1])
            }
        }
        return stream.bytes
    }

    /// Of a group whose header verifies.
    func extent(_ segment: [UInt8], at offset: Int, streamBytes: Int) -> GroupExtent {
        guard hasTeeth else { return .unknown }
        let blocks = streamBytes / streamBytesPerBlock
        var rest = streamBytes % streamBytesPerBlock
        var sectors = blocks * GroupLayout.sectorsPerBlock
        var share = GroupLayout.sectorBytes - GroupHeader.Mark.bytes - 1
        while rest > 0 {
            sectors += 1
            rest -= share
            share = GroupLayout.sectorBytes - 2
        }
        let isUnfinished = (0..<sectors).contains {
            GroupLayout.isMissing(segment, sectorAt: offset + $0 * GroupLayout.sectorBytes)
        }
        return isUnfinished ? .unfinished : .whole
    }

    /// Of a group whose header does not verify, by its first sector. A group of version 1 has no teeth to tell it by:
    /// there the header says something, and not that it is of version 2.
    static func extent(_ segment: [UInt8], headerAt offset: Int) -> GroupExtent {
        guard isMissing(segment, sectorAt: offset) else { return .whole }
        let header = offset + GroupHeader.Mark.bytes..<min(segment.count, offset + GroupHeader.bytes)
        guard segment[offset] != 0, !header.isEmpty else { return .unfinished }
        let isUnfinished = segment[header.lowerBound] == newest.version || segment[header].allSatisfy { $0 == 0 }
        return isUnfinished ? .unfinished : .unknown
    }

    private static func isMissing(_ segment: [UInt8], sectorAt offset: Int) -> Bool {
        let last = offset + sectorBytes - 1
        return !segment.indices.contains(last) || segment[offset] == 0 || segment[last] == 0
    }
}
