package enum RaftLimits {
    /// One entry's payload: one batch of commands. The largest command is 8 MiB; a batch closes once it has a
    /// megabyte, so this bound leaves room for a large command behind a nearly full batch.
    package static let payloadBytesMax = 16 << 20
    /// Entries in one append message, by bytes of payload: large enough to fill a disk write, small enough
    /// that a heartbeat behind it waits for milliseconds only. A single larger entry travels alone.
    package static let appendBytesMax = 1 << 20
    /// Entries in one append message, by count.
    package static let appendEntriesMax = 4096
    /// Bytes sent to a follower and not acknowledged yet.
    package static let inflightBytesMax = 4 << 20
    /// Append messages sent to a follower and not acknowledged yet.
    package static let inflightMessagesMax = 64
    /// Members of a configuration.
    package static let membersMax = 64
    /// Bytes of a member's name and of its peer address.
    package static let memberTextBytesMax = 512
    /// Bytes that a leader accepts beyond what is committed: more is refused as overload.
    package static let uncommittedBytesMax = 64 << 20
    /// Read barriers that wait for a round.
    package static let barriersMax = 65_536
}
