import ConcordModel
import ConcordRaft
package import ConcordState
package import ConcordStorage

/// Does the work on snapshot files, a small step at a time: between two pieces of a snapshot that is being made, or of a
/// received one that is being restored, everything else that waits gets its turn.
///
/// Whoever has the disk drives it: the server on a thread of its own, the simulator in virtual time.
package struct SnapshotWorker<Storage: Disk> {
    private let disk: Storage
    private let featureLevel: UInt16
    private var store: SnapshotStore<Storage>
    private var queue: [SnapshotJob] = []
    private var making: Making?
    /// Of the snapshot that was read from last.
    private var reading: SnapshotReader<Storage>?
    /// To be read again, the first one now.
    private var doubted: [SnapshotIdentity] = []
    private var verifying: SnapshotReader<Storage>?
    private var receiving: Receiving?
    private var restoring: Restoring?

    fileprivate struct Making {
        var writer: SnapshotWriter<Storage>
        var image: StateImageWriter
        let position: LogPosition
    }

    fileprivate struct Receiving {
        var identity: SnapshotIdentity
        var receiver: SnapshotReceiver<Storage>
    }

    fileprivate struct Restoring {
        var receiver: SnapshotReceiver<Storage>
        var reader: SnapshotReader<Storage>
        var identity: SnapshotIdentity
        var image: StateImageReader
    }

    /// - Parameters:
    ///   - store: of `disk`, as it was opened.
    ///   - featureLevel: the highest that is supported here.
    package init(
        _ store: SnapshotStore<Storage>, on disk: Storage, featureLevel: UInt16 = ModelLimits.featureLevel
    ) {
        self.store = store
        self.featureLevel = featureLevel
        self.disk = disk
    }

    package mutating func add(_ job: SnapshotJob) {
        queue.append(job)
    }

    /// Whether a step has something to do.
    package var isBusy: Bool { !queue.isEmpty || making != nil || restoring != nil || !doubted.isEmpty }

    /// Does the next job, and a piece of each long one that is under way.
    package mutating func step() throws(StorageError) -> [SnapshotResult] {
        var results: [SnapshotResult] = []
        if let job = queue.first {
            queue.removeFirst()
            try take(job, &results)
        }
        try makeOn(&results)
        try restoreOn(&results)
        try verifyOn(&results)
        return results
    }

    private mutating func take(_ job: SnapshotJob, _ results: inout [SnapshotResult]) throws(StorageError) {
        switch job {
        case .write(let header, let state):
            precondition(making == nil, "a snapshot was asked for while another one is being made")
            do throws(StorageError) {
                making = Making(
                    writer: try SnapshotWriter(header, on: disk), image: StateImageWriter(state),
                    position: header.base.position)
            } catch {
                guard case .full = error else { throw error }
                results.append(.noRoomToWrite)
            }
        case .read(let identity, let offset, let count, let member):
            try read(identity, offset: offset, count: count, for: member, &results)
        case .receive(let identity, let cluster, let bytes):
            do throws(StorageError) {
                try receive(identity, cluster: cluster, bytes, &results)
            } catch {
                guard case .full = error else { throw error }
                try discardReceived()
                results.append(.noRoomToReceive(identity))
            }
        case .discardReceived:
            try discardReceived()
        case .verify(let identity):
            doubted.append(identity)
        case .prune(let pinned):
            reading?.close()
            reading = nil
            try store.prune(pinned: pinned)
        case .distrust(let index):
            try making?.writer.discard()
            making = nil
            try store.distrust(upTo: index)
            results.append(.distrusted(upTo: index))
        case .trustOnly(let identity):
            reading?.close()
            reading = nil
            try store.trustOnly(identity)
            results.append(.trusted(identity))
        }
    }

    // MARK: Making one

    private mutating func makeOn(_ results: inout [SnapshotResult]) throws(StorageError) {
        guard var making else { return }
        do throws(StorageError) {
            try makeOn(&making, &results)
        } catch {
            guard case .full = error else { throw error }
            self.making = nil
            try making.writer.discard()
            results.append(.noRoomToWrite)
        }
    }

    private mutating func makeOn(_ making: inout Making, _ results: inout [SnapshotResult]) throws(StorageError) {
        if let piece = making.image.next(bytes: ReplicaLimits.snapshotPieceBytes) {
            try making.writer.append(piece)
            self.making = making
            return
        }
        guard making.image.isSound else {
            try making.writer.discard()
            self.making = nil
            results.append(.unsound(making.position))
            return
        }
        let stored = try making.writer.finish()
        self.making = nil
        keep(stored, &results)
        results.append(.written(stored))
    }

    // MARK: Sending one

    private mutating func read(
        _ identity: SnapshotIdentity, offset: UInt64, count: Int, for member: MemberID,
        _ results: inout [SnapshotResult]
    ) throws(StorageError) {
        guard let snapshot = store.kept.first(where: { $0.identity == identity }) else {
            return results.append(.gone(identity, for: member))
        }
        do throws(StorageError) {
            if reading?.snapshot != snapshot {
                reading?.close()
                reading = nil
                reading = try SnapshotReader(snapshot, on: disk)
            }
            guard let bytes = try reading?.bytes(at: offset, count: count) else { return }
            results.append(.read(identity, offset: offset, bytes: bytes, for: member))
        } catch {
            try giveUp(identity, because: error, &results)
        }
    }

    /// A snapshot that rots on this disk, and not on the way, would be sent again for ever.
    private mutating func verifyOn(_ results: inout [SnapshotResult]) throws(StorageError) {
        guard let identity = doubted.first else { return }
        do throws(StorageError) {
            if verifying == nil, let snapshot = store.kept.first(where: { $0.identity == identity }) {
                verifying = try SnapshotReader(snapshot, on: disk)
            }
            if try verifying?.next() != nil { return }
        } catch {
            return try giveUp(identity, because: error, &results)
        }
        endVerification(of: identity)
        results.append(.verified(identity))
    }

    private mutating func endVerification(of identity: SnapshotIdentity) {
        if doubted.first == identity {
            verifying?.close()
            verifying = nil
        }
        doubted.removeAll { $0 == identity }
    }

    /// What was read or doubted of an older file of the same identity says nothing of this one.
    private mutating func keep(_ stored: StoredSnapshot, _ results: inout [SnapshotResult]) {
        if reading?.snapshot == stored {
            reading?.close()
            reading = nil
        }
        if doubted.contains(stored.identity) {
            endVerification(of: stored.identity)
            results.append(.verified(stored.identity))
        }
        store.add(stored)
    }

    /// - Throws: what says nothing of the file's content.
    private mutating func giveUp(
        _ identity: SnapshotIdentity, because error: StorageError, _ results: inout [SnapshotResult]
    ) throws(StorageError) {
        switch error {
        case .disk, .full: throw error
        case .damaged, .newerFormat, .unreadableRecord, .bothVoteSlotsBad, .memberRecordMissing:
            // The next one may have the same name, and be another file.
            reading?.close()
            reading = nil
            endVerification(of: identity)
            store.giveUp(identity)
            results.append(.unusable(identity))
        }
    }

    // MARK: Receiving one

    private mutating func receive(
        _ identity: SnapshotIdentity, cluster: ClusterID, _ bytes: [UInt8], _ results: inout [SnapshotResult]
    ) throws(StorageError) {
        if receiving?.identity != identity { try discardReceived() }
        if receiving == nil {
            receiving = Receiving(identity: identity, receiver: try SnapshotReceiver(identity, on: disk))
        }
        try receiving?.receiver.append(bytes)
        guard var receiver = receiving?.receiver else { return }
        results.append(.received(identity, upTo: receiver.received))
        guard receiver.received == identity.bytes else { return }
        let verified = try receiver.verify(cluster: cluster)
        receiving = nil
        guard let reader = verified else { return results.append(.refused(identity)) }
        restoring = Restoring(
            receiver: receiver, reader: reader, identity: identity,
            image: StateImageReader(featureLevelMax: featureLevel))
    }

    private mutating func discardReceived() throws(StorageError) {
        try receiving?.receiver.discard()
        receiving = nil
        restoring?.reader.close()
        try restoring?.receiver.discard()
        restoring = nil
    }

    /// The state is made before the file gets its name: a file with a name can be restored.
    private mutating func restoreOn(_ results: inout [SnapshotResult]) throws(StorageError) {
        guard var restoring else { return }
        if let piece = try restoring.reader.next() {
            do throws(StateImageError) {
                try restoring.image.read(piece)
            } catch {
                try discardReceived()
                return results.append(restoring.result(of: error))
            }
            self.restoring = restoring
            return
        }
        guard let state = try? restoring.image.finish() else {
            try discardReceived()
            return results.append(.refused(restoring.identity))
        }
        restoring.reader.close()
        self.restoring = nil
        let stored: StoredSnapshot
        do throws(StorageError) {
            stored = try restoring.receiver.publish()
        } catch {
            guard case .full = error else { throw error }
            try restoring.receiver.discard()
            return results.append(.noRoomToReceive(restoring.identity))
        }
        keep(stored, &results)
        results.append(.installed(stored, state))
    }
}

