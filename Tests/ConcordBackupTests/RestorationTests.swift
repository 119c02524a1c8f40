import ConcordBackup
import ConcordBytes
import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordSimulator
import ConcordState
import ConcordStorage
import Testing

/// A backup becomes a cluster of its own.
@Suite struct RestorationTests {
    private let restoration = Restoration(member: MemberID(0xB1), name: "new", peerAddress: "127.0.0.1:7401")

    private func restore(
        _ restoration: Restoration, on disk: SimulatedDisk, _ source: BackupSource = source()
    ) throws(RestorationError) -> BackupSummary {
        let content = BackupContent(
            header: source.header,
            identity: SnapshotIdentity(index: LogIndex(40), term: Term(6), bytes: 1, checksum: 1), state: source.state)
        return try restoration.make(content, on: disk, segmentBytes: smallSegment)
    }

    private func open(_ disk: SimulatedDisk) throws(StorageError) -> DataDirectory<SimulatedDisk> {
        try DataDirectory.open(disk, newMember: MemberID(0xFF), name: "stranger", segmentBytes: smallSegment)
    }

    @Test func `the new member has new ids, a higher term and nothing to mend`() throws {
        let disk = SimulatedDisk(seed: 1)
        let summary = try restore(restoration, on: disk)
        #expect(summary.state?.revision == story().revision.rawValue + 1_000_000_000_000)
        #expect(summary.state?.epoch == 1_000_006 && summary.term == 1_000_006 && summary.index == 40)
        let opened = try open(disk)
        let record = opened.member.record
        #expect(record.id == MemberID(0xB1) && record.name == "new")
        #expect("\(try #require(record.clusterID))" == summary.cluster && record.clusterID != oldCluster)
        let members = try #require(record.initialConfiguration).members
        #expect(members.map(\.id) == [MemberID(0xB1)] && members.map(\.peerAddress) == ["127.0.0.1:7401"])
        #expect(opened.recovered.notes.isEmpty && opened.recovered.entries.isEmpty)
        #expect(opened.recovered.hardState == HardState(term: Term(1_000_006), votedFor: nil))
        #expect(opened.recovered.released == opened.snapshot?.header.base.position)
    }

    @Test func `two restores of one backup make two clusters`() throws {
        let other = Restoration(member: MemberID(0xB2), name: "new", peerAddress: "127.0.0.1:7401")
        let first = try restore(restoration, on: SimulatedDisk(seed: 1))
        let second = try restore(other, on: SimulatedDisk(seed: 2))
        #expect(first.cluster != second.cluster)
    }

