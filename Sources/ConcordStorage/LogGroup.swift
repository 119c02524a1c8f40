import ConcordBytes
import ConcordRaft

/// The bytes of a group: its header and its records, cut into marked blocks. docs/formats.md, "Log segments".
enum LogGroup {
    /// Bytes of a record besides its entry: checksum, length, type.
    static let recordOverheadBytes = 12

    /// Bytes of a base record's content.
    private static let baseBytes = 3 * 8
    /// Bytes of the content of a record that ends the log.
    private static let endBytes = 8

    /// What a group says.
    enum Content: Equatable {
        /// At least one, with consecutive indices: they replace whatever the log holds from the first one's index on.
        case entries(ArraySlice<Entry>)
        /// All entries before it are dropped, and the log goes on behind this position.
        case base(LogPosition)
        /// The entries from here on are dropped.
        case end(before: LogIndex)
    }

    static let baseRecordBytes = recordOverheadBytes + baseBytes
    static let endRecordBytes = recordOverheadBytes + endBytes

    static func recordBytes(of entry: Entry) -> Int {
        recordOverheadBytes + Entry.overheadBytes + entry.payload.count
    }

    /// The bytes on disk of a group whose records take `recordBytes`: a whole number of blocks.
    static func bytesOnDisk(recordBytes: Int) -> Int {
        GroupLayout.newest.blocks(streamBytes: GroupHeader.streamBytes + recordBytes) * StorageLimits.blockBytes
    }

    // MARK: Writing

    /// The group's blocks, with a zero block behind them if asked for, and the checksum of its last record.
    /// `header` must count the records and their bytes.
    static func encode(
        _ content: Content, header: GroupHeader, zeroBlockBehind: Bool
    ) -> (blocks: [UInt8], checksum: UInt32) {
        var stream = ByteWriter(capacity: GroupHeader.Mark.bytes + Int(header.streamBytes) + StorageLimits.blockBytes)
        let chain = RecordChain(segment: header.segment)
        var checksum = header.encode(into: &stream)
        switch content {
        case .entries(let entries):
            for entry in entries {
                let start = begin(entryRecord, bytes: Entry.overheadBytes + entry.payload.count, in: &stream)
                entry.encode(into: &stream)
                checksum = chain.seal(&stream, from: start, after: checksum)
            }
        case .base(let position):
            let start = begin(baseRecord, bytes: baseBytes, in: &stream)
            stream.write(position.index.rawValue)
            stream.write(position.term.rawValue)
            stream.write(position.clock)
            checksum = chain.seal(&stream, from: start, after: checksum)
        case .end(let index):
            let start = begin(endRecord, bytes: endBytes, in: &stream)
            stream.write(index.rawValue)
            checksum = chain.seal(&stream, from: start, after: checksum)
        }
        precondition(
            stream.count - GroupHeader.Mark.bytes == Int(header.streamBytes), "a group's header names another length")
        return (GroupLayout.blocks(of: stream.bytes, zeroBlocksBehind: zeroBlockBehind ? 1 : 0), checksum)
    }

    /// Writes what stands before a record's content, with room for the checksum.
    /// - Returns: where the record begins.
    private static func begin(_ type: UInt32, bytes: Int, in stream: inout ByteWriter) -> Int {
        let start = stream.count
        stream.write(UInt32(0))
        stream.write(UInt32(bytes))
        stream.write(type)
        return start
    }

    // MARK: Reading

    enum Reading {
        /// Every record verifies: what they say, the checksum of the last one, and the bytes on disk.
        case good(content: Content, checksum: UInt32, bytesOnDisk: Int)
        /// Something does not verify.
        case unverifiable(what: String)
        /// Everything up to this record verifies, and so does the record, but its content is not known here.
        case unreadable
    }

    /// Reads the group of `segment` that begins at `offset` with `header`.
    static func read(_ segment: [UInt8], at offset: Int, header: GroupHeader, checksum: UInt32) -> Reading {
        guard header.streamBytes <= UInt64(segment.count - offset) else {
            return .unverifiable(what: "the group is longer than the file")
        }
        let layout = header.layout
        let blocks = layout.blocks(streamBytes: Int(header.streamBytes))
        guard blocks * StorageLimits.blockBytes <= segment.count - offset else {
            return .unverifiable(what: "the group is longer than the file")
        }
        guard let stream = layout.stream(segment, at: offset, blocks: blocks) else {
            return .unverifiable(what: "a block of the group has no mark")
        }
        // Its records verify also without a sector that has nothing but zeros of them.
        guard extent(segment, at: offset, header: header) != .unfinished else {
            return .unverifiable(what: "a sector of the group was never written")
        }
        let records = GroupHeader.streamBytes..<Int(header.streamBytes)
        return readRecords(
            stream, in: records, header: header, checksum: checksum, bytesOnDisk: blocks * StorageLimits.blockBytes)
    }

