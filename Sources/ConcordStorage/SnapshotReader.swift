import ConcordBytes
import ConcordRaft

/// Reads a stored snapshot: its content piece by piece, verified, or the bytes of its file for a transfer.
package struct SnapshotReader<Storage: Disk> {
    package let snapshot: StoredSnapshot
    private var parts: SnapshotParts<Storage>

    package init(_ snapshot: StoredSnapshot, on disk: Storage) throws(StorageError) {
        try self.init(snapshot, in: snapshot.fileName, on: disk)
    }

    init(_ snapshot: StoredSnapshot, in file: String, on disk: Storage) throws(StorageError) {
        var parts = try SnapshotParts(file, on: disk)
        guard parts.header == snapshot.header, UInt64(parts.bytes) == snapshot.identity.bytes else {
            parts.close()
            throw .damaged(file: snapshot.fileName, offset: 0, what: "it is another snapshot than it was")
        }
        self.snapshot = snapshot
        self.parts = parts
    }

    /// The next piece as it was appended, or `nil` behind the last one.
    package mutating func next() throws(StorageError) -> [UInt8]? {
        if let piece = try parts.next() { return piece }
        guard parts.checksum == snapshot.identity.checksum else {
            throw .damaged(file: snapshot.fileName, offset: 0, what: "it is another snapshot than it was")
        }
        return nil
    }

    /// The file's bytes from `offset` on, fewer than `count` only where it ends. They are not verified: who receives
    /// them verifies the whole.
    package func bytes(at offset: UInt64, count: Int) throws(StorageError) -> [UInt8] {
        guard count > 0, offset < snapshot.identity.bytes else { return [] }
        let wanted = Int(min(UInt64(count), snapshot.identity.bytes - offset))
        let bytes = try parts.rawBytes(at: Int(offset), count: wanted)
        guard bytes.count == wanted else {
            throw .damaged(
                file: snapshot.fileName, offset: Int(offset) + bytes.count, what: "it ends before its length")
        }
        return bytes
    }

    package mutating func close() {
        parts.close()
    }
}

extension SnapshotReader: Sendable where Storage: Sendable {}

/// The parts of a snapshot's file from the first to the last, none told before it verifies.
struct SnapshotParts<Storage: Disk> {
    let header: SnapshotHeader
    /// Of the part that was read last.
    private(set) var checksum: UInt32
    private var cursor: SnapshotCursor<Storage>
    private var content = SnapshotFormat.Content()
    private var isAtEnd = false

    init(_ name: String, on disk: Storage) throws(StorageError) {
        var cursor = try SnapshotCursor(name, on: disk)
        do throws(StorageError) {
            (header, checksum) = try SnapshotFormat.readHeader(&cursor)
        } catch {
            cursor.close()
            throw error
        }
        self.cursor = cursor
    }

    /// Reads a file from its first byte to its last.
    /// - Throws: `.damaged` when it is no snapshot, or not whole.
    static func verify(_ name: String, on disk: Storage) throws(StorageError) -> StoredSnapshot {
        var parts = try SnapshotParts(name, on: disk)
        defer { parts.close() }
        while try parts.next() != nil {}
        let position = parts.header.base.position
        let identity = SnapshotIdentity(
            index: position.index, term: position.term, bytes: UInt64(parts.bytes), checksum: parts.checksum)
        return StoredSnapshot(header: parts.header, identity: identity)
    }

    /// Of the file.
    var bytes: Int { cursor.size }

    mutating func next() throws(StorageError) -> [UInt8]? {
        if isAtEnd { return nil }
        let overhead = SnapshotFormat.pieceOverheadBytes
        try cursor.need(overhead, for: "a piece")
        var reader = cursor.reader(overhead)
        guard let length = try? reader.readUInt32(), let told = try? reader.readUInt32() else {
            throw cursor.damaged("a piece has no length")
        }
        guard length > 0 else { return try readTrailer() }
        guard length <= UInt32(StorageLimits.snapshotPieceBytesMax) else {
            throw cursor.damaged("a piece is longer than any can be")
        }
        let end = overhead + Int(length)
        try cursor.need(end, for: "a piece")
        let found = cursor.checksum(end, from: overhead, seed: cursor.checksum(4, seed: checksum))
        guard found == told else { throw cursor.damaged("piece \(content.pieces) does not match its checksum") }
        let piece = cursor.content(end, from: overhead)
        cursor.advance(end)
        content.count(piece.count)
        checksum = found
        return piece
    }

    private mutating func readTrailer() throws(StorageError) -> [UInt8]? {
        let end = SnapshotFormat.trailerBytes
        try cursor.need(end, for: "its trailer")
        let expected = SnapshotFormat.encodeTrailer(content, after: checksum)
        guard cursor.content(end, from: 0) == expected.bytes else {
            throw cursor.damaged("its trailer does not match what stands before it")
        }
        cursor.advance(end)
        guard cursor.offset == cursor.size else { throw cursor.damaged("it goes on behind its trailer") }
        checksum = expected.checksum
        isAtEnd = true
        return nil
    }

    func rawBytes(at offset: Int, count: Int) throws(StorageError) -> [UInt8] {
        try cursor.bytes(at: offset, count: count)
    }

    mutating func close() {
        cursor.close()
    }
}

extension SnapshotParts: Sendable where Storage: Sendable {}
