import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordSimulator
import ConcordState
import ConcordStorage

/// A few replicas with a perfect network and disk between them, driven by hand: for tests that tell one story.
struct MemberHarness {
    var replicas: [Replica] = []
    var replies: [ReplicaReply] = []
    var now: UInt64 = 1000
    /// Messages from and to these members are lost.
    var unreachable: Set<Int> = []
    var halts: [Int: HaltReason] = [:]

    var notices: [Notice] = []
    /// Looks at, and may change, what one member sends another; `nil` loses it.
    var onTheWay: (_ from: Int, _ to: Int, PeerMessage) -> PeerMessage? = { $2 }

    /// What each member's log holds on its disk, and its votes.
    private(set) var disks: [LogDisk] = []
    private var workers: [SnapshotWorker<SimulatedDisk>] = []
    private var snapshotDisks: [SimulatedDisk] = []
    /// Members that get no answer from the disk of their snapshots, and what they have asked of it since.
    var hungSnapshotDisks: Set<Int> = []
    private(set) var waitingJobs: [Int: [SnapshotJob]] = [:]

    /// The highest feature level that a member supports from its next start on, by its number; 1 for who is not named.
    var levels: [Int: UInt16]
    /// Where a member is from its next start on, by its position; `mN:1` for who is not named.
    var addresses: [Int: String] = [:]

    private let raft: RaftSettings
    private let snapshots: SnapshotSettings
    private let stateChecks: StateCheckSettings

    struct LogDisk {
        var hardState = HardState(term: .zero, votedFor: nil)
        var released = LogPosition.start
        var entries: [Entry] = []

        var lastIndex: LogIndex { entries.last?.index ?? released.index }

        mutating func write(_ write: LogWrite) {
            if let newer = write.hardState { hardState = newer }
            if let base = write.base { (released, entries) = (base, []) }
            guard let first = write.entries.first else { return }
            entries.removeSubrange(Int(first.index.rawValue - released.index.rawValue - 1)...)
            entries.append(contentsOf: write.entries)
        }

        mutating func release(upTo index: LogIndex) {
            while let entry = entries.first, entry.index <= index {
                released = LogPosition(index: entry.index, term: entry.term, clock: entry.clock)
                entries.removeFirst()
            }
        }
    }

    /// - Parameter names: `m1`, `m2`, … when none are given.
    init(
        members: Int, boot: UInt64 = 1, raft: RaftSettings = RaftSettings(),
        snapshots: SnapshotSettings = SnapshotSettings(), stateChecks: StateCheckSettings = StateCheckSettings(),
        appliedCommandsPerTurn: Int = ReplicaLimits.appliedCommandsPerTurn, names: [String]? = nil,
        levels: [Int: UInt16] = [:]
    ) {
        self.levels = levels
        self.raft = raft
        self.stateChecks = stateChecks
        self.snapshots = snapshots
        let configuration = Configuration(
            members: (1...members).map {
                .init(id: MemberID(UInt128($0)), name: names?[$0 - 1] ?? "m\($0)", peerAddress: "m\($0):1")
            })
        for number in 1...members {
            let record = MemberRecord(
                id: MemberID(UInt128(number)), name: "m\(number)", boot: boot,
                clusterID: Formation.clusterID(configuration), initialConfiguration: configuration)
            disks.append(LogDisk())
            snapshotDisks.append(SimulatedDisk(seed: UInt64(number)))
            workers.append(
                SnapshotWorker(
                    MemberHarness.opened(snapshotDisks[number - 1]), on: snapshotDisks[number - 1],
                    featureLevel: levels[number] ?? 1))
            replicas.append(
                Replica(
                    ReplicaStart(
                        record: record, hardState: HardState(term: .zero, votedFor: nil), entries: [],
                        snapshots: snapshots, stateChecks: stateChecks, listed: [], clientURL: "http://m\(number)",
                        build: "test", featureLevel: levels[number] ?? 1, raft: raft,
                        appliedCommandsPerTurn: appliedCommandsPerTurn, seed: UInt64(number), now: now)))
        }
    }

    private static func opened(_ disk: SimulatedDisk) -> SnapshotStore<SimulatedDisk> {
        do {
            return try SnapshotStore.open(disk).0
        } catch {
            preconditionFailure("a harness' snapshots cannot be opened: \(error)")
        }
    }