    /// The bytes on disk of the group that has this header.
    static func bytesOnDisk(_ header: GroupHeader, atMost bytes: Int) -> Int {
        guard header.streamBytes <= UInt64(bytes) else { return bytes }
        return min(bytes, header.layout.blocks(streamBytes: Int(header.streamBytes)) * StorageLimits.blockBytes)
    }

    /// How much of a group was written.
    static func extent(_ segment: [UInt8], at offset: Int, header: GroupHeader) -> GroupExtent {
        guard header.streamBytes <= UInt64(segment.count - offset) else { return .unknown }
        return header.layout.extent(segment, at: offset, streamBytes: Int(header.streamBytes))
    }

    private static func readRecords(
        _ bytes: [UInt8], in range: Range<Int>, header: GroupHeader, checksum: UInt32, bytesOnDisk: Int
    ) -> Reading {
        let chain = RecordChain(segment: header.segment)
        var reader = ByteReader(bytes, in: range)
        var checksum = checksum
        var entries: [Entry] = []
        entries.reserveCapacity(min(Int(header.recordCount), range.count / (recordOverheadBytes + Entry.overheadBytes)))
        for number in 0..<header.recordCount {
            guard let record = try? RecordFrame(decoding: &reader) else {
                return .unverifiable(what: "record \(number) of the group has no sound length")
            }
            checksum = chain.checksum(bytes, in: record.covered, after: checksum)
            guard checksum == record.checksum else {
                return .unverifiable(what: "record \(number) of the group does not match its checksum")
            }
            var content = ByteReader(bytes, in: record.content)
            if record.type == baseRecord {
                guard header.recordCount == 1, reader.remaining == 0, let base = try? readBase(&content),
                    base.index == header.firstIndex, base.term == header.lastTerm
                else { return .unreadable }
                return .good(content: .base(base), checksum: checksum, bytesOnDisk: bytesOnDisk)
            }
            if record.type == endRecord {
                guard header.recordCount == 1, reader.remaining == 0, let index = try? content.readUInt64(),
                    content.remaining == 0, index == header.firstIndex.rawValue
                else { return .unreadable }
                return .good(content: .end(before: header.firstIndex), checksum: checksum, bytesOnDisk: bytesOnDisk)
            }
            guard record.type == entryRecord, let entry = try? Entry(decoding: &content), content.remaining == 0,
                entry.index.rawValue == header.firstIndex.rawValue + UInt64(number)
            else { return .unreadable }
            entries.append(entry)
        }
        guard reader.remaining == 0, entries.last?.term == header.lastTerm else { return .unreadable }
        return .good(content: .entries(entries[...]), checksum: checksum, bytesOnDisk: bytesOnDisk)
    }

    private static func readBase(_ content: inout ByteReader) throws(ByteError) -> LogPosition {
        let index = LogIndex(try content.readUInt64())
        let term = Term(try content.readUInt64())
        let clock = try content.readUInt64()
        try content.finish()
        return LogPosition(index: index, term: term, clock: clock)
    }

    /// Where a record and its parts lie.
    private struct RecordFrame {
        var checksum: UInt32
        var type: UInt32
        /// What the checksum covers: length, type and content.
        var covered: Range<Int>
        var content: Range<Int>

        init(decoding reader: inout ByteReader) throws(ByteError) {
            checksum = try reader.readUInt32()
            let start = reader.position
            let length = Int(try reader.readUInt32())
            type = try reader.readUInt32()
            let contentStart = try reader.advance(length)
            content = contentStart..<reader.position
            covered = start..<reader.position
        }
    }

    /// The checksum of a record: over the segment's sequence number and the record, continued from the record
    /// before it. So a record verifies only in its own segment, and only behind its own predecessor.
    private struct RecordChain {
        private let sequence: [UInt8]

        init(segment: UInt64) {
            var writer = ByteWriter(capacity: 8)
            writer.write(segment)
            sequence = writer.bytes
        }

        func checksum(_ bytes: [UInt8], in range: Range<Int>, after previous: UInt32) -> UInt32 {
            CRC32C.checksum(bytes, in: range, seed: CRC32C.checksum(sequence, seed: previous))
        }

        /// Puts the checksum before the record that begins at `start` and ends with the stream.
        func seal(_ stream: inout ByteWriter, from start: Int, after previous: UInt32) -> UInt32 {
            let sealed = checksum(stream.bytes, in: start + 4..<stream.count, after: previous)
            stream.patch(sealed, at: start)
            return sealed
        }
    }

    /// The type of a record that holds an entry.
    private static let entryRecord: UInt32 = 1
    /// The type of a record that holds a base. It stands alone in its group.
    private static let baseRecord: UInt32 = 2
    /// The type of a record that ends the log before an index. It stands alone in its group.
    private static let endRecord: UInt32 = 3
}
