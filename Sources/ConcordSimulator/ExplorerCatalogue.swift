import ConcordBytes
import ConcordRaft

/// Every member, message and log that was met, each once, and what each input makes of each member.
///
/// A member's answer depends on nothing but itself and the input, so it is worked out once, however many states
/// of the cluster it occurs in. That is what makes the exploration fast.
struct ExplorerCatalogue {
    /// What the rules and the steps want to know of a member. Apart from the member itself, which is large.
    struct Facts {
        var digest: UInt128
        /// The log in memory and the one on disk.
        var log: UInt32
        var durableLog: UInt32
        var role: Role
        var term: UInt64
        var durableTerm: UInt64
        var hasLeader: Bool
        var hasWrites: Bool
        /// A follower that refuses its vote because its leader may live.
        var isLoyal: Bool
        /// A leader that takes no proposals, since another member is to lead.
        var handsOver: Bool
    }

    /// What an input makes of a member, in numbers of this catalogue.
    struct Result {
        var member: UInt32
        var sent: [UInt32] = []
        var committed: [Entry] = []
        var ready: [ReadyBarrier] = []
        var lost: [UInt64] = []
        var wonTerm: UInt64?
        /// Entries were removed from the log because a leader has others.
        var truncated = false
        /// Nothing came of it.
        var isIdle = false
        /// The input is a message of which nothing comes, now or ever.
        var isDead = false
        var problem: String?
    }

    private(set) var members: [Facts] = []
    private(set) var values: [ExplorerMember] = []
    private(set) var messages: [Message] = []
    private(set) var messageDigests: [UInt128] = []
    private var links: [UInt32] = []
    private(set) var logs: [[Entry]] = []
    private var results: [Result] = []
    private var memberNumbers: [UInt128: UInt32] = [:]
    private var messageNumbers: [UInt128: UInt32] = [:]
    private var logNumbers: [UInt128: UInt32] = [:]
    private var resultNumbers: [UInt64: UInt32] = [:]
    private var matches: [UInt64: Bool] = [:]

    mutating func add(_ value: ExplorerMember) -> UInt32 {
        var hash = SipHashStream()
        value.digest(into: &hash)
        let digest = hash.finish()
        if let known = memberNumbers[digest] { return known }
        let number = UInt32(members.count)
        memberNumbers[digest] = number
        values.append(value)
        members.append(
            Facts(
                digest: digest, log: add(log: value.raft.wholeLog), durableLog: add(log: value.disk.entries),
                role: value.raft.standing.role, term: value.raft.standing.term.rawValue,
                durableTerm: value.disk.hardState.term.rawValue,
                hasLeader: value.raft.standing.leader != nil, hasWrites: !value.writes.isEmpty,
                isLoyal: value.raft.standing.role == .follower && value.raft.protectsLeader,
                handsOver: value.raft.transferTarget != nil))
        return number
    }

    mutating func add(_ message: Message) -> UInt32 {
        let digest = message.fingerprint
        if let known = messageNumbers[digest] { return known }
        let number = UInt32(messages.count)
        precondition(number < StepCode.detailsMax, "more messages than a step can name")
        messageNumbers[digest] = number
        messages.append(message)
        messageDigests.append(digest)
        links.append(UInt32(message.from.rawValue * 4 + message.to.rawValue))
        return number
    }

    /// A connection is of one sender and one receiver.
    func link(of message: UInt32) -> UInt32 { links[Int(message)] }

    func number(of message: Message) -> UInt32? { messageNumbers[message.fingerprint] }

    mutating func add(log: [Entry]) -> UInt32 {
        var hash = SipHashStream()
        log.digest(into: &hash)
        let digest = hash.finish()
        if let known = logNumbers[digest] { return known }
        let number = UInt32(logs.count)
        logNumbers[digest] = number
        logs.append(log)
        return number
    }

    /// What a step of one member makes of `member`.
    mutating func result(of member: UInt32, _ kind: StepCode.Kind, _ detail: UInt32 = 0) -> Result {
        results[resultNumber(of: member, kind, detail)]
    }

    /// Whether nothing comes of the message at `member`, now or ever.
    mutating func isDead(_ message: UInt32, at member: UInt32) -> Bool {
        results[resultNumber(of: member, .deliver, message)].isDead
    }

