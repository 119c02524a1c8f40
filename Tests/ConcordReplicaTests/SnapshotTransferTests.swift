import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordState
import ConcordStorage
import Testing

/// Snapshots on their way to members that need them, when the way or a disk is slow, or a disk is bad.
@Suite struct SnapshotTransferTests {
    private let settings = SnapshotSettings(logBytes: 2000, chunkBytes: 100, windowBytes: 300)

    /// Three members; the last is cut off, and what it lacks is released by the others.
    private func clusterWithOneBehind() -> (harness: MemberHarness, leader: Int, behind: Int) {
        var harness = MemberHarness(members: 3, snapshots: settings)
        let leader = harness.elect()
        let behind = (0..<3).first { $0 != leader } ?? 0
        harness.unreachable = [behind]
        write(200, to: &harness, at: leader)
        return (harness, leader, behind)
    }

    private func write(_ count: Int, to harness: inout MemberHarness, at member: Int) {
        for number in 0..<count {
            let id = UInt64(harness.replies.count + 1_000_000)
            harness.request(id, at: member, harness.put("/key-\(number % 50)", "value \(number)"))
            harness.settle()
        }
    }

    /// Writes until `member` has made so many snapshots more.
    private func write(snapshots count: Int, to harness: inout MemberHarness, at member: Int) {
        var newest = harness.snapshotIndices(of: member).first
        var made = 0
        while made < count {
            write(1, to: &harness, at: member)
            guard harness.snapshotIndices(of: member).first != newest else { continue }
            newest = harness.snapshotIndices(of: member).first
            made += 1
        }
    }

    /// Lets the log grow, and not the state.
    private func writeNothing(_ count: Int, to harness: inout MemberHarness, at member: Int) {
        let missing = DeleteOperation(key: Key(text: "/" + String(repeating: "x", count: 200)))
        for _ in 0..<count {
            let id = UInt64(harness.replies.count + 1_000_000)
            for copy in 0..<3 {
                harness.request(id * 10 + UInt64(copy), at: member, .write(.delete(missing), .none))
            }
            harness.settle()
        }
    }

    private func agree(_ harness: MemberHarness) -> Bool {
        let first = harness.replicas[0]
        return harness.replicas.allSatisfy {
            $0.appliedIndex == first.appliedIndex && $0.state.stateHash == first.state.stateHash
                && $0.state.recomputedHash() == first.state.stateHash
        }
    }

    private func installed(_ harness: MemberHarness) -> Int {
        harness.notices.count { if case .snapshotInstalled = $0 { true } else { false } }
    }

    // MARK: More snapshots meanwhile

    @Test func aTransferGoesOnWhileItsLeaderMakesNewerSnapshots() {
        var (harness, leader, behind) = clusterWithOneBehind()
        var room = 0
        var sent: [SnapshotIdentity: Int] = [:]
        harness.onTheWay = { _, to, message in
            guard to == behind, case .snapshotChunk(let chunk) = message, !chunk.bytes.isEmpty else { return message }
            guard room >= chunk.bytes.count else { return nil }
            room -= chunk.bytes.count
            sent[chunk.identity, default: 0] += chunk.bytes.count
            return message
        }
        harness.unreachable = []
        var seconds = 0
        var made = 0
        var newest = harness.snapshotIndices(of: leader).first
        while installed(harness) == 0, seconds < 120 {
            seconds += 1
            room = 600
            write(30, to: &harness, at: leader)
            harness.pass(milliseconds: 1100)
            if harness.snapshotIndices(of: leader).first != newest {
                newest = harness.snapshotIndices(of: leader).first
                made += 1
            }
        }
        #expect(sent.count == 1, "\(sent) after \(seconds) s, \(made) snapshots")
        #expect(made >= 2, "only \(made) snapshots were made in \(seconds) s")
        harness.pass(milliseconds: 100)
        let allAgree = agree(harness)
        #expect(allAgree && installed(harness) == 1)
    }

