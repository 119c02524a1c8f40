package import ConcordRaft

/// A member's directory as a whole: record, votes, log, snapshots.
///
/// Every step of its making can be the last one before a crash. Vote file and first segment are made first and
/// are durable, names and all, before the record gets its name; so a directory without a record is one whose
/// making was not finished, and is made anew (under a new id, as the old one was told to nobody), while in a
/// directory with a record everything else must be there, and what is not is damage.
package struct DataDirectory<Storage: Disk> {
    package var member: MemberStore<Storage>
    package var log: LogStore<Storage>
    package var recovered: RecoveredLog
    package var snapshots: SnapshotStore<Storage>
    /// The newest one that can be used, when it was opened: `recovered` is what goes on from it.
    package var snapshot: StoredSnapshot?

    /// Opens a directory and counts the start; makes it that of a new member if no member lives there yet.
    /// - Parameters:
    ///   - id: of a new member: 128 random bits. Not used where a member lives already.
    ///   - name: of a new member. A living member's record keeps its own.
    package static func open(
        _ disk: Storage, newMember id: MemberID, name: String,
        segmentBytes: Int = StorageLimits.segmentBytesDefault
    ) throws(StorageError) -> DataDirectory {
        guard var member = try MemberStore.open(disk) else {
            let (log, recovered) = try LogStore.open(disk, snapshot: nil, segmentBytes: segmentBytes)
            let (snapshots, _) = try SnapshotStore.open(disk)
            let member = try MemberStore.create(disk, record: MemberRecord(id: id, name: name, boot: 1))
            return DataDirectory(member: member, log: log, recovered: recovered, snapshots: snapshots)
        }
        var (snapshots, notes) = try SnapshotStore.read(disk)
        if let cluster = member.record.clusterID { notes += snapshots.leaveOut(allBut: cluster) }
        let snapshot = snapshots.kept.first
        var (log, recovered) = try LogStore.open(
            disk, snapshot: snapshot?.header.base, unusable: snapshots.unusableNewest,
            initial: member.record.initialConfiguration, own: member.record.id, segmentBytes: segmentBytes)
        recovered.notes = notes + recovered.notes
        try snapshots.removeLeftovers()
        try member.countBoot()
        return DataDirectory(
            member: member, log: log, recovered: recovered, snapshots: snapshots, snapshot: snapshot)
    }
}

extension DataDirectory: Sendable where Storage: Sendable {}
