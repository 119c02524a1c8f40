package import ConcordRaft

/// The snapshots of a data directory.
package struct SnapshotStore<Storage: Disk> {
    /// The newest first. Each was verified to its last byte.
    package private(set) var kept: [StoredSnapshot]
    /// Files with a snapshot's name that cannot be used. They are left as they are.
    private var unusable: [String]
    /// Set while the state that this member makes of snapshots and log is not to be used: one of at least this index must
    /// come from another member first.
    package private(set) var distrusted: LogIndex?
    private var disk: Storage
    private var leftovers: [String]
    /// Unset by the first failure, which is final.
    private var isUsable = true

    /// Verifies the snapshots of a directory, and takes away what was not finished. A file that does not verify is
    /// left, not used, and told of; one of a newer format is refused.
    package static func open(_ disk: Storage) throws(StorageError) -> (SnapshotStore, [RecoveryNote]) {
        var (store, notes) = try read(disk)
        try store.removeLeftovers()
        return (store, notes)
    }

    /// As `open`, and changes nothing yet.
    static func read(_ disk: Storage) throws(StorageError) -> (SnapshotStore, [RecoveryNote]) {
        var disk = disk
        let names = try onDisk { () throws(DiskError) in
            // A killed process may have left a name that is seen and not durable.
            try disk.synchronizeDirectory()
            return try disk.list()
        }
        let leftovers = names.filter { SnapshotName.isLeftover($0) || $0 == DistrustMark.fileName + temporarySuffix }
        var store = SnapshotStore(disk: disk, leftovers: leftovers)
        var notes: [RecoveryNote] = []
        for name in names {
            guard let position = SnapshotName.position(of: name) else { continue }
            do throws(StorageError) {
                let snapshot = try SnapshotParts<Storage>.verify(name, on: disk)
                guard snapshot.identity.index == position.index, snapshot.identity.term == position.term else {
                    throw .damaged(file: name, offset: 0, what: "it is the file of another snapshot")
                }
                store.add(snapshot)
            } catch {
                guard case .damaged(_, let offset, let what) = error else { throw error }
                store.unusable.append(name)
                notes.append(.snapshotUnusable(file: name, offset: offset, what: what))
            }
        }
        if names.contains(DistrustMark.fileName) {
            let bytes = try onDisk { () throws(DiskError) in try DistrustMark.read(on: &disk) }
            let index = try DistrustMark.index(of: bytes) ?? store.kept.first?.identity.index ?? .zero
            store.distrusted = index
            notes.append(.stateDistrusted(upTo: index))
        }
        return (store, notes)
    }

    private init(disk: Storage, leftovers: [String]) {
        kept = []
        unusable = []
        self.disk = disk
        self.leftovers = leftovers
    }

    /// A file that cannot be used, if it is newer than all that can. Names are as old as their positions.
    var unusableNewest: String? {
        guard let newest = unusable.max() else { return nil }
        return newest > kept.first?.fileName ?? "" ? newest : nil
    }

    /// Uses no snapshot of any other cluster.
    mutating func leaveOut(allBut cluster: ClusterID) -> [RecoveryNote] {
        let foreign = kept.filter { $0.header.cluster != cluster }
        kept.removeAll { $0.header.cluster != cluster }
        unusable += foreign.map(\.fileName)
        return foreign.map {
            .snapshotUnusable(
                file: $0.fileName, offset: SnapshotFormat.preambleBytes, what: "it is of cluster \($0.header.cluster)")
        }
    }

    mutating func removeLeftovers() throws(StorageError) {
        try onDisk { () throws(DiskError) in
            for name in leftovers { try disk.remove(name) }
        }
        leftovers = []
    }

    /// A snapshot was finished. It takes the place of another of the same entry, as its file did.
    package mutating func add(_ snapshot: StoredSnapshot) {
        kept.removeAll { $0.fileName == snapshot.fileName }
        unusable.removeAll { $0 == snapshot.fileName }
        let place = kept.firstIndex { SnapshotStore.isNewer(snapshot, than: $0) } ?? kept.endIndex
        kept.insert(snapshot, at: place)
    }

    private static func isNewer(_ snapshot: StoredSnapshot, than other: StoredSnapshot) -> Bool {
        let (own, others) = (snapshot.identity, other.identity)
        return own.index > others.index || own.index == others.index && own.term > others.term
    }

    /// Takes away all but the newest `StorageLimits.snapshotsKept` and those in `pinned`, the oldest first, durably.
    /// The second newest stays for the case that the newest one rots.
    package mutating func prune(pinned: Set<SnapshotIdentity>) throws(StorageError) {
        precondition(isUsable, "a snapshot store was used after a failure")
        isUsable = false
        let superfluous = kept.dropFirst(StorageLimits.snapshotsKept).filter { !pinned.contains($0.identity) }
        for snapshot in superfluous.reversed() {
            try onDisk { () throws(DiskError) in
                try disk.remove(snapshot.fileName)
                try disk.synchronizeDirectory()
            }
            kept.removeAll { $0.identity == snapshot.identity }
        }
        isUsable = true
    }

    /// This one has rotted since it was verified. Its file is left as it is, and counts no more.
    package mutating func giveUp(_ identity: SnapshotIdentity) {
        unusable += kept.filter { $0.identity == identity }.map(\.fileName)
        kept.removeAll { $0.identity == identity }
    }

    /// The state that these snapshots are of is wrong, or may be. Durable at return, so that it holds after a crash.
    package mutating func distrust(upTo index: LogIndex) throws(StorageError) {
        precondition(isUsable, "a snapshot store was used after a failure")
        isUsable = false
        try onDisk { () throws(DiskError) in try DistrustMark.write(index, on: &disk) }
        distrusted = index
        isUsable = true
    }

    /// Another member's snapshot is here: all others go, durably, and then so does the distrust.
    package mutating func trustOnly(_ identity: SnapshotIdentity) throws(StorageError) {
        precondition(isUsable, "a snapshot store was used after a failure")
        precondition(
            kept.contains { $0.identity == identity }, "trust was put into a snapshot that is not there")
        isUsable = false
        for snapshot in kept where snapshot.identity != identity {
            try onDisk { () throws(DiskError) in try disk.remove(snapshot.fileName) }
        }
        try onDisk { () throws(DiskError) in
            try disk.synchronizeDirectory()
            if try disk.list().contains(DistrustMark.fileName) {
                try disk.remove(DistrustMark.fileName)
                try disk.synchronizeDirectory()
            }
        }
        kept.removeAll { $0.identity != identity }
        distrusted = nil
        isUsable = true
    }
}

extension SnapshotStore: Sendable where Storage: Sendable {}
