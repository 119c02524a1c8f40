import ConcordBytes

/// A place in a snapshot's file, and what was read ahead of it: a file of gigabytes goes through a buffer of about a
/// megabyte.
struct SnapshotCursor<Storage: Disk> {
    let name: String
    /// The length that the file had when it was opened.
    let size: Int
    /// Of the next byte in the file.
    private(set) var offset = 0
    private var disk: Storage
    private let file: DiskFile
    private var buffer: [UInt8] = []
    /// Of the next byte in the buffer.
    private var position = 0

    init(_ name: String, on disk: Storage) throws(StorageError) {
        var disk = disk
        let file = try onDisk { () throws(DiskError) in try disk.open(name, creating: false) }
        do throws(StorageError) {
            size = try onDisk { () throws(DiskError) in
                try disk.synchronize(file)
                return try disk.size(of: file)
            }
        } catch {
            disk.close(file)
            throw error
        }
        self.name = name
        self.disk = disk
        self.file = file
    }

    func damaged(_ what: String) -> StorageError {
        .damaged(file: name, offset: offset, what: what)
    }

    /// Has the next `count` bytes in the buffer. Never more memory than the file has bytes.
    mutating func need(_ count: Int, for part: String) throws(StorageError) {
        guard count <= size - offset else { throw damaged("it ends in the middle of \(part)") }
        let held = buffer.count - position
        guard held < count else { return }
        let missing = min(size - offset, max(count, StorageLimits.snapshotReadBytes)) - held
        let read = try bytes(at: offset + held, count: missing)
        guard read.count == missing else { throw damaged("it ends before its length") }
        buffer.removeFirst(position)
        buffer.append(contentsOf: read)
        position = 0
    }

    mutating func advance(_ count: Int) {
        position += count
        offset += count
    }

    /// Of what is needed, the bytes from `start` to `end`, counted from here.
    func reader(_ end: Int, from start: Int = 0) -> ByteReader {
        ByteReader(buffer, in: position + start..<position + end)
    }

    func checksum(_ end: Int, from start: Int = 0, seed: UInt32) -> UInt32 {
        CRC32C.checksum(buffer, in: position + start..<position + end, seed: seed)
    }

    func content(_ end: Int, from start: Int) -> [UInt8] {
        [UInt8](buffer[position + start..<position + end])
    }

    /// Bytes from anywhere in the file, past the buffer.
    func bytes(at offset: Int, count: Int) throws(StorageError) -> [UInt8] {
        var disk = disk
        return try onDisk { () throws(DiskError) in try disk.read(file, at: offset, count: count) }
    }

    mutating func close() {
        disk.close(file)
    }
}

extension SnapshotCursor: Sendable where Storage: Sendable {}
