import ConcordRaft

// Reads the segments of a log from the first to the last and decides what they hold.
//
// A group is written with one write, together with a zero block behind it, and the next group only once that
// write was synchronised. So of all groups only the last can be torn, and a torn group can look like anything:
// every sector of it is old or new by itself. What follows a good group is therefore
//
// - a zero block: the clean end. (The group may go on behind it if its first block did not reach the disk. It
//   was not synchronised, so nobody was told of it.)
// - a group that verifies and continues the chain: part of the log.
// - anything else: a group that is either torn or damaged. It is *damaged* if any group was begun after it, for
//   then it was synchronised once. If none was, it is the *last* group. It is *unfinished* if one of its sectors never
//   reached the disk (`GroupLayout`): nobody was told of it. Else it is *doubtful*: it may have been synchronised.
//   If all of its sectors are there, it was written *whole*, and changed since.
//
// Whether one was begun after it can be asked of the disk: every block of this and the later segments is looked
// at for the header of a group. A header proves that its group was begun, whatever became of its records; and a
// header is known for sure: its checksum verifies, it names the segment that it stands in (a recycled file holds
// those of other segments only), and no record's byte ever stands where a header does, so no payload can pose
// as one. Nor is one left over from a group that was cut off: cutting zeroes the block of its header, and a group
// that has a header behind it is never cut off.
//
// The same header tells what was lost. Groups are numbered and chained, so a header whose number and checksum
// follow the last good group proves that nothing is missing, whatever stands between. If groups are missing, all
// indices from the lowest that they held are unknown, until a later good group starts at or below that: then
// everything missing was superseded, and nothing is lost.
//
// A snapshot supersedes, too: it stands for everything up to its entry. So where groups are missing, or segments were
// released before the first one, it is enough that a good group starts at most one behind the snapshot's entry. And a
// base record supersedes everything before it; whoever wrote it had a durable snapshot that reaches as far.
struct LogScan {
    /// Where the next group is written.
    struct End: Equatable {
        var segment: UInt64
        var offset: Int
    }

    /// The last group that was read.
    struct Tail: Equatable, Sendable {
        var number: UInt64 = 0
        var firstIndex = LogIndex.zero
        var checksum: UInt32 = 0
    }

    private(set) var log = KnownLog()
    private(set) var retained: RetainedSegments
    private(set) var tail = Tail()
    /// The last group that verifies. What is written next continues this one, since all behind it is cleared.
    private(set) var lastGood = Tail()
    private(set) var end: End
    private(set) var notes: [RecoveryNote] = []
    /// The entry that a snapshot reaches to; zero when there is none.
    private let snapshotIndex: LogIndex
    /// The number of the last header that was seen, whatever became of its group.
    private var begun: UInt64 = 0
    /// What the last group says that was synchronised for certain; `nil`: its header cannot be read, or there is none.
    private var lastDurable: DoubtfulGroup.Claim?
    /// What that header says was the last index of the log before it.
    private var durableBefore = LogIndex.zero
    private var lastSegmentBytes = 0
    /// Where the last base record stands.
    private var basePlace = End(segment: 0, offset: 0)
    private var suspect: Suspect?
    private var damage: Damage?

    /// A place where a group should be and none verifies: doubt if nothing was begun behind it, else damage.
    private struct Suspect {
        var segment: UInt64
        var group: DoubtfulGroup
        var extent: GroupExtent
    }

    /// What is lost unless something later supersedes it.
    struct Damage: Sendable {
        var file: String
        var offset: Int
        var what: String
        /// The entries from here on are unknown.
        var firstIndex: LogIndex
        /// Nothing was damaged: the segments before the first one were released.
        var isRelease = false

        /// Why a member does not start with it.
        var refusal: StorageError {
            .damaged(
                file: file, offset: offset,
                what: "\(what), and groups were written after it; entries from \(firstIndex.rawValue) on are lost")
        }
    }

    /// - Parameters:
    ///   - firstSegment: the least sequence number that a segment has. Greater than 1: those before it were released.
    ///   - snapshotIndex: the entry that a durable snapshot reaches to; zero when there is none.
    init(firstSegment: UInt64, snapshotIndex: LogIndex) {
        self.snapshotIndex = snapshotIndex
        retained = RetainedSegments(first: firstSegment)
        end = End(segment: firstSegment, offset: 0)
        guard firstSegment > 1 else { return }
        damage = Damage(
            file: SegmentName.of(firstSegment), offset: 0, what: "the log was released up to here",
            firstIndex: LogIndex(1), isRelease: true)
    }

    /// The last group of the log if it does not verify, and the segment that it begins in.
    var lastGroup: (segment: UInt64, group: DoubtfulGroup, extent: GroupExtent)? {
        suspect.map { ($0.segment, $0.group, $0.extent) }
    }

    /// What the disk has lost of the log for certain: `log` ends before it.
    var lost: Damage? {
        damage.flatMap { $0.isRelease ? nil : $0 }
    }

    /// Whether there is nothing but a last group that does not verify, where the next one goes: all before was released.
    var isAllReleased: Bool { damage?.isRelease == true }

