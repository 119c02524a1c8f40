import ConcordBytes
package import ConcordRaft

extension LogStore {
    /// Opens the log of a data directory; where no member lives yet (there is no member record), makes it.
    ///
    /// All that the result tells is durable, also after a start that followed a mere kill: what an earlier life
    /// wrote and did not synchronise is synchronised here, before anyone is told that it is there.
    ///
    /// - Parameter snapshot: what the newest snapshot stands for that can be used. A log that does not contain its
    ///   entry goes on behind it afterwards.
    package static func open(
        _ disk: Storage, snapshot: LogBase?, segmentBytes: Int = StorageLimits.segmentBytesDefault
    ) throws(StorageError) -> (LogStore, RecoveredLog) {
        try open(disk, snapshot: snapshot, unusable: nil, segmentBytes: segmentBytes)
    }

    /// - Parameter unusable: the file of a newer snapshot that cannot be used. The log may have been dropped for it, so
    ///   one that does not contain the older snapshot's entry is refused.
    static func open(
        _ disk: Storage, snapshot: LogBase?, unusable: String?, segmentBytes: Int
    ) throws(StorageError) -> (LogStore, RecoveredLog) {
        precondition(
            segmentBytes >= StorageLimits.segmentBytesMin && segmentBytes <= StorageLimits.segmentBytesMax / 2,
            "a segment's length is out of range")
        let blocks = (segmentBytes + StorageLimits.blockBytes - 1) / StorageLimits.blockBytes
        let segmentBytes = blocks * StorageLimits.blockBytes
        var disk = disk
        let names = try onDisk { () throws(DiskError) in try disk.list() }
        if !names.contains(MemberRecord.fileName) {
            try initialize(&disk, names: names, segmentBytes: segmentBytes)
        }
        return try openExisting(disk, snapshot: snapshot?.position, unusable: unusable, segmentBytes: segmentBytes)
    }

    /// Makes vote file and first segments in a directory without a member. What a crashed attempt has left is
    /// made anew; anything that only a living member writes is not touched.
    private static func initialize(
        _ disk: inout Storage, names: [String], segmentBytes: Int
    ) throws(StorageError) {
        let segments = names.filter { SegmentName.sequence(of: $0) != nil }
        let snapshot = names.first { SnapshotName.position(of: $0) != nil || SnapshotName.isLeftover($0) }
        if let snapshot { throw .memberRecordMissing(file: snapshot) }
        if names.contains(VoteFile.name), try VoteFile.isUsed(on: &disk) {
            throw .memberRecordMissing(file: VoteFile.name)
        }
        for name in segments {
            let start = try onDisk { () throws(DiskError) in
                let file = try disk.open(name, creating: false)
                defer { disk.close(file) }
                return try disk.read(file, at: 0, count: StorageLimits.blockBytes)
            }
            guard start.allSatisfy({ $0 == 0 }) else { throw .memberRecordMissing(file: name) }
        }
        try onDisk { () throws(DiskError) in
            for name in segments { try disk.remove(name) }
            if names.contains(VoteFile.name) { try disk.remove(VoteFile.name) }
        }
        try VoteFile.create(on: &disk)
        try SegmentPreparation(sequence: 1, bytes: segmentBytes).run(on: &disk)
    }

    static func openExisting(
        _ disk: Storage, snapshot: LogPosition?, unusable: String?, segmentBytes: Int
    ) throws(StorageError) -> (LogStore, RecoveredLog) {
        var disk = disk
        let names = try onDisk { () throws(DiskError) in
            try disk.synchronizeDirectory()
            return try disk.list()
        }
        guard names.contains(VoteFile.name) else {
            throw .damaged(file: VoteFile.name, offset: 0, what: "the file is missing")
        }
        let segments = try segments(of: names, mayBeReleased: snapshot != nil)
        let (scan, sizes) = try scan(&disk, segments, snapshotIndex: snapshot?.index ?? .zero)
        let found = try FoundLog(scan, snapshot: snapshot)
        if found.isSuperseded, let unusable {
            throw .damaged(
                file: unusable, offset: 0,
                what: "it cannot be used, and the log does not go on from the snapshot before it")
        }
        // Nothing is refused any more for what the log holds, so now it may be changed.
        let (votes, repairedSlot) = try VoteFile.open(on: &disk)
        var notes = scan.notes
        if let doubt = scan.doubt {
            // Where nothing else is left of the log, a base takes its place at once: a crash leaves a doubtful group.
            if scan.isKnown { try cut(doubt.group, on: &disk) }
            notes.append(.doubtfulGroupCut(doubt.group))
        }
        if let repairedSlot { notes.append(.voteSlotRepaired(slot: repairedSlot)) }
        try onDisk { () throws(DiskError) in
            for name in names where SegmentName.isLeftover(name) { try disk.remove(name) }
        }
        let file = try onDisk { () throws(DiskError) in
            try disk.open(SegmentName.of(scan.end.segment), creating: false)
        }
        let size = sizes[Int(scan.end.segment - segments.lowerBound)]
        let segment = OpenSegment(file: file, sequence: scan.end.segment, bytes: size, offset: scan.end.offset)
        var store = LogStore(
            disk: disk, votes: votes, segment: segment, scan: scan,
            floor: found.isSuperseded ? scan.log.base.index : found.released.index, segmentBytes: segmentBytes,
            lastSegment: segments.upperBound)
        if let snapshot {
            try store.raiseTerm(to: snapshot.term)
            if found.isSuperseded {
                try store.writeBase(snapshot)
                notes.append(.logReset(base: snapshot.index))
            }
        }
        try store.prepareNext()
        let recovered = RecoveredLog(
            hardState: store.hardState, released: found.released, entries: found.entries, notes: notes)
        return (store, recovered)
    }

