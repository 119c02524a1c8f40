import ConcordBytes
import ConcordRaft

/// Why bytes are not those of a snapshot's file.
package enum SnapshotFault: Error, Equatable, Sendable {
    /// They do not begin as a snapshot does.
    case foreign
    /// A later version of this program has written them.
    case newerFormat(found: Int, known: Int)
    /// They end at `offset`, within `part`.
    case truncated(offset: UInt64, part: String)
    /// The part that begins at `offset` cannot be verified.
    case damaged(offset: UInt64, what: String)
}

/// Takes a snapshot's file apart as its bytes arrive, from wherever they come. No part is told before it verifies.
///
/// It judges as `SnapshotReader` does, which reads from a data directory; a test holds them against each other.
package struct SnapshotDecoder: Sendable {
    package enum Part: Equatable, Sendable {
        case header(SnapshotHeader)
        case piece([UInt8])
        /// All of it was there.
        case end(SnapshotIdentity)
    }

    private enum Stage {
        case header
        case pieces
        case ended
    }

    private var stage = Stage.header
    private var header: SnapshotHeader?
    private var input = ByteQueue()
    /// Of the part that was told last.
    private var checksum: UInt32 = 0
    private var content = SnapshotFormat.Content()
    /// Where the first byte of `input` stands in the file.
    private(set) package var offset: UInt64 = 0

    package init() {}

    /// Takes the bytes that follow those before. Take the parts out before the next call: only a part is ever held.
    package mutating func append(_ bytes: [UInt8]) {
        input.append(bytes)
    }

    /// The next part, or `nil` when it has not arrived whole.
    package mutating func next() throws(SnapshotFault) -> Part? {
        switch stage {
        case .header: return try readHeader()
        case .pieces: return try readPiece()
        case .ended:
            guard input.isEmpty else { throw .damaged(offset: offset, what: "it goes on behind its trailer") }
            return nil
        }
    }

    /// Says that no more bytes come, once `next` has told all.
    package func finish() throws(SnapshotFault) {
        switch stage {
        case .header: throw .truncated(offset: end, part: "its header")
        case .pieces: throw .truncated(offset: end, part: isTrailer ? "its trailer" : "a piece")
        case .ended: return
        }
    }

    private mutating func readHeader() throws(SnapshotFault) -> Part? {
        // Whatever is no snapshot is seen at its first byte, and not taken for a short one.
        for place in 0..<min(4, input.count) where input[place] != UInt8(truncatingIfNeeded: tag >> (8 * place)) {
            throw .foreign
        }
        guard input.count >= SnapshotFormat.preambleBytes else { return nil }
        var reader = reader(SnapshotFormat.preambleBytes)
        guard let preamble = try? SnapshotFormat.readPreamble(&reader) else { throw .foreign }
        let length = Int(preamble.length)
        guard length >= SnapshotFormat.headerBytesMin, length <= StorageLimits.snapshotHeaderBytesMax else {
            throw .damaged(offset: 0, what: "the length of its header is wrong")
        }
        guard input.count >= length else { return nil }
        let found = checksum(length - 4, seed: 0)
        var end = self.reader(length, from: length - 4)
        guard (try? end.readUInt32()) == found else {
            throw .damaged(offset: 0, what: "its header does not match its checksum")
        }
        guard preamble.version <= SnapshotFormat.version else {
            throw .newerFormat(found: Int(preamble.version), known: Int(SnapshotFormat.version))
        }
        reader = self.reader(length - 4, from: SnapshotFormat.preambleBytes)
        guard preamble.version == SnapshotFormat.version, let header = try? SnapshotFormat.readFields(&reader) else {
            throw .damaged(offset: 0, what: "its header tells nothing that can be")
        }
        advance(length)
        (self.header, checksum, stage) = (header, found, .pieces)
        return .header(header)
    }

    private mutating func readPiece() throws(SnapshotFault) -> Part? {
        let overhead = SnapshotFormat.pieceOverheadBytes
        guard input.count >= overhead else { return nil }
        var reader = reader(overhead)
        guard let length = try? reader.readUInt32(), let told = try? reader.readUInt32() else { return nil }
        guard length > 0 else { return try readTrailer() }
        guard length <= UInt32(StorageLimits.snapshotPieceBytesMax) else {
            throw .damaged(offset: offset, what: "a piece is longer than any can be")
        }
        guard offset < StorageLimits.snapshotBytesMax else {
            throw .damaged(offset: offset, what: "it is longer than any snapshot")
        }
        let end = overhead + Int(length)
        guard input.count >= end else { return nil }
        let found = checksum(end, from: overhead, seed: checksum(4, seed: checksum))
        guard found == told else {
            throw .damaged(offset: offset, what: "piece \(content.pieces) does not match its checksum")
        }
        let piece = [UInt8](input.storage[input.head + overhead..<input.head + end])
        advance(end)
        content.count(piece.count)
        checksum = found
        return .piece(piece)
    }

    private mutating func readTrailer() throws(SnapshotFault) -> Part? {
        let end = SnapshotFormat.trailerBytes
        guard input.count >= end, let position = header?.base.position else { return nil }
        let expected = SnapshotFormat.encodeTrailer(content, after: checksum)
        guard input.storage[input.head..<input.head + end].elementsEqual(expected.bytes) else {
            throw .damaged(offset: offset, what: "its trailer does not match what stands before it")
        }
        advance(end)
        (checksum, stage) = (expected.checksum, .ended)
        return .end(
            SnapshotIdentity(index: position.index, term: position.term, bytes: offset, checksum: checksum))
    }

    // MARK: The bytes at hand

    /// Where the bytes end that have arrived.
    private var end: UInt64 { offset + UInt64(input.count) }

    private var tag: UInt32 { SnapshotFormat.tag }

    /// Whether what has arrived of a part begins as a trailer does.
    private var isTrailer: Bool {
        input.count >= 4 && (0..<4).allSatisfy { input[$0] == 0 }
    }

    private mutating func advance(_ count: Int) {
        input.consume(count)
        offset += UInt64(count)
    }

    private func reader(_ end: Int, from start: Int = 0) -> ByteReader {
        ByteReader(input.storage, in: input.head + start..<input.head + end)
    }

    private func checksum(_ end: Int, from start: Int = 0, seed: UInt32) -> UInt32 {
        CRC32C.checksum(input.storage, in: input.head + start..<input.head + end, seed: seed)
    }
}