    /// The indices of a member's snapshots, the newest first.
    func snapshotIndices(of member: Int) -> [UInt64] {
        MemberHarness.opened(snapshotDisks[member]).kept.map(\.identity.index.rawValue)
    }

    /// Lets a bit rot in the newest snapshots of a member, each where `place` says of its length.
    func rotSnapshots(of member: Int, newest count: Int = 1, at place: (_ bytes: Int) -> Int = { $0 / 2 }) {
        for snapshot in MemberHarness.opened(snapshotDisks[member]).kept.prefix(count) {
            snapshotDisks[member].flipBit(3, ofByte: place(Int(snapshot.identity.bytes)), in: snapshot.fileName)
        }
    }

    /// A member's newest snapshot, and the state of it.
    func newestSnapshot(of member: Int) -> (StoredSnapshot, StateMachine)? {
        guard let stored = MemberHarness.opened(snapshotDisks[member]).kept.first,
            let state = try? StateMachine.restored(from: stored, on: snapshotDisks[member])
        else { return nil }
        return (stored, state)
    }

    /// Leaves a member's disk as if it had ended with a wrong state of this entry.
    func distrust(_ member: Int, upTo index: LogIndex) {
        var store = MemberHarness.opened(snapshotDisks[member])
        do {
            try store.distrust(upTo: index)
        } catch {
            preconditionFailure("a harness' disk failed: \(error)")
        }
    }

    /// Ends a member and starts it again from its disk.
    mutating func restart(_ member: Int) {
        var record = replicas[member].record
        record.boot += 1
        let store = MemberHarness.opened(snapshotDisks[member])
        workers[member] = SnapshotWorker(
            store, on: snapshotDisks[member], featureLevel: levels[member + 1] ?? 1)
        let restored = store.kept.first.flatMap { newest in
            let state =
                store.distrusted == nil
                ? try? StateMachine.restored(from: newest, on: snapshotDisks[member]) : StateMachine()
            return state.map {
                RestoredSnapshot(snapshot: newest, state: $0, older: store.kept.dropFirst().first)
            }
        }
        if let base = restored?.snapshot.header.base.position, disks[member].lastIndex < base.index {
            disks[member] = LogDisk(hardState: disks[member].hardState, released: base)
        }
        replicas[member] = Replica(
            ReplicaStart(
                record: record, hardState: disks[member].hardState, released: disks[member].released,
                entries: disks[member].entries, snapshot: restored, snapshots: snapshots,
                distrusted: store.distrusted, stateChecks: stateChecks, listed: [],
                peerAddress: addresses[member], clientURL: "http://m\(member + 1)", build: "test",
                featureLevel: levels[member + 1] ?? 1, raft: raft, seed: UInt64(member), now: now)
        )
    }

    /// Takes what a member's log has away, as if it had been down all the time; not its votes.
    mutating func eraseLog(_ member: Int) {
        disks[member].released = .start
        disks[member].entries = []
        snapshotDisks[member] = SimulatedDisk(seed: UInt64(member))
    }

    /// Starts a member that waits to be taken in.
    mutating func addJoiner() {
        let number = replicas.count + 1
        let record = MemberRecord(id: MemberID(UInt128(number)), name: "m\(number)", boot: 1)
        disks.append(LogDisk())
        snapshotDisks.append(SimulatedDisk(seed: UInt64(number)))
        workers.append(
            SnapshotWorker(
                MemberHarness.opened(snapshotDisks[number - 1]), on: snapshotDisks[number - 1],
                featureLevel: levels[number] ?? 1))
        replicas.append(
            Replica(
                ReplicaStart(
                    record: record, hardState: HardState(term: .zero, votedFor: nil), entries: [],
                    snapshots: snapshots, stateChecks: stateChecks, listed: [], joins: true,
                    clientURL: "http://m\(number)", build: "test", featureLevel: levels[number] ?? 1, raft: raft,
                    seed: UInt64(number), now: now)))
    }

    /// Lets members shake hands with all whom they want to reach.
    mutating func connect() {
        for dialer in replicas.indices {
            for acceptor in replicas.indices
            where replicas[dialer].targets.contains(addresses[acceptor] ?? "m\(acceptor + 1):1") {
                guard !unreachable.contains(dialer), !unreachable.contains(acceptor) else { continue }
                replicas[dialer].step(.peerConnected(identity(of: acceptor)))
                replicas[acceptor].step(.peerConnected(identity(of: dialer)))
            }
        }
        settle()
    }

