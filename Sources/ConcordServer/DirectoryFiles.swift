internal import ConcordLinux
internal import ConcordStorage

/// A real directory and its files that are open, by number, and what is read of them.
struct DirectoryFiles: Sendable {
    final class Opened: Sendable {
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

    init(path: String) throws(DiskError) {
        root = Root(try DirectoryFiles.translated { () throws(SystemError) in try Directory(path) })
    }

    /// Does something with the directory itself.
    func withDirectory<Result>(
        _ body: (borrowing Directory) throws(SystemError) -> Result
    ) throws(DiskError) -> Result {
        try DirectoryFiles.translated { () throws(SystemError) in try body(root.directory) }
    }

    mutating func add(_ file: Opened) -> DiskFile {
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

    func size(of file: DiskFile) throws(DiskError) -> Int {
        let file = self[file]
        return try DirectoryFiles.translated { () throws(SystemError) in try file.file.size() }
    }

    func read(_ file: DiskFile, at offset: Int, count: Int) throws(DiskError) -> [UInt8] {
        let file = self[file]
        return try DirectoryFiles.translated { () throws(SystemError) in
            // Never more memory than the file has bytes: callers ask with the limits of their formats.
            let left = max(0, try file.file.size() - offset)
            return try file.file.read(at: offset, count: min(count, left))
        }
    }

    func list() throws(DiskError) -> [String] {
        try withDirectory { directory throws(SystemError) in try directory.list() }
    }

    subscript(file: DiskFile) -> Opened {
        guard file.number < opened.count, let opened = opened[file.number] else {
            preconditionFailure("a file was used after it was closed")
        }
        return opened
    }

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
