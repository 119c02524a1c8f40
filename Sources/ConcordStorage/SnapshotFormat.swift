import ConcordBytes
import ConcordRaft

/// The bytes of a snapshot's file: a header, pieces, a trailer; each part's checksum continues the one before it, so a
/// part verifies only in its place. docs/formats.md, "Snapshots".
enum SnapshotFormat {
    /// `CSNP`.
    static let tag: UInt32 = 0x504E_5343
    static let version: UInt16 = 1
    /// Tag, version and length of the header: where they are in every version.
    static let preambleBytes = 12
    /// Bytes of a piece besides its content: length and checksum.
    static let pieceOverheadBytes = 8
    static let trailerBytes = 24
    /// Of a header without members.
    static let headerBytesMin = preambleBytes + 16 + 3 * 8 + 13 + 4

    // MARK: Writing

    /// The header's bytes. Its last four are the checksum from which the first piece's goes on.
    static func encode(_ header: SnapshotHeader) -> (bytes: [UInt8], checksum: UInt32) {
        precondition(isPossible(header.base.position.index), "a snapshot stands for no entry that a log can hold")
        var writer = ByteWriter()
        writer.write(tag)
        writer.write(version)
        writer.write(UInt16(0))
        writer.write(UInt32(0))
        writer.write(header.cluster.rawValue)
        writer.write(header.base.position.index.rawValue)
        writer.write(header.base.position.term.rawValue)
        writer.write(header.base.position.clock)
        header.base.configuration.encode(into: &writer)
        precondition(
            writer.count + 4 <= StorageLimits.snapshotHeaderBytesMax,
            "a snapshot's configuration is too long to be read")
        writer.patch(UInt32(writer.count + 4), at: 8)
        let checksum = CRC32C.checksum(writer.bytes)
        writer.write(checksum)
        return (writer.bytes, checksum)
    }

    static func encodePiece(_ content: [UInt8], after previous: UInt32) -> (bytes: [UInt8], checksum: UInt32) {
        var writer = ByteWriter(capacity: pieceOverheadBytes + content.count)
        writer.write(UInt32(content.count))
        let checksum = CRC32C.checksum(content, seed: CRC32C.checksum(writer.bytes, seed: previous))
        writer.write(checksum)
        writer.writeRaw(content)
        return (writer.bytes, checksum)
    }

    /// The end of a file, so that one that was cut is seen: where a piece would tell its length it says 0.
    static func encodeTrailer(_ content: Content, after previous: UInt32) -> (bytes: [UInt8], checksum: UInt32) {
        var writer = ByteWriter(capacity: trailerBytes)
        writer.write(UInt32(0))
        writer.write(content.pieces)
        writer.write(content.bytes)
        let checksum = CRC32C.checksum(writer.bytes, seed: previous)
        writer.write(checksum)
        return (writer.bytes, checksum)
    }

    /// What stands between header and trailer.
    struct Content: Equatable, Sendable {
        var pieces: UInt64 = 0
        /// Without lengths and checksums.
        var bytes: UInt64 = 0

        mutating func count(_ piece: Int) {
            pieces += 1
            bytes += UInt64(piece)
        }
    }

    // MARK: Reading

    static func readHeader<Storage: Disk>(
        _ cursor: inout SnapshotCursor<Storage>
    ) throws(StorageError) -> (header: SnapshotHeader, checksum: UInt32) {
        try cursor.need(preambleBytes, for: "its header")
        var reader = cursor.reader(preambleBytes)
        guard let preamble = try? readPreamble(&reader), preamble.tag == tag else {
            throw cursor.damaged("it does not begin as a snapshot does")
        }
        let length = Int(preamble.length)
        guard length >= headerBytesMin, length <= StorageLimits.snapshotHeaderBytesMax else {
            throw cursor.damaged("the length of its header is wrong")
        }
        try cursor.need(length, for: "its header")
        let checksum = cursor.checksum(length - 4, seed: 0)
        var end = cursor.reader(length, from: length - 4)
        guard (try? end.readUInt32()) == checksum else {
            throw cursor.damaged("its header does not match its checksum")
        }
        guard preamble.version <= version else {
            throw .newerFormat(file: cursor.name, found: Int(preamble.version), known: Int(version))
        }
        reader = cursor.reader(length - 4, from: preambleBytes)
        guard preamble.version == version, let header = try? readFields(&reader) else {
            throw cursor.damaged("its header tells nothing that can be")
        }
        cursor.advance(length)
        return (header, checksum)
    }

    static func readPreamble(
        _ reader: inout ByteReader
    ) throws(ByteError) -> (tag: UInt32, version: UInt16, length: UInt32) {
        let tag = try reader.readUInt32()
        let version = try reader.readUInt16()
        _ = try reader.readUInt16()
        return (tag, version, try reader.readUInt32())
    }

    static func readFields(_ reader: inout ByteReader) throws(ByteError) -> SnapshotHeader {
        let cluster = ClusterID(try reader.readUInt128())
        let index = LogIndex(try reader.readUInt64())
        guard isPossible(index) else { throw .invalid }
        let term = Term(try reader.readUInt64())
        let clock = try reader.readUInt64()
        let configuration = try Configuration(decoding: &reader)
        try reader.finish()
        let position = LogPosition(index: index, term: term, clock: clock)
        return SnapshotHeader(cluster: cluster, base: LogBase(position: position, configuration: configuration))
    }

    static func isPossible(_ index: LogIndex) -> Bool {
        index > .zero && index.rawValue <= StorageLimits.indexMax
    }
}
