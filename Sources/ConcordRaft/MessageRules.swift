// What must hold in a message whoever sent it. A member behind the handshake is trusted to be who it is, not to
// be free of bugs: a message that breaks a rule is refused as a whole.

extension Message {
    /// Terms, indices, clocks and rounds stay below this, so that no sum of two of them overflows.
    static let numberBound: UInt64 = 1 << 62

    var isWellFormed: Bool {
        guard term.isInBounds else { return false }
        switch body {
        case .preVoteRequest(let request):
            return !request.isByTransfer && request.isWellFormed(term: term)
        case .voteRequest(let request):
            return request.isWellFormed(term: term)
        case .preVoteResponse(let response), .voteResponse(let response):
            return response.requestedTerm.isInBounds && response.requestedTerm > .zero
        case .append(let request):
            return term > .zero && request.isWellFormed(term: term)
        case .appendResponse(let response):
            return term > .zero && response.isWellFormed(term: term)
        case .heartbeat(let heartbeat):
            return term > .zero && heartbeat.round < Message.numberBound
                && heartbeat.clusterClock < Message.numberBound
        case .heartbeatResponse(let response):
            return term > .zero && response.round < Message.numberBound
        case .barrierResponse(let response):
            return response.index?.isInBounds ?? true
        case .doubtAnswer(let answer):
            let (index, last) = (answer.last.index, answer.last.term)
            return index.isInBounds && last <= term && (index == .zero) == (last == .zero)
        case .timeoutNow(let order):
            // A leader's log ends with an entry of its own, at least the first one of its term.
            return term > .zero && order.lastIndex.isInBounds && order.lastIndex > .zero
        case .barrierRequest, .leaderResigned, .doubtInquiry, .newerTerm:
            return true
        }
    }
}

extension Message.VoteRequest {
    /// Whoever stands for a term has no entry of it yet.
    fileprivate func isWellFormed(term: Term) -> Bool {
        lastIndex.isInBounds && lastTerm < term && (lastIndex == .zero) == (lastTerm == .zero)
    }
}

extension Message.AppendRequest {
    /// Entries follow `previousIndex` without a hole; terms and clocks never fall, and no entry is of a later
    /// term than its sender.
    fileprivate func isWellFormed(term: Term) -> Bool {
        guard previousIndex.isInBounds, commit.isInBounds, previousTerm <= term else { return false }
        guard round < Message.numberBound, clusterClock < Message.numberBound else { return false }
        guard (previousIndex == .zero) == (previousTerm == .zero) else { return false }
        guard entries.count <= RaftLimits.appendEntriesMax else { return false }
        var (lastIndex, lastTerm, lastClock) = (previousIndex, max(previousTerm, Term(1)), UInt64(0))
        for entry in entries {
            guard entry.index == lastIndex.next, entry.term >= lastTerm, entry.clock >= lastClock else { return false }
            if entry.kind == .configuration, Configuration(payload: entry.payload) == nil { return false }
            (lastIndex, lastTerm, lastClock) = (entry.index, entry.term, entry.clock)
        }
        return lastIndex.isInBounds && lastTerm <= term && lastClock < Message.numberBound
    }
}

extension Message.AppendResponse {
    fileprivate func isWellFormed(term: Term) -> Bool {
        guard round < Message.numberBound else { return false }
        switch result {
        case .matched(let index):
            return index.isInBounds
        case .conflict(let previousIndex, let hintIndex, let hintTerm):
            return previousIndex.isInBounds && previousIndex > .zero && hintIndex <= previousIndex && hintTerm <= term
        }
    }
}

extension Term {
    fileprivate var isInBounds: Bool { rawValue < Message.numberBound }
}

extension LogIndex {
    fileprivate var isInBounds: Bool { rawValue < Message.numberBound }
}
