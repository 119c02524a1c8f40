import ConcordModel
import ConcordRaft
import ConcordState
import ConcordStorage

// What members tell of themselves, and what a leader decides because of it: the feature level that is in force, and what
// all shall know of each. Both follow from the applied state and from handshakes, so the next leader decides the same.

extension MemberInfo {
    init(_ peer: PeerIdentity) {
        self.init(
            boot: peer.boot, peerAddress: peer.peerAddress, clientURL: peer.clientURL,
            featureLevel: peer.featureLevel, build: peer.build)
    }
}

extension Replica {
    // MARK: What is known of whom

    /// What a member told last, here or to a leader.
    func info(of id: MemberID) -> MemberInfo? {
        let told = id == record.id ? ownInfo : peers[id].map { MemberInfo($0) }
        let known = state.members.members.first { $0.id == id.rawValue }?.info
        guard let told, let known else { return told ?? known }
        return known.boot > told.boot ? known : told
    }

    private var ownInfo: MemberInfo {
        let configured = dialledMembers.first { $0.id == record.id }?.peerAddress
        return MemberInfo(
            boot: record.boot, peerAddress: start.peerAddress ?? configured ?? "", clientURL: start.clientURL,
            featureLevel: start.featureLevelTold, build: start.build)
    }

    /// Where a member is reached: where it says, even before all know that it does. A member that moved while others
    /// were down may be needed for the quorum that makes it known.
    func address(of member: Configuration.Member) -> String {
        info(of: member.id)?.peerAddress ?? member.peerAddress
    }

    /// Somebody has said who it is. What an earlier start of it said may arrive behind that.
    mutating func heard(of peer: PeerIdentity) {
        if let known = peers[peer.id], known.boot > peer.boot { return }
        let before = targets
        peers[peer.id] = peer
        mayDecide = true
        if dialled.contains(peer.id), targets != before { effects.targets = targets }
    }

    /// An entry with a leader's decision is applied now.
    mutating func decisionApplied() {
        mayDecide = true
        effects.targets = targets
    }

    // MARK: Deciding

    /// Appends what follows from what is known, in an entry that holds in this term only. Nothing unless everything in
    /// this leader's log that bears on it is applied: the first entry of its term, and what it decided before.
    mutating func decide() {
        guard mayDecide, mayShareState, effects.halt == nil, standing.role == .leader, let raft,
            let start = raft.leadershipStart,
            appliedIndex >= start, lastDecision.term != standing.term || appliedIndex >= lastDecision.index
        else { return }
        let decisions = dueDecisions(raft.configuration)
        guard !decisions.isEmpty else {
            mayDecide = false
            return
        }
        var batch = CommandBatch()
        for operation in decisions {
            batch.append(
                Command(
                    operation: operation, decidedIn: Epoch(standing.term.rawValue), featureLevel: state.featureLevel,
                    wallMilliseconds: wallMilliseconds))
        }
        // What is refused is decided again in the next turn.
        guard case .accepted(let index, let term) = self.raft?.propose(batch.payload()) else { return }
        lastDecision = (term, index)
        mayDecide = false
    }

    private func dueDecisions(_ configuration: Configuration) -> [Operation] {
        if let level = dueFeatureLevel(configuration) { return [.raiseFeatureLevel(level)] }
        return state.members.members.compactMap { member in
            guard let told = info(of: MemberID(member.id)) else { return nil }
            if let known = member.info, known.saysTheSame(as: told) { return nil }
            let operation = Operation.memberInfo(MemberInfoOperation(member: member.id, info: told))
            return operation.featureLevel <= state.featureLevel ? operation : nil
        }
    }

    /// The highest level that everyone supports, who is a member or about to be one, if it is above the one in force.
    private func dueFeatureLevel(_ configuration: Configuration) -> UInt16? {
        var level = start.featureLevelTold
        for member in configuration.members {
            guard let info = info(of: member.id) else { return nil }
            level = min(level, info.featureLevel)
        }
        return level > state.featureLevel ? level : nil
    }
}
