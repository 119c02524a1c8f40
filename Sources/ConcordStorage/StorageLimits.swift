import ConcordRaft

package enum StorageLimits {
    /// The unit that groups and vote slots are aligned to: the page of the kernel and the physical sector of
    /// the disks that are sold, so that no write ever touches a block that holds something durable.
    package static let blockBytes = 4096
    /// A segment's bytes unless told otherwise: small enough to be written with zeros in some ten
    /// milliseconds, large enough that a busy member changes segments about once a second.
    package static let segmentBytesDefault = 16 << 20
    /// The smallest segment: a group and the zero block behind it.
    package static let segmentBytesMin = 2 * blockBytes
    /// A longer file is no segment of ours: opening reads a segment whole.
    package static let segmentBytesMax = 1 << 30
    /// The member file is its record and nothing else; 64 members with the longest names and addresses take
    /// less than 70 KiB.
    package static let memberFileBytesMax = 1 << 20
    /// Zeros written at once when a segment is prepared.
    static let preparationBytes = 1 << 20
    /// Bytes of a member's own name.
    package static let nameBytesMax = RaftLimits.memberTextBytesMax
    /// The greatest index of a log. No log comes to it, and sums of indices stay far from overflowing.
    static let indexMax: UInt64 = 1 << 62
    /// A piece of a snapshot: a few of the largest records that a state has, and read into memory as a whole.
    package static let snapshotPieceBytesMax = 16 << 20
    /// 64 members with the longest names and addresses take less than 70 KiB.
    package static let snapshotHeaderBytesMax = 128 << 10
    /// A snapshot's file: far more than a state may have, and less than any arithmetic on it could overflow at.
    package static let snapshotBytesMax: UInt64 = 1 << 40
    /// Bytes of a snapshot between two fsyncs: the log shares the disk, and waits for what an fsync writes.
    package static let snapshotSyncBytes = 4 << 20
    /// Bytes of a snapshot that are read at once.
    static let snapshotReadBytes = 1 << 20
    /// The newest snapshot, and the one before it for the case that the newest cannot be read.
    package static let snapshotsKept = 2
}
