/// Limits of the state machine that no setting changes.
package enum StateLimits {
    /// What a node costs beyond key and value, in the bytes that `stateBytesMax` counts.
    package static let nodeBytes: UInt64 = 64
    /// What an event costs beyond its key and the value that it replaced, in the bytes that `historyBytesMax` counts.
    package static let eventBytes: UInt64 = 160
    /// What a stored outcome or a client costs beyond its key, in the bytes that `idempotencyBytesMax` counts.
    package static let retryRecordBytes: UInt64 = 128
    /// Events are numbered in a ring; this many are retained at most, whatever the settings say.
    package static let eventsMax: UInt64 = 1 << 28
    /// Events that one command drops at the floor, and as many again for each that it added: a command that
    /// lowers a setting must not stop the member until the whole history is gone.
    package static let eventsDroppedMax: UInt64 = 32_768
    package static let eventsDroppedForEachAdded: UInt64 = 4
    /// Old retry records that one command looks at; more than it can add, so that the tables shrink.
    package static let expiriesPerCommandMax = 8
    /// The same for a command that finds a table full.
    package static let expiriesWhenFullMax = 1024
    /// Ids of former members, which are never used again: 16 bytes each. A cluster that replaced a member every hour
    /// would come to it after seven years; then changes are refused.
    package static let formerMembersMax = 65_536
    /// Outcomes kept for one member: more than a member ever has unanswered.
    package static let originOpenMax: UInt64 = 1 << 17
    /// What one answer may look at, in events of the history: ten milliseconds or so.
    package static let stepsPerAnswerMax = 200_000
    /// What a look at a node or a directory costs, in the same measure.
    package static let stepsPerNode = 10
    /// Nodes of a subtree that are counted at once, a leaf of the index at a time.
    package static let countedNodesMax: UInt64 = 2_000_000
    /// Sequential names tried when someone else made the next ones by hand.
    package static let sequentialTriesMax = 1000
}
