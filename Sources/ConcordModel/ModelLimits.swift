package enum ModelLimits {
    /// The version of the command envelope that this build writes.
    package static let envelopeVersion: UInt8 = 1
    /// The highest feature level that this build supports. `Operation.featureLevel` and `StateImage.version(at:)` tell
    /// what each level brought.
    package static let featureLevel: UInt16 = 2
    /// The level that every cluster begins with.
    package static let featureLevelFirst: UInt16 = 1
    /// A key on disk or wire; the replicated setting is smaller.
    package static let keyBytesMax = 65_535
    /// A value on disk or wire; the replicated setting is smaller.
    package static let valueBytesMax = 4 << 20
    package static let idempotencyKeyBytesMax = 128
    package static let principalBytesMax = 1024
    /// Revisions in one `If-Match`.
    package static let conditionRevisionsMax = 64
    package static let settingsPerCommandMax = 256
    /// Members of a cluster, those of both halves of a joint configuration and learners together; the consensus has
    /// the same limit.
    package static let membersMax = 64
    /// Bytes of a member's name and of its peer address.
    package static let memberTextBytesMax = 512
    /// Commands in one log entry: more than a turn of the loop ever gathers, so a larger count is damage.
    package static let commandsPerEntryMax = 16_384
    /// One command: an operation with the largest value and key, and room for the envelope.
    package static let commandBytesMax = 8 << 20
}
