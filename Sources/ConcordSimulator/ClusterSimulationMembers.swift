import ConcordBytes
import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordState
import ConcordStorage

// Members that come and go: what is asked for, what must come of it, and who must know.

/// A change of membership that somebody asked for, and what is known of it.
struct AskedChange {
    enum Fate {
        /// It may still happen.
        case unknown
        /// It was begun under this number.
        case begun(UInt64)
        case nothing
    }

    /// `nil` for a cancel.
    var operation: ChangeMembersOperation?
    var fate = Fate.unknown
}

extension ClusterSimulation {
    /// In `waiting`: the request is for a change of membership.
    static let memberChanger = -3
    private static let membersMost = 7

    // MARK: Asking

    /// Grows, shrinks, replaces, removes the leader, takes back; now and then several at once, and now and then with a
    /// crash or a partition soon after.
    func changeMembers(_ random: inout SeededRandom) {
        guard let state = furthestState else { return }
        let askings = random.chance(percent: 20) ? 2 : 1
        for asking in 0..<askings {
            // A second one is often a cancel, which may meet the first one at any point.
            let isCancel = random.chance(percent: asking > 0 ? 50 : 15)
            let operation = isCancel ? nil : drawChange(of: state, &random)
            if let operation, operation == ChangeMembersOperation(), random.chance(percent: 90) { continue }
            let asked = members.filter { $0.isUp && !$0.isPaused && $0.running?.replica.isFormed == true }
            guard !asked.isEmpty else { return }
            let member = asked[Int(random.below(UInt64(asked.count)))]
            let moment = asking > 0 && random.chance(percent: 70) ? now + random.below(5000) : now
            events.schedule(.end(.asking(member, process: member.process, operation)), at: moment)
        }
        troubleSoon(&random)
    }

    func askForChange(_ operation: ChangeMembersOperation?, at member: SimulatedMember) {
        lastRequest += 1
        let id = RequestID(lastRequest)
        changesAsked[id] = AskedChange(operation: operation)
        coverage.count(.memberChanges)
        tell("\(member.name) is asked for \(operation.map { "\($0)" } ?? "a cancel")")
        let body = ReplicaRequest.Body.write(operation.map { .changeMembers($0) } ?? .cancelMemberChange, .none)
        ask(
            member, ReplicaRequest(id: id, timeoutMilliseconds: 300 + faultRandom.below(3000), body: body),
            by: ClusterSimulation.memberChanger)
    }

    /// What happens in the middle of a change, besides what strikes anyway.
    private func troubleSoon(_ random: inout SeededRandom) {
        guard random.chance(percent: 60) else { return }
        let moment = now + random.below(random.chance(percent: 50) ? 5000 : 400_000)
        let leader = members.first { $0.running?.replica.isLeader == true }
        let victim = random.chance(percent: 60) ? leader : members[Int(random.below(UInt64(members.count)))]
        guard let victim, victim.isUp else { return }
        if random.chance(percent: 40) {
            events.schedule(.end(.stopping(victim, process: victim.process)), at: moment)
        } else {
            let others = members.indices.filter { $0 != victim.position && random.chance(percent: 70) }
            var links = others.map { (from: victim.position, to: $0) }
            if random.chance(percent: 70) { links += others.map { (from: $0, to: victim.position) } }
            events.schedule(
                .end(.wordOf(cut: links, until: moment + 100_000 + random.below(1_500_000))), at: moment)
        }
    }

    /// A leader has a configuration that nobody else has: now and then it stays so for a while, or for ever.
    func appendedConfiguration(_ leader: SimulatedMember) {
        guard healing == nil, faultRandom.chance(percent: 15) else { return }
        let others = members.indices.filter { $0 != leader.position }
        let links = others.map { (from: leader.position, to: $0) } + others.map { (from: $0, to: leader.position) }
        for (from, to) in links { network.cut(from: from, to: to) }
        events.schedule(.end(.cuts(links)), at: now + 50_000 + faultRandom.below(2_000_000))
    }

