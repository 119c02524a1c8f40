package import ConcordRaft

/// Takes the bytes of another member's snapshot. They count for nothing until every one of them was read back from the
/// disk and verified.
package struct SnapshotReceiver<Storage: Disk> {
    package let identity: SnapshotIdentity
    private var output: SnapshotOutput<Storage>
    private let disk: Storage
    /// Set when more bytes came than the identity tells of.
    private var isTooLong = false
    private var verifiedSnapshot: StoredSnapshot?

    package init(_ identity: SnapshotIdentity, on disk: Storage) throws(StorageError) {
        self.identity = identity
        self.disk = disk
        output = try SnapshotOutput(SnapshotName.incoming, on: disk)
    }

    /// How many bytes it has: the next ones are those from this offset on.
    package var received: UInt64 { UInt64(output.bytes) }

    /// Takes the bytes that follow those before. What the identity leaves no room for is not kept.
    package mutating func append(_ bytes: [UInt8]) throws(StorageError) {
        let end = min(identity.bytes, StorageLimits.snapshotBytesMax)
        guard !isTooLong, UInt64(bytes.count) <= end - received else {
            isTooLong = true
            return
        }
        try output.write(bytes)
    }

    /// Verifies what was received, and opens it for reading; it has no name yet.
    /// - Returns: `nil` when the bytes are not a snapshot of this identity and of `cluster`; the file is gone then.
    package mutating func verify(cluster: ClusterID) throws(StorageError) -> SnapshotReader<Storage>? {
        try output.close()
        guard !isTooLong, let found = try verified(), found.identity == identity, found.header.cluster == cluster else {
            try output.discard()
            return nil
        }
        verifiedSnapshot = found
        return try SnapshotReader(found, in: SnapshotName.incoming, on: disk)
    }

    /// Gives the verified file its name. The snapshot is durable at return.
    package mutating func publish() throws(StorageError) -> StoredSnapshot {
        guard let found = verifiedSnapshot else {
            preconditionFailure("a snapshot got its name before it was verified")
        }
        try output.publish(as: found.fileName)
        return found
    }

    /// Verifies what was received, and gives it its name.
    /// - Returns: `nil` when the bytes are not a snapshot of this identity and of `cluster`; the file is gone then.
    package mutating func finish(cluster: ClusterID) throws(StorageError) -> StoredSnapshot? {
        guard var reader = try verify(cluster: cluster) else { return nil }
        reader.close()
        return try publish()
    }

    private func verified() throws(StorageError) -> StoredSnapshot? {
        do throws(StorageError) {
            return try output.verify()
        } catch {
            // Another member's bytes are no failure of this one's disk.
            if case .disk = error { throw error }
            return nil
        }
    }

    /// Gives up the transfer.
    package mutating func discard() throws(StorageError) {
        try output.discard()
    }
}

extension SnapshotReceiver: Sendable where Storage: Sendable {}
