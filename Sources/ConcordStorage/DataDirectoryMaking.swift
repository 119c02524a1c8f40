import ConcordRaft

extension DataDirectory {
    /// Makes the directory of a member whose state is that of a snapshot, where no file is.
    ///
    /// The snapshot comes first and the member record last. So a directory whose making broke off is never taken for that
    /// of a member, and not for an empty one either: with a snapshot and without a record no member starts.
    ///
    /// - Parameters:
    ///   - record: with the cluster and the initial configuration.
    ///   - piece: the next piece of the snapshot's content, or `nil` behind the last.
    /// - Returns: the snapshot, read back from the disk and verified to its last byte.
    package static func make(
        _ disk: Storage, record: MemberRecord, snapshot header: SnapshotHeader,
        segmentBytes: Int = StorageLimits.segmentBytesDefault, piece: () -> [UInt8]?
    ) throws(StorageError) -> StoredSnapshot {
        precondition(
            record.clusterID == header.cluster && record.initialConfiguration != nil,
            "a directory was to be made of another cluster's snapshot")
        var disk = disk
        var writer = try SnapshotWriter(header, on: disk)
        while let piece = piece() { try writer.append(piece) }
        let written = try writer.finish()
        let (store, notes) = try SnapshotStore.open(disk)
        guard notes.isEmpty, store.kept == [written] else {
            throw .damaged(file: written.fileName, offset: 0, what: "it is not what was written a moment ago")
        }
        try VoteFile.create(on: &disk)
        try SegmentPreparation(sequence: 1, bytes: segmentBytes).run(on: &disk)
        // Brings the vote to the snapshot's term, and lets the log go on behind its entry.
        _ = try LogStore.openExisting(
            disk, snapshot: header.base, unusable: nil, initial: nil, own: record.id, segmentBytes: segmentBytes)
        _ = try MemberStore.create(disk, record: record)
        return written
    }
}
