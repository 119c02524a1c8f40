package import ConcordRaft

/// One thing that happens to a cluster of three cores, and whether the disk is slow then.
package struct ExplorerStep: Equatable, Sendable {
    package var action: ExplorerAction
    /// Writes stay under way behind this step; otherwise all of the member's writes are durable at once.
    package var isSlow: Bool

    package init(_ action: ExplorerAction, isSlow: Bool) {
        self.action = action
        self.isSlow = isSlow
    }
}

/// Members are numbered from 0.
package enum ExplorerAction: Equatable, Sendable {
    /// The member's election timer ran out and `granter`, which had not heard from a leader for T, let it stand:
    /// the pre-vote's three messages at once.
    case stand(Int, granter: Int)
    /// The member's election timer ran out.
    case timeout(Int)
    /// T has passed since the member heard from its leader, but its election timer has not run out yet.
    case patienceEnds(Int)
    case deliver(Message)
    /// A message arrives and will arrive again.
    case deliverCopy(Message)
    /// A message overtakes those that its sender sent before.
    case deliverEarly(Message)
    /// The oldest write under way is durable.
    case finishWrite(Int)
    /// Power is cut and comes back. Of the writes under way the first `writes` are whole on the disk, and of the
    /// next one all but the last entries, if `entries` is given.
    case crash(Int, writes: Int, entries: Int?)
    case heartbeat(Int)
    /// The leader steps down within its term, as it does when no quorum answers it.
    case resign(Int)
    /// The leader is to hand over to another member.
    case transfer(Int, to: Int)
    case propose(Int)
    case readBarrier(Int)
}

extension ExplorerStep: CustomStringConvertible {
    package var description: String { action.description + (isSlow ? "; its disk is slow" : "") }
}

extension ExplorerAction: CustomStringConvertible {
    package var description: String {
        switch self {
        case .stand(let member, let granter): "member \(member + 1) stands, granted by \(granter + 1)"
        case .timeout(let member): "member \(member + 1): the election timer runs out"
        case .patienceEnds(let member): "member \(member + 1): no leader for T"
        case .deliver(let message): "deliver \(message.story)"
        case .deliverCopy(let message): "deliver a copy of \(message.story)"
        case .deliverEarly(let message): "deliver, before what was sent earlier, \(message.story)"
        case .finishWrite(let member): "member \(member + 1): a write is durable"
        case .crash(let member, let writes, nil): "member \(member + 1) crashes; \(writes) writes survive"
        case .crash(let member, let writes, let entries?):
            "member \(member + 1) crashes; \(writes) writes and \(entries) entries of the next survive"
        case .heartbeat(let member): "member \(member + 1): a heartbeat is due"
        case .resign(let member): "member \(member + 1) resigns"
        case .transfer(let member, let target): "member \(member + 1) is to hand over to \(target + 1)"
        case .propose(let member): "member \(member + 1): a proposal"
        case .readBarrier(let member): "member \(member + 1): a read barrier"
        }
    }
}

/// A step in 32 bits: the kind, the member, whether its disk is slow, and a number that depends on the kind.
struct StepCode: Equatable {
    enum Kind: UInt32 {
        case stand
        case timeout
        case patienceEnds
        case deliver
        case deliverCopy
        case deliverEarly
        case finishWrite
        case crash
        case heartbeat
        case resign
        case propose
        case readBarrier
        case transfer

        var isDelivery: Bool {
            switch self {
            case .deliver, .deliverCopy, .deliverEarly: true
            case .stand, .timeout, .patienceEnds, .finishWrite, .crash, .heartbeat, .resign, .propose, .readBarrier,
                .transfer:
                false
            }
        }
    }

    private static let detailBits: UInt32 = 25
    static let detailsMax = 1 << Int(detailBits)

    let kind: Kind
    let member: Int
    let detail: UInt32
    var isSlow = false

    init(_ kind: Kind, _ member: Int, _ detail: UInt32 = 0) {
        precondition(detail < StepCode.detailsMax && member < 4, "a step does not fit its code")
        self.kind = kind
        self.member = member
        self.detail = detail
    }

    init(rawValue: UInt32) {
        guard let kind = Kind(rawValue: rawValue >> 28) else {
            preconditionFailure("a step was stored that there is none of")
        }
        self.kind = kind
        member = Int(rawValue >> 26 & 3)
        isSlow = rawValue >> 25 & 1 == 1
        detail = rawValue & (1 << StepCode.detailBits - 1)
    }

    var rawValue: UInt32 {
        kind.rawValue << 28 | UInt32(member) << 26 | (isSlow ? 1 << 25 : 0) | detail
    }

    /// What survives a crash, as the detail of a step.
    struct Survivors {
        var writes: Int
        var entries: Int?

        var detail: UInt32 { UInt32(writes) << 8 | UInt32((entries ?? -1) + 1) }

        init(writes: Int, entries: Int?) {
            self.writes = writes
            self.entries = entries
        }

        init(detail: UInt32) {
            writes = Int(detail >> 8)
            entries = detail & 0xFF == 0 ? nil : Int(detail & 0xFF) - 1
        }
    }
}

extension Message {
    fileprivate var story: String {
        "\(from.rawValue)→\(to.rawValue) term \(term.rawValue) \(body.story)"
    }
}

extension Message.Body {
    fileprivate var story: String {
        switch self {
        case .preVoteRequest(let request): "pre-vote request\(request.story)"
        case .preVoteResponse(let response): "pre-vote \(response.granted ? "granted" : "refused")"
        case .voteRequest(let request): "vote request\(request.story)"
        case .voteResponse(let response): "vote \(response.granted ? "granted" : "refused")"
        case .append(let request):
            "append behind (\(request.previousIndex.rawValue), term \(request.previousTerm.rawValue)) of terms "
                + "\(request.entries.map(\.term.rawValue)), commit \(request.commit.rawValue), round \(request.round)"
        case .appendResponse(let response):
            switch response.result {
            case .matched(let index): "matched \(index.rawValue), round \(response.round)"
            case .conflict(let previous, let hint, let hintTerm):
                "conflict at \(previous.rawValue), hint (\(hint.rawValue), term \(hintTerm.rawValue))"
            }
        case .heartbeat(let heartbeat): "heartbeat, round \(heartbeat.round)"
        case .heartbeatResponse(let response): "heartbeat answered, round \(response.round)"
        case .barrierRequest(let request): "barrier request \(request.id)"
        case .barrierResponse(let response):
            "barrier \(response.id): \(response.index.map { "index \($0.rawValue)" } ?? "lost")"
        case .leaderResigned: "leader resigned"
        case .doubtInquiry: "inquiry of a member in doubt"
        case .doubtAnswer(let answer):
            "log ends with (\(answer.last.index.rawValue), term \(answer.last.term.rawValue))"
                + (answer.isDoubtful ? ", in doubt" : "")
        case .newerTerm: "newer term"
        case .timeoutNow(let order): "stand now, log ends with \(order.lastIndex.rawValue)"
        }
    }
}

extension Message.VoteRequest {
    fileprivate var story: String {
        ", log ends with (\(lastIndex.rawValue), term \(lastTerm.rawValue))" + (isByTransfer ? ", by transfer" : "")
    }
}
