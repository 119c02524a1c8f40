import ConcordBytes
import ConcordRaft

/// The file `vote`: term and vote in two slots, each in a block of its own, so that no crash and no single bad
/// block makes a member forget what it promised. docs/formats.md, "Vote slots".
///
/// A change is written and synchronised in slot 0, then in slot 1, and only then answered. A crash between the
/// two leaves the newer value in slot 0, which is then told to the other slot: nobody was promised anything by
/// it, and adopting a newer term or a vote that was not sent is always safe.
struct VoteFile: Sendable {
    static let name = "vote"

    private let file: DiskFile
    private var counter: UInt64
    private(set) var value: HardState

    /// Makes the file of a member that has never voted. The caller makes its name durable.
    static func create<Storage: Disk>(on disk: inout Storage) throws(StorageError) {
        let file = try onDisk { () throws(DiskError) in try disk.open(name, creating: true) }
        let initial = VoteSlot(counter: 1, value: HardState(term: .zero, votedFor: nil))
        for slot in 0..<VoteSlot.count {
            try initial.write(to: file, slot: slot, on: &disk)
        }
        disk.close(file)
    }

    /// Whether the file holds more than `create` puts there.
    static func isUsed<Storage: Disk>(on disk: inout Storage) throws(StorageError) -> Bool {
        let file = try onDisk { () throws(DiskError) in try disk.open(name, creating: false) }
        defer { disk.close(file) }
        for slot in 0..<VoteSlot.count {
            if let found = try VoteSlot.read(from: file, slot: slot, on: &disk), found.counter > 1 { return true }
        }
        return false
    }

    /// Reads the file and changes nothing.
    /// - Returns: what counts, and the slot that a start would write anew.
    static func inspect<Storage: Disk>(on disk: inout Storage) throws(StorageError) -> (HardState, stale: Int?) {
        let file = try onDisk { () throws(DiskError) in try disk.open(name, creating: false) }
        defer { disk.close(file) }
        let slots = [
            try VoteSlot.read(from: file, slot: 0, on: &disk), try VoteSlot.read(from: file, slot: 1, on: &disk),
        ]
        guard let newest = VoteSlot.newest(slots[0], slots[1]) else { throw .bothVoteSlotsBad }
        let stale = slots.firstIndex { $0 != newest }
        if let stale, slots[stale]?.counter == newest.counter {
            throw .damaged(
                file: name, offset: stale * StorageLimits.blockBytes, what: "two slots of one counter disagree")
        }
        return (newest.value, stale)
    }

    /// Opens the file, and writes the slot anew that is bad or behind.
    /// - Returns: the file, and the slot that was repaired.
    static func open<Storage: Disk>(on disk: inout Storage) throws(StorageError) -> (VoteFile, repaired: Int?) {
        let file = try onDisk { () throws(DiskError) in try disk.open(name, creating: false) }
        try onDisk { () throws(DiskError) in try disk.synchronize(file) }
        let first = try VoteSlot.read(from: file, slot: 0, on: &disk)
        let second = try VoteSlot.read(from: file, slot: 1, on: &disk)
        guard let newest = VoteSlot.newest(first, second) else { throw .bothVoteSlotsBad }
        guard newest.counter < UInt64(Int64.max) else {
            throw .damaged(file: name, offset: 0, what: "its counter stands at its end")
        }
        var repaired: Int?
        for (slot, found) in [first, second].enumerated() where found != newest {
            if let found, found.counter == newest.counter {
                throw .damaged(
                    file: name, offset: slot * StorageLimits.blockBytes, what: "two slots of one counter disagree")
            }
            try newest.write(to: file, slot: slot, on: &disk)
            repaired = slot
        }
        return (VoteFile(file: file, counter: newest.counter, value: newest.value), repaired)
    }

    /// Makes `newValue` durable in both slots.
    mutating func write<Storage: Disk>(_ newValue: HardState, on disk: inout Storage) throws(StorageError) {
        precondition(newValue.term >= value.term, "a member's term went back")
        precondition(
            newValue.term > value.term || value.votedFor == nil || newValue.votedFor == value.votedFor,
            "a member changed its vote within a term")
        let next = VoteSlot(counter: counter + 1, value: newValue)
        for slot in 0..<VoteSlot.count {
            try next.write(to: file, slot: slot, on: &disk)
        }
        counter = next.counter
        value = newValue
    }
}

/// What one slot holds.
private struct VoteSlot: Equatable {
    static let count = 2

    var counter: UInt64
    var value: HardState

    static func newest(_ first: VoteSlot?, _ second: VoteSlot?) -> VoteSlot? {
        guard let first else { return second }
        guard let second else { return first }
        return first.counter >= second.counter ? first : second
    }

    func write<Storage: Disk>(to file: DiskFile, slot: Int, on disk: inout Storage) throws(StorageError) {
        let block = encoded(slot: slot)
        try onDisk { () throws(DiskError) in
            try disk.write(block, to: file, at: slot * StorageLimits.blockBytes)
            try disk.synchronize(file)
        }
    }