    /// How far the log went for which all of this stood, if that is known: the last group that was synchronised says it.
    var lastClaim: DoubtfulGroup.Claim? {
        guard let suspect, suspect.extent != .unfinished else { return lastDurable }
        return suspect.group.claim
    }

    /// Reads one more segment: all segments are read, in the order of their sequence numbers.
    mutating func read(segment sequence: UInt64, bytes: [UInt8]) throws(StorageError) {
        let file = SegmentName.of(sequence)
        guard !bytes.isEmpty, bytes.count % StorageLimits.blockBytes == 0 else {
            throw .damaged(file: file, offset: bytes.count, what: "the file was cut: it ends within a block")
        }
        // The log goes on here if it filled the segment before; not if it ended earlier, at an offset that happens to
        // be as long as an empty segment in between.
        if end == End(segment: sequence - 1, offset: lastSegmentBytes) { end = End(segment: sequence, offset: 0) }
        lastSegmentBytes = bytes.count
        var offset = 0
        /// Where a group may begin: at the start, and directly behind a group. A group that does not verify ends where
        /// its header says, if that does.
        var boundary = 0
        while offset < bytes.count {
            switch GroupHeader.look(at: bytes, offset: offset) {
            case .newer(let version):
                throw .newerFormat(file: file, found: Int(version), known: Int(GroupLayout.newest.version))
            case .header(let header, let checksum) where header.segment == sequence:
                guard header.segmentBytes <= UInt64(bytes.count) else {
                    throw .damaged(
                        file: file, offset: bytes.count,
                        what: "the file was cut: it had \(header.segmentBytes) bytes and has \(bytes.count)")
                }
                try resume(at: header, file: file, offset: offset)
                let reading = LogGroup.read(bytes, at: offset, header: header, checksum: checksum)
                let extent = LogGroup.extent(bytes, at: offset, header: header)
                let length = try take(
                    reading, header: header, place: End(segment: sequence, offset: offset), extent: extent)
                boundary = offset + (length ?? LogGroup.bytesOnDisk(header, atMost: bytes.count - offset))
                offset += length ?? StorageLimits.blockBytes
                continue
            case .header(let header, _) where offset == 0:
                throw .damaged(
                    file: file, offset: 0, what: "it holds groups of segment \(header.segment): the file is misplaced")
            case .header, .none:
                if offset == boundary, !isZero(bytes, blockAt: offset) {
                    suspectGroup(
                        segment: sequence, offset: offset, what: "no group's header verifies", claim: nil,
                        extent: GroupLayout.extent(bytes, headerAt: offset))
                }
            }
            offset += StorageLimits.blockBytes
        }
    }

    /// Ends the reading.
    func finish() throws(StorageError) {
        if let damage, damage.isRelease {
            guard retained.isEmpty, durableBefore <= snapshotIndex else {
                throw .damaged(
                    file: damage.file, offset: damage.offset,
                    what: "the log begins behind entry \(snapshotIndex.next.rawValue), and no snapshot that can be "
                        + "read reaches it")
            }
            // The segment of the last group is never released, and what is doubtful there is not cut but replaced.
            guard let lastGroup, lastGroup.segment == end.segment, lastGroup.group.offset == end.offset else {
                throw .damaged(file: damage.file, offset: damage.offset, what: "no group of the log is left")
            }
        }
        guard log.base.index <= snapshotIndex else {
            throw .damaged(
                file: SegmentName.of(basePlace.segment), offset: basePlace.offset,
                what: "the log goes on behind a snapshot up to entry \(log.base.index.rawValue), and no snapshot that "
                    + "can be read reaches it")
        }
    }

    /// A header was found: finds out whether groups are missing between the last one read and this one.
    ///
    /// Two headers of one number are damage: a disk has written a block to two places. Only one of them could be cut
    /// off, and the other would stand in the way of what is written next.
    private mutating func resume(at header: GroupHeader, file: String, offset: Int) throws(StorageError) {
        guard header.number > begun else {
            throw .damaged(
                file: file, offset: offset,
                what: "the block is misplaced: group \(header.number) stands behind group \(begun)")
        }
        let isFirst = begun == 0
        begun = header.number
        if let suspect { lastDurable = suspect.group.claim }
        durableBefore = header.durableBefore
        defer {
            suspect = nil
            tail.number = header.number - 1
            tail.checksum = header.checksumBefore
        }
        // What a released segment held is superseded, and what this header continues stood there.
        if isFirst, retained.first > 1, suspect == nil { return }
        if header.number == tail.number + 1, header.checksumBefore == tail.checksum { return }
        // Exactly one group is missing: this one says where it began. Of more nothing is known.
        let firstMissing = header.number == tail.number + 2 ? header.previousFirstIndex : LogIndex(1)
        lose(
            from: firstMissing, file: suspect?.group.file ?? SegmentName.of(end.segment),
            offset: suspect?.group.offset ?? end.offset, what: suspect?.group.what ?? "a group is missing")
    }

