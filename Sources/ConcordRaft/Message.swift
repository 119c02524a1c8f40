/// What one core says to another. `term` is the sender's current term, but for a pre-vote request, where it is
/// the term that the sender would stand for.
package struct Message: Equatable, Sendable {
    package var from: MemberID
    package var to: MemberID
    package var term: Term
    package var body: Body

    package init(from: MemberID, to: MemberID, term: Term, body: Body) {
        self.from = from
        self.to = to
        self.term = term
        self.body = body
    }

    package enum Body: Equatable, Sendable {
        case preVoteRequest(VoteRequest)
        case preVoteResponse(VoteResponse)
        case voteRequest(VoteRequest)
        case voteResponse(VoteResponse)
        case append(AppendRequest)
        case appendResponse(AppendResponse)
        case heartbeat(Heartbeat)
        case heartbeatResponse(HeartbeatResponse)
        case barrierRequest(BarrierRequest)
        case barrierResponse(BarrierResponse)
        /// The leader of `term` stopped leading it and will not lead it again: elect another one now.
        case leaderResigned
        /// The sender may have lost something of its log: how far do the others' go?
        case doubtInquiry
        case doubtAnswer(DoubtAnswer)
        /// The answer to a message of a lower term that has no answer of its own: `term` says the newer one.
        case newerTerm
        /// The leader of `term` asks the receiver to stand at once and take its place (dissertation §3.10).
        case timeoutNow(TimeoutNow)
    }

    package struct VoteRequest: Equatable, Sendable {
        package var lastIndex: LogIndex
        package var lastTerm: Term
        /// The leader itself asked the sender to stand, so nobody protects that leader. Never in a pre-vote.
        package var isByTransfer: Bool

        package init(lastIndex: LogIndex, lastTerm: Term, isByTransfer: Bool = false) {
            self.lastIndex = lastIndex
            self.lastTerm = lastTerm
            self.isByTransfer = isByTransfer
        }
    }

    package struct VoteResponse: Equatable, Sendable {
        /// The term that was asked for: an answer counts only for that candidacy.
        package var requestedTerm: Term
        package var granted: Bool

        package init(requestedTerm: Term, granted: Bool) {
            self.requestedTerm = requestedTerm
            self.granted = granted
        }
    }

    package struct AppendRequest: Equatable, Sendable {
        package var previousIndex: LogIndex
        package var previousTerm: Term
        /// The leader's commit index; counts only up to the last entry that this message proves.
        package var commit: LogIndex
        /// The round of contact that an answer confirms.
        package var round: UInt64
        package var clusterClock: UInt64
        package var entries: [Entry]

        package init(
            previousIndex: LogIndex, previousTerm: Term, commit: LogIndex, round: UInt64, clusterClock: UInt64,
            entries: [Entry]
        ) {
            self.previousIndex = previousIndex
            self.previousTerm = previousTerm
            self.commit = commit
            self.round = round
            self.clusterClock = clusterClock
            self.entries = entries
        }
    }

    package struct AppendResponse: Equatable, Sendable {
        package enum Result: Equatable, Sendable {
            /// Everything up to this index equals the leader's log and is durable here.
            case matched(LogIndex)
            /// The entry at `previousIndex` is missing or of another term. The leader may go on at or below
            /// `hintIndex`, the last index whose term here is at most `hintTerm`.
            case conflict(previousIndex: LogIndex, hintIndex: LogIndex, hintTerm: Term)
        }

        package var result: Result
        package var round: UInt64

        package init(result: Result, round: UInt64) {
            self.result = result
            self.round = round
        }
    }

    package struct Heartbeat: Equatable, Sendable {
        package var round: UInt64
        package var clusterClock: UInt64

        package init(round: UInt64, clusterClock: UInt64) {
            self.round = round
            self.clusterClock = clusterClock
        }
    }

    package struct HeartbeatResponse: Equatable, Sendable {
        package var round: UInt64

        package init(round: UInt64) {
            self.round = round
        }
    }

    package struct DoubtAnswer: Equatable, Sendable {
        /// Durable.
        package var last: LastEntry
        /// The answering member may have lost something, too: what it does not have may have been there.
        package var isDoubtful: Bool
        /// A hash of the latest configuration in its log.
        package var configuration: UInt128

        package init(last: LastEntry, isDoubtful: Bool, configuration: UInt128) {
            self.last = last
            self.isDoubtful = isDoubtful
            self.configuration = configuration
        }
    }

    package struct TimeoutNow: Equatable, Sendable {
        /// The end of the leader's log, which is that of the receiver's.
        package var lastIndex: LogIndex

        package init(lastIndex: LogIndex) {
            self.lastIndex = lastIndex
        }
    }

    package struct BarrierRequest: Equatable, Sendable {
        package var id: UInt64

        package init(id: UInt64) {
            self.id = id
        }
    }

    package struct BarrierResponse: Equatable, Sendable {
        package var id: UInt64
        /// `nil`: the asked member does not lead, or cannot tell; ask again.
        package var index: LogIndex?

        package init(id: UInt64, index: LogIndex?) {
            self.id = id
            self.index = index
        }
    }
}
