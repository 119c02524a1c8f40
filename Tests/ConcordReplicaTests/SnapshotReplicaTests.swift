import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordState
import ConcordStorage
import Testing

/// Snapshots from the point of view of members and their clients.
@Suite struct SnapshotReplicaTests {
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

    /// Whether all members hold the same state.
    private func agree(_ harness: MemberHarness) -> Bool {
        let first = harness.replicas[0]
        return harness.replicas.allSatisfy {
            $0.appliedIndex == first.appliedIndex && $0.state.stateHash == first.state.stateHash
                && $0.state.recomputedHash() == first.state.stateHash
        }
    }

    @Test func aSnapshotIsMadeWhenTheLogHasGrownAndTheLogBeforeTheOlderOneIsReleased() {
        var harness = MemberHarness(members: 1, snapshots: settings)
        _ = harness.elect()
        write(12, to: &harness, at: 0)
        #expect(harness.snapshotIndices(of: 0).isEmpty)
        write(150, to: &harness, at: 0)
        let kept = harness.snapshotIndices(of: 0)
        #expect(kept.count == 2)
        #expect(harness.disks[0].released.index.rawValue == kept.last)
        #expect(harness.replicas[0].status.lastIndex == harness.disks[0].lastIndex)
    }

    @Test func aMemberStartsFromItsSnapshotAndKnowsWhatItKnew() {
        var harness = MemberHarness(members: 1, snapshots: settings)
        _ = harness.elect()
        harness.request(1, at: 0, harness.put("/once", "a", retry: .key([65])))
        write(150, to: &harness, at: 0)
        let (hash, applied) = (harness.replicas[0].state.stateHash, harness.replicas[0].appliedIndex)
        harness.restart(0)
        #expect(harness.replicas[0].appliedIndex > .zero && harness.replicas[0].appliedIndex <= applied)
        _ = harness.elect()
        #expect(harness.replicas[0].state.stateHash != 0 && harness.replicas[0].appliedIndex > applied)
        harness.request(2, at: 0, harness.put("/once", "a", retry: .key([65])))
        harness.settle()
        guard case .outcome(let outcome)? = harness.reply(to: 2)?.result else {
            Issue.record("the repeated write got no outcome")
            return
        }
        #expect(outcome.replayed, "the state before the restart had hash \(hash)")
    }

    @Test func aMemberThatLacksReleasedEntriesIsBroughtOnByASnapshot() {
        var (harness, leader, behind) = clusterWithOneBehind()
        #expect(harness.disks[leader].released.index > harness.replicas[behind].status.lastIndex)
        harness.unreachable = []
        harness.pass(milliseconds: 2000)
        var allAgree = agree(harness)
        #expect(allAgree)
        #expect(harness.notices.contains { if case .snapshotInstalled = $0 { true } else { false } })
        harness.request(7, at: behind, harness.get("/key-49"))
        harness.pass(milliseconds: 100)
        #expect(harness.reply(to: 7)?.value == "value 199")
        write(20, to: &harness, at: leader)
        harness.pass(milliseconds: 100)
        allAgree = agree(harness)
        #expect(allAgree, "the log goes on behind the snapshot")
    }

    @Test func aMemberThatIsStartedAgainAfterASnapshotWasTakenOverHasIt() {
        var (harness, leader, behind) = clusterWithOneBehind()
        harness.unreachable = []
        harness.pass(milliseconds: 2000)
        harness.restart(behind)
        #expect(harness.replicas[behind].appliedIndex > .zero)
        harness.pass(milliseconds: 1000)
        write(3, to: &harness, at: leader)
        harness.pass(milliseconds: 500)
        let allAgree = agree(harness)
        #expect(allAgree)
    }

    @Test func aTransferGoesOnWhereABrokenConnectionLeftIt() {
        var (harness, _, behind) = clusterWithOneBehind()
        var sent = 0
        var whole = 0
        var lost = 0
        harness.onTheWay = { _, to, message in
            guard to == behind, case .snapshotChunk(let chunk) = message else { return message }
            sent += chunk.bytes.count
            whole = Int(chunk.identity.bytes)
            guard sent > whole / 2, lost < 4 else { return message }
            lost += 1
            return nil
        }
        harness.unreachable = []
        harness.pass(milliseconds: 5000)
        let allAgree = agree(harness)
        #expect(allAgree)
        #expect(lost == 4 && sent < 2 * whole, "\(sent) of \(whole) bytes were sent")
    }

    @Test func whatIsNoSnapshotIsRefusedAndSentAgain() {
        var (harness, _, behind) = clusterWithOneBehind()
        var isSpoiled = false
        harness.onTheWay = { _, to, message in
            guard to == behind, !isSpoiled, case .snapshotChunk(var chunk) = message, chunk.bytes.count > 50 else {
                return message
            }
            isSpoiled = true
            chunk.bytes[20] ^= 1
            return .snapshotChunk(chunk)
        }
        harness.unreachable = []
        harness.pass(milliseconds: 6000)
        #expect(harness.notices.contains { if case .snapshotRefused = $0 { true } else { false } })
        #expect(!harness.notices.contains { if case .snapshotUnusable = $0 { true } else { false } })
        let allAgree = agree(harness)
        #expect(allAgree)
    }

