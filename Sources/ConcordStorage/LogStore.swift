import ConcordBytes
package import ConcordRaft

/// The log of a member on its disk: hard state and entries, durable when `write` returns.
///
/// Entries go in groups, one write and one fdatasync each, into files of zeros that were written before
/// (docs/formats.md, "Log segments"); the hard state goes into a file of its own ("Vote slots"). The store keeps
/// no entries: `open` hands them over.
package struct LogStore<Storage: Disk> {
    private var disk: Storage
    private var votes: VoteFile
    private var segment: OpenSegment
    private var tail: LogScan.Tail
    private var lastIndex: LogIndex
    private let segmentBytes: Int
    /// The greatest sequence number that a segment's file has: the one written to, or prepared ahead of it.
    private var lastSegment: UInt64
    /// Whether a preparation was handed out that was not reported as done.
    private var isPreparedElsewhere = false
    /// Unset by the first failure, which is final.
    private var isUsable = true

    /// The segment that is written to.
    private struct OpenSegment: Sendable {
        var file: DiskFile
        var sequence: UInt64
        var bytes: Int
        /// Where the next group begins.
        var offset: Int

        var room: Int { bytes - offset }
    }

    /// Opens the log of a data directory; where no member lives yet (there is no member record), makes it.
    ///
    /// All that the result tells is durable, also after a start that followed a mere kill: what an earlier life
    /// wrote and did not synchronise is synchronised here, before anyone is told that it is there.
    package static func open(
        _ disk: Storage, segmentBytes: Int = StorageLimits.segmentBytesDefault
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
        return try openExisting(disk, segmentBytes: segmentBytes)
    }

    // MARK: Writing

    /// Makes everything in `writes` durable, in their order: the last hard state first, then the entries that
    /// no later write of the same call replaces. Entries that are replaced before anyone was told of them never
    /// reach the disk.
    ///
    /// After an error the store is not to be used again: what is durable is known only by opening it anew.
    package mutating func write(_ writes: [LogWrite]) throws(StorageError) {
        precondition(isUsable, "a log was used after a failed write")
        isUsable = false
        var hardState: HardState?
        var pending: [Entry] = []
        for write in writes {
            if let newer = write.hardState { hardState = newer }
            append(write.entries, to: &pending)
        }
        if let hardState, hardState != votes.value {
            try votes.write(hardState, on: &disk)
        }
        var rest = pending[...]
        while !rest.isEmpty {
            rest = rest.dropFirst(try writeGroup(from: rest))
        }
        isUsable = true
    }

    /// Appends entries to those not written yet, in place of any from the first one's index on.
    private func append(_ entries: [Entry], to pending: inout [Entry]) {
        guard let first = entries.first?.index else { return }
        if let pendingFirst = pending.first?.index, first > pendingFirst {
            let kept = first.rawValue - pendingFirst.rawValue
            precondition(kept <= UInt64(pending.count), "entries to be written leave a hole behind those before")
            pending.removeLast(pending.count - Int(kept))
        } else {
            precondition(first > .zero && first <= lastIndex.next, "entries to be written leave a hole in the log")
            pending.removeAll()
        }
        for (offset, entry) in entries.enumerated() {
            precondition(
                entry.index.rawValue == first.rawValue + UInt64(offset), "entries to be written are not contiguous")
            precondition(
                entry.payload.count <= RaftLimits.payloadBytesMax, "an entry to be written is too large to be read")
        }
        pending.append(contentsOf: entries)
    }

    /// Writes as many entries as go into one group, and makes them durable.
    /// - Returns: how many these are; at least one.
    private mutating func writeGroup(from entries: ArraySlice<Entry>) throws(StorageError) -> Int {
        var count = 0
        var recordBytes = 0
        for entry in entries {
            let more = recordBytes + LogGroup.recordBytes(of: entry)
            guard count == 0 || LogGroup.bytesOnDisk(recordBytes: more) <= segmentBytes else { break }
            (count, recordBytes) = (count + 1, more)
        }
        let groupBytes = LogGroup.bytesOnDisk(recordBytes: recordBytes)
        try makeRoom(for: groupBytes)
        let group = entries.prefix(count)
        guard let first = group.first, let last = group.last else { return 0 }
        let header = GroupHeader(
            segment: segment.sequence, segmentBytes: UInt64(segment.bytes), number: tail.number + 1,
            streamBytes: UInt64(GroupHeader.streamBytes + recordBytes), recordCount: UInt32(count),
            firstIndex: first.index, lastTerm: last.term, durableBefore: lastIndex,
            previousFirstIndex: tail.firstIndex, checksumBefore: tail.checksum)
        let (blocks, checksum) = LogGroup.encode(
            group, header: header, zeroBlockBehind: groupBytes < segment.room)
        try onDisk { () throws(DiskError) in
            try disk.write(blocks, to: segment.file, at: segment.offset)
            try disk.synchronize(segment.file)
        }
        segment.offset += groupBytes
        tail = LogScan.Tail(number: header.number, firstIndex: header.firstIndex, checksum: checksum)
        lastIndex = last.index
        return count
    }

    // MARK: Segments

    /// Goes to the next segment if `bytes` do not fit into this one, and makes it longer if they would not fit
    /// into that one either. A group that fills a segment to its end has no zero block behind it there; the
    /// first block of the next segment is that block, so the next segment is made before the group is written.
    private mutating func makeRoom(for bytes: Int) throws(StorageError) {
        if segment.room < bytes {
            try prepareNext()
            try enterNext(roomFor: bytes)
        }
        if segment.room == bytes { try prepareNext() }
    }

    private mutating func prepareNext() throws(StorageError) {
        guard lastSegment == segment.sequence else { return }
        precondition(!isPreparedElsewhere, "a segment is needed that someone else is still preparing")
        let preparation = SegmentPreparation(sequence: segment.sequence + 1, bytes: segmentBytes)
        try preparation.run(on: &disk)
        lastSegment = preparation.sequence
    }

    private mutating func enterNext(roomFor bytes: Int) throws(StorageError) {
        let sequence = segment.sequence + 1
        disk.close(segment.file)
        var (file, size) = try openSegment(sequence)
        if size < bytes {
            // Under a temporary name and renamed, as any other: made longer in place, a segment could be found
            // half as long after a crash, and that would look like a file that was cut.
            disk.close(file)
            let madeToMeasure = bytes + StorageLimits.blockBytes
            try SegmentPreparation(sequence: sequence, bytes: madeToMeasure).run(on: &disk)
            (file, size) = try openSegment(sequence)
        }
        segment = OpenSegment(file: file, sequence: sequence, bytes: size, offset: 0)
    }

    private mutating func openSegment(_ sequence: UInt64) throws(StorageError) -> (DiskFile, bytes: Int) {
        try onDisk { () throws(DiskError) in
            let file = try disk.open(SegmentName.of(sequence), creating: false)
            return (file, try disk.size(of: file))
        }
    }

    /// The next segment's making, for whoever wants to do it beside the log's writes; asked for once, `nil`
    /// until the next one is due. Until `prepared` was called, no write may come that `mayNeedNextSegment`.
    /// Where nobody asks, `write` makes a segment when it needs it.
    package mutating func nextPreparation() -> SegmentPreparation? {
        guard lastSegment == segment.sequence, !isPreparedElsewhere else { return nil }
        isPreparedElsewhere = true
        return SegmentPreparation(sequence: segment.sequence + 1, bytes: segmentBytes)
    }

    /// A preparation that was handed out has run without an error.
    package mutating func prepared(_ preparation: SegmentPreparation) {
        precondition(
            isPreparedElsewhere && preparation.sequence == segment.sequence + 1,
            "a segment was prepared that nobody asked for")
        isPreparedElsewhere = false
        lastSegment = preparation.sequence
    }

    /// Whether these writes could need the segment that is being prepared elsewhere. Counted generously: what
    /// replaces an earlier entry is counted with it, and every group as if it began a block too late.
    package func mayNeedNextSegment(for writes: [LogWrite]) -> Bool {
        guard isPreparedElsewhere else { return false }
        var recordBytes = 0
        for write in writes {
            for entry in write.entries {
                recordBytes += LogGroup.recordBytes(of: entry)
            }
        }
        // Of two groups that follow each other in one call, both together are longer than a segment.
        let groups = 1 + 2 * recordBytes / segmentBytes
        let bytes = LogGroup.bytesOnDisk(recordBytes: recordBytes) + groups * 2 * StorageLimits.blockBytes
        return recordBytes > 0 && bytes >= segment.room
    }
}

