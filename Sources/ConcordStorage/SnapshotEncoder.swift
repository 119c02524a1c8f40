/// Makes the bytes of a snapshot's file, from the first part to the last: for a disk, or for whoever asked for a backup.
package struct SnapshotEncoder: Sendable {
    /// What the file begins with.
    package let head: [UInt8]
    /// Of the last part that was made.
    private var checksum: UInt32
    private var content = SnapshotFormat.Content()

    package init(_ header: SnapshotHeader) {
        (head, checksum) = SnapshotFormat.encode(header)
    }

    /// - Parameter piece: 1 to `StorageLimits.snapshotPieceBytesMax` bytes.
    package mutating func encode(_ piece: [UInt8]) -> [UInt8] {
        precondition(
            1...StorageLimits.snapshotPieceBytesMax ~= piece.count,
            "a piece of a snapshot has a length that no reader takes")
        let (bytes, checksum) = SnapshotFormat.encodePiece(piece, after: checksum)
        self.checksum = checksum
        content.count(piece.count)
        return bytes
    }

    /// What the file ends with, behind the pieces so far.
    package var trailer: (bytes: [UInt8], checksum: UInt32) {
        SnapshotFormat.encodeTrailer(content, after: checksum)
    }
}
