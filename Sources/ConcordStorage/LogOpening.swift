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
        try open(disk, snapshot: snapshot, unusable: nil, initial: nil, own: nil, segmentBytes: segmentBytes)
    }

    /// - Parameters:
    ///   - unusable: the file of a newer snapshot that cannot be used. The log may have been dropped for it, so one that
    ///     does not contain the older snapshot's entry is refused.
    ///   - initial: the configuration at the beginning of the log, if the member has one.
    ///   - id: the member's own; `nil`: no member lives there yet.
    static func open(
        _ disk: Storage, snapshot: LogBase?, unusable: String?, initial: Configuration?, own id: MemberID?,
        segmentBytes: Int
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
        return try openExisting(
            disk, snapshot: snapshot, unusable: unusable, initial: initial, own: id, segmentBytes: segmentBytes)
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
        _ disk: Storage, snapshot: LogBase?, unusable: String?, initial: Configuration?, own id: MemberID?,
        segmentBytes: Int
    ) throws(StorageError) -> (LogStore, RecoveredLog) {
        var disk = disk
        let names = try onDisk { () throws(DiskError) in
            try disk.synchronizeDirectory()
            return try disk.list()
        }
        guard names.contains(VoteFile.name) else {
            throw .damaged(file: VoteFile.name, offset: 0, what: "the file is missing")
        }
        let sequences = try segments(of: names, mayBeReleased: snapshot != nil)
        let (scan, segments) = try scan(&disk, sequences, snapshotIndex: snapshot?.position.index ?? .zero)
        let found = try FoundLog(scan, snapshot: snapshot?.position)
        if found.isSuperseded, let unusable {
            throw .damaged(
                file: unusable, offset: 0,
                what: "it cannot be used, and the log does not go on from the snapshot before it")
        }
        let loss = LogLoss(scan, found)
        if let loss { try loss.checkThatOthersMayHaveIt(found, base: snapshot?.configuration ?? initial, own: id) }
        // Nothing is refused any more for what the log holds, so now it may be changed.
        var (votes, repairedSlot) = try VoteFile.open(on: &disk)
        // Once it is cut off, nothing in the log tells of it.
        if let loss { try votes.write(try loss.hardState(after: votes.value), on: &disk) }
        try clear(segments, behind: scan.end, isReplaced: scan.isAllReleased, on: &disk)
        try onDisk { () throws(DiskError) in
            for name in names where SegmentName.isLeftover(name) { try disk.remove(name) }
        }
        let file = try onDisk { () throws(DiskError) in
            try disk.open(SegmentName.of(scan.end.segment), creating: false)
        }
        let size = segments[Int(scan.end.segment - sequences.lowerBound)].bytes
        let segment = OpenSegment(file: file, sequence: scan.end.segment, bytes: size, offset: scan.end.offset)
        var store = LogStore(
            disk: disk, votes: votes, segment: segment, scan: scan,
            floor: found.isSuperseded ? scan.log.base.index : found.released.index, segmentBytes: segmentBytes,
            lastSegment: sequences.upperBound)
        if let base = snapshot?.position {
            try store.raiseTerm(to: base.term)
            if found.isSuperseded { _ = try store.writeBase(base) }
        }
        if let lost = scan.lost, !found.isSuperseded {
            _ = try store.writeEnd(before: lost.firstIndex, term: loss?.last.term ?? .zero)
        }
        try store.prepareNextIfThereIsRoom()
        let recovered = RecoveredLog(
            hardState: store.hardState, released: found.released, entries: found.entries,
            notes: notes(scan, found, loss, repairedSlot: repairedSlot))
        return (store, recovered)
    }

    private static func notes(
        _ scan: LogScan, _ found: FoundLog, _ loss: LogLoss?, repairedSlot: Int?
    ) -> [RecoveryNote] {
        var notes = scan.notes
        if let lost = scan.lost, loss == nil {
            notes.append(.supersededDamage(file: lost.file, offset: lost.offset, what: lost.what))
        } else if let lost = scan.lost {
            notes.append(.damageCut(file: lost.file, offset: lost.offset, what: lost.what, from: lost.firstIndex))
        }
        if let last = scan.lastGroup {
            let isUnfinished = last.extent == .unfinished
            notes.append(isUnfinished ? .unfinishedGroupCut(last.group) : .doubtfulGroupCut(last.group))
        }
        if let repairedSlot { notes.append(.voteSlotRepaired(slot: repairedSlot)) }
        if found.isSuperseded { notes.append(.logReset(base: found.released.index)) }
        return notes
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
    ) throws(StorageError) -> (LogScan, [ScannedSegment]) {
        var scan = LogScan(firstSegment: segments.lowerBound, snapshotIndex: snapshotIndex)
        var scanned: [ScannedSegment] = []
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
            scanned.append(ScannedSegment(sequence: sequence, contents: bytes))
        }
        try scan.finish()
        if scan.end.segment == segments.upperBound, scan.end.offset == scanned.last?.bytes {
            throw .damaged(
                file: SegmentName.of(segments.upperBound + 1), offset: 0,
                what: "the file is missing: the segment before it is full")
        }
        guard scan.tail.number < StorageLimits.indexMax, scan.log.lastIndex.rawValue < StorageLimits.indexMax else {
            throw .damaged(
                file: SegmentName.of(scan.end.segment), offset: scan.end.offset,
                what: "the log's numbers stand at their end")
        }
        return (scan, scanned)
    }

    struct ScannedSegment {
        var sequence: UInt64
        var bytes: Int
        /// Behind its last block that is not zero.
        var end: Int

        init(sequence: UInt64, contents: [UInt8]) {
            self.sequence = sequence
            bytes = contents.count
            let used = contents.lastIndex { $0 != 0 } ?? -1
            end = (used + StorageLimits.blockBytes) / StorageLimits.blockBytes * StorageLimits.blockBytes
        }
    }

    /// Makes everything behind the log's last group zero again, durably: a crash or rot has left it there. What is
    /// written there next must find zeros (`GroupLayout`).
    ///
    /// Where a group begins there, its first block goes last, so that a crash leaves no rest of it without a beginning.
    /// - Parameter isReplaced: the first block behind the last group is left as it is, for something is written there
    ///   at once. If there is nothing else of the log, a crash must leave a group there.
    private static func clear(
        _ segments: [ScannedSegment], behind end: LogScan.End, isReplaced: Bool, on disk: inout Storage
    ) throws(StorageError) {
        for segment in segments.reversed() where segment.sequence >= end.segment {
            let isLast = segment.sequence == end.segment
            let start = isLast ? end.offset : 0
            guard segment.end > start else { continue }
            try onDisk { () throws(DiskError) in
                let file = try disk.open(SegmentName.of(segment.sequence), creating: false)
                defer { disk.close(file) }
                let second = start + StorageLimits.blockBytes
                if segment.end > second {
                    try writeZeros(to: file, in: second..<segment.end, on: &disk)
                    try disk.synchronize(file)
                }
                guard !isReplaced || !isLast else { return }
                try writeZeros(to: file, in: start..<second, on: &disk)
                try disk.synchronize(file)
            }
        }
    }
}
