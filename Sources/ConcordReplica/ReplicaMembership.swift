package import ConcordModel
package import ConcordRaft
import ConcordState
import ConcordStorage

// Changes of membership: what a leader appends for them, what everyone makes of a configuration that was applied, and
// how a member learns that it is none any more. All that a leader does follows from the applied state, so the next one
// goes on where it left off.

extension Configuration.Member {
    /// As the replicated state has it.
    package var applied: ClusterMember {
        let role: ClusterMember.Role =
            switch self.role {
            case .voter: .voter
            case .learner: .learner
            case .incoming: .incoming
            case .outgoing: .outgoing
            }
        return ClusterMember(id: id.rawValue, name: name, peerAddress: peerAddress, role: role)
    }
}

extension MemberChange {
    /// What follows from `present`, which the state has applied, on the way to this change's end.
    /// - Returns: `nil` when the learners must catch up before anything follows.
    func nextConfiguration(
        after present: Configuration, isCaughtUp: (MemberID) -> Bool
    ) -> Configuration? {
        if present.isJoint { return finished(present) }
        let added = Set(add.map { MemberID($0.id) })
        if isCancelled {
            return Configuration(members: present.members.filter { $0.role != .learner }, intent: number)
        }
        let missing = add.filter { present.member(MemberID($0.id)) == nil }
        if !missing.isEmpty {
            let learners = missing.map {
                Configuration.Member(
                    id: MemberID($0.id), name: $0.name, peerAddress: $0.peerAddress, role: .learner)
            }
            return Configuration(members: present.members + learners, intent: number)
        }
        guard added.allSatisfy(isCaughtUp) else { return nil }
        let removed = Set(remove.map { MemberID($0) })
        let members = present.members.map { member in
            var member = member
            if added.contains(member.id) { member.role = .incoming }
            if removed.contains(member.id) { member.role = .outgoing }
            return member
        }
        return Configuration(members: members, intent: number)
    }

    /// The new half of a joint configuration, alone.
    private func finished(_ joint: Configuration) -> Configuration {
        let members = joint.members.filter { $0.role != .outgoing }.map { member in
            var member = member
            if member.role == .incoming { member.role = .voter }
            return member
        }
        return Configuration(members: members, intent: number)
    }
}

extension Replica {
    /// Appends the next configuration of the change under way, if there is one and this member may.
    mutating func driveMembership() {
        guard effects.halt == nil, standing.role == .leader, mayShareState, let next = dueConfiguration else { return }
        _ = raft?.propose(next)
    }

    /// What may be appended now: nothing unless everything in this leader's log that bears on it is applied, the first
    /// entry of its term and every intent, cancel and configuration.
    private var dueConfiguration: Configuration? {
        guard let change = state.members.change, let raft, let start = raft.leadershipStart,
            appliedIndex >= max(start, raft.configurationIndex),
            lastIntent.term != raft.standing.term || appliedIndex >= lastIntent.index,
            let next = change.nextConfiguration(after: raft.configuration, isCaughtUp: { raft.isCaughtUp($0) })
        else { return nil }
        // Nothing can be committed in a joint configuration whose new half is dead, and there is no way back; nor is there
        // from one whose members have only wrong states.
        return !next.isJoint || raft.hasLiveQuorum(of: next) && hasTrustedQuorum(of: next) ? next : nil
    }

    private func hasTrustedQuorum(of configuration: Configuration) -> Bool {
        configuration.hasQuorum { $0 == record.id || scrutiny.reports[$0]?.isDistrusted != true }
    }

    /// Remembers where the log has commands about the members that are not applied yet.
    mutating func noteIntent(_ result: ProposeResult) {
        if batchHasIntent, case .accepted(let index, let term) = result { lastIntent = (term, index) }
        batchHasIntent = false
    }

    /// A configuration entry was committed and is applied now.
    mutating func applyConfiguration(_ entry: Entry) {
        guard let configuration = Configuration(payload: entry.payload) else {
            effects.halt = .unreadableEntry(entry.index)
            return
        }
        state.configure(configuration.members.map(\.applied))
        mayDecide = true
        if state.members.wasMember(record.id.rawValue) { leave(at: entry.index) }
    }

    /// This member belongs to the cluster no more: whoever waits here is sent elsewhere.
    mutating func leave(at index: LogIndex) {
        guard effects.halt == nil else { return }
        effects.halt = .removed(index)
        endAllRequests()
    }

