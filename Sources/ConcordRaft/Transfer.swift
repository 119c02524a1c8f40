// Moving leadership to a chosen member (dissertation §3.10): the leader takes nothing new, brings the other's log up to
// its own last entry, and then tells it to stand at once. The rest is an ordinary election, but for one thing: voters do
// not stand by a leader that has asked to be replaced (dissertation §4.2.3).

/// What became of the wish that another member lead.
package enum TransferResult: Equatable, Sendable {
    /// Under way to this member, since now or since somebody asked for the same.
    case underWay(MemberID)
    /// The member that was named leads: this one.
    case alreadyLeads
    case notLeader
    /// Leadership is on its way to another member.
    case busy(MemberID)
    case unknownMember
    /// The member does not vote, or not for long any more.
    case notVoter
    /// Nobody was named, and no other member votes.
    case noCandidate
    /// The leader has heard for T of none that might lead.
    case unresponsive
}

/// A transfer that came to nothing: this member leads on, and takes proposals again.
package struct AbandonedTransfer: Equatable, Sendable {
    package enum Reason: Equatable, Sendable {
        /// T has passed.
        case timeIsOver
        /// Nothing was heard of the target for T.
        case silent
        /// A new configuration does not let it lead.
        case removed
    }

    package var target: MemberID
    package var reason: Reason

    package init(target: MemberID, reason: Reason) {
        self.target = target
        self.reason = reason
    }
}

/// What a leader keeps of a transfer.
struct Transfer: Sendable {
    var target: MemberID
    /// The leader leads on if it still does then.
    var deadline: UInt64
    /// The target was told to stand.
    var isOrdered = false
}

extension Raft {
    /// Hands leadership over. Until that has happened, or is given up after one T, nothing is proposed here; read
    /// barriers are answered as long as this member leads.
    /// - Parameter target: `nil` for the voter whose log is nearest to this one's.
    package mutating func transferLeadership(to target: MemberID?) -> TransferResult {
        guard role == .leader else { return .notLeader }
        if let transfer = leadership.transfer {
            guard let target, target != transfer.target else { return .underWay(transfer.target) }
            return .busy(transfer.target)
        }
        if target == id { return .alreadyLeads }
        let chosen: MemberID
        if let target {
            guard log.configuration.member(target) != nil else { return .unknownMember }
            guard mayTakeOver(target) else { return .notVoter }
            guard let position = leadership.position(of: target), !isSilent(position) else { return .unresponsive }
            chosen = target
        } else {
            let candidates = leadership.peers.indices.filter { mayTakeOver(leadership.peers[$0].id) }
            guard !candidates.isEmpty else { return .noCandidate }
            guard let best = mostCaughtUp(of: candidates.filter { !isSilent($0) }) else { return .unresponsive }
            chosen = best
        }
        leadership.transfer = Transfer(target: chosen, deadline: now + settings.electionTimeoutMilliseconds)
        return .underWay(chosen)
    }

    /// To whom leadership is on its way; meanwhile proposals are refused.
    package var transferTarget: MemberID? { leadership.transfer?.target }

    /// Whoever is about to leave the configuration would have to hand over again.
    private func mayTakeOver(_ member: MemberID) -> Bool {
        switch log.configuration.member(member)?.role {
        case .voter, .incoming: true
        case .learner, .outgoing, nil: false
        }
    }

    private func isSilent(_ position: Int) -> Bool {
        now >= leadership.peers[position].heardAt + settings.electionTimeoutMilliseconds
    }

    /// Of equals the one that was heard last, and of these the first by id.
    private func mostCaughtUp(of positions: [Int]) -> MemberID? {
        let best = positions.max { left, right in
            let (one, other) = (leadership.peers[left], leadership.peers[right])
            return (one.match, one.heardAt, other.id) < (other.match, other.heardAt, one.id)
        }
        return best.map { leadership.peers[$0].id }
    }

    /// The end of a turn: gives a transfer up that cannot succeed, or tells the target to stand once nothing of this
    /// log is missing there. It would lose the election, or win it only after a while in which nobody leads, if it were
    /// told any earlier. The word may be lost, so each round repeats it.
    mutating func continueTransfer(roundBegan: Bool) {
        guard let transfer = leadership.transfer else { return }
        guard mayTakeOver(transfer.target), let position = leadership.position(of: transfer.target) else {
            return abandonTransfer(.removed)
        }
        if now >= transfer.deadline { return abandonTransfer(.timeIsOver) }
        if isSilent(position) { return abandonTransfer(.silent) }
        guard leadership.peers[position].match == log.lastIndex, roundBegan || !transfer.isOrdered else { return }
        leadership.transfer?.isOrdered = true
        send(.timeoutNow(.init(lastIndex: log.lastIndex)), to: transfer.target)
    }

    private mutating func abandonTransfer(_ reason: AbandonedTransfer.Reason) {
        guard let transfer = leadership.transfer else { return }
        leadership.transfer = nil
        output.abandonedTransfer = AbandonedTransfer(target: transfer.target, reason: reason)
    }

    /// The leader of this term asks this member to take its place. A word that comes so late that the leader has gone
    /// on, and sent more, asks for nothing any more.
    mutating func receiveTimeoutNow(from member: MemberID, _ order: Message.TimeoutNow) {
        guard role == .follower || role == .preCandidate, leader == nil || leader == member else { return }
        guard mayStand, order.lastIndex == log.lastIndex else { return }
        setLeader(nil)
        timer.orderedToStand(now: now)
        beginCandidacy(byTransfer: true)
    }
}
