import ConcordBytes
import ConcordRaft

/// Keeps the file `member` on a disk: who this data directory is. docs/formats.md, "Member record".
///
/// The record is always replaced as a whole: a temporary file is written and synchronised, renamed over the old
/// one, and the directory synchronised. So a crash leaves the old record or the new one, never a mixture, and a
/// record that cannot be verified is damage.
package struct MemberStore<Storage: Disk> {
    package private(set) var record: MemberRecord
    private var disk: Storage
    /// Unset by the first failure, which is final.
    private var isUsable = true

    private init(disk: Storage, record: MemberRecord) {
        self.disk = disk
        self.record = record
    }

    /// The record of the directory as it stands, or `nil` where no member lives yet.
    package static func open(_ disk: Storage) throws(StorageError) -> MemberStore? {
        var disk = disk
        let names = try onDisk { () throws(DiskError) in try disk.list() }
        guard names.contains(MemberRecord.fileName) else { return nil }
        let bytes = try onDisk { () throws(DiskError) in
            let file = try disk.open(MemberRecord.fileName, creating: false)
            defer { disk.close(file) }
            return try disk.read(file, at: 0, count: StorageLimits.memberFileBytesMax + 1)
        }
        return MemberStore(disk: disk, record: try MemberRecord(verifying: bytes))
    }

    /// Makes the directory that of a new member. Last of all, once vote file and log are durable: a directory
    /// without a record is one whose making was never finished.
    package static func create(_ disk: Storage, record: MemberRecord) throws(StorageError) -> MemberStore {
        var store = MemberStore(disk: disk, record: record)
        try store.write(record)
        return store
    }

    /// Counts a start. Durable at return, so that no two lives of a member are ever taken for one.
    package mutating func countBoot() throws(StorageError) {
        guard record.boot < UInt64.max else {
            throw .damaged(file: MemberRecord.fileName, offset: 0, what: "its boot counter stands at its end")
        }
        var next = record
        next.boot += 1
        try write(next)
    }

    /// Replaces the record; durable at return. After a failure the store is not to be used again.
    package mutating func write(_ newRecord: MemberRecord) throws(StorageError) {
        precondition(isUsable, "a member store was used after a failed write")
        precondition(newRecord.id == record.id, "a member changed its id")
        precondition(newRecord.boot >= record.boot, "a member's boot counter went back")
        isUsable = false
        let bytes = newRecord.encoded()
        try onDisk { () throws(DiskError) in
            let temporary = MemberRecord.fileName + temporarySuffix
            if try disk.list().contains(temporary) { try disk.remove(temporary) }
            let file = try disk.open(temporary, creating: true)
            try disk.write(bytes, to: file, at: 0)
            try disk.synchronize(file)
            disk.close(file)
            try disk.rename(temporary, to: MemberRecord.fileName)
            try disk.synchronizeDirectory()
        }
        record = newRecord
        isUsable = true
    }
}

extension MemberStore: Sendable where Storage: Sendable {}

/// What a file is called while it is being made. Found at a start, it is a leftover of a crash.
let temporarySuffix = ".new"

extension MemberRecord {
    static let fileName = "member"

    /// `CMEM`.
    private static let tag: UInt32 = 0x4D45_4D43
    private static let version: UInt16 = 1

    func encoded() -> [UInt8] {
        precondition(name.utf8.count <= StorageLimits.nameBytesMax, "a member's name is too long to be recorded")
        var writer = ByteWriter()
        writer.write(MemberRecord.tag)
        writer.write(MemberRecord.version)
        writer.write(UInt16(0))
        writer.write(UInt32(0))
        writer.write(id.rawValue)
        writer.write(boot)
        writer.writeString(name)
        writer.write(clusterID != nil)
        if let clusterID { writer.write(clusterID.rawValue) }
        writer.write(initialConfiguration != nil)
        if let initialConfiguration { initialConfiguration.encode(into: &writer) }
        writer.patch(UInt32(writer.count + 4), at: 8)
        writer.write(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    /// Reads the bytes of a member file, which hold a record and nothing else.
    init(verifying bytes: [UInt8]) throws(StorageError) {
        func damaged(_ offset: Int, _ what: String) -> StorageError {
            .damaged(file: MemberRecord.fileName, offset: offset, what: what)
        }
        guard bytes.count <= StorageLimits.memberFileBytesMax else { throw damaged(0, "it is too long") }
        guard bytes.count >= 16 else { throw damaged(bytes.count, "it ends in the middle") }
        let end = bytes.count - 4
        var checksum = ByteReader(bytes, in: end..<bytes.count)
        guard (try? checksum.readUInt32()) == CRC32C.checksum(bytes, in: 0..<end) else {
            throw damaged(end, "its checksum does not match its content")
        }
        var reader = ByteReader(bytes, in: 0..<end)
        guard let header = try? MemberRecord.header(of: &reader), header.tag == MemberRecord.tag else {
            throw damaged(0, "it does not begin as a member record does")
        }
        guard header.version <= MemberRecord.version else {
            throw .newerFormat(
                file: MemberRecord.fileName, found: Int(header.version), known: Int(MemberRecord.version))
        }
        guard header.version == MemberRecord.version, Int(header.length) == bytes.count else {
            throw damaged(4, "its version or its length is wrong")
        }
        do throws(ByteError) {
            try self.init(decoding: &reader)
            try reader.finish()
        } catch {
            throw .unreadableRecord(file: MemberRecord.fileName, offset: reader.position)
        }
    }

    private static func header(
        of reader: inout ByteReader
    ) throws(ByteError) -> (tag: UInt32, version: UInt16, length: UInt32) {
        let tag = try reader.readUInt32()
        let version = try reader.readUInt16()
        _ = try reader.readUInt16()
        return (tag, version, try reader.readUInt32())
    }

    private init(decoding reader: inout ByteReader) throws(ByteError) {
        let id = MemberID(try reader.readUInt128())
        let boot = try reader.readUInt64()
        let name = try reader.readString(limit: StorageLimits.nameBytesMax)
        let clusterID = try reader.readBool() ? ClusterID(try reader.readUInt128()) : nil
        let configuration = try reader.readBool() ? try Configuration(decoding: &reader) : nil
        self.init(id: id, name: name, boot: boot, clusterID: clusterID, initialConfiguration: configuration)
    }
}
