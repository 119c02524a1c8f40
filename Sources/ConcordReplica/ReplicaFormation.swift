import ConcordRaft
import ConcordState
import ConcordStorage

// From a list of names to a member of a formed cluster.

extension Replica {
    mutating func startRaft(_ configuration: Configuration) {
        formation = nil
        let base = start.snapshot?.snapshot.header.base ?? LogBase(position: .start, configuration: configuration)
        if start.snapshot == nil { state.configure(configuration.members.map(\.applied)) }
        let restored = RestoredLog(
            hardState: start.hardState, base: base, released: start.released, entries: start.entries)
        raft = Raft(id: record.id, settings: start.raft, restored: restored, seed: start.seed, now: now)
        if state.members.wasMember(record.id.rawValue) { leave(at: appliedIndex) }
    }

    /// A listed peer was met. Whoever does not know this member's hash yet is told it: all when it has changed,
    /// else the one on the new connection. Hearing of another's hash is never a reason to tell one's own again.
    ///
    /// Whoever has decided announces nothing else, not even while what it decided becomes durable: others could form
    /// another cluster with it.
    mutating func meet(_ peer: PeerIdentity) {
        guard record.clusterID == nil else { return }
        let before = formation?.announcement
        formation?.met(peer)
        if let formation, let announcement = formation.announcement {
            let uninformed = announcement == before ? [peer.id] : formation.peers
            for peer in uninformed { send(.announce(announcement), to: peer) }
        }
        continueFormation()
    }

    mutating func continueFormation() {
        guard let formation else { return }
        for peer in formation.peersThatDiffer { effects.notices.append(.listDiffers(peer: peer)) }
        if case .formed(let cluster, let configuration) = formation.outcome { form(cluster, configuration) }
    }

    /// Asks for the initial configuration to be made durable; only then is this member formed.
    private mutating func form(_ cluster: ClusterID, _ configuration: Configuration) {
        guard record.clusterID == nil else { return }
        record.clusterID = cluster
        record.initialConfiguration = configuration
        effects.memberRecord = record
    }

    mutating func memberRecordDurable() {
        guard raft == nil, let cluster = record.clusterID, let configuration = record.initialConfiguration else {
            return
        }
        // Whoever was met since, under the name of a member of it, is told as well: it is none.
        let met = Set(peers.values.filter { configuration.names($0.name) }.map(\.id))
        startRaft(configuration)
        effects.notices.append(.formed(cluster))
        for member in met.union(configuration.members.map(\.id)).sorted() where member != record.id {
            send(.formed(cluster, configuration), to: member)
        }
    }

    /// A formed peer says what it was formed with.
    mutating func receive(formed cluster: ClusterID, _ configuration: Configuration, from sender: MemberID) {
        guard formation != nil || start.joins, record.clusterID == nil else { return }
        receiveVisit(of: sender)
        guard Formation.clusterID(configuration) == cluster else { return }
        // Only someone whose configuration names this member dials it, so a member that joins takes the first word.
        if configuration.member(record.id) != nil || start.joins {
            form(cluster, configuration)
        } else if let peer = peers[sender] {
            effects.halt = .notAMember(peer: peer)
        }
    }
}

extension Configuration {
    fileprivate func names(_ name: String) -> Bool { members.contains { $0.name == name } }
}
