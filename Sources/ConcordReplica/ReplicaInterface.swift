package import ConcordModel
package import ConcordRaft
package import ConcordStorage

// What goes into a member and what comes out of it, as values: the server's event loop and the simulator
// drive the same code. Times are milliseconds of one monotonic clock.

/// A request of a client, as its connection numbers it. Unique within the boot.
package struct RequestID: Hashable, Sendable {
    package let rawValue: UInt64

    package init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

package enum ReadConsistency: Equatable, Sendable {
    case linearizable
    /// This member's own state.
    case local
}

package struct ReplicaRequest: Sendable {
    package enum Body: Sendable {
        case write(Operation, RetryIdentity)
        /// The state must have reached `minimum` before it is asked.
        case read(Query, ReadConsistency, minimum: Revision)
        /// The member list and everyone's position, linearizable.
        case cluster
        /// The whole state, of `minimum` or a later revision.
        case backup(ReadConsistency, minimum: Revision)
        /// Another member shall lead: an id of 32 hexadecimal digits or a name; `nil` lets the leader choose.
        case transferLeadership(to: String?)
    }

    package var id: RequestID
    package var timeoutMilliseconds: UInt64
    package var body: Body

    package init(id: RequestID, timeoutMilliseconds: UInt64, body: Body) {
        self.id = id
        self.timeoutMilliseconds = timeoutMilliseconds
        self.body = body
    }
}

/// Why a request got no outcome.
package enum RequestFailure: Equatable, Sendable {
    /// The time is over and nothing happened (408).
    case timeout
    /// The time is over and the write may still take effect (504).
    case outcomeUnknown
    /// Nothing happened; try again after this long (503 `no_leader`).
    case noLeader(retryAfterMilliseconds: UInt64)
    /// Nothing happened: too much waits already (429).
    case overloaded
    /// Nothing happened: no quorum has room on its disks for more (507).
    case noSpace
    /// This member is not formed yet (503 `recovering`).
    case recovering
    /// Leadership stayed where it was.
    case transferRefused(TransferRefusal)
    /// Nothing happened: this member's state is wrong and is being replaced (503 `recovering`).
    case diverged
    /// Nothing happened: the members' states differ, and none is a majority's (503 `read_only`).
    case readOnly
}

package struct ReplicaReply: Sendable {
    package enum Result: Sendable {
        case outcome(Outcome)
        case answer(QueryResult)
        case cluster(ClusterView)
        case backup(BackupSource)
        /// Who leads, after it was asked for.
        case leader(LeaderView)
        case failed(RequestFailure)
    }

    package var id: RequestID
    package var result: Result
    /// The state that judged the request.
    package var revision: Revision
    package var epoch: Epoch

    package init(id: RequestID, result: Result, revision: Revision, epoch: Epoch) {
        self.id = id
        self.result = result
        self.revision = revision
        self.epoch = epoch
    }
}

/// What a peer said of itself in the handshake.
package struct PeerIdentity: Equatable, Sendable {
    package var id: MemberID
    package var name: String
    package var boot: UInt64
    package var peerAddress: String
    package var clientURL: String
    package var featureLevel: UInt16
    /// The version of its build, for people.
    package var build: String
    /// `nil`: not formed yet.
    package var clusterID: ClusterID?

    package init(
        id: MemberID, name: String, boot: UInt64, peerAddress: String, clientURL: String, featureLevel: UInt16,
        build: String, clusterID: ClusterID?
    ) {
        self.id = id
        self.name = name
        self.boot = boot
        self.peerAddress = peerAddress
        self.clientURL = clientURL
        self.featureLevel = featureLevel
        self.build = build
        self.clusterID = clusterID
    }
}

package enum ReplicaInput: Sendable {
    /// Time has passed: the monotonic clock that every deadline is of, and the wall clock, which is only shown.
    case tick(now: UInt64, wallMilliseconds: UInt64)
    case request(ReplicaRequest)
    /// The client went away: nobody waits for this answer any more. A write may still take effect.
    case abandon(RequestID)
    /// A handshake with a peer succeeded, in either direction.
    case peerConnected(PeerIdentity)
    case peerMessage(from: MemberID, PeerMessage)
    /// The connection that this peer sent on was closed, one redial was refused or met another boot.
    case peerLost(MemberID)
    /// Every log write up to this one is durable.
    case logDurable(WriteSequence)
    /// The member record asked for last is durable.
    case memberRecordDurable
    /// What came of work on snapshots.
    case snapshot(SnapshotResult)
    /// Whether the disk has no room for the next segment of the log.
    case diskSpace(isFull: Bool)
    /// Stop leading at once, whoever comes next.
    case resign
    /// SIGTERM: hand leadership over, and failing that give it up; requests are still answered.
    case stepDown
}

/// Something that a person should read in the log.
package enum Notice: Equatable, Sendable {
    case formed(ClusterID)
    case standing(Standing)
    /// This member was to hand leadership over and leads on.
    case transferAbandoned(AbandonedTransfer)
    /// This member led, and gave that up because a write of its own disk has not ended for so long.
    case diskHangs(milliseconds: UInt64)
    /// A snapshot, made here or sent by the leader, found no room, and is tried again after so long.
    case snapshotPostponed(milliseconds: UInt64)
    /// A listed member would form another cluster: its list of names or addresses differs from this one's.
    case listDiffers(peer: MemberID)
    /// The state of a snapshot has taken the place of this member's own.
    case snapshotInstalled(LogIndex)
    /// What was received is no snapshot, although every part of it arrived.
    case snapshotRefused(SnapshotIdentity)
    /// A snapshot of this member's own has rotted on its disk. Another one is made.
    case snapshotUnusable(SnapshotIdentity)
    /// This member has again all that its disk had lost.
    case doubtOver
    /// What its disk has lost may have been committed, and no member has it any more.
    case lostEverywhere
    /// This member's state is wrong. Nobody is served from it until a snapshot of this entry or a later one has come.
    case stateDistrusted(LogIndex, DistrustCause)
    /// Voters had different states at this index, and none of these is a majority's: nothing is written any more.
    case statesDivided(LogIndex)
    /// A majority was of one mind again at this index.
    case statesAgreeAgain(LogIndex)
}

/// Why a member must not go on.
package enum HaltReason: Equatable, Sendable {
    /// A formed peer's initial configuration does not name this member: a wiped volume under a known name, or
    /// a member that was never part of that cluster.
    case notAMember(peer: PeerIdentity)
    /// The cluster is at a feature level that this build does not support.
    case buildTooOld(featureLevel: UInt16)
    /// A committed entry that this build cannot read.
    case unreadableEntry(LogIndex)
    /// This member was removed from the cluster: by the configuration at this index, or by an earlier one.
    case removed(LogIndex)
    /// A record in memory is not what was written to it, and no other voter has a copy: what is on the disk is to be
    /// read again.
    case unsoundState
}

/// What a member wants done at the end of a turn.
package struct ReplicaEffects: Sendable {
    /// In order, for the storage thread.
    package var logWrites: [LogWrite] = []
    /// To be made durable and answered by `memberRecordDurable`.
    package var memberRecord: MemberRecord?
    /// In order, for whoever works on snapshots.
    package var snapshotJobs: [SnapshotJob] = []
    /// The log up to this index serves nobody any more.
    package var releasedLog: LogIndex?
    package var messages: [(to: MemberID, message: PeerMessage)] = []
    package var replies: [ReplicaReply] = []
    package var notices: [Notice] = []
    package var halt: HaltReason?
    /// Set when it changed whom this member wants a connection to.
    package var targets: [String]?

    package init() {}
}

/// A member that was listed at the start: `--cluster name=HOST:PORT`.
package struct ListedMember: Equatable, Sendable {
    package var name: String
    package var peerAddress: String

    package init(name: String, peerAddress: String) {
        self.name = name
        self.peerAddress = peerAddress
    }
}

/// What a member starts from.
package struct ReplicaStart: Sendable {
    package var record: MemberRecord
    package var hardState: HardState
    /// What the entries follow.
    package var released: LogPosition
    package var entries: [Entry]
    /// `nil`: the state is that of the entries alone.
    package var snapshot: RestoredSnapshot?
    package var snapshots: SnapshotSettings
    /// Set when this member knew its state to be wrong before it last ended: the snapshot's is not looked at, and one of
    /// this entry or a later one must come from another member.
    package var distrusted: LogIndex?
    package var stateChecks: StateCheckSettings
    /// Who forms the cluster; not looked at once formed.
    package var listed: [ListedMember]
    /// Whether a member that is not formed waits for a cluster to take it in, and forms none.
    package var joins: Bool
    /// Where the others shall reach this member; `nil`: where the configuration says.
    package var peerAddress: String?
    package var clientURL: String
    /// The version of this build, for people.
    package var build: String
    /// The highest feature level that this build supports.
    package var featureLevel: UInt16
    /// The level that the cluster's may rise to as far as this member is asked; at most `featureLevel`.
    package var featureLevelTold: UInt16
    package var raft: RaftSettings
    /// After how many commands a turn applies no more.
    package var appliedCommandsPerTurn: Int
    /// Chooses election timeouts.
    package var seed: UInt64
    package var now: UInt64

    package init(
        record: MemberRecord, hardState: HardState, released: LogPosition = .start, entries: [Entry],
        snapshot: RestoredSnapshot? = nil, snapshots: SnapshotSettings = SnapshotSettings(),
        distrusted: LogIndex? = nil, stateChecks: StateCheckSettings = StateCheckSettings(), listed: [ListedMember],
        joins: Bool = false, peerAddress: String? = nil, clientURL: String, build: String,
        featureLevel: UInt16 = ModelLimits.featureLevel, featureLevelMax: UInt16? = nil, raft: RaftSettings,
        appliedCommandsPerTurn: Int = ReplicaLimits.appliedCommandsPerTurn, seed: UInt64, now: UInt64
    ) {
        self.record = record
        self.hardState = hardState
        self.released = released
        self.entries = entries
        self.snapshot = snapshot
        self.snapshots = snapshots
        self.distrusted = distrusted
        self.stateChecks = stateChecks
        self.listed = listed
        self.joins = joins
        self.peerAddress = peerAddress
        self.clientURL = clientURL
        self.build = build
        self.featureLevel = featureLevel
        featureLevelTold = min(featureLevel, featureLevelMax ?? featureLevel)
        self.raft = raft
        self.appliedCommandsPerTurn = appliedCommandsPerTurn
        self.seed = seed
        self.now = now
    }
}
