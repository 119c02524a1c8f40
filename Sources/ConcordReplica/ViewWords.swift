import ConcordRaft

// What front ends show of a member and its cluster, in plain numbers and words: they know the replica and not the
// consensus below it.

extension StatusView {
    /// 32 hexadecimal digits.
    package var memberText: String { id.description }
    /// 32 hexadecimal digits; `nil` as long as no cluster is formed.
    package var clusterText: String? { clusterID?.description }
    package var leaderText: String? { standing.leader?.description }
    package var termNumber: UInt64 { standing.term.rawValue }
    package var commitNumber: UInt64 { commitIndex.rawValue }
    package var appliedNumber: UInt64 { appliedIndex.rawValue }
    package var lastNumber: UInt64 { lastIndex.rawValue }
    package var comparedNumber: UInt64 { comparedIndex.rawValue }

    /// The word of the API.
    package var roleWord: String {
        switch standing.role {
        case .follower: "follower"
        case .preCandidate: "pre_candidate"
        case .candidate: "candidate"
        case .leader: "leader"
        }
    }
}

extension ClusterView {
    /// 32 hexadecimal digits.
    package var clusterText: String { clusterID.description }
    package var leaderText: String? { leader?.description }
}

extension LeaderView {
    /// 32 hexadecimal digits.
    package var idText: String { id.description }
    package var termNumber: UInt64 { term.rawValue }
}

extension ClusterView.Member {
    /// 32 hexadecimal digits.
    package var idText: String { id.description }
    package var matchNumber: UInt64? { matchIndex?.rawValue }

    /// The word of the API.
    package var roleWord: String {
        switch role {
        case .voter: "voter"
        case .learner: "learner"
        case .incoming: "incoming"
        case .outgoing: "outgoing"
        }
    }
}
