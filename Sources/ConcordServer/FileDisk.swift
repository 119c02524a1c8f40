internal import ConcordLinux
package import ConcordStorage

/// A real directory as the `Disk` of a member.
package struct FileDisk: Disk, Sendable {
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
    /// By number; a closed one is `nil` and its number is used again.
    private var opened: [Opened?] = []

    package init(path: String) throws(DiskError) {
        root = Root(try FileDisk.translated { () throws(SystemError) in try Directory(path) })
    }

    package mutating func open(_ name: String, creating: Bool) throws(DiskError) -> DiskFile {
        let file = try FileDisk.translated { () throws(SystemError) in
            let file = try root.directory.open(name, creating: creating)
            // Pages whose write-back failed in an earlier life look clean and lie: what is read from here on
            // comes from the medium (Rebello et al., USENIX ATC 2020).
            try file.synchronize()
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

    package mutating func close(_ file: DiskFile) {
        opened[file.number] = nil
    }

    package mutating func size(of file: DiskFile) throws(DiskError) -> Int {
        let file = self[file]
        return try FileDisk.translated { () throws(SystemError) in try file.file.size() }
    }

    package mutating func read(_ file: DiskFile, at offset: Int, count: Int) throws(DiskError) -> [UInt8] {
        let file = self[file]
        return try FileDisk.translated { () throws(SystemError) in
            // Never more memory than the file has bytes: callers ask with the limits of their formats.
            let left = max(0, try file.file.size() - offset)
            return try file.file.read(at: offset, count: min(count, left))
        }
    }

    package mutating func write(_ bytes: [UInt8], to file: DiskFile, at offset: Int) throws(DiskError) {
        let file = self[file]
        try FileDisk.translated { () throws(SystemError) in try file.file.write(bytes, at: offset) }
    }

    package mutating func synchronize(_ file: DiskFile) throws(DiskError) {
        let file = self[file]
        try FileDisk.translated { () throws(SystemError) in try file.file.synchronizeData() }
    }

    package mutating func rename(_ name: String, to newName: String) throws(DiskError) {
        try FileDisk.translated { () throws(SystemError) in try root.directory.rename(name, to: newName) }
    }

    package mutating func remove(_ name: String) throws(DiskError) {
        try FileDisk.translated { () throws(SystemError) in try root.directory.remove(name) }
    }

    package mutating func list() throws(DiskError) -> [String] {
        try FileDisk.translated { () throws(SystemError) in try root.directory.list() }
    }

    package mutating func synchronizeDirectory() throws(DiskError) {
        try FileDisk.translated { () throws(SystemError) in try root.directory.synchronize() }
    }

    private subscript(file: DiskFile) -> Opened {
        guard file.number < opened.count, let opened = opened[file.number] else {
            preconditionFailure("a file was used after it was closed")
        }
        return opened
    }

    /// What the system says of a file system that takes no writes (EROFS).
    static let readOnlyError: Int32 = 30

    static func translated<Result: ~Copyable>(
        _ body: () throws(SystemError) -> Result
    ) throws(DiskError) -> Result {
        do throws(SystemError) {
            return try body()
        } catch {
            let kind: DiskError.Kind =
                error.isNotFound ? .notFound : error.isFull ? .full : .failed(errno: error.code)
            throw DiskError(kind, operation: error.operation)
        }
    }
}
