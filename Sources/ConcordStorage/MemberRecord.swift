package import ConcordRaft

/// Who this data directory is: the file `member`, replaced as a whole (temporary file, fsync, rename, fsync
/// of the directory).
package struct MemberRecord: Equatable, Sendable {
    package var id: MemberID
    package var name: String
    /// Grows by one at each start, durable before anything is said to anyone.
    package var boot: UInt64
    /// Both `nil` until the cluster is formed.
    package var clusterID: ClusterID?
    package var initialConfiguration: Configuration?

    package init(
        id: MemberID, name: String, boot: UInt64, clusterID: ClusterID? = nil,
        initialConfiguration: Configuration? = nil
    ) {
        self.id = id
        self.name = name
        self.boot = boot
        self.clusterID = clusterID
        self.initialConfiguration = initialConfiguration
    }
}
