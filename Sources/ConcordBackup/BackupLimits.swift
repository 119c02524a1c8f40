package enum BackupLimits {
    /// Bytes of state that one part of a backup carries, or a record more: a millisecond's work.
    package static let pieceBytes = 256 << 10
    /// By how much a restore raises the revision: more than any cluster writes in the life of a backup (a year of 30,000
    /// writes a second), so that no number that the old cluster gave out, as a fencing token or as the place of a watch,
    /// is ever given out by the new one for something else.
    package static let revisionRaise: UInt64 = 1_000_000_000_000
    /// By how much a restore raises the epoch: more elections than any cluster has.
    package static let epochRaise: UInt64 = 1_000_000
    /// Numbers of the API are below this, so that every reader of JSON can tell them apart.
    package static let numberMax: UInt64 = 1 << 53
}