    /// The value of a slot, or `nil` when it cannot be verified.
    static func read<Storage: Disk>(
        from file: DiskFile, slot: Int, on disk: inout Storage
    ) throws(StorageError) -> VoteSlot? {
        let bytes = try onDisk { () throws(DiskError) in
            try disk.read(file, at: slot * StorageLimits.blockBytes, count: StorageLimits.blockBytes)
        }
        guard bytes.count == StorageLimits.blockBytes else { return nil }
        guard let end = contentEnds.first(where: { CRC32C.checksum(bytes, in: 0..<$0) == checksum(of: bytes, at: $0) })
        else { return nil }
        var reader = ByteReader(bytes, in: 0..<end)
        let found = try? UncheckedSlot(decoding: &reader)
        guard let found, found.tag == tag, found.slot == UInt16(slot) else { return nil }
        guard found.version <= versionWithDoubt else {
            throw .newerFormat(file: VoteFile.name, found: Int(found.version), known: Int(versionWithDoubt))
        }
        guard found.version == (end == contentBytes ? version : versionWithDoubt), let hasVoted = found.hasVoted else {
            return nil
        }
        var doubt: Doubt?
        if found.version == versionWithDoubt {
            guard let read = try? Doubt(decoding: &reader) else { return nil }
            doubt = read
        }
        let vote = hasVoted ? MemberID(found.votedFor) : nil
        return VoteSlot(
            counter: found.counter, value: HardState(term: Term(found.term), votedFor: vote, doubt: doubt))
    }

    private func encoded(slot: Int) -> [UInt8] {
        var writer = ByteWriter(capacity: StorageLimits.blockBytes)
        writer.write(VoteSlot.tag)
        writer.write(value.doubt == nil ? VoteSlot.version : VoteSlot.versionWithDoubt)
        writer.write(UInt16(slot))
        writer.write(counter)
        writer.write(value.term.rawValue)
        writer.write(UInt32(value.votedFor == nil ? 0 : 1))
        writer.write(value.votedFor?.rawValue ?? 0)
        value.doubt?.encode(into: &writer)
        let end = value.doubt == nil ? VoteSlot.contentBytes : VoteSlot.contentBytesWithDoubt
        writer.writeRaw([UInt8](repeating: 0, count: end - writer.count))
        writer.write(CRC32C.checksum(writer.bytes))
        writer.pad(to: StorageLimits.blockBytes)
        return writer.bytes
    }

    private static func checksum(of bytes: [UInt8], at offset: Int) -> UInt32? {
        var reader = ByteReader(bytes, in: offset..<offset + 4)
        return try? reader.readUInt32()
    }

    /// `CVOT`.
    private static let tag: UInt32 = 0x544F_5643
    private static let version: UInt16 = 1
    /// A build that knows nothing of doubt must not vote with such a log, so it is another version.
    private static let versionWithDoubt: UInt16 = 2
    /// What the checksum covers; it follows behind.
    private static let contentBytes = 60
    private static let contentBytesWithDoubt = 124
    private static let contentEnds = [contentBytes, contentBytesWithDoubt]

    /// The fields of a slot as they stand there.
    private struct UncheckedSlot {
        var tag: UInt32
        var version: UInt16
        var slot: UInt16
        var counter: UInt64
        var term: UInt64
        /// `nil`: neither 0 nor 1.
        var hasVoted: Bool?
        var votedFor: UInt128

        init(decoding reader: inout ByteReader) throws(ByteError) {
            tag = try reader.readUInt32()
            version = try reader.readUInt16()
            slot = try reader.readUInt16()
            counter = try reader.readUInt64()
            term = try reader.readUInt64()
            let flag = try reader.readUInt32()
            hasVoted = flag > 1 ? nil : flag == 1
            votedFor = try reader.readUInt128()
        }
    }
}

extension Doubt {
    private enum Flag {
        static let hasClaim: UInt32 = 1
        static let isDamage: UInt32 = 2
        static let all: UInt32 = 3
    }

    fileprivate func encode(into writer: inout ByteWriter) {
        writer.write((claim == nil ? 0 : Flag.hasClaim) | (isDamage ? Flag.isDamage : 0))
        writer.write(term.rawValue)
        writer.write(claim?.term.rawValue ?? 0)
        writer.write(claim?.index.rawValue ?? 0)
    }

    fileprivate init(decoding reader: inout ByteReader) throws(ByteError) {
        let flags = try reader.readUInt32()
        guard flags & ~Flag.all == 0 else { throw .invalid }
        let term = Term(try reader.readUInt64())
        let claim = LastEntry(term: Term(try reader.readUInt64()), index: LogIndex(try reader.readUInt64()))
        self.init(term: term, claim: flags & Flag.hasClaim == 0 ? nil : claim, isDamage: flags & Flag.isDamage != 0)
    }
}
