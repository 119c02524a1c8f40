import ConcordBytes
import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordState

// Leadership that somebody wants elsewhere: at any member, of any member, also where nothing can come of it; and once,
// when all is well, where all must come of it.

/// A request for another leader.
struct TransferRequest {
    enum Target {
        case anyone
        case member(SimulatedMember)
        case nobody
    }

    /// What must come of it.
    enum Expectation {
        case anything
        case success
        case abandonment
    }

    var target: Target
    var askedAt: UInt64
    var expected: Expectation
}

/// Leadership is moved in a healed quorum: from then on every request must be fulfilled.
struct UndisturbedMove {
    var since: UInt64
    /// Set when it cannot take over.
    var target: SimulatedMember?
    var cut: (from: Int, to: Int)?
}

extension ClusterSimulation {
    /// In `waiting`: the request is for another leader.
    static let transfer = -2

    // MARK: Under faults

    func moveLeadership(_ random: inout SeededRandom) {
        let target = drawTarget(&random)
        hinder(target, &random)
        // Some of it is under way to the leader when it stops taking writes.
        for member in members { burst(at: member, requests: random.below(4), writePercent: 80) }
        askForLeader(target, of: anyone(&random), timeout: 5 + random.below(1000), byName: random.chance(percent: 60))
        if random.chance(percent: 30) {
            let other = random.chance(percent: 50) ? target : drawTarget(&random)
            askForLeader(other, of: anyone(&random), timeout: 5 + random.below(1000), byName: true)
        }
        for _ in 0..<random.below(8) {
            let member = anyone(&random)
            events.schedule(
                .end(.burst(member, process: member.process, requests: 1 + random.below(3))),
                at: now + random.below(random.chance(percent: 50) ? 3000 : 300_000))
        }
    }

    private func anyone(_ random: inout SeededRandom) -> SimulatedMember {
        members[Int(random.below(UInt64(members.count)))]
    }

    private func drawTarget(_ random: inout SeededRandom) -> TransferRequest.Target {
        switch random.below(10) {
        case 0: .nobody
        case 1, 2, 3: .anyone
        default: .member(anyone(&random))
        }
    }

    /// Half of the time something keeps the target from taking over: what the leader tells it, what it says itself, or
    /// its disk.
    private func hinder(_ target: TransferRequest.Target, _ random: inout SeededRandom) {
        guard case .member(let target) = target, random.chance(percent: 50) else { return }
        let others = members.indices.filter { $0 != target.position }
        let until = now + 20_000 + random.below(800_000)
        let links =
            random.chance(percent: 50)
            ? others.map { (from: $0, to: target.position) } : others.map { (from: target.position, to: $0) }
        switch random.below(3) {
        case 0: events.schedule(.end(.wordOf(cut: links, until: until)), at: now + random.below(2000))
        case 1:
            for (from, to) in links { network.slow(from: from, to: to, byMicroseconds: random.below(150_000)) }
            events.schedule(.end(.slowLinks(links)), at: until)
        default: target.diskDelay = (1000 + random.below(200_000), until)
        }
    }

    private func askForLeader(
        _ target: TransferRequest.Target, of member: SimulatedMember, timeout: UInt64, byName: Bool,
        expected: TransferRequest.Expectation = .anything
    ) {
        guard member.isUp, !member.isPaused else { return }
        let text: String? =
            switch target {
            case .anyone: nil
            case .member(let member): byName ? member.name : member.id?.description ?? member.name
            case .nobody: byName ? "member-0" : MemberID(7).description
            }
        lastRequest += 1
        let id = RequestID(lastRequest)
        transfers[id] = TransferRequest(target: target, askedAt: now, expected: expected)
        tell("\(member.name) is asked that \(text ?? "another one") lead")
        ask(
            member, ReplicaRequest(id: id, timeoutMilliseconds: timeout, body: .transferLeadership(to: text)),
            by: ClusterSimulation.transfer)
    }

    func transferAnswered(_ reply: ReplicaReply, by member: SimulatedMember) {
        guard let request = transfers.removeValue(forKey: reply.id) else { return }
        tell("\(member.name) answers that wish: \(reply.result)")
        if request.expected != .anything, now > request.askedAt + ClusterSimulation.moveMicroseconds {
            problem("a transfer took \(now - request.askedAt) µs in a healed cluster")
        }
        switch reply.result {
        case .leader(let view):
            coverage.reached(.leadershipMoved)
            if invariants.leader(of: view.term) != view.id {
                problem("\(member.name) says that \(view.name) leads term \(view.term.rawValue), and it never did")
            }
            if case .member(let wanted) = request.target, wanted.name != view.name {
                problem("\(wanted.name) was to lead, and \(member.name) answers that \(view.name) does")
            }
            if request.expected == .abandonment { problem("\(view.name) took over, and cannot have") }
        case .failed(let failure):
            switch request.expected {
            case .anything: break
            case .success: problem("leadership did not move in a healed cluster: \(failure)")
            case .abandonment where failure == .transferRefused(.abandoned): break
            case .abandonment: problem("a transfer that cannot succeed ended in \(failure)")
            }
            if case .transferRefused(let refusal) = failure { judge(refusal, of: request, by: member) }
        case .outcome, .answer, .cluster, .backup:
            problem("the wish for another leader was answered with \(reply.result)")
        }
    }

