internal import ConcordEndpoints
internal import ConcordModel
internal import ConcordRaft
internal import ConcordReplica
internal import ConcordStorage

extension StatusView {
    /// `/readyz`: formed, with a leader, and the first entry of its term applied here.
    var readiness: MemberFacts.Readiness {
        if clusterID == nil { return .notReady("the cluster is not formed yet: some listed members were not met") }
        if standing.leader == nil { return .notReady("no leader is known") }
        if epoch.rawValue != standing.term.rawValue {
            return .notReady("the first entry of the leader's term is not applied here yet")
        }
        return .ready
    }
}

extension Replica {
    /// Where the other members are: as the cluster was formed, or as it is listed to be.
    func peerAddresses(listed: [ListedMember]) -> [String] {
        if let configuration = record.initialConfiguration {
            return configuration.members.filter { $0.id != record.id }.map(\.peerAddress)
        }
        return listed.filter { $0.name != record.name }.map(\.peerAddress)
    }
}
