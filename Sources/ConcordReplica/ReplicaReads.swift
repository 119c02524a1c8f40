import ConcordModel
import ConcordRaft
import ConcordState
import ConcordStorage

// Linearizable reads: one barrier for all that arrived before it, then the applied state.

extension Replica {
    mutating func beginBarrier() {
        guard standing.leader != nil, nextBarrierAt == nil, let barrier = reads.beginBarrier(now: now) else { return }
        raft?.readBarrier(id: barrier)
    }

    mutating func answerReads() {
        guard !isDistrusted else { return }
        var answerable = reads.takeAnswerable(applied: appliedIndex, revision: state.revision)[...]
        var stepsTaken = 0
        while stepsTaken < ReplicaLimits.answerStepsPerTurn, let read = answerable.popFirst() {
            switch read.question {
            case .query(let query): reply(read.request, .answer(state.answer(query, stepsTaken: &stepsTaken)))
            case .cluster: askPositions(for: read)
            case .backup: answerBackup(read)
            }
        }
        reads.putBack(Array(answerable))
    }

    // MARK: The cluster's members and their positions, which only the leader knows

    private mutating func askPositions(for read: PendingRead) {
        guard let leader = standing.leader else { return reads.append(read) }
        if leader == record.id {
            reply(read.request, .cluster(clusterView(positions)))
        } else {
            lastPositionsID += 1
            positionReads[lastPositionsID] = (now, read)
            send(.positionsRequest(id: lastPositionsID), to: leader)
        }
    }

    /// The old leader will not answer, or a message was lost.
    mutating func askPositionsAgain(askedUntil time: UInt64) {
        for (id, asked) in positionReads.sorted(by: { $0.key < $1.key }) where asked.askedAt <= time {
            positionReads[id] = nil
            reads.append(asked.read)
        }
    }

    mutating func sendPositions(id: UInt64, to peer: MemberID) {
        send(.positionsResponse(id: id, standing.role == .leader ? positions : []), to: peer)
    }

    mutating func answerCluster(id: UInt64, positions: [MemberPosition]) {
        guard let (_, read) = positionReads.removeValue(forKey: id) else { return }
        reply(read.request, .cluster(clusterView(positions)))
    }

    private var positions: [MemberPosition] {
        guard let raft else { return [] }
        return raft.progress(now: now).map { progress in
            let lag = raft.lastIndex.rawValue - min(raft.lastIndex.rawValue, progress.matchIndex.rawValue)
            return MemberPosition(
                id: progress.id, matchIndex: progress.matchIndex, lag: lag,
                silentMilliseconds: progress.silentMilliseconds)
        }
    }

    private func clusterView(_ positions: [MemberPosition]) -> ClusterView {
        let configuration = raft?.configuration ?? Configuration(members: [])
        let members = configuration.members.map { member in
            let position = positions.first { $0.id == member.id }
            let info = info(of: member.id)
            return ClusterView.Member(
                id: member.id, name: member.name, peerAddress: address(of: member), clientURL: info?.clientURL,
                build: info?.build, featureLevel: info?.featureLevel, role: member.role,
                matchIndex: position?.matchIndex, lag: position?.lag, silentMilliseconds: position?.silentMilliseconds)
        }
        return ClusterView(
            clusterID: record.clusterID ?? ClusterID(0), leader: standing.leader, members: members,
            change: state.members.change, featureLevel: state.featureLevel)
    }
}