    /// Else it would need another snapshot as soon as it has this one.
    @Test func theLogBehindASnapshotIsHeldUntilItsReceiverHasIt() {
        var (harness, leader, behind) = clusterWithOneBehind()
        var identities: Set<SnapshotIdentity> = []
        var losesEntries = true
        var losesParts = true
        harness.onTheWay = { _, to, message in
            guard to == behind else { return message }
            if case .snapshotChunk(let chunk) = message {
                identities.insert(chunk.identity)
                if losesParts, !chunk.bytes.isEmpty { return nil }
            }
            guard losesEntries, case .raft(let raft) = message, case .append(let append) = raft.body else {
                return message
            }
            return append.entries.isEmpty ? message : nil
        }
        harness.unreachable = []
        // A snapshot is passed on when a majority has agreed with it.
        harness.pass(milliseconds: 1500)
        write(snapshots: 2, to: &harness, at: leader)
        losesParts = false
        harness.pass(milliseconds: 2000)
        #expect(installed(harness) == 1)
        write(snapshots: 1, to: &harness, at: leader)
        harness.pass(milliseconds: 300)
        #expect(harness.disks[leader].released.index <= harness.replicas[behind].appliedIndex)
        losesEntries = false
        harness.pass(milliseconds: 500)
        let allAgree = agree(harness)
        #expect(allAgree && identities.count == 1)
        write(snapshots: 1, to: &harness, at: leader)
        #expect(harness.disks[leader].released.index.rawValue == harness.snapshotIndices(of: leader).last)
    }

    @Test func theLogIsNotHeldForEver() {
        var (harness, leader, behind) = clusterWithOneBehind()
        harness.onTheWay = { _, to, message in
            guard to == behind, case .snapshotChunk(let chunk) = message else { return message }
            return chunk.bytes.isEmpty ? message : nil
        }
        harness.unreachable = []
        // A snapshot is passed on when a majority has agreed with it.
        harness.pass(milliseconds: 1500)
        let sent = harness.snapshotIndices(of: leader).first ?? 0
        writeNothing(40, to: &harness, at: leader)
        #expect(harness.disks[leader].released.index.rawValue == sent)
        #expect(sent < harness.snapshotIndices(of: leader).first ?? 0, "newer ones were made")
        writeNothing(100, to: &harness, at: leader)
        #expect(harness.disks[leader].released.index.rawValue > sent)
        harness.onTheWay = { $2 }
        harness.pass(milliseconds: 4000)
        let allAgree = agree(harness)
        #expect(allAgree)
    }

    // MARK: A receiver that is not heard

    /// Cuts the receiver off when half of its snapshot was sent, for three seconds.
    private func interrupted(
        _ meanwhile: (inout MemberHarness, _ leader: Int) -> Void
    ) -> (harness: MemberHarness, leader: Int, identities: Set<SnapshotIdentity>, sent: Int) {
        var (harness, leader, behind) = clusterWithOneBehind()
        var identities: Set<SnapshotIdentity> = []
        var sent = 0
        var isCut = false
        harness.onTheWay = { from, to, message in
            guard !isCut || from != behind && to != behind else { return nil }
            guard to == behind, case .snapshotChunk(let chunk) = message else { return message }
            identities.insert(chunk.identity)
            sent += chunk.bytes.count
            if sent > Int(chunk.identity.bytes) / 2 { isCut = true }
            return message
        }
        harness.unreachable = []
        for _ in 0..<200 where !isCut { harness.pass(milliseconds: 1) }
        harness.pass(milliseconds: 3000)
        meanwhile(&harness, leader)
        harness.pass(milliseconds: 50)
        harness.onTheWay = { _, to, message in
            guard to == behind, case .snapshotChunk(let chunk) = message else { return message }
            identities.insert(chunk.identity)
            sent += chunk.bytes.count
            return message
        }
        harness.pass(milliseconds: 3000)
        return (harness, leader, identities, sent)
    }

    @Test func aTransferToAMemberThatIsNotHeardHoldsNothing() {
        var held = 0
        let (harness, _, _, _) = interrupted { harness, leader in
            write(snapshots: 3, to: &harness, at: leader)
            held = harness.snapshotIndices(of: leader).count
            #expect(harness.disks[leader].released.index.rawValue == harness.snapshotIndices(of: leader).last)
        }
        #expect(held == 2)
        let allAgree = agree(harness)
        #expect(allAgree)
    }

