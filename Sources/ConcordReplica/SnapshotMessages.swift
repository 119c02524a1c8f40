import ConcordBytes
import ConcordRaft
package import ConcordStorage

/// A part of a snapshot's file on its way to a member that needs it (dissertation §5.1, InstallSnapshot). What a
/// snapshot holds is committed, so it carries no term of its sender.
package struct SnapshotChunk: Equatable, Sendable {
    package var identity: SnapshotIdentity
    package var offset: UInt64
    /// Empty: a question how much the receiver has.
    package var bytes: [UInt8]

    package init(identity: SnapshotIdentity, offset: UInt64, bytes: [UInt8]) {
        self.identity = identity
        self.offset = offset
        self.bytes = bytes
    }
}

/// The receiver's answer: the sender goes on there.
package struct SnapshotStatus: Equatable, Sendable {
    package var identity: SnapshotIdentity
    /// It has every byte before this one.
    package var received: UInt64

    package init(identity: SnapshotIdentity, received: UInt64) {
        self.identity = identity
        self.received = received
    }
}

extension SnapshotIdentity {
    fileprivate func encode(into writer: inout ByteWriter) {
        writer.write(index.rawValue)
        writer.write(term.rawValue)
        writer.write(bytes)
        writer.write(checksum)
    }

    /// Numbers stay below 2⁶², so that no sum of two overflows.
    fileprivate init(decoding reader: inout ByteReader) throws(ByteError) {
        self.init(
            index: LogIndex(try reader.readUInt64()), term: Term(try reader.readUInt64()),
            bytes: try reader.readUInt64(), checksum: try reader.readUInt32())
        let bound: UInt64 = 1 << 62
        guard index.rawValue < bound, term.rawValue < bound, bytes < bound, bytes > 0 else { throw .invalid }
    }
}

extension SnapshotChunk {
    func encode(into writer: inout ByteWriter) {
        identity.encode(into: &writer)
        writer.write(offset)
        writer.writeBytes(bytes)
    }

    init(decoding reader: inout ByteReader) throws(ByteError) {
        let identity = try SnapshotIdentity(decoding: &reader)
        let offset = try reader.readUInt64()
        let bytes = try reader.readBytes(limit: ReplicaLimits.snapshotChunkBytesMax)
        guard offset <= identity.bytes, UInt64(bytes.count) <= identity.bytes - offset else { throw .invalid }
        self.init(identity: identity, offset: offset, bytes: bytes)
    }
}

extension SnapshotStatus {
    func encode(into writer: inout ByteWriter) {
        identity.encode(into: &writer)
        writer.write(received)
    }

    init(decoding reader: inout ByteReader) throws(ByteError) {
        let identity = try SnapshotIdentity(decoding: &reader)
        let received = try reader.readUInt64()
        guard received <= identity.bytes else { throw .invalid }
        self.init(identity: identity, received: received)
    }
}
