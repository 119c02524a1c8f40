import ConcordBytes
import ConcordRaft

/// What a power cut leaves.
struct ExplorerDisk {
    var hardState = HardState(term: .zero, votedFor: nil)
    var entries: [Entry] = []

    /// - Returns: what a member may never write.
    mutating func apply(_ write: LogWrite, entriesCount: Int = .max) -> String? {
        var problem: String?
        if let newer = write.hardState {
            if newer.term < hardState.term { problem = "a durable term went back" }
            if newer.term == hardState.term, let vote = hardState.votedFor, newer.votedFor != vote {
                problem = "a durable vote of term \(newer.term.rawValue) was changed"
            }
            hardState = newer
        }
        for entry in write.entries.prefix(entriesCount) {
            let position = Int(entry.index.rawValue) - 1
            if position > entries.count { return "a write left a hole in the log" }
            entries.removeSubrange(position...)
            entries.append(entry)
        }
        return problem
    }

    func digest(into hash: inout SipHashStream) {
        hash.add(hardState.term.rawValue)
        hash.add(hardState.votedFor?.rawValue ?? 0)
        entries.digest(into: &hash)
    }
}

extension [Entry] {
    func digest(into hash: inout SipHashStream) {
        hash.add(UInt64(count))
        for entry in self {
            hash.add(entry.index.rawValue)
            hash.add(entry.term.rawValue)
            hash.add(entry.clock)
            hash.add(UInt64(entry.kind.rawValue))
            hash.add(entry.payload, from: 0, count: entry.payload.count)
        }
    }
}

/// A message that waits for a write of its sender.
struct HeldMessage {
    var message: Message
    var after: WriteSequence
}

/// One member by itself: its core, its disk and what is under way between the two. A value: what an input makes
/// of it depends on nothing else.
struct ExplorerMember {
    /// T. So long that no two things that take time fall together by chance, and that rounds, which take a
    /// millisecond each, never add up to it.
    static let electionTimeout: UInt64 = 1 << 40
    static let settings = RaftSettings(heartbeatMilliseconds: 1, electionTimeoutMilliseconds: electionTimeout)
    static let configuration = Configuration(
        members: (1...3).map { .init(id: MemberID($0), name: "\($0)", peerAddress: "") })

    private(set) var raft: Raft
    private(set) var disk = ExplorerDisk()
    private(set) var writes: [LogWrite] = []
    private(set) var held: [HeldMessage] = []
    private var durable = WriteSequence.zero
    private var now: UInt64 = 0
    /// A broken disk that loses the vote in a power cut.
    let forgetsVotes: Bool

    init(id: MemberID, forgetsVotes: Bool) {
        self.forgetsVotes = forgetsVotes
        raft = ExplorerMember.start(id, disk)
    }

    private static func start(_ id: MemberID, _ disk: ExplorerDisk) -> Raft {
        let restored = RestoredLog(
            hardState: disk.hardState, initialConfiguration: configuration, entries: disk.entries)
        return Raft(id: id, settings: settings, restored: restored, seed: 1, now: 0)
    }

    func digest(into hash: inout SipHashStream) {
        hash.add(raft.id.rawValue)
        raft.digest(into: &hash)
        disk.digest(into: &hash)
        hash.add(UInt64(writes.count))
        for write in writes {
            hash.add(write.hardState.map { $0.term.rawValue + 1 } ?? 0)
            hash.add(write.hardState?.votedFor?.rawValue ?? 0)
            write.entries.digest(into: &hash)
        }
        hash.add(UInt64(held.count))
        for waiting in held {
            hash.add(waiting.after.rawValue - durable.rawValue)
            hash.add(waiting.message.fingerprint)
        }
    }

    /// What came of an input.
    struct Outcome {
        var sent: [Message] = []
        var committed: [Entry] = []
        var ready: [ReadyBarrier] = []
        var lost: [UInt64] = []
        var wonTerm: Term?
        var problem: String?
    }

    mutating func receive(_ message: Message) -> Outcome {
        turn { $0.receive(message) }
    }

    /// Long enough for every timer of a member that does not lead.
    mutating func timeout() -> Outcome {
        now += 4 * ExplorerMember.electionTimeout
        let time = now
        return turn { $0.tick(now: time) }
    }

    /// Just T: less than any election timer that was set when the leader spoke. Only of a loyal follower, for
    /// which no time has passed since then; twice T could be more than its timer.
    mutating func patienceEnds() -> Outcome {
        now += ExplorerMember.electionTimeout
        let time = now
        return turn { $0.tick(now: time) }
    }