    @Test func `what clients stored stays, and what the old cluster's life meant goes`() throws {
        let disk = SimulatedDisk(seed: 1)
        _ = try restore(restoration, on: disk)
        var state = try StateMachine.restored(from: try #require(try open(disk).snapshot), on: disk)
        let (old, revision) = (story(), state.revision.rawValue)
        #expect(state.value("/a/b/c") == "value 3" && state.value("/kept") == "by origin")
        #expect(state.nodesCount == old.nodesCount && state.setting(.valueBytesMax) == 4321)
        #expect(state.clock == old.clock && state.recomputedHash() == state.stateHash)
        // No revision that the old cluster gave out is answered for.
        #expect(state.historyFloor.rawValue == revision + 1)
        #expect(state.events(after: Revision(revision), limit: 9).isEmpty)
        #expect(old.value("/a/b/c", at: 3) != nil && state.value("/a/b/c", at: 3) == nil)
        guard case .compacted = state.answer(.node(NodeQuery(key: Key(text: "/a/b/c"), at: old.revision))) else {
            Issue.record("a revision of the old cluster is answered")
            return
        }
        #expect(state.value("/a/b/c", at: revision) == "value 3")
        // The members are others, and the old ones never come back.
        #expect(state.members.members.map(\.id) == [0xB1] && state.members.change == nil)
        #expect(state.members.wasMember(0xA1) && !state.members.wasMember(0xB1))
        // Who retries gets the first outcome; what a member sent is forgotten with the member.
        let key = state.apply(put("/by-key", "1", retry: .key(oldKey)))
        let call = state.apply(put("/by-client", "1", retry: .client(oldCall)))
        #expect(key.replayed && call.replayed && state.revision.rawValue == revision)
        #expect(key.revision < old.revision)
        #expect(state.recall(put("/kept", "by origin", origin: oldOrigin)) == nil)
        guard case .refused(let refusal) = state.apply(put("/other", "2", retry: .key(oldKey))).verdict else {
            Issue.record("the key of another request was taken")
            return
        }
        #expect(refusal.code == .idempotencyConflict)
    }

    @Test func `a change of members that was under way is over`() throws {
        var state = story()
        let addition = MemberAddition(id: 0xA4, name: "west", peerAddress: "10.0.0.4:7401")
        _ = state.apply(Command(operation: .changeMembers(ChangeMembersOperation(add: [addition]))))
        #expect(state.members.change != nil)
        let disk = SimulatedDisk(seed: 1)
        _ = try restore(restoration, on: disk, source(state))
        let restored = try StateMachine.restored(from: try #require(try open(disk).snapshot), on: disk)
        #expect(restored.members.change == nil && restored.members.lastNumber == 1)
    }

    @Test func `the restored member leads, takes writes, and its revisions go on above the raise`() throws {
        let disk = SimulatedDisk(seed: 1)
        _ = try restore(restoration, on: disk)
        let opened = try open(disk)
        let snapshot = try #require(opened.snapshot)
        var replica = Replica(
            ReplicaStart(
                record: opened.member.record, hardState: opened.recovered.hardState,
                released: opened.recovered.released, entries: opened.recovered.entries,
                snapshot: RestoredSnapshot(
                    snapshot: snapshot, state: try StateMachine.restored(from: snapshot, on: disk), older: nil),
                listed: [], clientURL: "http://new", build: "test", raft: RaftSettings(), seed: 3, now: 1000))
        var replies: [ReplicaReply] = []
        func run(until now: UInt64) {
            for now in 1000...now {
                replica.step(.tick(now: now, wallMilliseconds: 1))
                let effects = replica.takeEffects()
                replies += effects.replies
                if let last = effects.logWrites.last { replica.step(.logDurable(last.sequence)) }
            }
        }
        run(until: 2500)
        #expect(replica.status.standing.role == .leader && replica.status.standing.term > Term(1_000_006))
        let put = PutOperation(key: Key(text: "/after"), value: [1])
        let write = ReplicaRequest.Body.write(.put(put), .none)
        replica.step(.request(ReplicaRequest(id: RequestID(1), timeoutMilliseconds: 1000, body: write)))
        let backup = ReplicaRequest.Body.backup(.linearizable, minimum: .zero)
        replica.step(.request(ReplicaRequest(id: RequestID(2), timeoutMilliseconds: 1000, body: backup)))
        run(until: 2600)
        guard case .outcome(let outcome)? = replies.first(where: { $0.id == RequestID(1) })?.result,
            case .backup(let source)? = replies.first(where: { $0.id == RequestID(2) })?.result
        else {
            Issue.record("the restored member answers \(replies.map(\.result))")
            return
        }
        #expect(outcome.revision.rawValue > story().revision.rawValue + 1_000_000_000_000)
        #expect(source.header.cluster == opened.member.record.clusterID)
        #expect(source.header.base.position.index > LogIndex(40))
    }

    @Test func `a raise beyond the numbers of the API is refused, and nothing is made`() {
        var far = restoration
        for (revision, epoch) in [(UInt64(1) << 53, UInt64(1)), (1, 1 << 53), (UInt64.max, 1)] {
            (far.revisionRaise, far.epochRaise) = (revision, epoch)
            let disk = SimulatedDisk(seed: 1)
            #expect(throws: RestorationError.self) { try self.restore(far, on: disk) }
            #expect(disk.operations == 0)
        }
    }

    @Test func `a clock that no cluster can have is refused, and nothing is made`() {
        var source = source()
        source.header.base.position.clock = 1 << 53
        let disk = SimulatedDisk(seed: 1)
        #expect(throws: RestorationError.clockTooLarge(1 << 53)) { try self.restore(restoration, on: disk, source) }
        #expect(disk.operations == 0)
    }

    @Test func `the feature level stays, and what the old members told of themselves goes`() throws {
        var state = story()
        _ = state.apply(Command(operation: .raiseFeatureLevel(2)))
        let info = MemberInfo(
            boot: 3, peerAddress: "10.0.0.9:7401", clientURL: "http://10.0.0.9:7400", featureLevel: 2, build: "old")
        _ = state.apply(Command(operation: .memberInfo(MemberInfoOperation(member: 0xA1, info: info)), featureLevel: 2))
        #expect(state.featureLevel == 2 && state.members.members.first?.info == info)
        let disk = SimulatedDisk(seed: 1)
        _ = try restore(restoration, on: disk, source(state))
        let restored = try StateMachine.restored(from: try #require(try open(disk).snapshot), on: disk)
        #expect(restored.featureLevel == 2 && restored.members.members.map(\.info) == [nil])
        #expect(restored.members.members.map(\.address) == ["127.0.0.1:7401"])
    }

    @Test func `a directory that holds anything is left alone`() throws {
        for name in ["notes.txt", "member", "log-0000000000000001", "snapshot-incoming.new"] {
            let disk = SimulatedDisk(seed: 1)
            disk.replaceContents(of: name, with: [1, 2, 3])
            #expect(throws: RestorationError.notEmpty(file: name)) { try self.restore(restoration, on: disk) }
            #expect(disk.durableSnapshot() == [name: [1, 2, 3]] && disk.operations == 0)
        }
    }

    /// A restore ends at any operation of the disk: what it leaves is the whole directory, or one that nobody starts.
    @Test func `a restore that ends anywhere leaves a whole directory or none that starts`() throws {
        let whole = SimulatedDisk(seed: 1)
        _ = try restore(restoration, on: whole)
        let count = whole.operations
        #expect(count > 10)
        var refusals = 0
        for number in 1...count {
            let faults: [SimulatedDisk.Fault] =
                SimulatedDisk.Moment.allCases.map { .powerCut($0) } + [.ioError, .full, .kill]
            for (position, fault) in faults.enumerated() {
                let disk = SimulatedDisk(seed: UInt64(number * 10 + position))
                disk.arm(fault, at: number)
                if (try? restore(restoration, on: disk)) == nil { refusals += 1 }
                disk.disarm()
                disk.restart()
                let names = try disk.list()
                guard let opened = try? open(disk) else { continue }
                let isWhole =
                    opened.member.record.id == MemberID(0xB1) && opened.snapshot?.identity.index == LogIndex(40)
                // Before the first file is seen there is nothing, and a new member may live there.
                #expect(isWhole || names.isEmpty, "operation \(number), \(fault): \(names)")
            }
        }
        #expect(refusals > count)
    }
}
