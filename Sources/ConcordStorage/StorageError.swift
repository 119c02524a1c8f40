/// Why a data directory cannot be used, or can be used no longer.
package enum StorageError: Error, Equatable, Sendable {
    /// The disk refused. After a failed write or fsync nobody knows what is durable: it is never retried.
    case disk(DiskError)
    /// There is no room for something new: for the next segment, or for a snapshot. Nothing that was durable is in
    /// doubt, so what was begun may be thrown away, and begun anew when there is room.
    case full(DiskError)
    /// Bytes that must be there cannot be verified, and no crash of ours can have left them so.
    case damaged(file: String, offset: Int, what: String)
    /// Verified bytes of a format that a later version of this program has written.
    case newerFormat(file: String, found: Int, known: Int)
    /// A record of a known format that verifies, and whose content this version does not know.
    case unreadableRecord(file: String, offset: Int)
    /// Neither slot of the vote file can be verified: this member may have voted for anyone.
    case bothVoteSlotsBad
    /// There is no member record, but `file` holds what only a member can have written.
    case memberRecordMissing(file: String)
}

extension StorageError: CustomStringConvertible {
    /// What is wrong, where, and what the operator should do.
    package var description: String {
        switch self {
        case .disk(let error):
            return "the disk failed: \(error). What is durable is not known any more, so this member stops; "
                + "check the disk (space, kernel log), then start it again."
        case .full(let error):
            return "the disk is full: \(error). Nothing that was written is in doubt, but this needs room; make some, "
                + "then start this member again."
        case .damaged(let file, let offset, let what):
            return "\(file) is damaged at offset \(offset): \(what). Nothing was changed. Restore the file from the "
                + "disk's own redundancy if there is any; else \(StorageError.replacement)"
        case .newerFormat(let file, let found, let known):
            return "\(file) has format \(found), and this version knows formats up to \(known). Nothing was changed. "
                + "Start the newer version that wrote it."
        case .unreadableRecord(let file, let offset):
            return "\(file) holds at offset \(offset) a record that is whole, and that this version cannot read. "
                + "Nothing was changed. Start the newer version that wrote it."
        case .bothVoteSlotsBad:
            return "both slots of vote are damaged (offsets 0 and \(StorageLimits.blockBytes)): for whom this member "
                + "voted is lost, so under its id it must never vote again. Nothing was changed. "
                + StorageError.replacement
        case .memberRecordMissing(let file):
            return "member is missing, but \(file) has content: this directory belongs to a member whose record was "
                + "lost. Nothing was changed. Bring the file member back if it was moved; else "
                + StorageError.replacement
        }
    }

    private static let replacement =
        "replace this member by a new id: start it with an empty data directory, let it join the cluster, and "
        + "remove the old id."
}

extension DiskError: CustomStringConvertible {
    package var description: String {
        switch kind {
        case .notFound: return "\(operation): no such file"
        case .full: return "\(operation): no space is left"
        case .failed(let errno): return "\(operation): error \(errno)"
        }
    }
}

/// Runs operations of a disk where errors of storage are thrown.
func onDisk<Result>(_ body: () throws(DiskError) -> Result) throws(StorageError) -> Result {
    do throws(DiskError) {
        return try body()
    } catch {
        throw .disk(error)
    }
}

/// As `onDisk`, where new room is taken and nothing that was durable is touched.
func inNewRoom<Result>(_ body: () throws(DiskError) -> Result) throws(StorageError) -> Result {
    do throws(DiskError) {
        return try body()
    } catch {
        throw error.kind == .full ? .full(error) : .disk(error)
    }
}
