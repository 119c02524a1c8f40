import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordStorage

/// A few replicas with a perfect network and disk between them, driven by hand: for tests that tell one story.
struct MemberHarness {
    var replicas: [Replica] = []
    var replies: [ReplicaReply] = []
    var now: UInt64 = 1000
    /// Messages from and to these members are lost.
    var unreachable: Set<Int> = []
    var halts: [Int: HaltReason] = [:]

    /// What each member's log holds on its disk, and its votes.
    private var disks: [(hardState: HardState, entries: [Entry])] = []

    private let raft: RaftSettings

    init(members: Int, boot: UInt64 = 1, raft: RaftSettings = RaftSettings()) {
        self.raft = raft
        let configuration = Configuration(
            members: (1...members).map {
                .init(id: MemberID(UInt128($0)), name: "m\($0)", peerAddress: "m\($0):1")
            })
        for number in 1...members {
            let record = MemberRecord(
                id: MemberID(UInt128(number)), name: "m\(number)", boot: boot,
                clusterID: Formation.clusterID(configuration), initialConfiguration: configuration)
            disks.append((HardState(term: .zero, votedFor: nil), []))
            replicas.append(
                Replica(
                    ReplicaStart(
                        record: record, hardState: HardState(term: .zero, votedFor: nil), entries: [], listed: [],
                        clientURL: "http://m\(number)", build: "test", raft: raft, seed: UInt64(number),
                        now: now)))
        }
    }

    /// Ends a member and starts it again from its disk.
    mutating func restart(_ member: Int) {
        var record = replicas[member].record
        record.boot += 1
        replicas[member] = Replica(
            ReplicaStart(
                record: record, hardState: disks[member].hardState, entries: disks[member].entries, listed: [],
                clientURL: "http://m\(member + 1)", build: "test", raft: raft, seed: UInt64(member), now: now)
        )
    }

    /// Starts a member that waits to be taken in.
    mutating func addJoiner() {
        let number = replicas.count + 1
        let record = MemberRecord(id: MemberID(UInt128(number)), name: "m\(number)", boot: 1)
        disks.append((HardState(term: .zero, votedFor: nil), []))
        replicas.append(
            Replica(
                ReplicaStart(
                    record: record, hardState: HardState(term: .zero, votedFor: nil), entries: [], listed: [],
                    joins: true, clientURL: "http://m\(number)", build: "test", raft: raft, seed: UInt64(number),
                    now: now)))
    }

    /// Lets members shake hands with all whom they want to reach.
    mutating func connect() {
        for dialer in replicas.indices {
            for acceptor in replicas.indices where replicas[dialer].targets.contains("m\(acceptor + 1):1") {
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
            id: record.id, name: record.name, boot: record.boot, peerAddress: "\(record.name):1",
            clientURL: "http://\(record.name)", featureLevel: 1, build: "test",
            clusterID: replicas[member].isFormed ? record.clusterID : nil)
    }

    private mutating func write(_ write: LogWrite, of member: Int) {
        if let hardState = write.hardState { disks[member].hardState = hardState }
        if let first = write.entries.first {
            disks[member].entries.removeSubrange(Int(first.index.rawValue - 1)...)
            disks[member].entries.append(contentsOf: write.entries)
        }
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
                if effects.memberRecord != nil {
                    replicas[member].step(.memberRecordDurable)
                    isBusy = true
                }
                for logWrite in effects.logWrites { write(logWrite, of: member) }
                if let last = effects.logWrites.last {
                    replicas[member].step(.logDurable(last.sequence))
                    isBusy = true
                }
                for (peer, message) in effects.messages {
                    let receiver = Int(peer.rawValue) - 1
                    guard !unreachable.contains(member), !unreachable.contains(receiver) else { continue }
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
