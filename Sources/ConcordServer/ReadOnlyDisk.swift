internal import ConcordLinux
internal import ConcordStorage

/// A real directory that is only looked at: whatever would change it is refused before it is tried.
struct ReadOnlyDisk: Disk, Sendable {
    private var files: DirectoryFiles

    init(path: String) throws(DiskError) {
        files = try DirectoryFiles(path: path)
    }

    mutating func open(_ name: String, creating: Bool) throws(DiskError) -> DiskFile {
        if creating { throw refused("make \(name)") }
        return files.add(
            try files.withDirectory { directory throws(SystemError) in
                let file = try directory.openReading(name)
                // What the medium holds is asked for, and not what the kernel remembers of it.
                file.dropCachedPages()
                return DirectoryFiles.Opened(file)
            })
    }

    mutating func close(_ file: DiskFile) { files.close(file) }

    mutating func size(of file: DiskFile) throws(DiskError) -> Int { try files.size(of: file) }

    mutating func read(_ file: DiskFile, at offset: Int, count: Int) throws(DiskError) -> [UInt8] {
        try files.read(file, at: offset, count: count)
    }

    mutating func list() throws(DiskError) -> [String] { try files.list() }

    // Nothing was written, so nothing has to be made durable.
    mutating func synchronize(_ file: DiskFile) throws(DiskError) {}
    mutating func synchronizeDirectory() throws(DiskError) {}

    mutating func write(_ bytes: [UInt8], to file: DiskFile, at offset: Int) throws(DiskError) {
        throw refused("write \(files[file].file.name)")
    }

    mutating func rename(_ name: String, to newName: String) throws(DiskError) {
        throw refused("rename \(name)")
    }

    mutating func remove(_ name: String) throws(DiskError) {
        throw refused("remove \(name)")
    }

    /// What the system says of a file system that takes no writes (EROFS).
    private static let readOnlyError: Int32 = 30

    private func refused(_ operation: String) -> DiskError {
        DiskError(.failed(errno: ReadOnlyDisk.readOnlyError), operation: operation)
    }
}