    /// The sequence numbers of the segments, after a check that none is missing between them.
    /// - Parameter mayBeReleased: whether the first of them may be any, since a snapshot stands for those before it.
    static func segments(
        of names: [String], mayBeReleased: Bool
    ) throws(StorageError) -> ClosedRange<UInt64> {
        let found = names.compactMap(SegmentName.sequence).sorted()
        if let strange = found.first(where: { $0 == 0 || $0 >= StorageLimits.indexMax }) {
            throw .damaged(file: SegmentName.of(strange), offset: 0, what: "no segment has such a number")
        }
        let first = mayBeReleased ? found.first ?? 1 : 1
        var last = first - 1
        for sequence in found {
            guard sequence == last + 1 else { break }
            last = sequence
        }
        guard last >= first, found.count == Int(last - first) + 1 else {
            let isReleased = !mayBeReleased && (found.first ?? 1) > 1
            throw .damaged(
                file: SegmentName.of(last + 1), offset: 0,
                what: isReleased ? "the file is missing, and no snapshot stands for it" : "the file is missing")
        }
        return first...last
    }

    static func scan(
        _ disk: inout Storage, _ segments: ClosedRange<UInt64>, snapshotIndex: LogIndex
    ) throws(StorageError) -> (LogScan, sizes: [Int]) {
        var scan = LogScan(firstSegment: segments.lowerBound, snapshotIndex: snapshotIndex)
        var sizes: [Int] = []
        for sequence in segments {
            let name = SegmentName.of(sequence)
            let file = try onDisk { () throws(DiskError) in try disk.open(name, creating: false) }
            defer { disk.close(file) }
            let size = try onDisk { () throws(DiskError) in try disk.size(of: file) }
            guard size <= StorageLimits.segmentBytesMax else {
                throw .damaged(file: name, offset: size, what: "the file is longer than any segment")
            }
            let bytes = try onDisk { () throws(DiskError) in
                try disk.synchronize(file)
                return try disk.read(file, at: 0, count: size)
            }
            guard bytes.count == size else {
                throw .damaged(file: name, offset: bytes.count, what: "the file ends before its length")
            }
            try scan.read(segment: sequence, bytes: bytes)
            sizes.append(size)
        }
        try scan.finish()
        if scan.end.segment == segments.upperBound, scan.end.offset == sizes.last {
            throw .damaged(
                file: SegmentName.of(segments.upperBound + 1), offset: 0,
                what: "the file is missing: the segment before it is full")
        }
        guard scan.tail.number < StorageLimits.indexMax, scan.log.lastIndex.rawValue < StorageLimits.indexMax else {
            throw .damaged(
                file: SegmentName.of(scan.end.segment), offset: scan.end.offset,
                what: "the log's numbers stand at their end")
        }
        return (scan, sizes)
    }

    /// Puts a durable zero block in place of the doubtful group's first block: the clean end of the log. The
    /// group's further blocks can stay, as nothing but a header makes them a group.
    private static func cut(_ group: DoubtfulGroup, on disk: inout Storage) throws(StorageError) {
        try onDisk { () throws(DiskError) in
            let file = try disk.open(group.file, creating: false)
            defer { disk.close(file) }
            try disk.write([UInt8](repeating: 0, count: StorageLimits.blockBytes), to: file, at: group.offset)
            try disk.synchronize(file)
        }
    }
}