    @Test func aPartFromAMemberThatDoesNotLeadIsIgnored() {
        var (harness, leader, behind) = clusterWithOneBehind()
        let other = 3 - leader - behind
        let before = harness.replicas[behind].appliedIndex
        let identity = SnapshotIdentity(index: LogIndex(100_000), term: Term(1), bytes: 10, checksum: 1)
        harness.replicas[behind].step(
            .peerMessage(
                from: harness.replicas[other].record.id,
                .snapshotChunk(SnapshotChunk(identity: identity, offset: 0, bytes: [1, 2, 3]))))
        let effects = harness.replicas[behind].takeEffects()
        #expect(effects.snapshotJobs.isEmpty && effects.messages.isEmpty)
        #expect(harness.replicas[behind].appliedIndex == before)
    }

    /// The entry of a forwarded write may be in a snapshot that its own member takes over: its client is answered.
    @Test func aWriteWhoseEntryIsLeaptOverGetsTheOutcomeItHad() {
        var harness = MemberHarness(members: 3, snapshots: settings)
        let leader = harness.elect()
        let behind = (0..<3).first { $0 != leader } ?? 0
        harness.pass(milliseconds: 100)
        harness.onTheWay = { from, to, message in
            if case .forward = message { return message }
            return from == behind || to == behind ? nil : message
        }
        harness.request(5, at: behind, timeout: 60_000, harness.put("/forwarded", "x"))
        harness.settle()
        write(200, to: &harness, at: leader)
        #expect(harness.reply(to: 5) == nil)
        harness.onTheWay = { $2 }
        harness.pass(milliseconds: 3000)
        #expect(harness.reply(to: 5)?.isApplied == true)
        let allAgree = agree(harness)
        #expect(allAgree)
        #expect(harness.notices.contains { if case .snapshotInstalled = $0 { true } else { false } })
    }

    /// The same where the leader is heard all the time, so that nothing makes its member hand the write over again.
    @Test func aWriteWhoseEntryIsLeaptOverIsAnsweredFromTheSnapshot() {
        var harness = MemberHarness(members: 3, snapshots: settings)
        let leader = harness.elect()
        let behind = (0..<3).first { $0 != leader } ?? 0
        harness.pass(milliseconds: 100)
        var (handedOver, isCutOff) = (0, true)
        harness.onTheWay = { from, to, message in
            if case .forward = message, from == behind { handedOver += 1 }
            if isCutOff, case .raft(let raft) = message, case .append = raft.body, to == behind { return nil }
            return message
        }
        harness.request(5, at: behind, timeout: 60_000, harness.put("/forwarded", "x"))
        harness.settle()
        write(200, to: &harness, at: leader)
        #expect(harness.reply(to: 5) == nil)
        isCutOff = false
        harness.pass(milliseconds: 1000)
        #expect(harness.notices.contains { if case .snapshotInstalled = $0 { true } else { false } })
        #expect(harness.reply(to: 5)?.isApplied == true)
        #expect(handedOver == 1)
    }

    /// Its turn ended before it had applied all that was committed, and then the snapshot was here.
    @Test func entriesThatWaitToBeAppliedAreDroppedWithTheOldState() throws {
        var harness = MemberHarness(members: 3, snapshots: settings, appliedCommandsPerTurn: 1)
        let leader = harness.elect()
        let behind = (0..<3).first { $0 != leader } ?? 0
        harness.pass(milliseconds: 100)
        var appends: [PeerMessage] = []
        harness.onTheWay = { from, to, message in
            guard from == behind || to == behind else { return message }
            if to == behind, case .raft(let raft) = message, case .append = raft.body { appends.append(message) }
            return nil
        }
        write(200, to: &harness, at: leader)
        let (snapshot, state) = try #require(harness.newestSnapshot(of: leader))
        var member = harness.replicas[behind]
        for append in appends.prefix(8) {
            member.step(.peerMessage(from: MemberID(UInt128(leader + 1)), append))
        }
        for write in member.takeEffects().logWrites { member.step(.logDurable(write.sequence)) }
        _ = member.takeEffects()
        #expect(member.appliedIndex.rawValue + 1 < member.status.commitIndex.rawValue)
        #expect(member.status.commitIndex < snapshot.identity.index)
        member.step(.snapshot(.installed(snapshot, state)))
        for _ in 0..<8 { _ = member.takeEffects() }
        #expect(member.appliedIndex == snapshot.identity.index && member.state.stateHash == state.stateHash)
    }
}
