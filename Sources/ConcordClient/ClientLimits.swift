/// The bounds of the client library.
enum ClientLimits {
    /// Writes that may be open at once under one identity: the members keep the outcomes of as many.
    static let openWritesMax: UInt64 = 1024
    /// A call gives up after this long at most: the members remember a client for ten minutes, so no retry can
    /// outlive the memory of its first attempt.
    static let callMillisecondsMax: Int64 = 60_000
    static let endpointsMax = 64
    /// How often one call may begin under a new identity before it gives up.
    static let identityRenewalsMax = 3
    /// The first wait between two attempts; doubled with each further one, up to `backoffMillisecondsMax`.
    static let backoffMilliseconds: Int64 = 20
    static let backoffMillisecondsMax: Int64 = 1000
    /// What a transport is given beyond the time that the member was told, so that the member's own answer
    /// ("timeout, nothing happened") arrives first.
    static let replyGraceMilliseconds: Int64 = 500
    /// The largest part of a call's time that is kept for that: what is left of a short call is mostly the member's.
    static let replyGraceDivisor = 4
    /// How often each member is asked for a snapshot before a call gives up.
    static let downloadRoundsMax = 2
    /// A member that sends nothing for so long is taken for dead.
    static let downloadPatienceMilliseconds: Int64 = 30_000
    /// A reply larger than this is refused: a page has 4 MiB of keys and values, and JSON at worst writes six
    /// bytes for one.
    static let replyBytesMax = 64 << 20
}