    /// The next round of a leader.
    mutating func heartbeat() -> Outcome {
        now += ExplorerMember.settings.heartbeatMilliseconds
        let time = now
        return turn { $0.tick(now: time) }
    }

    mutating func resign() -> Outcome {
        turn { $0.resign() }
    }

    /// The wish that `target` lead.
    mutating func transfer(to target: MemberID) -> Outcome {
        turn { _ = $0.transferLeadership(to: target) }
    }

    mutating func propose(_ number: UInt8) -> Outcome {
        turn { _ = $0.propose([number]) }
    }

    mutating func readBarrier(_ id: UInt64) -> Outcome {
        turn { $0.readBarrier(id: id) }
    }

    mutating func finishWrite() -> Outcome {
        let write = writes.removeFirst()
        var outcome = Outcome()
        outcome.problem = disk.apply(write)
        durable = write.sequence
        release(into: &outcome)
        finishTurn(into: &outcome) { $0.persisted(write.sequence) }
        return outcome
    }

    mutating func crash(_ survivors: StepCode.Survivors) -> Outcome {
        var outcome = Outcome()
        for write in writes.prefix(survivors.writes) {
            outcome.problem = outcome.problem ?? disk.apply(write)
        }
        if let entries = survivors.entries {
            outcome.problem = outcome.problem ?? disk.apply(writes[survivors.writes], entriesCount: entries)
        }
        if forgetsVotes { disk.hardState.votedFor = nil }
        writes = []
        held = []
        durable = .zero
        now = 0
        raft = ExplorerMember.start(raft.id, disk)
        finishTurn(into: &outcome) { _ in }
        return outcome
    }

    /// All that a power cut may leave of the writes under way.
    var survivors: [StepCode.Survivors] {
        var all: [StepCode.Survivors] = []
        for (position, write) in writes.enumerated() {
            all.append(.init(writes: position, entries: nil))
            for count in write.entries.indices where count > 0 || write.hardState != nil {
                all.append(.init(writes: position, entries: count))
            }
        }
        return all + [.init(writes: writes.count, entries: nil)]
    }

    private mutating func turn(_ input: (inout Raft) -> Void) -> Outcome {
        var outcome = Outcome()
        finishTurn(into: &outcome, input)
        return outcome
    }

    private mutating func finishTurn(into outcome: inout Outcome, _ input: (inout Raft) -> Void) {
        let before = raft.standing
        input(&raft)
        let output = raft.takeOutput()
        if let write = output.write { writes.append(write) }
        for outbound in output.messages { held.append(HeldMessage(message: outbound.message, after: outbound.after)) }
        release(into: &outcome)
        outcome.committed = output.committed
        outcome.ready = output.readyBarriers
        outcome.lost = output.lostBarriers
        if raft.standing.role == .leader, before.role != .leader { outcome.wonTerm = raft.standing.term }
        if raft.contradictionsCount > 0, outcome.problem == nil {
            outcome.problem = "member \(raft.id.rawValue) met a message that contradicts what is committed"
        }
    }

    private mutating func release(into outcome: inout Outcome) {
        for waiting in held where waiting.after <= durable {
            outcome.problem = outcome.problem ?? disk.objection(to: waiting.message)
            outcome.sent.append(waiting.message)
        }
        held.removeAll { $0.after <= durable }
    }
}

extension ExplorerDisk {
    /// What leaves a member must follow from what its disk holds at that moment.
    fileprivate func objection(to message: Message) -> String? {
        let sender = "member \(message.from.rawValue)"
        let shown = message.term
        switch message.body {
        case .preVoteRequest:
            return shown > hardState.term.next ? "\(sender) showed a term before it was durable" : nil
        case .voteRequest where hardState.term == shown && hardState.votedFor != message.from:
            return "\(sender) gave itself a vote in term \(shown.rawValue) that is not durable"
        case .voteResponse(let response)
        where response.granted && hardState.term == shown && hardState.votedFor != message.to:
            return "\(sender) gave a vote in term \(shown.rawValue) that is not durable"
        case .appendResponse(let response):
            guard case .matched(let index) = response.result, hardState.term == shown else { break }
            if Int(index.rawValue) > entries.count {
                return "\(sender) acknowledged index \(index.rawValue) before it was durable"
            }
        default:
            break
        }
        return shown > hardState.term ? "\(sender) showed term \(shown.rawValue) before it was durable" : nil
    }
}

extension Message {
    var fingerprint: UInt128 {
        var writer = ByteWriter()
        encode(into: &writer)
        return SipHash128.hash(writer.bytes)
    }
}
