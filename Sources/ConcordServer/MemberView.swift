internal import ConcordEndpoints
internal import ConcordModel
internal import ConcordRaft
internal import ConcordReplica

extension StatusView {
    /// `/readyz`: formed, with a leader, and the first entry of its term applied here.
    var readiness: MemberFacts.Readiness {
        if clusterID == nil { return .notReady("the cluster is not formed yet: some listed members were not met") }
        if agreement == .diverged {
            return .notReady("this member's state differs from the others' and is being replaced")
        }
        if standing.leader == nil { return .notReady("no leader is known") }
        if epoch.rawValue != standing.term.rawValue {
            return .notReady("the first entry of the leader's term is not applied here yet")
        }
        return .ready
    }
}