    private func drawChange(of state: Membership, _ random: inout SeededRandom) -> ChangeMembersOperation {
        let voters = state.members.filter { $0.role != .learner && $0.role != .outgoing }.map(\.id)
        let free = members.filter { member in
            guard let id = member.knownID?.rawValue, !member.hasLeft else { return false }
            return !state.members.contains { $0.id == id } && !state.wasMember(id)
        }
        let leader = members.first { $0.running?.replica.isLeader == true }?.id?.rawValue
        var change = ChangeMembersOperation()
        let shape = random.below(5)
        let most = shape == 1 || shape == 2 ? 0 : Swift.max(0, ClusterSimulation.membersMost - voters.count + 1)
        for member in free where change.add.count < Swift.min(most, 3) && random.chance(percent: 50) {
            guard let id = member.knownID?.rawValue else { continue }
            change.add.append(MemberAddition(id: id, name: member.name, peerAddress: member.address))
        }
        switch shape {
        case 0: break
        case 1: if let leader { change.remove = [leader] }
        case 2: change.remove = voters.filter { _ in random.chance(percent: 30) }
        case 3: change.remove = voters.filter { _ in random.chance(percent: 40) }
        default: change.remove = random.chance(percent: 50) ? voters : leader.map { [$0] } ?? []
        }
        // What makes no sense is asked for as well.
        if random.chance(percent: 8), let former = members.first(where: \.hasLeft), let id = former.knownID?.rawValue {
            change.add.append(MemberAddition(id: id, name: former.name, peerAddress: former.address))
        }
        if random.chance(percent: 5) { change.remove.append(UInt128(random.next())) }
        return change
    }

    /// What the member that has applied most knows.
    private var furthestState: Membership? {
        members.compactMap(\.running).max { $0.replica.appliedIndex < $1.replica.appliedIndex }
            .flatMap { $0.replica.isFormed ? $0.replica.state.members : nil }
    }

    func changeAnswered(_ reply: ReplicaReply, at member: SimulatedMember) {
        guard case .outcome(let outcome) = reply.result else {
            if case .failed(let failure) = reply.result, failure != .outcomeUnknown {
                changesAsked[reply.id]?.fate = .nothing
            }
            return
        }
        tell("\(member.name) answers about members: \(outcome.verdict)")
        switch outcome.verdict {
        case .applied(let results):
            guard let number = results.first?.number, number > 0 else { return problem("a change without a number") }
            changesAsked[reply.id]?.fate = .begun(UInt64(number))
        case .refused(let refusal):
            changesAsked[reply.id]?.fate = .nothing
            switch refusal.code {
            case .memberChangeUnderWay, .memberKnown, .memberNotFound, .noVoterLeft, .noMemberChange,
                .memberChangeTooFar, .invalidRequest, .overloaded:
                break
            default: problem("a change of membership was refused: \(refusal)")
            }
        }
    }

    // MARK: Connections

    func retarget(_ member: SimulatedMember, _ targets: [String]) {
        let new = Set(targets).subtracting(member.targets)
        member.targets = Set(targets)
        for other in members where new.contains(other.address) && other !== member {
            events.schedule(.connect(member, other), at: now + 100 + jitter(of: member, below: 2000))
        }
    }

    func tellInvariants(of member: SimulatedMember) {
        guard let record = member.running?.look({ $0.record }) else { return }
        invariants.configurations.knows(
            member.position, is: record.id, formedWith: record.initialConfiguration)
    }

    // MARK: Leaving

    /// What a member says in the turn in which it learns that it is none any more.
    func lastWords(of member: SimulatedMember, _ id: MemberID, _ effects: ReplicaEffects) {
        if !effects.logWrites.isEmpty { invariants.handedOver(effects.logWrites, by: member.position) }
        let led = invariants.hasLed(member.position, effects.notices)
        for notice in effects.notices { observe(notice, of: member) }
        for (peer, message) in effects.messages { send(message, from: member, id, to: peer) }
        checkState(of: member)
        if led { coverage.reached(.leaderRemoved) }
        for reply in effects.replies { deliver(reply, from: member) }
    }

