import ConcordBytes
import ConcordRaft
import ConcordStorage

// Snapshots, own ones and another member's, and what is released after them.

extension StorageTrial {
    private var newestIndex: LogIndex { max(content.log.base.index, content.snapshots.first?.position.index ?? .zero) }

    /// Of an entry that is durable.
    mutating func makeSnapshot() {
        let (least, last) = (newestIndex.rawValue, content.log.lastIndex.rawValue)
        guard pendingBase == nil, last > least,
            let position = content.log.position(at: LogIndex(least + 1 + random.below(last - least)))
        else { return }
        let (snapshot, pieces) = draw(position)
        var next = content
        next.snapshots.insert(snapshot, at: 0)
        if random.chance(percent: 40) { armSoon(within: 10) }
        do throws(StorageError) {
            var writer = try SnapshotWriter(snapshot.stored.header, on: disk)
            for piece in pieces { try writer.append(piece) }
            let stored = try writer.finish()
            if stored != snapshot.stored { problem("one snapshot was written in two ways") }
            data?.snapshots.add(stored)
        } catch {
            return crashed(error, mayBeUnfinished: false, [content, next])
        }
        disk.disarm()
        content = next
        counts.snapshots += 1
    }

    /// Of an entry that the log has, or of another one of its index, or of one that it does not reach.
    mutating func installSnapshot() {
        let (least, last) = (newestIndex.rawValue, content.log.lastIndex.rawValue)
        guard pendingBase == nil else { return }
        let index = LogIndex(least + 1 + random.below(max(last, least) - least + 8))
        var position = LogPosition(
            index: index, term: Term(content.hardState.term.rawValue + random.below(3)), clock: clock)
        if let own = content.log.position(at: index) {
            if random.chance(percent: 40) || own.term == position.term { position = own }
        }
        let (snapshot, _) = draw(position)
        var next = content
        next.snapshots.insert(snapshot, at: 0)
        let isContained = content.log.position(at: index) == position
        if random.chance(percent: 40) { armSoon(within: 12) }
        do throws(StorageError) {
            guard let stored = try receive(snapshot) else { return disk.disarm() }
            data?.snapshots.add(stored)
        } catch {
            return crashed(error, mayBeUnfinished: false, [content, next])
        }
        disk.disarm()
        counts.installed += 1
        if !isContained {
            pendingBase = position
            places = []
        }
        content = next.opened
    }

    /// - Returns: `nil` when what was sent was not what was told of.
    private mutating func receive(_ snapshot: TrialSnapshot) throws(StorageError) -> StoredSnapshot? {
        var receiver = try SnapshotReceiver(snapshot.stored.identity, on: disk)
        var sent = snapshot.bytes
        let isBad = random.chance(percent: 10)
        if isBad { sent[Int(random.below(UInt64(sent.count)))] ^= 1 << UInt8(random.below(8)) }
        while Int(receiver.received) < sent.count {
            let start = Int(receiver.received)
            try receiver.append(Array(sent[start..<min(sent.count, start + 1 + Int(random.below(8000)))]))
            if random.chance(percent: 2) {
                try receiver.discard()
                return nil
            }
        }
        let received = try receiver.finish(cluster: snapshot.stored.header.cluster)
        if isBad != (received == nil) { problem("a snapshot was received \(isBad ? "with" : "without") a bad bit") }
        return received
    }

    /// A snapshot of this entry, as another member would make it.
    private mutating func draw(_ position: LogPosition) -> (TrialSnapshot, [[UInt8]]) {
        let header = SnapshotHeader(
            cluster: StorageTrial.cluster, base: LogBase(position: position, configuration: configuration))
        let pieces = (0..<random.below(4)).map { _ in
            let seed = UInt8(truncatingIfNeeded: random.next())
            return (0...random.below(5000)).map { UInt8(truncatingIfNeeded: $0) &+ seed }
        }
        let scratch = SimulatedDisk(seed: 1)
        do throws(StorageError) {
            var writer = try SnapshotWriter(header, on: scratch)
            for piece in pieces { try writer.append(piece) }
            let stored = try writer.finish()
            var snapshot = TrialSnapshot(stored: stored, bytes: [])
            snapshot.bytes = scratch.contents(of: snapshot.file) ?? []
            return (snapshot, pieces)
        } catch {
            preconditionFailure("a disk without faults failed: \(error)")
        }
    }

    // MARK: Letting go

    mutating func prune() {
        var pinned: Set<SnapshotIdentity> = []
        for snapshot in content.snapshots where random.chance(percent: 20) { pinned.insert(snapshot.stored.identity) }
        let stages = content.stages(pruning: pinned)
        if random.chance(percent: 40) { armSoon(within: 4) }
        do throws(StorageError) {
            try data?.snapshots.prune(pinned: pinned)
        } catch {
            return crashed(error, mayBeUnfinished: false, stages)
        }
        disk.disarm()
        counts.pruned += stages.count - 1
        if let end = stages.last { content = end }
        if data?.snapshots.kept != content.snapshots.map(\.stored) {
            problem("it keeps other snapshots than it should")
        }
    }

    private var names: Set<String> { Set(disk.durableSnapshot().keys) }

    /// Up to the older snapshot, so that it can serve if the newest one rots; sometimes up to the newest.
    mutating func release() {
        let kept = content.snapshots.prefix(random.chance(percent: 70) ? 2 : 1)
        guard pendingBase == nil, let index = kept.last?.position.index else { return }
        let old = names
        if random.chance(percent: 40) { armSoon(within: 6) }
        releasedTo = max(releasedTo, index)
        do throws(StorageError) {
            try data?.log.release(upTo: index)
        } catch {
            return crashed(error, mayBeUnfinished: false, [])
        }
        disk.disarm()
        let gone = old.subtracting(names)
        counts.segmentsReleased += gone.count
        places.removeAll { gone.contains($0.file) }
    }
}
