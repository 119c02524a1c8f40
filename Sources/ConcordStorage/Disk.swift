/// What a disk answers when it cannot do what was asked.
package struct DiskError: Error, Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        case notFound
        /// No space is left, or a quota is full.
        case full
        /// Any other error of the operating system, by its number.
        case failed(errno: Int32)
    }

    package var kind: Kind
    /// What was being done, and to which file: `write log-0000000000000001`.
    package var operation: String

    package init(_ kind: Kind, operation: String) {
        self.kind = kind
        self.operation = operation
    }
}

/// An open file of a `Disk`.
package struct DiskFile: Hashable, Sendable {
    package let number: Int

    package init(number: Int) {
        self.number = number
    }
}

/// One directory of files: the real one, or the simulator's, which loses, tears and reorders what was not
/// synchronised.
///
/// Bytes written are durable only after `synchronize` of their file returned; a created, renamed or removed
/// name only after `synchronizeDirectory` returned.
package protocol Disk {
    /// Opens a file for reading and writing.
    ///
    /// What is read from a file just opened must be what the medium holds: an implementation over a page
    /// cache first synchronises an existing file and then drops its cached pages, because pages whose
    /// write-back failed in an earlier life look clean and lie (Rebello et al., USENIX ATC 2020).
    mutating func open(_ name: String, creating: Bool) throws(DiskError) -> DiskFile
    mutating func close(_ file: DiskFile)
    mutating func size(of file: DiskFile) throws(DiskError) -> Int
    /// At most `count` bytes from `offset`; fewer only where the file ends.
    mutating func read(_ file: DiskFile, at offset: Int, count: Int) throws(DiskError) -> [UInt8]
    /// All of `bytes` at `offset`; the file grows as needed.
    mutating func write(_ bytes: [UInt8], to file: DiskFile, at offset: Int) throws(DiskError)
    /// `fdatasync`: the file's bytes, and its size as far as reading them back needs it.
    mutating func synchronize(_ file: DiskFile) throws(DiskError)
    /// Replaces `newName` if there is one.
    mutating func rename(_ name: String, to newName: String) throws(DiskError)
    mutating func remove(_ name: String) throws(DiskError)
    /// The names in the directory, sorted.
    mutating func list() throws(DiskError) -> [String]
    mutating func synchronizeDirectory() throws(DiskError)
}
