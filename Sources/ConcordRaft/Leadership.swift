/// What a leader keeps for its term.
struct Leadership: Sendable {
    /// Everyone in the configuration but the leader, in order of id; behind them those that have left it and may not
    /// know.
    var peers: [Progress] = []
    /// The entry that this term began with: nothing is known to be committed before it is
    /// (dissertation §6.4).
    private(set) var firstIndex = LogIndex.zero
    /// Rounds of contact are numbered within the term; every message carries the newest.
    private(set) var round: UInt64 = 0
    private(set) var heartbeatDueAt: UInt64 = 0
    private(set) var uncommittedBytes = 0
    var barriers = LeaderBarriers()
    var transfer: Transfer?
    private var roundClock = RoundClock()
    private var clockAtStart: UInt64 = 0
    private var startedAt: UInt64 = 0

    /// Before the first leadership.
    init() {}

    init(firstIndex: LogIndex, clusterClock: UInt64, uncommittedBytes: Int, now: UInt64) {
        self.firstIndex = firstIndex
        self.uncommittedBytes = uncommittedBytes
        clockAtStart = clusterClock
        startedAt = now
        heartbeatDueAt = now
    }

    /// Milliseconds of leadership: this one's added to all before it.
    func clusterClock(now: UInt64) -> UInt64 {
        clockAtStart + (now - startedAt)
    }

    func position(of id: MemberID) -> Int? {
        peers.firstIndex { $0.id == id }
    }

    mutating func beginRound(now: UInt64, heartbeat: UInt64, window: UInt64) {
        round += 1
        roundClock.began(round, now: now, window: window)
        heartbeatDueAt = now + heartbeat
    }

    /// - Returns: the position of the peer, or `nil` when the answer is none of ours.
    mutating func heard(from id: MemberID, round answered: UInt64, now: UInt64) -> Int? {
        guard let position = position(of: id), answered <= round else { return nil }
        peers[position].heard(round: answered, roundBeganAt: roundClock.start(of: answered), now: now)
        return position
    }

    mutating func accepted(bytes: Int) {
        uncommittedBytes += bytes
    }

    mutating func committed(bytes: Int) {
        uncommittedBytes -= bytes
        precondition(uncommittedBytes >= 0, "more bytes were committed than were uncommitted")
    }
}

/// Read barriers that reached a leader, its own and its followers' (dissertation §6.4).
struct LeaderBarriers: Sendable {
    struct Waiting: Sendable {
        var id: UInt64
        var requester: MemberID
    }

    struct Begun: Sendable {
        var waiting: Waiting
        var round: UInt64
        var index: LogIndex
    }

    /// Not before a round that begins from now on.
    private(set) var waiting: [Waiting] = []
    /// In order of round.
    private(set) var begun: [Begun] = []

    var isFull: Bool { waiting.count + begun.count >= RaftLimits.barriersMax }

    mutating func add(id: UInt64, requester: MemberID) {
        waiting.append(Waiting(id: id, requester: requester))
    }

    /// All that wait take part in `round`, which begins now; `index` is what was committed when it began.
    mutating func begin(round: UInt64, index: LogIndex) {
        begun.append(contentsOf: waiting.map { Begun(waiting: $0, round: round, index: index) })
        waiting.removeAll(keepingCapacity: true)
    }

    mutating func takeConfirmed(by round: UInt64) -> [Begun] {
        let count = begun.prefix { $0.round <= round }.count
        guard count > 0 else { return [] }
        let confirmed = Array(begun.prefix(count))
        begun.removeFirst(count)
        return confirmed
    }

    mutating func takeAll() -> [Waiting] {
        let all = begun.map(\.waiting) + waiting
        begun = []
        waiting = []
        return all
    }
}
