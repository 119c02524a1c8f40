import ConcordBytes
import ConcordRaft

/// Makes a snapshot of the pieces that it is given. Until it is finished nothing of it counts, and a crash leaves what
/// was there before.
package struct SnapshotWriter<Storage: Disk> {
    private let header: SnapshotHeader
    private var output: SnapshotOutput<Storage>
    private var encoder: SnapshotEncoder

    package init(_ header: SnapshotHeader, on disk: Storage) throws(StorageError) {
        let position = header.base.position
        let name = SnapshotName.of(index: position.index, term: position.term)
        let encoder = SnapshotEncoder(header)
        var output = try SnapshotOutput(name + temporarySuffix, on: disk)
        do throws(StorageError) {
            try output.write(encoder.head)
        } catch {
            if case .full = error { try output.discard() }
            throw error
        }
        self.header = header
        self.output = output
        self.encoder = encoder
    }

    /// - Parameter piece: 1 to `StorageLimits.snapshotPieceBytesMax` bytes.
    package mutating func append(_ piece: [UInt8]) throws(StorageError) {
        try output.write(encoder.encode(piece))
    }

    /// Ends the file and gives it its name. The snapshot is durable at return.
    package mutating func finish() throws(StorageError) -> StoredSnapshot {
        let (bytes, checksum) = encoder.trailer
        try output.write(bytes)
        let position = header.base.position
        let identity = SnapshotIdentity(
            index: position.index, term: position.term, bytes: UInt64(output.bytes), checksum: checksum)
        let snapshot = StoredSnapshot(header: header, identity: identity)
        try output.close()
        try output.publish(as: snapshot.fileName)
        return snapshot
    }

    /// Gives it up.
    package mutating func discard() throws(StorageError) {
        try output.discard()
    }
}

extension SnapshotWriter: Sendable where Storage: Sendable {}

/// A file under a temporary name that is written from its beginning to its end.
///
/// Where there is no room for it, `.full` is thrown: then only `discard` may follow, and nothing else has suffered. It is
/// synchronised every few megabytes: what an fsync has to write is what other writers of the disk wait for.
struct SnapshotOutput<Storage: Disk> {
    private(set) var bytes = 0
    private let temporary: String
    private var disk: Storage
    private var file: DiskFile?
    private var unsynchronizedBytes = 0
    /// Unset by the first failure, which is final.
    private var isUsable = true

    init(_ temporary: String, on disk: Storage) throws(StorageError) {
        var disk = disk
        file = try inNewRoom { () throws(DiskError) in
            if try disk.list().contains(temporary) { try disk.remove(temporary) }
            return try disk.open(temporary, creating: true)
        }
        self.temporary = temporary
        self.disk = disk
    }

    mutating func write(_ content: [UInt8]) throws(StorageError) {
        try use { (output, file) throws(DiskError) in
            var rest = content[...]
            while !rest.isEmpty {
                let part = rest.prefix(StorageLimits.snapshotSyncBytes - output.unsynchronizedBytes)
                try output.disk.write([UInt8](part), to: file, at: output.bytes)
                output.bytes += part.count
                output.unsynchronizedBytes += part.count
                rest = rest.dropFirst(part.count)
                guard output.unsynchronizedBytes == StorageLimits.snapshotSyncBytes else { continue }
                try output.disk.synchronize(file)
                output.unsynchronizedBytes = 0
            }
        }
    }

    /// Ends the writing. All bytes are durable at return, and what is read from now on is what the medium holds.
    mutating func close() throws(StorageError) {
        try use { (output, file) throws(DiskError) in
            try output.disk.synchronize(file)
            output.disk.close(file)
        }
        file = nil
    }

    /// Gives the closed file its name, in place of any other of that name. Durable at return.
    mutating func publish(as name: String) throws(StorageError) {
        precondition(file == nil, "a file gets its name before it is durable")
        try inNewRoom { () throws(DiskError) in try disk.rename(temporary, to: name) }
        try onDisk { () throws(DiskError) in try disk.synchronizeDirectory() }
    }

    /// Takes the file away. Not durably: found at a start, it is a leftover and goes.
    mutating func discard() throws(StorageError) {
        if let file { disk.close(file) }
        file = nil
        try onDisk { () throws(DiskError) in
            if try disk.list().contains(temporary) { try disk.remove(temporary) }
        }
    }

    /// Verifies the closed file.
    func verify() throws(StorageError) -> StoredSnapshot {
        try SnapshotParts<Storage>.verify(temporary, on: disk)
    }

    private mutating func use(
        _ body: (inout SnapshotOutput, DiskFile) throws(DiskError) -> Void
    ) throws(StorageError) {
        guard isUsable, let file else { preconditionFailure("a snapshot was written after a failure or its end") }
        isUsable = false
        try inNewRoom { () throws(DiskError) in try body(&self, file) }
        isUsable = true
    }
}

extension SnapshotOutput: Sendable where Storage: Sendable {}
