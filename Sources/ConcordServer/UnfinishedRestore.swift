/// What `concordd restore` leaves of a directory when it is killed: a snapshot first, a member record last.
enum UnfinishedRestore {
    /// Of the names of snapshots, finished or not.
    static let filePrefix = "snapshot-"

    /// What may be in a directory that a restore makes a member's: the lock that holds it, and what the root of a mounted
    /// file system has by itself.
    static let apart: Set<String> = [DirectoryLock.name, "lost+found"]

    /// Whether these names, which are more than `apart`, are those of a restore that was interrupted. A member that lost
    /// its record looks the same.
    static func isLeft(_ names: [String]) -> Bool {
        !names.contains("member") && names.contains { $0.hasPrefix(filePrefix) }
    }
}