    /// Takes what was read of a group into the log.
    /// - Returns: the group's bytes on disk, or `nil` when it does not verify.
    private mutating func take(
        _ reading: LogGroup.Reading, header: GroupHeader, place: End, extent: GroupExtent
    ) throws(StorageError) -> Int? {
        let file = SegmentName.of(place.segment)
        switch reading {
        case .unreadable:
            throw .unreadableRecord(file: file, offset: place.offset)
        case .unverifiable(let what):
            suspectGroup(
                segment: place.segment, offset: place.offset, what: what, claim: header.claim, extent: extent)
            return nil
        case .good(let content, let checksum, let bytesOnDisk):
            guard header.firstIndex > log.base.index else {
                throw .damaged(
                    file: file, offset: place.offset,
                    what: "the group starts at \(header.firstIndex.rawValue), and a base record at "
                        + "\(log.base.index.rawValue) stands before it")
            }
            // What an end or a base drops may look whole by now: a newer snapshot stands for the damage before it.
            let (dropsEntries, isEnd) =
                switch content {
                case .entries: (false, false)
                case .base: (true, false)
                case .end: (true, true)
                }
            let isBehind = dropsEntries && header.durableBefore < log.lastIndex
            guard damage != nil || header.durableBefore == log.lastIndex || isBehind else {
                throw .damaged(
                    file: file, offset: place.offset,
                    what: "the group follows index \(header.durableBefore.rawValue), and the log before it ends at "
                        + "\(log.lastIndex.rawValue)")
            }
            switch content {
            case .base(let base):
                supersedeDamage()
                log.reset(to: base)
                basePlace = place
                retained.hold(upTo: base.index, in: place.segment, isBase: true)
            case .end(let index):
                guard index <= header.durableBefore.next else {
                    throw .damaged(file: file, offset: place.offset, what: "the group ends a log that ended before")
                }
                takeEnd(before: index)
                retained.hold(upTo: LogIndex(index.rawValue - 1), in: place.segment, isBase: false)
            case .entries(let entries):
                guard header.firstIndex <= header.durableBefore.next else {
                    throw .damaged(file: file, offset: place.offset, what: "the group leaves a hole before it")
                }
                take(entries, from: header.firstIndex)
                retained.hold(upTo: header.lastIndex, in: place.segment, isBase: false)
            }
            if !isEnd { lastDurable = header.claim }
            tail = Tail(number: header.number, firstIndex: header.firstIndex, checksum: checksum)
            lastGood = tail
            end = End(segment: place.segment, offset: place.offset + bytesOnDisk)
            return bytesOnDisk
        }
    }

    /// The log ends before `index`, unless something before that is missing which the snapshot does not supersede.
    private mutating func takeEnd(before index: LogIndex) {
        if let lost = damage {
            guard index <= max(lost.firstIndex, snapshotIndex.next) else { return }
            if index > lost.firstIndex { log.begin(at: index) }
            supersedeDamage()
        }
        if index < log.firstIndex { log.begin(at: index) } else { log.forget(from: index) }
    }

    /// Takes a group's entries, unless something before them is missing that neither they supersede nor the snapshot.
    private mutating func take(_ entries: ArraySlice<Entry>, from first: LogIndex) {
        if let lost = damage {
            if first > lost.firstIndex {
                guard first <= snapshotIndex.next, snapshotIndex > .zero else { return }
                log.begin(at: first)
            }
            supersedeDamage()
        }
        log.take(entries)
    }

    private mutating func supersedeDamage() {
        if let lost = damage, !lost.isRelease {
            notes.append(.supersededDamage(file: lost.file, offset: lost.offset, what: lost.what))
        }
        damage = nil
    }

    /// Remembers a place where no group verifies. A second such place in a later segment makes the first one
    /// damage: that segment's first block was zero until every group before it was durable.
    private mutating func suspectGroup(
        segment: UInt64, offset: Int, what: String, claim: DoubtfulGroup.Claim?, extent: GroupExtent
    ) {
        if let earlier = suspect {
            lastDurable = earlier.group.claim
            lose(
                from: earlier.group.claim?.firstIndex ?? LogIndex(1), file: earlier.group.file,
                offset: earlier.group.offset, what: earlier.group.what)
        }
        suspect = Suspect(
            segment: segment,
            group: DoubtfulGroup(file: SegmentName.of(segment), offset: offset, what: what, claim: claim),
            extent: extent)
    }

    private mutating func lose(from index: LogIndex, file: String, offset: Int, what: String) {
        let known = damage?.firstIndex ?? log.lastIndex.next
        let first = min(max(index, log.base.index.next), known)
        if let earlier = damage, !earlier.isRelease {
            damage?.firstIndex = first
        } else {
            damage = Damage(file: file, offset: offset, what: what, firstIndex: first)
        }
        log.forget(from: first)
    }

    private func isZero(_ bytes: [UInt8], blockAt offset: Int) -> Bool {
        bytes[offset..<offset + StorageLimits.blockBytes].allSatisfy { $0 == 0 }
    }
}