extension LogStore: Sendable where Storage: Sendable {}

// MARK: Opening

extension LogStore {
    /// Makes vote file and first segments in a directory without a member. What a crashed attempt has left is
    /// made anew; anything that only a living member writes is not touched.
    private static func initialize(
        _ disk: inout Storage, names: [String], segmentBytes: Int
    ) throws(StorageError) {
        let segments = names.filter { SegmentName.sequence(of: $0) != nil }
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

    private static func openExisting(
        _ disk: Storage, segmentBytes: Int
    ) throws(StorageError) -> (LogStore, RecoveredLog) {
        var disk = disk
        let names = try onDisk { () throws(DiskError) in
            try disk.synchronizeDirectory()
            return try disk.list()
        }
        guard names.contains(VoteFile.name) else {
            throw .damaged(file: VoteFile.name, offset: 0, what: "the file is missing")
        }
        let lastSegment = try lastSegment(of: names)
        let (scan, sizes) = try scan(&disk, upTo: lastSegment)
        let (votes, repairedSlot) = try VoteFile.open(on: &disk)
        var notes = scan.notes
        if let doubt = scan.doubt {
            try cut(doubt.group, on: &disk)
            notes.append(.doubtfulGroupCut(doubt.group))
        }
        if let repairedSlot { notes.append(.voteSlotRepaired(slot: repairedSlot)) }
        try onDisk { () throws(DiskError) in
            for name in names where SegmentName.isLeftover(name) { try disk.remove(name) }
        }
        let file = try onDisk { () throws(DiskError) in
            try disk.open(SegmentName.of(scan.end.segment), creating: false)
        }
        var store = LogStore(
            disk: disk, votes: votes,
            segment: OpenSegment(
                file: file, sequence: scan.end.segment, bytes: sizes[Int(scan.end.segment - 1)],
                offset: scan.end.offset),
            tail: scan.tail, lastIndex: LogIndex(UInt64(scan.entries.count)), segmentBytes: segmentBytes,
            lastSegment: lastSegment)
        try store.prepareNext()
        return (store, RecoveredLog(hardState: votes.value, entries: scan.entries, notes: notes))
    }

    private init(
        disk: Storage, votes: VoteFile, segment: OpenSegment, tail: LogScan.Tail, lastIndex: LogIndex,
        segmentBytes: Int, lastSegment: UInt64
    ) {
        self.disk = disk
        self.votes = votes
        self.segment = segment
        self.tail = tail
        self.lastIndex = lastIndex
        self.segmentBytes = segmentBytes
        self.lastSegment = lastSegment
    }

    /// The greatest sequence number, after a check that no segment is missing before it.
    private static func lastSegment(of names: [String]) throws(StorageError) -> UInt64 {
        var last: UInt64 = 0
        for sequence in names.compactMap(SegmentName.sequence).sorted() {
            guard sequence == last + 1 else { break }
            last = sequence
        }
        let count = names.count { SegmentName.sequence(of: $0) != nil }
        guard last > 0, count == Int(last) else {
            throw .damaged(file: SegmentName.of(last + 1), offset: 0, what: "the file is missing")
        }
        return last
    }

    private static func scan(
        _ disk: inout Storage, upTo lastSegment: UInt64
    ) throws(StorageError) -> (LogScan, sizes: [Int]) {
        var scan = LogScan()
        var sizes: [Int] = []
        for sequence in 1...lastSegment {
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
        if scan.end.segment == lastSegment, scan.end.offset == sizes.last {
            throw .damaged(
                file: SegmentName.of(lastSegment + 1), offset: 0,
                what: "the file is missing: the segment before it is full")
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