    func identity(of member: Int) -> PeerIdentity {
        let record = replicas[member].record
        return PeerIdentity(
            id: record.id, name: record.name, boot: record.boot,
            peerAddress: addresses[member] ?? "\(record.name):1", clientURL: "http://\(record.name)",
            featureLevel: replicas[member].featureLevelTold, build: "test",
            clusterID: replicas[member].isFormed ? record.clusterID : nil)
    }

    private mutating func workOnSnapshots(of member: Int, _ jobs: [SnapshotJob]) -> Bool {
        if hungSnapshotDisks.contains(member) {
            waitingJobs[member, default: []] += jobs
            return false
        }
        for job in (waitingJobs.removeValue(forKey: member) ?? []) + jobs { workers[member].add(job) }
        guard workers[member].isBusy else { return false }
        do {
            for result in try workers[member].step() { replicas[member].step(.snapshot(result)) }
        } catch {
            preconditionFailure("a harness' disk failed: \(error)")
        }
        return true
    }

    /// Lets everything happen that the effects ask for, until nothing more does.
    /// - Parameter spared: a member that a test drives by hand.
    mutating func settle(sparing spared: Int? = nil) {
        var isBusy = true
        while isBusy {
            isBusy = false
            for member in replicas.indices where member != spared {
                let effects = replicas[member].takeEffects()
                replies.append(contentsOf: effects.replies)
                notices.append(contentsOf: effects.notices)
                if effects.memberRecord != nil {
                    replicas[member].step(.memberRecordDurable)
                    isBusy = true
                }
                for write in effects.logWrites { disks[member].write(write) }
                if let index = effects.releasedLog { disks[member].release(upTo: index) }
                if workOnSnapshots(of: member, effects.snapshotJobs) { isBusy = true }
                if let last = effects.logWrites.last {
                    replicas[member].step(.logDurable(last.sequence))
                    isBusy = true
                }
                for (peer, message) in effects.messages {
                    let receiver = Int(peer.rawValue) - 1
                    guard !unreachable.contains(member), !unreachable.contains(receiver),
                        let message = onTheWay(member, receiver, message)
                    else { continue }
                    replicas[receiver].step(.peerMessage(from: replicas[member].record.id, message))
                    isBusy = true
                }
                if let halt = effects.halt {
                    halts[member] = halt
                    unreachable.insert(member)
                }
            }
        }
    }

    mutating func pass(milliseconds: UInt64) {
        for _ in 0..<milliseconds {
            now += 1
            for member in replicas.indices { replicas[member].step(.tick(now: now, wallMilliseconds: 1)) }
            settle()
        }
    }

    /// - Returns: the position of the leader, after as many elections as it takes.
    mutating func elect() -> Int {
        for _ in 0..<100 {
            pass(milliseconds: 50)
            let leaders = replicas.indices.filter {
                replicas[$0].status.standing.role == .leader && !unreachable.contains($0)
            }
            if let leader = leaders.first, leaders.count == 1 { return leader }
        }
        return -1
    }

    mutating func request(_ id: UInt64, at member: Int, timeout: UInt64 = 1000, _ body: ReplicaRequest.Body) {
        replicas[member].step(
            .request(ReplicaRequest(id: RequestID(id), timeoutMilliseconds: timeout, body: body)))
    }

    func put(_ path: String, _ value: String, retry: RetryIdentity = .none) -> ReplicaRequest.Body {
        .write(.put(PutOperation(key: Key(text: path), value: [UInt8](value.utf8))), retry)
    }

    func get(_ path: String, _ consistency: ReadConsistency = .linearizable, minimum: UInt64 = 0) -> ReplicaRequest.Body
    {
        .read(.node(NodeQuery(key: Key(text: path))), consistency, minimum: Revision(minimum))
    }

    func reply(to id: UInt64) -> ReplicaReply? {
        replies.first { $0.id == RequestID(id) }
    }
}

extension ReplicaReply {
    var value: String? {
        guard case .answer(.node(let node)) = result, let value = node.value else { return nil }
        return String(decoding: value, as: UTF8.self)
    }

    var isApplied: Bool {
        guard case .outcome(let outcome) = result, case .applied = outcome.verdict else { return false }
        return true
    }

    var failure: RequestFailure? {
        guard case .failed(let failure) = result else { return nil }
        return failure
    }
}