    func left(_ member: SimulatedMember) {
        tell("\(member.name) knows that it was removed")
        guard let id = member.id else { return }
        let present = invariants.possibleConfigurations.first
        if present?.member(id) != nil { problem("\(member.name) was told to go, and is a member") }
        if !plan.classes.contains(.membership) { problem("\(member.name) left a cluster that nobody changed") }
        coverage.reached(.formerMemberTold)
        member.hasLeft = true
        loseForGood(member, "it was removed")
    }

    // MARK: The end

    /// Whoever a client may ask after the healing: it must know of the cluster and be in it as far as it knows.
    func serves(_ member: SimulatedMember) -> Bool {
        guard plan.classes.contains(.membership), let running = member.running, let id = member.id else { return true }
        return running.look { $0.isFormed && $0.state.members.members.contains { $0.id == id.rawValue } }
    }

    /// Those of a healed quorum that belong to the last configuration.
    func staying(_ quorum: Set<Int>) -> [Int] {
        guard plan.classes.contains(.membership), let last = invariants.possibleConfigurations.last else {
            return quorum.sorted()
        }
        return quorum.sorted().filter { position in
            guard let id = members[position].knownID else { return false }
            return last.member(id) != nil
        }
    }

    /// Nobody who was removed is left without knowing it, and what can be finished is finished.
    var everyoneKnowsTheEndOfChanges: Bool {
        guard plan.classes.contains(.membership), let healing else { return true }
        guard let state = furthestState else { return false }
        if healing.isOfAll, state.change != nil { return false }
        return healing.quorum.allSatisfy { position in
            guard let id = members[position].knownID else { return true }
            return members[position].hasLeft || !state.wasMember(id.rawValue) || !canBeTold(members[position])
        }
    }

    /// Whether it knows the way to somebody who is still there, and has heard of the cluster. A former member that knows
    /// only of others like itself finds nobody who could tell it; and one that a change would have added which was
    /// cancelled before it heard a word asks by HTTP, as it did before.
    private func canBeTold(_ member: SimulatedMember) -> Bool {
        guard let healing, member.running?.look({ $0.isFormed }) != false else { return false }
        return staying(healing.quorum).contains { member.targets.contains(members[$0].address) }
    }

    /// A quorum of whatever configuration may come to hold, or all who may be in one.
    func drawChangingQuorum(_ random: inout SeededRandom) -> (quorum: Set<Int>, isOfAll: Bool) {
        let possible = invariants.possibleConfigurations
        let open = openChanges
        var needed: [Set<MemberID>] = possible.flatMap { [$0.oldVoters, $0.newVoters] }
        for base in possible {
            for change in open {
                let removed = Set(change.remove.map { MemberID($0) })
                needed.append(base.newVoters.subtracting(removed).union(change.add.map { MemberID($0.id) }))
            }
        }
        var all = Set(possible.flatMap { $0.members.map(\.id) })
        for change in open { all.formUnion(change.add.map { MemberID($0.id) }) }
        if possible.isEmpty { all = Set(members.prefix(plan.members).compactMap(\.knownID)) }
        var quorum = Set(
            members.indices.filter { position in
                guard !members[position].isLost else { return false }
                guard let id = members[position].knownID else { return position < plan.members }
                return all.contains(id)
            })
        let notFormed = (0..<plan.members).contains { !formedOnce.contains($0) }
        if notFormed { quorum.formUnion((0..<plan.members).filter { !members[$0].isLost }) }
        guard open.count <= 1, !notFormed, random.chance(percent: 50) else { return (quorum, true) }
        for position in quorum.sorted() where random.chance(percent: 60) {
            let rest = quorum.subtracting([position])
            let ids = Set(rest.compactMap { members[$0].knownID })
            if needed.allSatisfy({ 2 * $0.intersection(ids).count > $0.count }) { quorum = rest }
        }
        return (quorum, false)
    }

