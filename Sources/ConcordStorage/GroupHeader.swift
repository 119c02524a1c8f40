import ConcordBytes
import ConcordRaft

/// What stands first in every group of the log: enough to know, without the records, what the group says, what
/// it continues, and what would be lost with it. docs/formats.md, "Log segments".
struct GroupHeader: Equatable, Sendable {
    /// How the group lies in its blocks. What is written is of the newest version.
    var layout = GroupLayout.newest
    /// Of the segment that it was written for. Never used again, so what a recycled file still holds of its
    /// former life is never taken for its present one.
    var segment: UInt64
    /// The length of the segment's file when the group was written: files never shrink, so a shorter one was cut.
    var segmentBytes: UInt64
    /// Groups are numbered from 1 through all segments: a missing one shows.
    var number: UInt64
    /// The bytes of header and records, without the marks of the blocks.
    var streamBytes: UInt64
    var recordCount: UInt32
    var firstIndex: LogIndex
    /// With the last index it names all entries of the group, by the Log Matching Property (dissertation §3.5).
    var lastTerm: Term
    /// The last index of the log that was durable before this group was written.
    var durableBefore: LogIndex
    /// Where the group before this one began: what is lost at most when exactly that one cannot be read.
    var previousFirstIndex: LogIndex
    /// The checksum of the last record before this group.
    var checksumBefore: UInt32

    var lastIndex: LogIndex { LogIndex(firstIndex.rawValue + UInt64(recordCount) - 1) }

    var claim: DoubtfulGroup.Claim {
        DoubtfulGroup.Claim(firstIndex: firstIndex, lastIndex: lastIndex, lastTerm: lastTerm)
    }

    /// What a block begins with. No byte of a record ever stands there, so nothing that a client wrote can be
    /// taken for a group's header, wherever a search begins.
    enum Mark {
        static let bytes = 8
        /// `CLGH`: the first block of a group.
        static let head: UInt32 = 0x4847_4C43
        /// `CLGC`: a further block.
        static let continuation: UInt32 = 0x4347_4C43

        static func read(_ bytes: [UInt8], at offset: Int) -> (tag: UInt32, ordinal: UInt32)? {
            guard offset >= 0, offset <= bytes.count - self.bytes else { return nil }
            var reader = ByteReader(bytes, in: offset..<offset + self.bytes)
            guard let tag = try? reader.readUInt32(), let ordinal = try? reader.readUInt32() else { return nil }
            return (tag, ordinal)
        }
    }

    /// From the start of the block to the first record.
    static let bytes = 112
    /// How much of the header belongs to the stream.
    static let streamBytes = bytes - Mark.bytes

    /// Appends the header, mark and checksum included.
    /// - Returns: its checksum, from which the chain of its records goes on.
    func encode(into writer: inout ByteWriter) -> UInt32 {
        let start = writer.count
        writer.write(Mark.head)
        writer.write(UInt32(0))
        writer.write(layout.version)
        writer.write(UInt16(GroupHeader.bytes))
        writer.write(recordCount)
        writer.write(segment)
        writer.write(segmentBytes)
        writer.write(number)
        writer.write(streamBytes)
        writer.write(firstIndex.rawValue)
        writer.write(lastTerm.rawValue)
        writer.write(durableBefore.rawValue)
        writer.write(previousFirstIndex.rawValue)
        writer.write(checksumBefore)
        writer.writeRaw([UInt8](repeating: 0, count: GroupHeader.bytes - 4 - (writer.count - start)))
        let checksum = CRC32C.checksum(writer.bytes, in: start..<writer.count)
        writer.write(checksum)
        return checksum
    }

    /// What a search finds at the start of a block.
    enum Sighting: Equatable {
        /// A header that verifies, and its checksum.
        case header(GroupHeader, checksum: UInt32)
        /// A header that verifies, of a version that this program does not know.
        case newer(version: UInt16)
        case none
    }

    /// Looks at the block of `segment` that begins at `offset`.
    static func look(at segment: [UInt8], offset: Int) -> Sighting {
        guard let mark = Mark.read(segment, at: offset), mark.tag == Mark.head, mark.ordinal == 0 else { return .none }
        let blockEnd = min(segment.count, offset + StorageLimits.blockBytes)
        var reader = ByteReader(segment, in: offset + Mark.bytes..<blockEnd)
        guard let version = try? reader.readUInt16(), let headerBytes = try? reader.readUInt16() else { return .none }
        let checksumOffset = offset + Int(headerBytes) - 4
        guard checksumOffset >= reader.position, checksumOffset + 4 <= blockEnd else { return .none }
        var checksumReader = ByteReader(segment, in: checksumOffset..<checksumOffset + 4)
        let checksum = CRC32C.checksum(segment, in: offset..<checksumOffset)
        guard (try? checksumReader.readUInt32()) == checksum else { return .none }
        guard version <= GroupLayout.newest.version else { return .newer(version: version) }
        guard let layout = GroupLayout(version: version), Int(headerBytes) == bytes else { return .none }
        guard var header = try? GroupHeader(decoding: &reader) else { return .none }
        header.layout = layout
        return .header(header, checksum: checksum)
    }

    /// Reads the fields behind version and length, and refuses numbers that no writer of ours writes.
    private init(decoding reader: inout ByteReader) throws(ByteError) {
        recordCount = try reader.readUInt32()
        segment = try reader.readUInt64()
        segmentBytes = try reader.readUInt64()
        number = try reader.readUInt64()
        streamBytes = try reader.readUInt64()
        firstIndex = LogIndex(try reader.readUInt64())
        lastTerm = Term(try reader.readUInt64())
        durableBefore = LogIndex(try reader.readUInt64())
        previousFirstIndex = LogIndex(try reader.readUInt64())
        checksumBefore = try reader.readUInt32()
        let greatest = UInt64(Int64.max)
        guard recordCount > 0, number > 0, number < greatest else { throw .invalid }
        guard firstIndex.rawValue > 0, firstIndex.rawValue < greatest, durableBefore.rawValue < greatest else {
            throw .invalid
        }
        guard streamBytes >= UInt64(GroupHeader.streamBytes), streamBytes < greatest else { throw .invalid }
    }

    init(
        segment: UInt64, segmentBytes: UInt64, number: UInt64, streamBytes: UInt64, recordCount: UInt32,
        firstIndex: LogIndex, lastTerm: Term, durableBefore: LogIndex, previousFirstIndex: LogIndex,
        checksumBefore: UInt32
    ) {
        self.segment = segment
        self.segmentBytes = segmentBytes
        self.number = number
        self.streamBytes = streamBytes
        self.recordCount = recordCount
        self.firstIndex = firstIndex
        self.lastTerm = lastTerm
        self.durableBefore = durableBefore
        self.previousFirstIndex = previousFirstIndex
        self.checksumBefore = checksumBefore
    }
}
