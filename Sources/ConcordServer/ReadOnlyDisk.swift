internal import ConcordLinux
internal import ConcordStorage

/// A real directory that is only looked at: whatever would change it is refused before it is tried.
struct ReadOnlyDisk: Disk, Sendable {
    private final class Opened: Sendable {
        let file: File

        init(_ file: consuming File) {
            self.file = file
        }
    }

    private final class Root: Sendable {
        let directory: Directory

        init(_ directory: consuming Directory) {
            self.directory = directory
        }
    }

    private let root: Root
    private var opened: [Opened?] = []

    init(path: String) throws(DiskError) {
        root = Root(try FileDisk.translated { () throws(SystemError) in try Directory(path) })
    }

    mutating func open(_ name: String, creating: Bool) throws(DiskError) -> DiskFile {
        if creating { throw refused("make \(name)") }
        let file = try FileDisk.translated { () throws(SystemError) in
            let file = try root.directory.openReading(name)
            // What the medium holds is asked for, and not what the kernel remembers of it.
            file.dropCachedPages()
            return Opened(file)
        }
        if let free = opened.firstIndex(where: { $0 == nil }) {
            opened[free] = file
            return DiskFile(number: free)
        }
        opened.append(file)
        return DiskFile(number: opened.count - 1)
    }

    mutating func close(_ file: DiskFile) {
        opened[file.number] = nil
    }

    mutating func size(of file: DiskFile) throws(DiskError) -> Int {
        let file = self[file]
        return try FileDisk.translated { () throws(SystemError) in try file.file.size() }
    }

    mutating func read(_ file: DiskFile, at offset: Int, count: Int) throws(DiskError) -> [UInt8] {
        let file = self[file]
        return try FileDisk.translated { () throws(SystemError) in
            let left = max(0, try file.file.size() - offset)
            return try file.file.read(at: offset, count: min(count, left))
        }
    }

    mutating func list() throws(DiskError) -> [String] {
        try FileDisk.translated { () throws(SystemError) in try root.directory.list() }
    }

    // Nothing was written, so nothing has to be made durable.
    mutating func synchronize(_ file: DiskFile) throws(DiskError) {}
    mutating func synchronizeDirectory() throws(DiskError) {}

    mutating func write(_ bytes: [UInt8], to file: DiskFile, at offset: Int) throws(DiskError) {
        throw refused("write \(self[file].file.name)")
    }

    mutating func rename(_ name: String, to newName: String) throws(DiskError) {
        throw refused("rename \(name)")
    }

    mutating func remove(_ name: String) throws(DiskError) {
        throw refused("remove \(name)")
    }

    private func refused(_ operation: String) -> DiskError {
        DiskError(.failed(errno: FileDisk.readOnlyError), operation: operation)
    }

    private subscript(file: DiskFile) -> Opened {
        guard file.number < opened.count, let opened = opened[file.number] else {
            preconditionFailure("a file was used after it was closed")
        }
        return opened
    }
}
