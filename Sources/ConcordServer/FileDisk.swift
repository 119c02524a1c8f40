internal import ConcordLinux
package import ConcordStorage

/// A real directory as the `Disk` of a member.
package struct FileDisk: Disk, Sendable {
    private var files: DirectoryFiles

    package init(path: String) throws(DiskError) {
        files = try DirectoryFiles(path: path)
    }

    package mutating func open(_ name: String, creating: Bool) throws(DiskError) -> DiskFile {
        files.add(
            try files.withDirectory { directory throws(SystemError) in
                let file = try directory.open(name, creating: creating)
                // Pages whose write-back failed in an earlier life look clean and lie: what is read from here on
                // comes from the medium (Rebello et al., USENIX ATC 2020).
                try file.synchronize()
                file.dropCachedPages()
                return DirectoryFiles.Opened(file)
            })
    }

    package mutating func close(_ file: DiskFile) { files.close(file) }

    package mutating func size(of file: DiskFile) throws(DiskError) -> Int { try files.size(of: file) }

    package mutating func read(_ file: DiskFile, at offset: Int, count: Int) throws(DiskError) -> [UInt8] {
        try files.read(file, at: offset, count: count)
    }

    package mutating func write(_ bytes: [UInt8], to file: DiskFile, at offset: Int) throws(DiskError) {
        let file = files[file]
        try DirectoryFiles.translated { () throws(SystemError) in try file.file.write(bytes, at: offset) }
    }

    package mutating func synchronize(_ file: DiskFile) throws(DiskError) {
        let file = files[file]
        try DirectoryFiles.translated { () throws(SystemError) in try file.file.synchronizeData() }
    }

    package mutating func rename(_ name: String, to newName: String) throws(DiskError) {
        try files.withDirectory { directory throws(SystemError) in try directory.rename(name, to: newName) }
    }

    package mutating func remove(_ name: String) throws(DiskError) {
        try files.withDirectory { directory throws(SystemError) in try directory.remove(name) }
    }

    package mutating func list() throws(DiskError) -> [String] { try files.list() }

    package mutating func synchronizeDirectory() throws(DiskError) {
        try files.withDirectory { directory throws(SystemError) in try directory.synchronize() }
    }
}
