package enum ReplicaLimits {
    /// Requests that wait for anything: a leader, a commit, a barrier. More are refused as overload; a member
    /// has at most this many connections, each with one request.
    package static let waitingRequestsMax = 10_000
    /// Bytes of waiting writes.
    package static let waitingBytesMax = 64 << 20
    /// From the oldest unanswered write to the newest. Every member keeps the outcomes in between, so that the
    /// oldest can be sent again; the state refuses more than twice as many (`StateLimits.originOpenMax`).
    package static let writesSpanMax = 65_536
    /// A batch of commands closes once it has this many bytes: one disk write and one message of a size that
    /// a heartbeat need not wait long for.
    package static let batchBytes = 1 << 20
    /// Commands applied in one turn: a turn has about 2 ms, a command takes about a microsecond.
    package static let appliedCommandsPerTurn = 1000
    /// Bytes of entries after which a turn applies no more: about as much time again, however large the commands are. A
    /// leader that applies for longer sends no heartbeats meanwhile, and another one is elected.
    package static let appliedBytesPerTurn = 1 << 20
    /// Steps of the state's answers in one turn, beyond which the next answer waits for the next turn: about the time
    /// that a turn has. A single answer may take more (`StateLimits.stepsPerAnswerMax`).
    package static let answerStepsPerTurn = 20_000
    /// Barriers under way at once. Reads that arrive meanwhile share the next one, so the busier a member is,
    /// the more reads a round of contact serves.
    package static let barriersInFlightMax = 2
    /// How long a follower waits for the answer to a forwarded write or a barrier before it asks again.
    package static let resendMilliseconds: UInt64 = 1000
    /// How long a refused forward or barrier waits before it is tried again.
    package static let refusedRetryMilliseconds: UInt64 = 20
    /// Bytes of a snapshot's file in one message: a heartbeat behind it waits for milliseconds only.
    package static let snapshotChunkBytesMax = 1 << 20
    /// Bytes of state that are written, or read, as one piece of a snapshot.
    static let snapshotPieceBytes = 256 << 10
    /// How many times the log bytes of a snapshot are held back for members that are being sent one.
    static let snapshotLogsHeldMax: UInt64 = 8
    /// The same, in snapshots, where these are larger: the log grows by as many bytes as the newest one has before the
    /// next is made.
    static let snapshotIntervalsHeldMax: UInt64 = 3
    /// How many election timeouts a member is waited for that is being sent a snapshot: longer than a broken connection
    /// takes to come back.
    static let snapshotSilenceTimeouts: UInt64 = 8
    /// How long somebody outside of the configuration is dialled after it was last heard: long enough for what it must
    /// be told, and for a new member to get the configuration that names its peers.
    package static let visitorMilliseconds: UInt64 = 10_000
    /// How often a member that may not stand asks, without a leader, whether it was removed.
    package static let membershipRequestMilliseconds: UInt64 = 1000
    /// How often a member whose disk is full says so to its leader.
    static let fullDiskReportMilliseconds: UInt64 = 300
    /// For how long a leader believes such a word: some may be lost on the way, and so may the one that there is room
    /// again.
    static let fullDiskBeliefMilliseconds: UInt64 = 1000
    /// How often a leader whose disk is full tries to hand over: for a T of each try it takes no writes.
    static let fullDiskHandOverMilliseconds: UInt64 = 1000
    /// A snapshot that found no room is tried again after this long, and after twice as long each time, up to the
    /// greater: each try writes the disk full, and takes from the log's next segment what room may have come.
    static let snapshotRetryMilliseconds: UInt64 = 1000
    static let snapshotRetryMillisecondsMax: UInt64 = 60_000
    /// What a client is told to wait when there is no room: time enough for somebody to make some.
    package static let noSpaceRetryMilliseconds: UInt64 = 1000
    /// Members remember the hash of their state at every index that this divides: often enough that two of them find
    /// one in common soon, and so rarely that computing it costs nothing beside an entry.
    package static let hashStride: UInt64 = 8
    /// The same for members that lie far apart.
    package static let hashStrideCoarse: UInt64 = 512
    /// Hashes remembered of each of the two: members 128 and 8,192 entries apart still meet.
    package static let hashesKept: UInt64 = 16
    /// Hashes in one report: all that are remembered, and the present one.
    package static let statePointsMax = 40
    /// Records, and bytes of keys and values, that one step of a pass over memory reads: some 100 µs of a turn's 2 ms.
    package static let scrubbedRecordsPerStep = 256
    package static let scrubbedBytesPerStep = 64 << 10
    /// What a client is told to wait when there is no leader: about one election.
    package static let noLeaderRetryMilliseconds: UInt64 = 200
}