    /// Changes that may still happen, or come to their end.
    private var openChanges: [ChangeMembersOperation] {
        let state = furthestState
        var open: [ChangeMembersOperation] = []
        if let change = state?.change { open.append(.init(add: change.add, remove: change.remove)) }
        for (_, asked) in changesAsked.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            guard let operation = asked.operation else { continue }
            switch asked.fate {
            case .unknown: open.append(operation)
            case .begun(let number): if number > state?.lastNumber ?? 0 { open.append(operation) }
            case .nothing: break
            }
        }
        return open
    }

    func checkChanges(at quorum: [Int]) {
        guard plan.classes.contains(.membership) else { return }
        if invariants.configurations.truncatedCount > 0 { coverage.reached(.configurationTruncated) }
        for (position, what) in unserved where quorum.contains(position) && !members[position].hasLeft { problem(what) }
        guard
            var state = invariants.configurations.initial.map({ initial in
                var state = StateMachine()
                state.configure(initial.members.map(\.inState))
                return state
            })
        else { return }
        for entry in invariants.committedEntries {
            state.beginEntry(epoch: Epoch(entry.term.rawValue), clock: entry.clock)
            switch entry.kind {
            case .noop: break
            case .commands:
                for command in (try? CommandBatch.decode(entry.payload)) ?? [] { _ = state.apply(command) }
            case .configuration:
                guard let configuration = Configuration(payload: entry.payload) else { continue }
                check(configuration, entry.index, after: state.members)
                state.configure(configuration.members.map(\.inState))
            }
        }
    }

    /// A committed configuration is a step of the change that the state has, and of no other.
    private func check(_ configuration: Configuration, _ index: LogIndex, after state: Membership) {
        guard let change = state.change, configuration.intent == change.number else {
            return problem("configuration \(index.rawValue) belongs to no change under way")
        }
        func ids(_ role: Configuration.Role) -> Set<UInt128> {
            Set(configuration.members.filter { $0.role == role }.map(\.id.rawValue))
        }
        func before(_ role: ClusterMember.Role) -> Set<UInt128> {
            Set(state.members.filter { $0.role == role }.map(\.id))
        }
        let (added, removed) = (Set(change.add.map(\.id)), Set(change.remove))
        if configuration.members.contains(where: { state.wasMember($0.id.rawValue) }) {
            problem("configuration \(index.rawValue) names a former member")
        }
        if configuration.isJoint {
            let isRight =
                !change.isCancelled && !state.isJoint && before(.learner) == added && ids(.incoming) == added
                && ids(.outgoing) == removed && ids(.voter) == before(.voter).subtracting(removed)
                && ids(.learner) == []
            if !isRight { problem("joint configuration \(index.rawValue) is not what change \(change) asks for") }
            if !added.isEmpty, !removed.isEmpty { coverage.reached(.memberReplaced) }
        } else if state.isJoint {
            let isRight =
                !change.isCancelled && ids(.voter) == before(.voter).union(before(.incoming)) && ids(.learner) == []
            if !isRight { problem("final configuration \(index.rawValue) is not what change \(change) asks for") }
        } else {
            let isRight = ids(.voter) == before(.voter) && ids(.learner) == (change.isCancelled ? [] : added)
            if !isRight { problem("configuration \(index.rawValue) is not what change \(change) asks for") }
            if change.isCancelled { coverage.reached(.changeCancelled) }
        }
    }
}

extension ClusterInvariants {
    /// Whether the member has led the term in which one of these notices says that it leads no more.
    fileprivate func hasLed(_ member: Int, _ notices: [Notice]) -> Bool {
        notices.contains { notice in
            guard case .standing(let standing) = notice, standing.role == .follower else { return false }
            return isLeader(member, of: standing.term)
        }
    }
}
