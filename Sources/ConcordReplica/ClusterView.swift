package import ConcordModel
package import ConcordRaft

/// The cluster as its leader sees it: `GET /v1/cluster`.
package struct ClusterView: Equatable, Sendable {
    package struct Member: Equatable, Sendable {
        package var id: MemberID
        package var name: String
        package var peerAddress: String
        /// `nil` as long as no handshake told it.
        package var clientURL: String?
        package var build: String?
        /// The highest feature level that it supports, or wants to.
        package var featureLevel: UInt16?
        package var role: Configuration.Role
        /// What of the leader's log this member holds; `nil` on a member that does not lead.
        package var matchIndex: LogIndex?
        /// Entries that it lacks.
        package var lag: UInt64?
        /// Since the leader last heard from it.
        package var silentMilliseconds: UInt64?

        package init(
            id: MemberID, name: String, peerAddress: String, clientURL: String?, build: String?,
            featureLevel: UInt16? = nil, role: Configuration.Role, matchIndex: LogIndex?, lag: UInt64?,
            silentMilliseconds: UInt64?
        ) {
            self.id = id
            self.name = name
            self.peerAddress = peerAddress
            self.clientURL = clientURL
            self.build = build
            self.featureLevel = featureLevel
            self.role = role
            self.matchIndex = matchIndex
            self.lag = lag
            self.silentMilliseconds = silentMilliseconds
        }
    }

    package var clusterID: ClusterID
    package var leader: MemberID?
    package var members: [Member]
    /// The change of membership that is under way.
    package var change: MemberChange?
    /// The one in force.
    package var featureLevel: UInt16

    package init(
        clusterID: ClusterID, leader: MemberID?, members: [Member], change: MemberChange? = nil,
        featureLevel: UInt16 = ModelLimits.featureLevelFirst
    ) {
        self.clusterID = clusterID
        self.leader = leader
        self.members = members
        self.change = change
        self.featureLevel = featureLevel
    }
}

/// Who leads: the answer to the wish that another member do.
package struct LeaderView: Equatable, Sendable {
    package var id: MemberID
    package var name: String
    /// `nil` as long as no handshake told it.
    package var clientURL: String?
    package var term: Term

    package init(id: MemberID, name: String, clientURL: String?, term: Term) {
        self.id = id
        self.name = name
        self.clientURL = clientURL
        self.term = term
    }
}

/// This member alone, without asking anyone: `GET /v1/status`, `/livez`, `/readyz`.
package struct StatusView: Equatable, Sendable {
    package var id: MemberID
    package var name: String
    package var boot: UInt64
    package var clusterID: ClusterID?
    package var standing: Standing
    package var leaderClientURL: String?
    package var commitIndex: LogIndex
    package var appliedIndex: LogIndex
    package var lastIndex: LogIndex
    package var revision: Revision
    package var epoch: Epoch
    package var clusterClock: UInt64
    package var stateHash: UInt128
    package var nodesCount: UInt64
    package var waitingRequests: Int
    /// The one in force, as far as this member has applied.
    package var featureLevel: UInt16
    package var agreement: Agreement
    /// The last index at which a majority of the voters was seen to have this member's state; 0 for none.
    package var comparedIndex: LogIndex

    /// What is known of this member's state beside the others'.
    package enum Agreement: String, Equatable, Sendable {
        /// Nothing was compared since the start, or since a snapshot took its place.
        case unknown
        case agreed
        /// Voters disagree; too few have been heard to tell who is right.
        case undecided
        /// Voters disagree, and no state is a majority's: nothing is written.
        case divided
        /// This member's state is wrong, and is being replaced.
        case diverged
    }

    package init(
        id: MemberID, name: String, boot: UInt64, clusterID: ClusterID?, standing: Standing, leaderClientURL: String?,
        commitIndex: LogIndex, appliedIndex: LogIndex, lastIndex: LogIndex, revision: Revision, epoch: Epoch,
        clusterClock: UInt64, stateHash: UInt128, nodesCount: UInt64, waitingRequests: Int,
        featureLevel: UInt16 = ModelLimits.featureLevelFirst, agreement: Agreement = .unknown,
        comparedIndex: LogIndex = .zero
    ) {
        self.id = id
        self.name = name
        self.boot = boot
        self.clusterID = clusterID
        self.standing = standing
        self.leaderClientURL = leaderClientURL
        self.commitIndex = commitIndex
        self.appliedIndex = appliedIndex
        self.lastIndex = lastIndex
        self.revision = revision
        self.epoch = epoch
        self.clusterClock = clusterClock
        self.stateHash = stateHash
        self.nodesCount = nodesCount
        self.waitingRequests = waitingRequests
        self.featureLevel = featureLevel
        self.agreement = agreement
        self.comparedIndex = comparedIndex
    }
}