    @Test func aTransferGoesOnWhenItsReceiverIsHeardAgainAsLongAsTheSnapshotIsKept() {
        let (harness, leader, identities, sent) = interrupted { harness, leader in
            write(snapshots: 1, to: &harness, at: leader)
        }
        let allAgree = agree(harness)
        #expect(allAgree)
        #expect(identities.count == 1, "\(identities)")
        #expect(sent < 2 * Int(identities.first?.bytes ?? 0), "\(sent) bytes; the snapshots are of \(leader)")
    }

    // MARK: The receiver

    private func chunk(_ identity: SnapshotIdentity, at offset: UInt64, _ count: Int) -> PeerMessage {
        .snapshotChunk(SnapshotChunk(identity: identity, offset: offset, bytes: Array(repeating: 7, count: count)))
    }

    /// The next leader has another snapshot; what is here already brings this member on as well.
    @Test func aSnapshotThatIsBeingRestoredIsNotThrownAwayForAnother() {
        var harness = MemberHarness(members: 3, snapshots: settings)
        let leader = harness.elect()
        let behind = (leader + 1) % 3
        harness.settle()
        let sender = harness.replicas[leader].record.id
        func jobs(_ message: PeerMessage) -> [SnapshotJob] {
            harness.replicas[behind].step(.peerMessage(from: sender, message))
            return harness.replicas[behind].takeEffects().snapshotJobs
        }
        func isDiscarded(_ jobs: [SnapshotJob]) -> Bool {
            jobs.contains { if case .discardReceived = $0 { true } else { false } }
        }
        let first = SnapshotIdentity(index: LogIndex(1000), term: Term(1), bytes: 200, checksum: 1)
        let second = SnapshotIdentity(index: LogIndex(2000), term: Term(1), bytes: 200, checksum: 2)
        _ = jobs(chunk(first, at: 0, 100))
        _ = jobs(chunk(first, at: 100, 100))
        #expect(jobs(chunk(second, at: 0, 100)).isEmpty)
        harness.replicas[behind].step(.snapshot(.refused(first)))
        _ = harness.replicas[behind].takeEffects()
        #expect(isDiscarded(jobs(chunk(second, at: 0, 100))), "the first was none")
        #expect(isDiscarded(jobs(chunk(first, at: 0, 100))), "half a snapshot is worth less than a new one")
    }

    @Test func aReceiverWhoseDiskHangsQueuesNoMoreThanAWindow() {
        var (harness, _, behind) = clusterWithOneBehind()
        harness.hungSnapshotDisks = [behind]
        harness.unreachable = []
        var most = 0
        for _ in 0..<10 {
            harness.pass(milliseconds: 1000)
            var queued = 0
            for case .receive(_, _, let bytes) in harness.waitingJobs[behind] ?? [] { queued += bytes.count }
            most = max(most, queued)
        }
        #expect(most == settings.windowBytes)
        harness.hungSnapshotDisks = []
        harness.pass(milliseconds: 3000)
        let allAgree = agree(harness)
        #expect(allAgree)
    }

    /// A second snapshot must not be begun beside the first.
    @Test func aReceivedSnapshotWithoutRoomChangesNothingForOneThatIsBeingMade() {
        var (harness, leader, behind) = clusterWithOneBehind()
        harness.unreachable = []
        harness.pass(milliseconds: 2000)
        harness.hungSnapshotDisks = [behind]
        func made() -> Int {
            (harness.waitingJobs[behind] ?? []).count { if case .write = $0 { true } else { false } }
        }
        for _ in 0..<40 where made() == 0 { write(20, to: &harness, at: leader) }
        #expect(made() == 1)
        let identity = SnapshotIdentity(index: LogIndex(100_000), term: Term(1), bytes: 1000, checksum: 1)
        harness.replicas[behind].step(
            .peerMessage(from: harness.replicas[leader].record.id, chunk(identity, at: 0, 100)))
        harness.settle()
        harness.replicas[behind].step(.snapshot(.noRoomToReceive(identity)))
        harness.pass(milliseconds: 1500)
        write(400, to: &harness, at: leader)
        harness.pass(milliseconds: 100)
        #expect(made() == 1)
        let before = harness.snapshotIndices(of: behind)
        harness.hungSnapshotDisks = []
        harness.pass(milliseconds: 100)
        #expect(harness.snapshotIndices(of: behind) != before)
        let allAgree = agree(harness)
        #expect(allAgree)
    }
}
