import ConcordAPI

/// A member about itself alone.
public struct MemberStatus: Hashable, Sendable {
    /// Its id, 32 hex digits.
    public let member: String
    /// Its name.
    public let name: String
    /// The cluster's id; `nil` before it is formed.
    public let cluster: String?
    /// `follower`, `pre_candidate`, `candidate` or `leader`.
    public let role: String
    /// Its Raft term.
    public let term: UInt64
    /// The leader's id, as far as this member knows.
    public let leader: String?
    /// The leader's client URL, as far as this member knows.
    public let leaderURL: String?
    /// The last log index known to be committed.
    public let commitIndex: UInt64
    /// The last log index whose effect this member's state shows.
    public let appliedIndex: UInt64
    /// Where this member's state stands.
    public let position: ConcordPosition
    /// A hash of its state; equal on all members at equal `appliedIndex`.
    public let stateHash: String
    /// Nodes in its tree.
    public let nodesCount: UInt64
    /// It can serve.
    public let isReady: Bool
    /// Why it cannot.
    public let reason: String?
    /// The version of the program.
    public let version: String
    /// The cluster's feature level, as far as this member has applied; `nil` from a member that knows of none.
    public let featureLevel: Int?

    init(_ document: StatusDocument) {
        member = document.member
        name = document.name
        cluster = document.clusterID
        role = document.role
        term = document.term
        leader = document.leader
        leaderURL = document.leaderURL
        commitIndex = document.commitIndex
        appliedIndex = document.appliedIndex
        position = ConcordPosition(revision: document.revision, epoch: document.epoch)
        stateHash = document.stateHash
        nodesCount = document.nodesCount
        isReady = document.ready
        reason = document.reason
        version = document.version
        featureLevel = document.featureLevel.map { Int($0) }
    }
}

/// The cluster as its leader sees it.
public struct ClusterStatus: Hashable, Sendable {
    /// One of its members.
    public struct Member: Hashable, Sendable {
        /// Its id, 32 hex digits.
        public let id: String
        /// Its name.
        public let name: String
        /// `voter`, `learner`, `incoming` or `outgoing`.
        public let role: String
        /// It leads.
        public let isLeader: Bool
        /// Where the other members reach it.
        public let peerAddress: String
        /// Where clients reach it; `nil` as long as nobody has heard from it.
        public let clientURL: String?
        /// The version of its program; `nil` as long as nobody has heard from it.
        public let build: String?
        /// The highest feature level that it supports, or wants to; `nil` as long as nobody has heard from it.
        public let featureLevel: Int?
        /// Entries of the leader's log that it lacks.
        public let lag: UInt64?
        /// Milliseconds since the leader last heard from it.
        public let silentMilliseconds: UInt64?

        init(_ document: ClusterDocument.Member) {
            id = document.id
            name = document.name
            role = document.role
            isLeader = document.isLeader
            peerAddress = document.peerAddress
            clientURL = document.clientURL
            build = document.build
            featureLevel = document.featureLevel.map { Int($0) }
            lag = document.lag
            silentMilliseconds = document.silentMilliseconds
        }
    }

    /// The cluster's id.
    public let id: String
    /// The leader's id.
    public let leader: String?
    /// All members, in the order of the configuration.
    public let members: [Member]
    /// The change of members that is under way; `nil` for none.
    public let change: Change?
    /// The feature level in force: which commands and formats all members understand.
    public let featureLevel: Int?

    init(_ document: ClusterDocument) {
        id = document.clusterID
        leader = document.leader
        members = document.members.map(Member.init)
        change = document.change.map(Change.init)
        featureLevel = document.featureLevel.map { Int($0) }
    }
}

extension ConcordClient {
    /// What one member knows, without asking others: the one that answers first, or the one at `endpoint`.
    /// - Parameter endpoint: asks only this member, once.
    /// - Throws: what any call may throw.
    public func status(of endpoint: ConcordEndpoint? = nil) async throws(ConcordError) -> MemberStatus {
        let request = TransportRequest(method: "GET", target: "/v1/status")
        let reply: TransportReply
        if let endpoint {
            reply = try await caller.runOnce(request, at: endpoint)
        } else {
            reply = try await caller.run(Caller.Call(request: request, isWrite: false, takesTimeout: false))
        }
        return MemberStatus(try reply.decode(StatusDocument.self))
    }

    /// The cluster as its leader sees it.
    /// - Throws: what any call may throw.
    public func cluster() async throws(ConcordError) -> ClusterStatus {
        ClusterStatus(try await read(RequestTarget("/v1/cluster")).decode(ClusterDocument.self))
    }
}
