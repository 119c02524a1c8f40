import ConcordBytes
import ConcordRaft

/// The file `distrusted`: as long as it is there, no snapshot of the directory may be used for a state.
///
/// Log and votes are as good as ever; but what this member made of them was found to be wrong, and its own snapshots
/// may be, too. docs/formats.md, "Distrust".
enum DistrustMark {
    static let fileName = "distrusted"
    /// `CDST`.
    private static let tag: UInt32 = 0x5453_4443
    private static let version: UInt16 = 1
    private static let bytesCount = 24

    static func encoded(_ index: LogIndex) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(tag)
        writer.write(version)
        writer.write(UInt16(0))
        writer.write(UInt32(bytesCount))
        writer.write(index.rawValue)
        writer.write(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    /// - Returns: the index; `nil` when the bytes do not verify. That the file is there says the rest.
    static func index(of bytes: [UInt8]) throws(StorageError) -> LogIndex? {
        guard bytes.count >= bytesCount else { return nil }
        var checksum = ByteReader(bytes, in: bytes.count - 4..<bytes.count)
        guard (try? checksum.readUInt32()) == CRC32C.checksum(bytes, in: 0..<bytes.count - 4) else { return nil }
        var reader = ByteReader(bytes, in: 0..<bytes.count - 4)
        guard let preamble = try? readPreamble(&reader), preamble.tag == tag else { return nil }
        guard preamble.version <= version else {
            throw .newerFormat(file: fileName, found: Int(preamble.version), known: Int(version))
        }
        guard preamble.version == version, Int(preamble.length) == bytes.count, let index = try? reader.readUInt64(),
            index <= StorageLimits.indexMax, reader.remaining == 0
        else { return nil }
        return LogIndex(index)
    }

    private static func readPreamble(
        _ reader: inout ByteReader
    ) throws(ByteError) -> (tag: UInt32, version: UInt16, length: UInt32) {
        let tag = try reader.readUInt32()
        let version = try reader.readUInt16()
        _ = try reader.readUInt16()
        return (tag, version, try reader.readUInt32())
    }

    // MARK: On a disk

    /// Durable at return.
    static func write<Storage: Disk>(_ index: LogIndex, on disk: inout Storage) throws(DiskError) {
        let temporary = fileName + temporarySuffix
        if try disk.list().contains(temporary) { try disk.remove(temporary) }
        let file = try disk.open(temporary, creating: true)
        try disk.write(encoded(index), to: file, at: 0)
        try disk.synchronize(file)
        disk.close(file)
        try disk.rename(temporary, to: fileName)
        try disk.synchronizeDirectory()
    }

    static func read<Storage: Disk>(on disk: inout Storage) throws(DiskError) -> [UInt8] {
        let file = try disk.open(fileName, creating: false)
        defer { disk.close(file) }
        // One byte more than there should be, so that a longer file is seen.
        return try disk.read(file, at: 0, count: bytesCount + 1)
    }
}
