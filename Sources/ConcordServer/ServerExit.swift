/// How `concordd` ends, for supervisors: the numbers of sysexits.h where one fits.
package enum ServerExit: Int32, Sendable {
    case success = 0
    /// The command line was refused.
    case usage = 2
    /// The data directory holds what cannot be verified.
    case damaged = 65
    /// This member was removed from its cluster.
    case removed = 69
    /// A bug of ours, or of the system.
    case failed = 70
    /// A port or the data directory is in use.
    case inUse = 73
    /// A write or fsync failed.
    case storageFailed = 74
    /// This member must not go on as it is configured, or does not belong to the cluster that it found.
    case configuration = 78
}
