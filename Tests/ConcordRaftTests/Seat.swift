import ConcordBytes
import ConcordRaft

/// One member driven by hand. Its disk is instant unless `diskIsHeld`.
struct Seat {
    var raft: Raft
    private(set) var now: UInt64
    var diskIsHeld = false
    /// What the disk has not answered for yet.
    private(set) var writes: [LogWrite] = []
    /// All that was asked to be written, in order.
    private(set) var allWrites: [LogWrite] = []
    private(set) var durable = WriteSequence.zero
    private(set) var heldMessages: [OutboundMessage] = []
    private(set) var committed: [Entry] = []
    private(set) var ready: [ReadyBarrier] = []
    private(set) var lost: [UInt64] = []
    private(set) var standings: [Standing] = []
    private(set) var abandoned: [AbandonedTransfer] = []
    /// How long each write had waited for which this member gave its leadership up.
    private(set) var hungWrites: [UInt64] = []

    init(
        _ number: UInt128, of members: Int = 3, term: UInt64 = 0, votedFor: UInt128? = nil, log: [Entry] = [],
        configuration: Configuration? = nil, seed: UInt64 = 1, now: UInt64 = 0
    ) {
        self.now = now
        let restored = RestoredLog(
            hardState: HardState(term: Term(term), votedFor: votedFor.map { MemberID($0) }),
            initialConfiguration: configuration ?? voters(members), entries: log)
        raft = Raft(id: MemberID(number), settings: RaftSettings(), restored: restored, seed: seed, now: now)
    }

    init(_ number: UInt128, restored: RestoredLog, seed: UInt64 = 1, now: UInt64 = 0) {
        self.now = now
        raft = Raft(id: MemberID(number), settings: RaftSettings(), restored: restored, seed: seed, now: now)
    }

    /// One turn: time, inputs, output. Returns the messages that left.
    @discardableResult
    mutating func turn(at time: UInt64? = nil, _ inputs: (inout Raft) -> Void = { _ in }) -> [Message] {
        now = max(now, time ?? now)
        raft.tick(now: now)
        inputs(&raft)
        var left = collect()
        while !diskIsHeld, let write = writes.first {
            writes.removeFirst()
            durable = write.sequence
            raft.persisted(write.sequence)
            left += collect()
        }
        return left
    }

    private mutating func collect() -> [Message] {
        let output = raft.takeOutput()
        if let write = output.write {
            writes.append(write)
            allWrites.append(write)
        }
        heldMessages += output.messages
        committed += output.committed
        ready += output.readyBarriers
        lost += output.lostBarriers
        if let standing = output.standing { standings.append(standing) }
        if let transfer = output.abandonedTransfer { abandoned.append(transfer) }
        if let milliseconds = output.hungWriteMilliseconds { hungWrites.append(milliseconds) }
        return release()
    }

    private mutating func release() -> [Message] {
        let left = heldMessages.filter { $0.after <= durable }.map(\.message)
        heldMessages.removeAll { $0.after <= durable }
        return left
    }

    /// The disk answers for its oldest `count` writes.
    mutating func finishWrites(_ count: Int = .max) -> [Message] {
        var left: [Message] = []
        for write in writes.prefix(count) {
            durable = write.sequence
            raft.persisted(write.sequence)
            writes.removeFirst()
            left += collect()
        }
        return left + release()
    }

    @discardableResult
    mutating func receive(_ messages: Message...) -> [Message] {
        turn { for message in messages { $0.receive(message) } }
    }

    /// Waits until the election timer runs out.
    @discardableResult
    mutating func passDeadline() -> [Message] {
        turn(at: raft.nextDeadline)
    }

    /// Makes this member the leader of the next term by the vote of `voter`.
    @discardableResult
    mutating func win(by voter: UInt128) -> [Message] {
        passDeadline()
        let term = raft.standing.term.rawValue
        receive(
            message(
                voter, raft.id.rawValue, term, .preVoteResponse(.init(requestedTerm: Term(term + 1), granted: true))))
        return receive(
            message(
                voter, raft.id.rawValue, term + 1, .voteResponse(.init(requestedTerm: Term(term + 1), granted: true))))
    }

