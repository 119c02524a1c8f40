/// What a leader knows of one follower and has under way to it.
///
/// While *probing* the leader does not know where the two logs part: it sends one append and waits.
/// While *replicating* it sends on without waiting for answers, up to a limit. What a broken connection has
/// swallowed shows when nothing moves for a heartbeat: an empty append behind all that was sent then gets
/// either everything acknowledged or a conflict that says where to go on.
struct Progress: Sendable {
    enum Mode: Sendable {
        case probing
        case replicating
    }

    struct Inflight: Sendable {
        var lastIndex: LogIndex
        var bytes: Int
    }

    let id: MemberID
    private(set) var mode = Mode.probing
    /// Everything up to here is durable there and equals this log. Only grows within a term.
    private(set) var match = LogIndex.zero
    /// The first entry to send next.
    private(set) var next: LogIndex
    /// The commit index that it learns from what was sent to it.
    private(set) var commitTold = LogIndex.zero
    /// Whether a probe is under way.
    private(set) var probeIsOut = false
    /// It lacks entries that this log holds no more. Empty probes go on meanwhile, at the pace of heartbeats, and find
    /// out when a snapshot has brought it far enough.
    private(set) var needsSnapshot = false
    /// The newest round that it answered.
    private(set) var confirmedRound: UInt64 = 0
    /// When the newest answered round began: what CheckQuorum counts.
    private(set) var roundContactAt: UInt64
    /// When anything was last heard from it: for people.
    private(set) var heardAt: UInt64
    /// When it last was sent an append or last got further.
    private var movedAt: UInt64
    private(set) var inflight: [Inflight] = []
    private var inflightBytes = 0
    /// Of a learner: how far it got.
    var catchUp: CatchUp?
    /// Set when it is no member any more.
    var departure: Departure?

    init(id: MemberID, next: LogIndex, now: UInt64) {
        self.id = id
        self.next = next
        roundContactAt = now
        heardAt = now
        movedAt = now
    }

    func hasRoom(messagesMax: Int) -> Bool {
        inflight.count < messagesMax && inflightBytes < RaftLimits.inflightBytesMax
    }

    /// Whether everything that was sent is acknowledged.
    var isQuiet: Bool { match == next.previous }

    func isStalled(now: UInt64, patience: UInt64) -> Bool { now >= movedAt + patience }

    mutating func sent(entries: ArraySlice<Entry>, now: UInt64) {
        movedAt = now
        switch mode {
        case .probing:
            probeIsOut = true
        case .replicating:
            guard let last = entries.last else { return }
            let bytes = entries.reduce(0) { $0 + $1.payload.count + Entry.overheadBytes }
            inflight.append(Inflight(lastIndex: last.index, bytes: bytes))
            inflightBytes += bytes
            next = last.index.next
        }
    }

    mutating func toldCommit(_ index: LogIndex) {
        commitTold = max(commitTold, index)
    }

    /// - Parameter roundBeganAt: `nil` when the round is too old to count as contact.
    mutating func heard(round: UInt64, roundBeganAt: UInt64?, now: UInt64) {
        heardAt = now
        confirmedRound = max(confirmedRound, round)
        if let began = roundBeganAt { roundContactAt = max(roundContactAt, began) }
    }

    mutating func matched(_ index: LogIndex, now: UInt64) {
        if index > match {
            match = index
            movedAt = now
        }
        let acknowledged = inflight.prefix { $0.lastIndex <= index }
        inflightBytes -= acknowledged.reduce(0) { $0 + $1.bytes }
        inflight.removeFirst(acknowledged.count)
        switch mode {
        case .probing:
            // An old word of what it has had all along: what it lacks is released.
            if needsSnapshot, index < next.previous { return }
            mode = .replicating
            needsSnapshot = false
            next = match.next
            commitTold = .zero
        case .replicating:
            next = max(next, match.next)
        }
    }

    /// Goes back to probing from `next`; what is under way counts as lost.
    /// - Parameter needsSnapshot: `next` is the first entry that is left, and the follower lacks one before it.
    mutating func probe(from next: LogIndex, needsSnapshot: Bool = false) {
        precondition(next > match, "a follower would be sent again what it has acknowledged")
        mode = .probing
        self.next = next
        self.needsSnapshot = needsSnapshot
        probeIsOut = needsSnapshot
        commitTold = .zero
        inflight.removeAll(keepingCapacity: true)
        inflightBytes = 0
    }
}

/// When each of the last rounds began.
struct RoundClock: Sendable {
    private struct Start: Sendable {
        var firstRound: UInt64
        var time: UInt64
    }

    /// One for each millisecond in which a round began, so at most as many as the window has.
    private var starts: [Start] = []

    mutating func began(_ round: UInt64, now: UInt64, window: UInt64) {
        let outdated = starts.prefix { $0.time + window <= now }.count
        starts.removeFirst(outdated)
        if starts.last?.time != now { starts.append(Start(firstRound: round, time: now)) }
    }

    /// `nil` for a round that began before the window.
    func start(of round: UInt64) -> UInt64? {
        starts.last { $0.firstRound <= round }?.time
    }
}
