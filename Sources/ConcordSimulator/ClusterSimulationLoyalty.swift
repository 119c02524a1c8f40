import ConcordRaft
import ConcordReplica

// Who hears a leader that lives, and whether he stands by it.

extension ClusterSimulation {
    func take(_ message: PeerMessage, from: Int, _ id: MemberID, by member: SimulatedMember) {
        guard case .raft(let inner) = message else { return step(member, .peerMessage(from: id, message)) }
        let loyalTo = inner.isAnswerOfVoter && isLoyal(member) ? member.heard?.term : nil
        hears(member, inner, from: from)
        step(member, .peerMessage(from: id, message))
        if let loyalTo, let term = member.running?.look({ $0.raftTerm }), term != loyalTo {
            problem("\(member.name) is drawn from a leader that it hears by a late answer")
        }
    }

    private func hears(_ member: SimulatedMember, _ message: Message, from: Int) {
        switch message.body {
        case .append, .heartbeat:
            // A leader of an earlier term than its own is none.
            guard let term = member.running?.look({ $0.raftTerm }), message.term >= term else { return }
            member.heard = SimulatedMember.Heard(
                leader: from, term: message.term, milliseconds: member.clock.milliseconds(now),
                connection: network.connection(from: from, to: member.position))
        case .preVoteRequest:
            guard !isLoyal(member) else { return }
            member.mayHelp[SimulatedMember.Asked(candidate: message.from, term: message.term), default: 0] += 1
        case .voteRequest(let request) where request.isByTransfer:
            // Its leader wants another one in its place.
            if let heard = member.heard, message.term > heard.term { member.heard = nil }
        default: break
        }
    }

    /// Whether the member hears a leader that lives. Then it helps nobody to depose it (dissertation §4.2.3, §9.6).
    private func isLoyal(_ member: SimulatedMember) -> Bool {
        guard let heard = member.heard, heard.term == member.running?.look({ $0.raftTerm }) else { return false }
        let leader = members[heard.leader]
        return leader.running?.look({ $0.isLeader && $0.raftTerm == heard.term }) == true
            && heard.connection == network.connection(from: heard.leader, to: member.position)
            && member.clock.milliseconds(now) < heard.milliseconds + plan.raft.electionTimeoutMilliseconds
    }

    func checkLoyalty(of member: SimulatedMember, _ message: Message) {
        guard case .preVoteResponse(let response) = message.body, response.granted else { return }
        let asked = SimulatedMember.Asked(candidate: message.to, term: response.requestedTerm)
        // An answer may wait for the disk: what counts is what the member heard when it was asked.
        guard let permissions = member.mayHelp[asked], permissions > 0 else {
            return problem("\(member.name) helps to depose a leader that it hears")
        }
        member.mayHelp[asked] = permissions - 1
    }
}

extension Message {
    /// Whether it answers somebody who wants to lead.
    fileprivate var isAnswerOfVoter: Bool {
        switch body {
        case .preVoteResponse, .voteResponse: true
        default: false
        }
    }
}
