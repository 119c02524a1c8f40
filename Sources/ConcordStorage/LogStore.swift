import ConcordBytes
package import ConcordRaft

/// The log of a member on its disk: hard state and entries, durable when `write` returns.
///
/// Entries go in groups, one write and one fdatasync each, into files of zeros that were written before
/// (docs/formats.md, "Log segments"); the hard state goes into a file of its own ("Vote slots"). The store keeps
/// no entries: `open` hands them over. Its beginning can be released once a snapshot stands for it.
package struct LogStore<Storage: Disk> {
    private var disk: Storage
    private var votes: VoteFile
    private var segment: OpenSegment
    private var tail: LogScan.Tail
    private var lastIndex: LogIndex
    /// Entries up to here are never replaced: a snapshot stands for them.
    private var floor: LogIndex
    private var retained: RetainedSegments
    private let segmentBytes: Int
    /// The greatest sequence number that a segment's file has: the one written to, or prepared ahead of it.
    private var lastSegment: UInt64
    /// Whether a preparation was handed out that was not reported as done.
    private var isPreparedElsewhere = false
    /// Whether somebody makes segments beside the writes: then no write makes one.
    private var hasHelper = false
    /// Unset by the first failure, which is final.
    private var isUsable = true

    /// The segment that is written to.
    struct OpenSegment: Sendable {
        var file: DiskFile
        var sequence: UInt64
        var bytes: Int
        /// Where the next group begins.
        var offset: Int

        var room: Int { bytes - offset }
    }

    /// The log as `scan` found it on `disk`; `segment` is where the next group goes.
    init(
        disk: Storage, votes: VoteFile, segment: OpenSegment, scan: LogScan, floor: LogIndex, segmentBytes: Int,
        lastSegment: UInt64
    ) {
        self.disk = disk
        self.votes = votes
        self.segment = segment
        tail = scan.lastGood
        lastIndex = scan.log.lastIndex
        self.floor = floor
        retained = scan.retained
        self.segmentBytes = segmentBytes
        self.lastSegment = lastSegment
    }

    // MARK: Writing

    /// Makes everything in `writes` durable, in their order: the last hard state first, then the last base, then the
    /// entries that no later write of the same call replaces or drops. Such entries never reach the disk: nobody was
    /// told of them.
    ///
    /// After an error the store is not to be used again: what is durable is known only by opening it anew.
    /// - Returns: what found no room, as the next segment is being made elsewhere; `nil` when everything is durable.
    @discardableResult
    package mutating func write(_ writes: [LogWrite]) throws(StorageError) -> UnwrittenLog? {
        precondition(isUsable, "a log was used after a failed write")
        isUsable = false
        var hardState: HardState?
        var base: LogPosition?
        var pending: [Entry] = []
        for write in writes {
            if let newer = write.hardState { hardState = newer }
            if let newer = write.base {
                precondition(newer.index > base?.index ?? floor, "a log was told to follow an entry that it released")
                (base, pending) = (newer, [])
            }
            append(write.entries, to: &pending, behind: base)
        }
        if let hardState, hardState != votes.value {
            try votes.write(hardState, on: &disk)
        }
        if let newer = base, try writeBase(newer) { base = nil }
        var rest = pending[...]
        while base == nil, !rest.isEmpty {
            let count = try writeEntries(from: rest)
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        isUsable = true
        return UnwrittenLog(of: writes, base: base, entries: rest)
    }

    /// Appends entries to those not written yet, in place of any from the first one's index on.
    private func append(_ entries: [Entry], to pending: inout [Entry], behind base: LogPosition?) {
        guard let first = entries.first?.index else { return }
        if let pendingFirst = pending.first?.index, first > pendingFirst {
            let kept = first.rawValue - pendingFirst.rawValue
            precondition(kept <= UInt64(pending.count), "entries to be written leave a hole behind those before")
            pending.removeLast(pending.count - Int(kept))
        } else {
            precondition(
                first > base?.index ?? floor && first <= (base?.index ?? lastIndex).next,
                "entries to be written leave a hole in the log, or replace what a snapshot stands for")
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
    /// - Returns: how many these are; none when there is no room for the first.
    private mutating func writeEntries(from entries: ArraySlice<Entry>) throws(StorageError) -> Int {
        var count = 0
        var recordBytes = 0
        for entry in entries {
            let more = recordBytes + LogGroup.recordBytes(of: entry)
            guard count == 0 || LogGroup.bytesOnDisk(recordBytes: more) <= segmentBytes else { break }
            (count, recordBytes) = (count + 1, more)
        }
        let group = entries.prefix(count)
        guard let first = group.first, let last = group.last else { return 0 }
        let isWritten = try writeGroup(
            .entries(group), count: count, recordBytes: recordBytes, first: first.index, last: last.index,
            lastTerm: last.term)
        return isWritten ? count : 0
    }

    /// Drops all entries, durably: the log goes on behind `base`, for which a durable snapshot stands.
    /// - Returns: false when there is no room for it yet.
    mutating func writeBase(_ base: LogPosition) throws(StorageError) -> Bool {
        let isWritten = try writeGroup(
            .base(base), count: 1, recordBytes: LogGroup.baseRecordBytes, first: base.index, last: base.index,
            lastTerm: base.term)
        if isWritten { floor = base.index }
        return isWritten
    }

    /// Drops the entries from `index` on, durably, and whatever could not be read of them.
    /// - Parameter term: of the entry before.
    /// - Returns: whether there was room.
    mutating func writeEnd(before index: LogIndex, term: Term) throws(StorageError) -> Bool {
        precondition(index > floor, "a log was told to end before an entry that it released")
        return try writeGroup(
            .end(before: index), count: 1, recordBytes: LogGroup.endRecordBytes, first: index,
            last: LogIndex(index.rawValue - 1), lastTerm: term)
    }

    private mutating func writeGroup(
        _ content: LogGroup.Content, count: Int, recordBytes: Int, first: LogIndex, last: LogIndex, lastTerm: Term
    ) throws(StorageError) -> Bool {
        let groupBytes = LogGroup.bytesOnDisk(recordBytes: recordBytes)
        guard try makeRoom(for: groupBytes) else { return false }
        let header = GroupHeader(
            segment: segment.sequence, segmentBytes: UInt64(segment.bytes), number: tail.number + 1,
            streamBytes: UInt64(GroupHeader.streamBytes + recordBytes), recordCount: UInt32(count),
            firstIndex: first, lastTerm: lastTerm, durableBefore: lastIndex,
            previousFirstIndex: tail.firstIndex, checksumBefore: tail.checksum)
        let (blocks, checksum) = LogGroup.encode(
            content, header: header, zeroBlockBehind: groupBytes < segment.room)
        try onDisk { () throws(DiskError) in
            try disk.write(blocks, to: segment.file, at: segment.offset)
            try disk.synchronize(segment.file)
        }
        segment.offset += groupBytes
        tail = LogScan.Tail(number: header.number, firstIndex: first, checksum: checksum)
        lastIndex = last
        let isBase = if case .base = content { true } else { false }
        retained.hold(upTo: last, in: segment.sequence, isBase: isBase)
        return true
    }

    /// Removes the leading segments that hold nothing but entries up to `index`, or what a base record supersedes.
    /// Each is gone durably before the next one goes, so a hole between segments is never a crash's doing.
    /// - Parameter index: at most that of a snapshot which is durable and stays.
    package mutating func release(upTo index: LogIndex) throws(StorageError) {
        precondition(isUsable, "a log was used after a failed write")
        isUsable = false
        while retained.isFirstReleasable(upTo: index) {
            try onDisk { () throws(DiskError) in
                try disk.remove(SegmentName.of(retained.first))
                try disk.synchronizeDirectory()
            }
            retained.removeFirst()
        }
        isUsable = true
    }

    /// A snapshot of `term` shows that the term has come, and this member has not voted in it: makes that durable.
    mutating func raiseTerm(to term: Term) throws(StorageError) {
        guard votes.value.term < term else { return }
        try votes.write(HardState(term: term, votedFor: nil, doubt: votes.value.doubt), on: &disk)
    }

    var hardState: HardState { votes.value }

    // MARK: Segments

    /// Goes to the next segment if `bytes` do not fit into this one, and makes it longer if they would not fit
    /// into that one either. A group that fills a segment to its end has no zero block behind it there; the
    /// first block of the next segment is that block, so the next segment is made before the group is written.
    /// - Returns: false when the next segment is needed and is being made elsewhere.
    private mutating func makeRoom(for bytes: Int) throws(StorageError) -> Bool {
        if segment.room < bytes {
            guard try hasNext() else { return false }
            try enterNext(roomFor: bytes)
        }
        if segment.room > bytes { return true }
        return try hasNext()
    }

    /// Whether the next segment is there. Where nobody makes segments beside the writes, it is made.
    private mutating func hasNext() throws(StorageError) -> Bool {
        if !hasHelper { try prepareNext() }
        return lastSegment > segment.sequence
    }

    mutating func prepareNext() throws(StorageError) {
        guard lastSegment == segment.sequence else { return }
        precondition(!isPreparedElsewhere, "a segment is needed that someone else is still preparing")
        let preparation = SegmentPreparation(sequence: segment.sequence + 1, bytes: segmentBytes)
        try preparation.run(on: &disk)
        lastSegment = preparation.sequence
    }

    /// As `prepareNext`, at a start: a log whose disk is full still has the room of its last segment.
    mutating func prepareNextIfThereIsRoom() throws(StorageError) {
        do throws(StorageError) {
            try prepareNext()
        } catch {
            guard case .full = error else { throw error }
            try SegmentPreparation(sequence: segment.sequence + 1, bytes: segmentBytes).discard(on: &disk)
        }
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
    /// until the next one is due. Until `prepared` was called, `write` leaves undone what needs it. Where nobody asks,
    /// `write` makes a segment when it needs it.
    package mutating func nextPreparation() -> SegmentPreparation? {
        hasHelper = true
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
}

extension LogStore: Sendable where Storage: Sendable {}
