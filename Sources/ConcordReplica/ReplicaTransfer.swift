import ConcordModel
import ConcordRaft
import ConcordStorage

// Leadership that is moved because somebody wants it so: a client, at any member, or this member itself when it is told
// to end. A client has its answer when its member sees the new leader; until then the wish waits here, and is put to
// every leader there is, once, until its time is over.

extension Replica {
    mutating func takeOnTransfer(to target: String?, request: RequestID, deadline: UInt64) {
        if let target, target.utf8.count > RaftLimits.memberTextBytesMax {
            return reply(request, .failed(.transferRefused(.unknownMember)))
        }
        transfers.append(request: request, deadline: deadline, target: target)
    }

    /// Asks the leader for each transfer that it was not asked for yet.
    mutating func askForTransfers() {
        guard let leader = standing.leader else { return }
        for pending in transfers.pending where pending.asked == nil && pending.notBefore <= now {
            transfers[pending.id]?.asked = (leader, standing.term, now)
            if leader == record.id {
                let answer = beginTransfer(to: pending.target, for: record.id, id: pending.id)
                answeredTransfer(pending.id, answer, from: leader)
            } else {
                send(.transferRequest(id: pending.id, target: pending.target), to: leader)
            }
        }
    }

    mutating func receiveTransferRequest(id: UInt64, target: String?, from sender: MemberID) {
        send(.transferResponse(id: id, beginTransfer(to: target, for: sender, id: id)), to: sender)
    }

    private mutating func beginTransfer(to target: String?, for asker: MemberID, id: UInt64) -> TransferAnswer {
        guard raft?.standing.role == .leader else { return .refused(.notLeader) }
        var member: MemberID?
        do throws(TransferRefusal) {
            if let target { member = try resolve(target) }
        } catch {
            return .refused(error)
        }
        switch raft?.transferLeadership(to: member) {
        case .underWay(let chosen):
            transfers.tellLater(.init(member: asker, id: id))
            return .underWay(chosen)
        case .alreadyLeads: return .leads(standing.term)
        case .notLeader, nil: return .refused(.notLeader)
        case .busy: return .refused(.busy)
        case .unknownMember: return .refused(.unknownMember)
        case .notVoter: return .refused(.notVoter)
        case .noCandidate: return .refused(.noCandidate)
        case .unresponsive: return .refused(.unresponsive)
        }
    }

    /// An id is looked for first: no name can hide it.
    private func resolve(_ text: String) throws(TransferRefusal) -> MemberID {
        let members = raft?.configuration.members ?? []
        if let member = members.first(where: { $0.id.description == text }) { return member.id }
        let named = members.filter { $0.name == text }
        guard let member = named.first else { throw .unknownMember }
        guard named.count == 1 else { throw .ambiguousName }
        return member.id
    }

    /// An answer of a leader that was asked before the present one counts no more.
    mutating func answeredTransfer(_ id: UInt64, _ answer: TransferAnswer, from sender: MemberID) {
        guard let pending = transfers[id], pending.asked?.leader == sender else { return }
        switch answer {
        case .underWay(let chosen):
            transfers[id]?.chosen = chosen
            settleTransfers()
        case .leads(let term):
            transfers[id] = nil
            reply(pending.request, .leader(leaderView(sender, term)))
        case .refused(.notLeader):
            transfers[id]?.asked = nil
            transfers[id]?.notBefore = now + ReplicaLimits.refusedRetryMilliseconds
        case .refused(let refusal):
            transfers[id] = nil
            reply(pending.request, .failed(.transferRefused(refusal)))
        }
    }

    /// After a change of leader: those who wanted this one are answered, the others ask it.
    mutating func settleTransfers() {
        guard let leader = standing.leader else { return }
        for pending in transfers.pending {
            guard let asked = pending.asked, standing.term > asked.term else { continue }
            // Whoever named nobody wanted no more than another leader than the asked one.
            let isDone = pending.target == nil ? leader != asked.leader : leader == pending.chosen
            if isDone {
                transfers[pending.id] = nil
                reply(pending.request, .leader(leaderView(leader, standing.term)))
            } else {
                transfers[pending.id]?.asked = nil
                transfers[pending.id]?.chosen = nil
            }
        }
    }

    private func leaderView(_ id: MemberID, _ term: Term) -> LeaderView {
        let name = raft?.configuration.member(id)?.name ?? peers[id]?.name ?? ""
        return LeaderView(id: id, name: name, clientURL: clientURL(id), term: term)
    }

    /// A question or its answer was lost with its connection.
    mutating func askForTransfersAgain(askedUntil time: UInt64) {
        for pending in transfers.pending {
            if let asked = pending.asked, asked.at <= time { transfers[pending.id]?.asked = nil }
        }
    }

    mutating func endOverdueTransfers() {
        for pending in transfers.pending where pending.deadline <= now {
            transfers[pending.id] = nil
            // Whom a leader has in mind may still take over.
            reply(pending.request, .failed(pending.chosen == nil ? untimely : .outcomeUnknown))
        }
    }

    // MARK: The leader's side

    /// Nothing came of a transfer: all who asked for it are told, and the writes that waited for it are proposed here.
    mutating func transferAbandoned(_ transfer: AbandonedTransfer) {
        effects.notices.append(.transferAbandoned(transfer))
        for waiter in transfers.takeWaiters() {
            if waiter.member == record.id {
                answeredTransfer(waiter.id, .refused(.abandoned), from: record.id)
            } else {
                send(.transferResponse(id: waiter.id, .refused(.abandoned)), to: waiter.member)
            }
        }
        // There is no time for another try: whoever is quickest shall lead.
        if transfers.isStepping { raft?.resign() }
    }

    /// This member is about to end: it hands leadership over, to whoever takes it soonest.
    mutating func stepDown() {
        guard raft?.standing.role == .leader else { return }
        switch raft?.transferLeadership(to: nil) {
        case .underWay: transfers.isStepping = true
        case .alreadyLeads, .notLeader, .busy, .unknownMember, .notVoter, .noCandidate, .unresponsive, nil:
            raft?.resign()
        }
    }

    /// The standing has changed. Those who asked an earlier leader here see for themselves who leads now.
    mutating func transfersFollow(_ standing: Standing) {
        _ = transfers.takeWaiters()
        transfers.isStepping = false
        settleTransfers()
    }
}