    private func judge(_ refusal: TransferRefusal, of request: TransferRequest, by member: SimulatedMember) {
        switch (refusal, request.target) {
        case (.abandoned, _): coverage.reached(.transferGivenUp)
        case (.busy, _), (.unresponsive, _), (.unknownMember, .nobody): break
        case (.noCandidate, .anyone) where members.count == 1: break
        // It was emptied, and has an id that the cluster does not know.
        case (.unknownMember, .member(let wanted)) where wasWiped.contains(wanted.position): break
        // Who belongs to the cluster, and who votes in it, changes.
        case (.unknownMember, .member) where plan.classes.contains(.membership): break
        case (.notVoter, .member) where plan.classes.contains(.membership): break
        case (.noCandidate, .anyone) where plan.classes.contains(.membership): break
        case (.noCandidate, _), (.unknownMember, _), (.notLeader, _), (.ambiguousName, _), (.notVoter, _):
            problem("\(member.name) refuses to move leadership: \(refusal)")
        }
    }

    /// Whoever hands over takes nothing new: the next leader might not have it, and nobody would have been told.
    func checkTransfer(of member: SimulatedMember) {
        guard let running = member.running else { return }
        let (target, term, last) = running.look { ($0.transferTarget, $0.raftTerm, $0.lastIndex) }
        guard let target else { return member.handover = nil }
        let before = member.handover
        member.handover = SimulatedMember.Handover(target: target, term: term, lastIndex: last)
        guard let before, before.target == target, before.term == term else {
            if healing == nil { coverage.count(.transfers) }
            if member.lacksRoom { coverage.reached(.leaderWithoutRoomHandsOver) }
            return
        }
        if last > before.lastIndex { problem("\(member.name) appended to its log while it handed over") }
    }

    // MARK: When all is well

    /// T by the slowest clock of a healed member, and an election.
    private static let moveMicroseconds: UInt64 = 350_000

    /// The leader of a healed quorum, and a member of it that shall lead.
    private func drawMove(_ random: inout SeededRandom) -> (leader: SimulatedMember, target: SimulatedMember)? {
        guard let leader = leaderOfQuorum, let voters = settledVoters?.healed, voters.contains(leader.position) else {
            return nil
        }
        let others = voters.filter { $0 != leader.position }
        return others.isEmpty ? nil : (leader, members[others[Int(random.below(UInt64(others.count)))]])
    }

    private var leaderOfQuorum: SimulatedMember? {
        guard let quorum = healing?.quorum.sorted() else { return nil }
        let leaders = quorum.filter { members[$0].running?.look { $0.isLeader } == true }
        return leaders.max { term(of: $0) < term(of: $1) }.map { members[$0] }
    }

    /// How many vote, and which of them are healed; `nil` while members change.
    private var settledVoters: (healed: [Int], count: Int)? {
        guard let quorum = healing?.quorum.sorted(), let leader = leaderOfQuorum?.running else { return nil }
        let membership = leader.look { $0.state.members }
        guard membership.change == nil, membership.members.allSatisfy({ $0.role == .voter }) else { return nil }
        let healed = quorum.filter { position in
            guard members[position].running?.look({ $0.isFormed }) == true else { return false }
            return membership.members.contains { $0.id == members[position].id?.rawValue }
        }
        return (healed, membership.members.count)
    }

    private func term(of position: Int) -> Term { members[position].running?.look { $0.raftTerm } ?? .zero }

    /// The target does not hear the leader, or has a disk that hangs, while the others are a quorum without it: the
    /// leader must lead on after T, and whatever was asked of it meanwhile must be done.
    func moveInVain() {
        var random = SeededRandom(seed: plan.seed ^ 0x5641_494E)
        guard let voters = settledVoters, voters.healed.count - 1 > voters.count / 2,
            let (leader, target) = drawMove(&random)
        else { return enter(.moved) }
        let until = now + 600_000
        if random.chance(percent: 50) {
            network.cut(from: leader.position, to: target.position)
            move = UndisturbedMove(since: now, target: target, cut: (leader.position, target.position))
        } else {
            target.diskIsBusy = true
            target.diskWork += 1
            events.schedule(.diskDone(target, process: target.process, work: target.diskWork), at: until - 1000)
            move = UndisturbedMove(since: now, target: target)
        }
        tell("\(leader.name) shall hand over to \(target.name), which cannot take over")
        // The target lacks this one.
        burst(at: leader, requests: 1, writePercent: 100)
        endTurn(of: leader)
        askForLeader(
            .member(target), of: leader, timeout: 2000, byName: random.chance(percent: 50), expected: .abandonment)
        offerWhileMoving()
        events.schedule(.stage(.mended), at: until)
    }

    /// A healed quorum moves leadership, and serves meanwhile.
    func moveUndisturbed() {
        var random = SeededRandom(seed: plan.seed ^ 0x4D4F_5645)
        guard let healed = settledVoters?.healed, let (_, target) = drawMove(&random) else {
            move = nil
            return enter(.served)
        }
        move = UndisturbedMove(since: now)
        offerWhileMoving()
        // One that names nobody may fall on a member that is cut off and was heard of just before.
        askForLeader(
            .member(target), of: members[healed[Int(random.below(UInt64(healed.count)))]], timeout: 2000,
            byName: random.chance(percent: 50), expected: .success)
        events.schedule(.stage(.served), at: now + 1_500_000)
    }

    /// A member that is in trouble is not asked.
    func offerWhileMoving() {
        guard let move, now < move.since + 60_000 else { return }
        for position in settledVoters?.healed ?? [] where members[position] !== move.target {
            burst(at: members[position], requests: 1, writePercent: 80)
        }
        events.schedule(.stage(.offeredMeanwhile), at: now + 2000)
    }
}