    // MARK: As applied

    /// Whether this member is counted, for good.
    package var isVoter: Bool {
        state.members.members.contains { $0.id == record.id.rawValue && $0.role == .voter }
    }

    package var votersCount: Int { state.members.members.count { $0.role != .learner } }

    package func name(of member: MemberID) -> String? {
        state.members.members.first { $0.id == member.rawValue }?.name
    }

    // MARK: Those who do not know yet

    /// Whoever once was a member and asks for votes has not heard that it is none: its cluster went on without it.
    mutating func tellIfRemoved(_ sender: MemberID) {
        guard !isDistrusted, state.members.wasMember(sender.rawValue) else { return }
        send(.removed(appliedIndex), to: sender)
    }

    /// A learner without a leader waits in silence, and may wait for ever: its change was cancelled, and the leader that
    /// let it go could not tell it.
    mutating func askWhetherMember() {
        guard let raft, standing.leader == nil, now >= nextMembershipRequest else { return }
        nextMembershipRequest = now + ReplicaLimits.membershipRequestMilliseconds
        // Whoever may stand asks the others for votes, and that tells them as much; learners it asks for none.
        let stands = raft.configuration.isVoter(record.id)
        let members = dialledMembers.filter { !stands || $0.role == .learner }.map(\.id)
        for member in Set(members).union(visitors.keys).sorted() where member != record.id {
            send(.membershipRequest, to: member)
        }
    }

    /// A member says that this one was removed. Ids are never used again, so it cannot have been taken back since; but
    /// a state that is as far would know it.
    mutating func receive(removedAt index: LogIndex) {
        guard index > appliedIndex else { return }
        leave(at: index)
    }

    // MARK: Whom to dial

    /// Somebody who is not in the configuration speaks to this member: a new member that does not have the
    /// configuration yet, its leader, or a former member. Answers need a way to it.
    mutating func heard(from sender: MemberID) {
        guard !dialled.contains(sender), formation == nil else { return }
        receiveVisit(of: sender)
    }

    mutating func receiveVisit(of sender: MemberID) {
        guard let peer = peers[sender] else { return }
        let until = now + ReplicaLimits.visitorMilliseconds
        if let known = visitors[sender], known.peerAddress == peer.peerAddress {
            visitors[sender]?.until = until
            return
        }
        if visitors.count >= RaftLimits.membersMax, let oldest = visitors.min(by: { $0.value.until < $1.value.until }) {
            visitors[oldest.key] = nil
        }
        visitors[sender] = Visitor(peerAddress: peer.peerAddress, until: until)
        effects.targets = targets
    }

    /// Follows a configuration that came into the log, or went out of it. Who is no member any more is still spoken to
    /// for a while: it must get the entry that says so.
    mutating func followConfiguration() {
        guard let raft, raft.configurationIndex != dialledIndex else { return }
        dialledIndex = raft.configurationIndex
        let present = Set(raft.configuration.members.map(\.id))
        for member in dialledMembers where !present.contains(member.id) && member.id != record.id {
            visitors[member.id] = Visitor(
                peerAddress: address(of: member), until: now + ReplicaLimits.visitorMilliseconds)
        }
        dialledMembers = raft.configuration.members
        dialled = present
        for id in present { visitors[id] = nil }
        effects.targets = targets
        mayDecide = true
    }

    mutating func forgetVisitors() {
        let gone = visitors.filter { $0.value.until <= now }.keys
        guard !gone.isEmpty else { return }
        for id in gone { visitors[id] = nil }
        effects.targets = targets
    }

    /// The addresses of all peers that this member wants a connection to, in order.
    package var targets: [String] {
        let listed = formation == nil ? [] : start.listed.filter { $0.name != record.name }.map(\.peerAddress)
        let members = dialledMembers.filter { $0.id != record.id }.map(address)
        return Set(listed + members + visitors.values.map(\.peerAddress)).sorted()
    }
}

/// Somebody outside of the configuration whom this member must be able to answer.
struct Visitor: Sendable {
    var peerAddress: String
    var until: UInt64
}

extension Operation {
    var isAboutMembers: Bool {
        switch self {
        case .changeMembers, .cancelMemberChange: true
        case .put, .createSequential, .increment, .delete, .changeSettings, .raiseFeatureLevel, .memberInfo: false
        }
    }
}
