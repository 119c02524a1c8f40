/// The answer to `GET /v1/cluster`.
package struct ClusterDocument: Codable, Equatable, Sendable {
    package struct Member: Codable, Equatable, Sendable {
        package var id: String
        package var name: String
        /// `voter`, `learner`, `incoming` or `outgoing`.
        package var role: String
        package var isLeader: Bool
        package var peerAddress: String
        /// `null` as long as no member has heard from it.
        package var clientURL: String?
        package var build: String?
        /// The highest feature level that it supports, or wants to.
        package var featureLevel: UInt16?
        /// What of the leader's log it holds.
        package var matchIndex: UInt64?
        /// Entries that it lacks.
        package var lag: UInt64?
        /// Since the leader last heard from it.
        package var silentMilliseconds: UInt64?

        package init(
            id: String, name: String, role: String, isLeader: Bool, peerAddress: String, clientURL: String?,
            build: String?, featureLevel: UInt16? = nil, matchIndex: UInt64?, lag: UInt64?,
            silentMilliseconds: UInt64?
        ) {
            self.id = id
            self.name = name
            self.role = role
            self.isLeader = isLeader
            self.peerAddress = peerAddress
            self.clientURL = clientURL
            self.build = build
            self.featureLevel = featureLevel
            self.matchIndex = matchIndex
            self.lag = lag
            self.silentMilliseconds = silentMilliseconds
        }

        private enum CodingKeys: String, CodingKey {
            case id, name, role, build, lag
            case isLeader = "leader"
            case peerAddress = "peer_address"
            case clientURL = "client_url"
            case featureLevel = "feature_level"
            case matchIndex = "match_index"
            case silentMilliseconds = "silent_ms"
        }
    }

    package var clusterID: String
    /// The leader's id.
    package var leader: String?
    package var members: [Member]
    /// Absent as long as no change of membership is under way.
    package var change: Change?
    /// The one in force; absent in what a build told that knew of none.
    package var featureLevel: UInt16?

    package init(
        clusterID: String, leader: String?, members: [Member], change: Change? = nil, featureLevel: UInt16? = nil
    ) {
        self.clusterID = clusterID
        self.leader = leader
        self.members = members
        self.change = change
        self.featureLevel = featureLevel
    }

    private enum CodingKeys: String, CodingKey {
        case clusterID = "cluster_id"
        case featureLevel = "feature_level"
        case leader, members, change
    }
}

/// The answer to `GET /v1/status`: this member alone, without asking anyone.
package struct StatusDocument: Codable, Equatable, Sendable {
    package var member: String
    package var name: String
    package var boot: UInt64
    package var clusterID: String?
    /// `follower`, `pre_candidate`, `candidate` or `leader`.
    package var role: String
    package var term: UInt64
    /// The leader's id as far as this member knows.
    package var leader: String?
    package var leaderURL: String?
    package var commitIndex: UInt64
    package var appliedIndex: UInt64
    package var lastIndex: UInt64
    package var revision: UInt64
    package var epoch: UInt64
    package var clusterClockMilliseconds: UInt64
    package var stateHash: String
    package var nodesCount: UInt64
    package var waitingRequests: UInt64
    /// `unknown`, `agreed`, `undecided`, `divided` or `diverged`; a member of an earlier version tells none.
    package var agreement: String?
    /// The last index at which a majority had this member's state hash; 0 for none.
    package var comparedIndex: UInt64?
    package var ready: Bool
    /// Why it is not ready.
    package var reason: String?
    package var version: String
    package var build: String
    /// The one in force, as far as this member has applied; absent in what a build told that knew of none.
    package var featureLevel: UInt16?
    /// Always `local`.
    package var consistency: String

    private enum CodingKeys: String, CodingKey {
        case featureLevel = "feature_level"
        case member, name, boot, role, term, leader, revision, epoch, agreement, ready, reason, version, build
        case consistency
        case comparedIndex = "compared_index"
        case clusterID = "cluster_id"
        case leaderURL = "leader_url"
        case commitIndex = "commit_index"
        case appliedIndex = "applied_index"
        case lastIndex = "last_index"
        case clusterClockMilliseconds = "cluster_clock_ms"
        case stateHash = "state_hash"
        case nodesCount = "nodes_count"
        case waitingRequests = "waiting_requests"
    }

    package init(
        member: String, name: String, boot: UInt64, clusterID: String?, role: String, term: UInt64, leader: String?,
        leaderURL: String?, commitIndex: UInt64, appliedIndex: UInt64, lastIndex: UInt64, revision: UInt64,
        epoch: UInt64, clusterClockMilliseconds: UInt64, stateHash: String, nodesCount: UInt64,
        waitingRequests: UInt64, agreement: String?, comparedIndex: UInt64?, ready: Bool, reason: String?,
        version: String, build: String, featureLevel: UInt16? = nil, consistency: String = "local"
    ) {
        self.member = member
        self.name = name
        self.boot = boot
        self.clusterID = clusterID
        self.role = role
        self.term = term
        self.leader = leader
        self.leaderURL = leaderURL
        self.commitIndex = commitIndex
        self.appliedIndex = appliedIndex
        self.lastIndex = lastIndex
        self.revision = revision
        self.epoch = epoch
        self.clusterClockMilliseconds = clusterClockMilliseconds
        self.stateHash = stateHash
        self.nodesCount = nodesCount
        self.waitingRequests = waitingRequests
        self.agreement = agreement
        self.comparedIndex = comparedIndex
        self.ready = ready
        self.reason = reason
        self.version = version
        self.build = build
        self.featureLevel = featureLevel
        self.consistency = consistency
    }
}

/// The answer to `GET /v1/version`.
package struct VersionDocument: Codable, Equatable, Sendable {
    package var version: String
    package var build: String
    /// The versions of the API that are served.
    package var api: [String]
    /// The highest feature level that this build supports.
    package var featureLevel: UInt16
    /// The level in force in the cluster, as far as this member has applied.
    package var clusterFeatureLevel: UInt16

    package init(version: String, build: String, featureLevel: UInt16, clusterFeatureLevel: UInt16) {
        self.version = version
        self.build = build
        self.api = ["v1"]
        self.featureLevel = featureLevel
        self.clusterFeatureLevel = clusterFeatureLevel
    }

    private enum CodingKeys: String, CodingKey {
        case version, build, api
        case featureLevel = "feature_level"
        case clusterFeatureLevel = "cluster_feature_level"
    }
}

/// The answer to `/livez` and `/readyz` when all is well.
package struct HealthDocument: Codable, Equatable, Sendable {
    package var status: String

    package init(status: String) {
        self.status = status
    }
}

/// The settings of the cluster, by name: the answer to `GET /v1/cluster/settings`, and of PUT those it set.
package struct SettingsDocument: Codable, Equatable, Sendable {
    package var settings: [String: UInt64]
    package var featureLevel: UInt16?

    package init(settings: [String: UInt64], featureLevel: UInt16? = nil) {
        self.settings = settings
        self.featureLevel = featureLevel
    }

    private enum CodingKeys: String, CodingKey {
        case settings
        case featureLevel = "feature_level"
    }
}
