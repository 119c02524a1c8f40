import ConcordBytes

// A member whose log has lost something, or may have (Alagappan et al., "Protocol-Aware Recovery for Consensus-Based
// Storage", FAST 2018).
//
// What it lost it may have acknowledged, and a quorum may have been counted with it. So as long as it is in doubt it
// does not vote as the log that it has, but as the log that it had. It is out of doubt with the first entry of a term
// above all those in which it was counted: who leads such a term was elected without what is lost here, so holds all
// that is committed, and an entry of its term stands behind all of that.

/// What a member must not forget of what it lost. Durable before anything of the log is cut off.
package struct Doubt: Equatable, Sendable {
    /// Above every term in which this member has acknowledged anything that is lost. An entry of this term or a later
    /// one in the log ends the doubt.
    package var term: Term
    /// The last entry of the log as it was, where that is known.
    package var claim: LastEntry?
    /// Whether something is lost for certain, and not perhaps only a write that a crash cut short.
    package var isDamage: Bool

    package init(term: Term, claim: LastEntry?, isDamage: Bool) {
        self.term = term
        self.claim = claim
        self.isDamage = isDamage
    }
}

/// How far a log goes, as elections compare logs (dissertation §3.6.1).
package struct LastEntry: Comparable, Hashable, Sendable {
    package var term: Term
    package var index: LogIndex

    package init(term: Term, index: LogIndex) {
        self.term = term
        self.index = index
    }

    package static func < (left: LastEntry, right: LastEntry) -> Bool {
        (left.term, left.index) < (right.term, right.index)
    }
}

/// What the others have said to a member in doubt, since it started.
struct DoubtInquiry: Sendable {
    private(set) var answers: [(member: MemberID, answer: Message.DoubtAnswer)] = []
    private(set) var askAgainAt: UInt64 = 0

    mutating func asked(now: UInt64, again pause: UInt64) {
        askAgainAt = now + pause
    }

    mutating func heard(_ answer: Message.DoubtAnswer, from member: MemberID) {
        answers.removeAll { $0.member == member }
        answers.append((member, answer))
    }

    /// How far the best log goes of those that are not in doubt themselves, and who is in doubt; once all of `members`
    /// have answered and know of no other configuration than this one.
    func summary(of members: [MemberID], configuration: UInt128) -> (best: LastEntry, doubtful: [MemberID])? {
        var best = LastEntry(term: .zero, index: .zero)
        var doubtful: [MemberID] = []
        for member in members {
            guard let answer = answers.first(where: { $0.member == member })?.answer,
                answer.configuration == configuration
            else { return nil }
            if answer.isDoubtful { doubtful.append(member) } else { best = max(best, answer.last) }
        }
        return (best, doubtful)
    }
}

extension Raft {
    /// Whether this member may have lost what it had acknowledged.
    package var isDoubtful: Bool {
        guard let doubt = hardState.doubt else { return false }
        return log.term(at: max(ledger.durableIndex, log.released.index)) ?? .zero < doubt.term
    }

    var lastEntry: LastEntry { LastEntry(term: log.lastTerm, index: log.lastIndex) }

    /// How far a log must go to get this member's vote; `nil`: no log gets it.
    ///
    /// In doubt, a log that goes as far as the lost one did holds all that this member has ever acknowledged. Where it
    /// is not known how far that was, or nobody has it, all others must have answered, in a term that no earlier leader
    /// can commit in: then the best of their logs holds everything that was committed and is not lost everywhere. What
    /// is lost for certain, and may have been committed by those alone that are in doubt, is never given up so.
    var leastWorthy: LastEntry? {
        guard isDoubtful, let doubt = hardState.doubt else { return lastEntry }
        let claimed = doubt.claim.map { max(lastEntry, $0) }
        let others = voters.filter { $0 != id }
        guard let summary = inquiry.summary(of: others, configuration: log.configuration.digest) else { return claimed }
        let mayBeLost = log.configuration.hasQuorumOfEither { $0 == id || summary.doubtful.contains($0) }
        return doubt.isDamage && mayBeLost ? claimed : max(lastEntry, summary.best)
    }

    /// Whether something is lost for certain that perhaps none had but those who are in doubt themselves, and all others
    /// have said that they do not have it. Nobody who is in doubt gives that up by itself.
    package var isLossBeyondRepair: Bool {
        guard isDoubtful, let doubt = hardState.doubt, doubt.isDamage,
            let summary = inquiry.summary(of: voters.filter { $0 != id }, configuration: log.configuration.digest)
        else { return false }
        let mayBeLost = log.configuration.hasQuorumOfEither { $0 == id || summary.doubtful.contains($0) }
        return mayBeLost && (doubt.claim.map { summary.best < $0 } ?? true)
    }

    /// Of every configuration that may turn out to be the current one.
    private var voters: [MemberID] {
        let current = log.marks.lastIndex { $0.index <= commitIndex } ?? 0
        var voters: Set<MemberID> = []
        for mark in log.marks[current...] {
            for member in mark.configuration.members where member.role != .learner { voters.insert(member.id) }
        }
        return voters.sorted()
    }

    /// Asks all others how far they go. Whoever answers has adopted this member's term first, so no leader of a term
    /// before it commits anything with what this member acknowledged then.
    mutating func askAboutDoubt() {
        guard isDoubtful, now >= inquiry.askAgainAt else { return }
        inquiry.asked(now: now, again: settings.heartbeatMilliseconds)
        for member in log.configuration.members where member.id != id { send(.doubtInquiry, to: member.id) }
    }

    mutating func answerDoubt(of member: MemberID) {
        let answer = Message.DoubtAnswer(
            last: lastEntry, isDoubtful: isDoubtful, configuration: log.configuration.digest)
        send(.doubtAnswer(answer), to: member, durable: log.lastIndex)
    }

    mutating func receiveDoubtAnswer(from member: MemberID, _ answer: Message.DoubtAnswer) {
        if isDoubtful { inquiry.heard(answer, from: member) }
    }
}

extension Configuration {
    /// Equal for equal configurations.
    fileprivate var digest: UInt128 {
        var writer = ByteWriter()
        encode(into: &writer)
        return SipHash128.hash(writer.bytes)
    }
}