extension SnapshotWorker.Restoring {
    fileprivate func result(of error: StateImageError) -> SnapshotResult {
        switch error {
        case .newerFeatureLevel(let level): .unsupported(identity, featureLevel: level)
        case .newerVersion: .unsupported(identity, featureLevel: nil)
        case .malformed, .inconsistent, .otherHash: .refused(identity)
        }
    }
}

extension SnapshotWorker: Sendable where Storage: Sendable {}
extension SnapshotWorker.Making: Sendable where Storage: Sendable {}
extension SnapshotWorker.Receiving: Sendable where Storage: Sendable {}
extension SnapshotWorker.Restoring: Sendable where Storage: Sendable {}

/// Why a snapshot that verifies gives no state.
package enum RestoreError: Error, Equatable, Sendable {
    case storage(StorageError)
    case image(StateImageError)
}

extension StateMachine {
    /// Makes the state that a snapshot holds.
    /// - Parameter featureLevel: the highest that is supported here.
    package static func restored<Storage: Disk>(
        from snapshot: StoredSnapshot, on disk: Storage, featureLevel: UInt16 = ModelLimits.featureLevel
    ) throws(RestoreError) -> StateMachine {
        var reader = try RestoreError.storage { () throws(StorageError) in try SnapshotReader(snapshot, on: disk) }
        defer { reader.close() }
        var image = StateImageReader(featureLevelMax: featureLevel)
        while let piece = try RestoreError.storage({ () throws(StorageError) in try reader.next() }) {
            do throws(StateImageError) { try image.read(piece) } catch { throw .image(error) }
        }
        do throws(StateImageError) { return try image.finish() } catch { throw .image(error) }
    }
}

extension RestoreError {
    fileprivate static func storage<Result>(
        _ body: () throws(StorageError) -> Result
    ) throws(RestoreError) -> Result {
        do throws(StorageError) { return try body() } catch { throw .storage(error) }
    }
}
