/// How much one message may take: a peer that sends more is refused before it is buffered.
package struct HTTPLimits: Equatable, Sendable {
    /// The request target. A path of 4 KiB has three times as many bytes when each is percent-encoded; the rest
    /// is for the query.
    package var targetBytesMax: Int
    /// All header lines with their line ends.
    package var headerBytesMax: Int
    package var headersMax: Int
    package var bodyBytesMax: Int

    /// The extensions of one chunk. They mean nothing here, so more than a little is an attack.
    package static let chunkExtensionBytesMax = 256
    /// The extensions of all chunks of a body together, and its trailer section: what is read and thrown away
    /// must not outgrow what is kept.
    package static let chunkOverheadBytesMax = 16 << 10
    /// The longest value (1 MiB) and room for the JSON around one.
    package static let bodyBytesStandard = (1 << 20) + (64 << 10)

    package init(
        targetBytesMax: Int = 16 << 10, headerBytesMax: Int = 16 << 10, headersMax: Int = 100,
        bodyBytesMax: Int = HTTPLimits.bodyBytesStandard
    ) {
        precondition(
            targetBytesMax > 0 && headerBytesMax > 0 && targetBytesMax + headerBytesMax < 60_000,
            "a head must be addressable by 16 bits")
        precondition(headersMax > 0 && bodyBytesMax >= 0, "a limit of a message is negative")
        self.targetBytesMax = targetBytesMax
        self.headerBytesMax = headerBytesMax
        self.headersMax = headersMax
        self.bodyBytesMax = bodyBytesMax
    }
}
