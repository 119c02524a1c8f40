package import ConcordRaft
package import ConcordState
package import ConcordStorage

/// Work on snapshot files, for whoever has the disk. Jobs are done in their order, but for the making of a snapshot,
/// which goes on beside the others.
package enum SnapshotJob: Sendable {
    /// Make a snapshot of this state. One at a time.
    case write(SnapshotHeader, StateMachine)
    /// Read bytes of a snapshot's file that `member` is to be sent.
    case read(SnapshotIdentity, offset: UInt64, count: Int, for: MemberID)
    /// Append bytes to the file of the snapshot that is being received. Another identity than the last begins anew.
    case receive(SnapshotIdentity, cluster: ClusterID, bytes: [UInt8])
    /// Forget what was received of a snapshot.
    case discardReceived
    /// Read this one again from its first byte to its last: who was sent all of it says that it is none.
    case verify(SnapshotIdentity)
    /// Remove the files that are not needed: all but the newest ones and these.
    case prune(keeping: Set<SnapshotIdentity>)
    /// Remember durably that this member's own state and snapshots are wrong, and finish none that is being made.
    case distrust(upTo: LogIndex)
    /// Remove all files but this one, and then forget that the state was wrong.
    case trustOnly(SnapshotIdentity)
}

/// What came of it.
package enum SnapshotResult: Sendable {
    /// Durable, name and all.
    case written(StoredSnapshot)
    case read(SnapshotIdentity, offset: UInt64, bytes: [UInt8], for: MemberID)
    /// The file to be read is not there any more.
    case gone(SnapshotIdentity, for: MemberID)
    /// It is what it was, or not there any more.
    case verified(SnapshotIdentity)
    /// It has rotted since it was verified: it counts no more. Its file is left as it is.
    case unusable(SnapshotIdentity)
    /// So many bytes have been taken; not durable yet.
    case received(SnapshotIdentity, upTo: UInt64)
    /// All of it was received, verified and made durable; this is the state that it holds.
    case installed(StoredSnapshot, StateMachine)
    /// All of it was received, and it is none: nothing is left of it.
    case refused(SnapshotIdentity)
    /// All of it was received, and it is of a cluster at a feature level that this build does not support; `nil` when
    /// the level cannot even be read. Nothing is left of it.
    case unsupported(SnapshotIdentity, featureLevel: UInt16?)
    /// There was no room for the snapshot that was to be made: nothing is left of it.
    case noRoomToWrite
    /// There was no room for what was being received: nothing is left of it.
    case noRoomToReceive(SnapshotIdentity)
    /// The state that was to be written is not what its hash says: memory has changed. Nothing is left of the snapshot.
    case unsound(LogPosition)
    /// Durable: after a crash this member still knows.
    case distrusted(upTo: LogIndex)
    /// Durable: nothing is left of what was wrong.
    case trusted(SnapshotIdentity)
}

/// How a member makes and sends snapshots.
package struct SnapshotSettings: Equatable, Sendable {
    /// A snapshot is due when the log has grown by so many bytes since the last one, or by as many as that one has.
    package var logBytes: UInt64
    /// Bytes of one message that carries a part of a snapshot.
    package var chunkBytes: Int
    /// Bytes sent to a member and not acknowledged yet.
    package var windowBytes: Int

    package init(logBytes: UInt64 = 64 << 20, chunkBytes: Int = 256 << 10, windowBytes: Int = 1 << 20) {
        precondition(
            logBytes > 0 && 1...ReplicaLimits.snapshotChunkBytesMax ~= chunkBytes && windowBytes >= chunkBytes,
            "a snapshot's settings are out of their range")
        self.logBytes = logBytes
        self.chunkBytes = chunkBytes
        self.windowBytes = windowBytes
    }
}

/// What a member starts from besides its log.
package struct RestoredSnapshot: Sendable {
    package var snapshot: StoredSnapshot
    package var state: StateMachine
    /// A snapshot older than that one that is kept as well.
    package var older: StoredSnapshot?

    package init(snapshot: StoredSnapshot, state: StateMachine, older: StoredSnapshot?) {
        self.snapshot = snapshot
        self.state = state
        self.older = older
    }
}