    private mutating func resultNumber(of member: UInt32, _ kind: StepCode.Kind, _ detail: UInt32) -> Int {
        let input = StepCode(kind.isDelivery ? .deliver : kind, 0, detail)
        let key = UInt64(member) << 32 | UInt64(input.rawValue)
        if let known = resultNumbers[key] { return Int(known) }
        var value = values[Int(member)]
        let outcome = ExplorerCatalogue.run(&value, input, messages)
        let next = add(value)
        var result = Result(member: next)
        result.sent = outcome.sent.map { add($0) }
        result.committed = outcome.committed
        result.ready = outcome.ready
        result.lost = outcome.lost
        result.wonTerm = outcome.wonTerm?.rawValue
        result.problem = outcome.problem
        result.isIdle =
            next == member && result.sent.isEmpty && result.ready.isEmpty && result.lost.isEmpty
            && result.problem == nil
        let (before, after) = (members[Int(member)], members[Int(next)])
        result.truncated = kind != .crash && !logs[Int(after.log)].starts(with: logs[Int(before.log)])
        if input.kind == .deliver, result.isIdle {
            result.isDead = values[Int(member)].isForeverDeaf(to: messages[Int(detail)])
        }
        results.append(result)
        resultNumbers[key] = UInt32(results.count - 1)
        return results.count - 1
    }

    private static func run(
        _ member: inout ExplorerMember, _ input: StepCode, _ messages: [Message]
    ) -> ExplorerMember.Outcome {
        switch input.kind {
        case .stand, .deliver, .deliverCopy, .deliverEarly: member.receive(messages[Int(input.detail)])
        case .timeout: member.timeout()
        case .patienceEnds: member.patienceEnds()
        case .finishWrite: member.finishWrite()
        case .crash: member.crash(StepCode.Survivors(detail: input.detail))
        case .heartbeat: member.heartbeat()
        case .resign: member.resign()
        case .transfer: member.transfer(to: MemberID(UInt128(input.detail) + 1))
        case .propose: member.propose(UInt8(truncatingIfNeeded: input.detail))
        case .readBarrier: member.readBarrier(UInt64(input.detail))
        }
    }

    /// Log matching (dissertation figure 3.2): where two logs have an entry of one term at one index, they are
    /// the same up to there.
    mutating func logsMatch(_ left: UInt32, _ right: UInt32) -> Bool {
        if left == right { return true }
        let key = UInt64(min(left, right)) << 32 | UInt64(max(left, right))
        if let known = matches[key] { return known }
        let (one, other) = (logs[Int(left)], logs[Int(right)])
        let last = (0..<min(one.count, other.count)).last { one[$0].term == other[$0].term }
        let isMatch = last.map { one[...$0] == other[...$0] } ?? true
        matches[key] = isMatch
        return isMatch
    }

    /// Whether `log` begins with the first `count` entries of `other`.
    func agree(_ log: UInt32, _ other: UInt32, count: Int) -> Bool {
        let (one, two) = (logs[Int(log)], logs[Int(other)])
        return one.count >= count && two.count >= count && one[..<count] == two[..<count]
    }
}

extension ExplorerMember {
    /// Whether a message that does nothing now will do nothing ever. The term that is on disk never falls, and
    /// nobody stands for a term or leads it again after having stopped.
    fileprivate func isForeverDeaf(to message: Message) -> Bool {
        let term = message.term
        guard disk.hardState.term >= term else { return false }
        switch message.body {
        case .voteResponse, .heartbeatResponse, .barrierResponse, .newerTerm:
            return true
        case .appendResponse:
            return raft.standing.term > term || raft.standing.role != .leader
        case .preVoteResponse(let response):
            return response.requestedTerm <= disk.hardState.term
        case .preVoteRequest, .voteRequest, .append, .heartbeat, .barrierRequest, .leaderResigned, .doubtInquiry,
            .doubtAnswer, .timeoutNow:
            return false
        }
    }
}

extension Raft {
    fileprivate var wholeLog: [Entry] {
        guard lastIndex > .zero else { return [] }
        return entries(in: LogIndex(1)...lastIndex)
    }
}