    var role: Role { raft.standing.role }
    var term: UInt64 { raft.standing.term.rawValue }
    var leader: UInt128? { raft.standing.leader?.rawValue }
    var terms: [UInt64] { logTerms(raft) }
}

func logTerms(_ raft: Raft) -> [UInt64] {
    guard raft.lastIndex > .zero else { return [] }
    return (1...raft.lastIndex.rawValue).map { raft.term(at: LogIndex($0))?.rawValue ?? 0 }
}

func voters(_ count: Int) -> Configuration {
    Configuration(
        members: (0..<count).map {
            Configuration.Member(id: MemberID(UInt128($0 + 1)), name: "m\($0 + 1)", peerAddress: "h\($0 + 1):1")
        })
}

func message(_ from: UInt128, _ to: UInt128, _ term: UInt64, _ body: Message.Body) -> Message {
    Message(from: MemberID(from), to: MemberID(to), term: Term(term), body: body)
}

/// Entries 1, 2, 3, … of these terms; each names its place and term.
func entries(_ terms: [UInt64], from first: UInt64 = 1, kind: EntryKind = .commands) -> [Entry] {
    terms.enumerated().map { offset, term in
        let index = first + UInt64(offset)
        return Entry(
            index: LogIndex(index), term: Term(term), clock: 0, kind: kind,
            payload: [UInt8(truncatingIfNeeded: index), UInt8(truncatingIfNeeded: term)])
    }
}

func append(
    after previous: UInt64, _ previousTerm: UInt64, _ terms: [UInt64] = [], commit: UInt64 = 0, round: UInt64 = 1
) -> Message.Body {
    .append(
        .init(
            previousIndex: LogIndex(previous), previousTerm: Term(previousTerm), commit: LogIndex(commit), round: round,
            clusterClock: 0, entries: entries(terms, from: previous + 1)))
}

func matched(_ index: UInt64, round: UInt64 = 1) -> Message.Body {
    .appendResponse(.init(result: .matched(LogIndex(index)), round: round))
}

func heartbeat(round: UInt64 = 1, clock: UInt64 = 0) -> Message.Body {
    .heartbeat(.init(round: round, clusterClock: clock))
}

func voteRequest(_ lastIndex: UInt64, _ lastTerm: UInt64) -> Message.Body {
    .voteRequest(.init(lastIndex: LogIndex(lastIndex), lastTerm: Term(lastTerm)))
}

func voteRequestByTransfer(_ lastIndex: UInt64, _ lastTerm: UInt64) -> Message.Body {
    .voteRequest(.init(lastIndex: LogIndex(lastIndex), lastTerm: Term(lastTerm), isByTransfer: true))
}

func timeoutNow(_ lastIndex: UInt64) -> Message.Body {
    .timeoutNow(.init(lastIndex: LogIndex(lastIndex)))
}

func preVoteRequest(_ lastIndex: UInt64, _ lastTerm: UInt64) -> Message.Body {
    .preVoteRequest(.init(lastIndex: LogIndex(lastIndex), lastTerm: Term(lastTerm)))
}

func voteResponse(_ requested: UInt64, _ granted: Bool) -> Message.Body {
    .voteResponse(.init(requestedTerm: Term(requested), granted: granted))
}

func preVoteResponse(_ requested: UInt64, _ granted: Bool) -> Message.Body {
    .preVoteResponse(.init(requestedTerm: Term(requested), granted: granted))
}

extension [Message] {
    func to(_ member: UInt128) -> [Message] { filter { $0.to.rawValue == member } }

    var appends: [Message.AppendRequest] {
        compactMap { if case .append(let request) = $0.body { request } else { nil } }
    }

    var appendResults: [Message.AppendResponse.Result] {
        compactMap { if case .appendResponse(let response) = $0.body { response.result } else { nil } }
    }

    /// Members that were told to stand, by the end of the log that they were told.
    var orders: [UInt64] {
        compactMap { if case .timeoutNow(let order) = $0.body { order.lastIndex.rawValue } else { nil } }
    }

    var rounds: [UInt64] {
        compactMap { if case .heartbeat(let heartbeat) = $0.body { heartbeat.round } else { nil } }
    }
}
