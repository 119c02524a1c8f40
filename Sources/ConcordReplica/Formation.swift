import ConcordBytes
package import ConcordRaft

/// How members that were only listed become a cluster: each learns every listed member's id, announces the
/// hash of (names, ids, peer addresses), and writes the initial configuration once everyone has announced the
/// same hash. That hash is the cluster's id.
///
/// A formed peer whose initial configuration names this member's id is proof that everyone had announced it:
/// this member writes the same one. A formed peer that does not name it refuses it for good, so a wiped volume
/// can never come back as the voter that it was. A crash in the middle harms nothing: nothing was promised
/// before the configuration was durable.
package struct Formation: Sendable {
    package enum Outcome: Equatable, Sendable {
        case waiting
        case formed(ClusterID, Configuration)
    }

    private let own: MemberID
    private let listed: [ListedMember]
    /// By position in `listed`.
    private var ids: [MemberID?]
    private var announced: [ClusterID?]
    /// Those whose name another one has now: what they say arrives late.
    private var replaced: Set<MemberID> = []

    /// - Parameter listed: must contain `ownName`.
    package init(own: MemberID, ownName: String, listed: [ListedMember]) {
        self.own = own
        self.listed = listed
        ids = listed.map { $0.name == ownName ? own : nil }
        announced = Array(repeating: nil, count: listed.count)
        precondition(ids.contains(own), "a member that forms a cluster must be one of the listed ones")
    }

    /// A listed peer said who it is. A peer that comes back with another id replaces the one it was, and what
    /// that one had announced.
    package mutating func met(_ peer: PeerIdentity) {
        guard peer.id != own, let position = listed.firstIndex(where: { $0.name == peer.name }), ids[position] != own
        else { return }
        if ids[position] != peer.id, !replaced.contains(peer.id) {
            if let old = ids[position] { replaced.insert(old) }
            ids[position] = peer.id
            announced[position] = nil
        }
    }

    package mutating func received(announce cluster: ClusterID, from peer: MemberID) {
        guard let position = ids.firstIndex(of: peer) else { return }
        announced[position] = cluster
    }

    /// The hash to announce, as soon as every listed member's id is known.
    package var announcement: ClusterID? {
        configuration.map(Formation.clusterID)
    }

    /// Listed peers that announced another hash than this member's.
    package var peersThatDiffer: [MemberID] {
        guard let announcement else { return [] }
        return listed.indices.compactMap { position in
            guard let cluster = announced[position], cluster != announcement else { return nil }
            return ids[position]
        }
    }

    package var peers: [MemberID] {
        ids.compactMap { $0 == own ? nil : $0 }
    }

    package var outcome: Outcome {
        guard let configuration else { return .waiting }
        let cluster = Formation.clusterID(configuration)
        for position in listed.indices where ids[position] != own {
            guard announced[position] == cluster else { return .waiting }
        }
        return .formed(cluster, configuration)
    }

    private var configuration: Configuration? {
        var members: [Configuration.Member] = []
        for (position, member) in listed.enumerated() {
            guard let id = ids[position], !members.contains(where: { $0.id == id }) else { return nil }
            members.append(.init(id: id, name: member.name, peerAddress: member.peerAddress))
        }
        return Configuration(members: members)
    }

    /// The hash of a configuration's names, ids and peer addresses.
    package static func clusterID(_ configuration: Configuration) -> ClusterID {
        var writer = ByteWriter()
        writer.writeRaw("concord cluster")
        configuration.encode(into: &writer)
        return ClusterID(max(1, SipHash128.hash(writer.bytes)))
    }
}
