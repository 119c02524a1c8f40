import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordState
import ConcordStorage
import Testing

/// What a member does whose state is wrong in the moments between: before its disk knows, and after a crash on the way
/// back.
@Suite struct DistrustedMemberTests {
    private func cluster(
        _ levels: [Int: UInt16] = [:], reportMilliseconds: UInt64 = 100
    ) -> (harness: MemberHarness, leader: Int) {
        var harness = MemberHarness(
            members: 3, snapshots: SnapshotSettings(logBytes: 2000, chunkBytes: 100, windowBytes: 300),
            stateChecks: StateCheckSettings(
                reportMilliseconds: reportMilliseconds, patienceMilliseconds: 1000, stepMilliseconds: 5,
                pauseMilliseconds: 200),
            levels: levels)
        harness.settle()
        harness.connect()
        let leader = harness.elect()
        write(100, to: &harness, at: leader)
        harness.pass(milliseconds: 300)
        return (harness, leader)
    }

    private func write(_ count: Int, to harness: inout MemberHarness, at member: Int) {
        for number in 0..<count {
            harness.request(
                UInt64(harness.replies.count + 1000), at: member, harness.put("/k\(number % 9)", "value \(number)"))
            harness.settle()
        }
    }

    /// Writes until the leader's newest snapshot is no older than what the member has applied.
    private func snapshot(
        in harness: inout MemberHarness, at leader: Int, for member: Int
    ) throws -> (StoredSnapshot, StateMachine) {
        for _ in 0..<200 {
            write(1, to: &harness, at: leader)
            if let index = harness.snapshotIndices(of: leader).first,
                LogIndex(index) >= harness.replicas[member].appliedIndex
            {
                break
            }
        }
        let (stored, state) = try #require(harness.newestSnapshot(of: leader))
        try #require(stored.identity.index >= harness.replicas[member].appliedIndex)
        return (stored, state)
    }

    private func isMarking(_ job: SnapshotJob) -> Bool {
        if case .distrust = job { return true }
        return false
    }

    /// The snapshot came while the wrong state was being written out; the disk's word of that comes last.
    @Test func whatTheDiskSaysOfTheWrongStateIsNotTakenForTheRightOne() throws {
        var (harness, leader) = cluster()
        let wrong = (leader + 1) % 3
        let (stored, state) = try snapshot(in: &harness, at: leader, for: wrong)
        var replica = harness.replicas[wrong]
        let early = LogPosition(index: LogIndex(3), term: Term(1), clock: 0)
        replica.step(.snapshot(.unsound(early)))
        let index = replica.appliedIndex
        let jobs = replica.takeEffects().snapshotJobs
        #expect(replica.isDistrusted && jobs.contains { isMarking($0) })
        replica.step(.snapshot(.installed(stored, state)))
        #expect(!replica.isDistrusted)
        replica.step(.snapshot(.unsound(early)))
        #expect(!replica.isDistrusted, "it was said of the state before")
        #expect(!replica.takeEffects().snapshotJobs.contains { isMarking($0) })
        replica.step(.snapshot(.distrusted(upTo: index)))
        replica.step(.snapshot(.unsound(early)))
        #expect(replica.isDistrusted, "and this of the present one")
    }

    /// It ended when the log had gone on behind a later snapshot, and the mark of an earlier entry was still there.
    @Test func whoIsMarkedAsksForASnapshotThatItsLogReaches() {
        var (harness, leader) = cluster()
        let wrong = (leader + 1) % 3
        let released = harness.disks[wrong].released.index
        #expect(released > LogIndex(1))
        harness.distrust(wrong, upTo: LogIndex(1))
        harness.restart(wrong)
        var asked: [LogIndex] = []
        harness.onTheWay = { from, _, message in
            if case .snapshotRequest(let index) = message, from == wrong { asked.append(index) }
            return message
        }
        harness.pass(milliseconds: 200)
        #expect(!asked.isEmpty && asked.allSatisfy { $0 == released }, "\(asked), released up to \(released)")
        harness.onTheWay = { $2 }
        harness.pass(milliseconds: 1500)
        #expect(!harness.replicas[wrong].isDistrusted)
        #expect(harness.replicas[wrong].state.stateHash == harness.replicas[leader].state.stateHash)
    }

    /// A state knows where others are; one that was not looked at does not.
    @Test func aStateThatIsTakenOverTellsWhereTheOthersAre() throws {
        var (harness, leader) = cluster([1: 2, 2: 2, 3: 2])
        let (wrong, moved) = ((leader + 1) % 3, (leader + 2) % 3)
        harness.addresses[moved] = "moved:1"
        harness.restart(moved)
        harness.settle()
        harness.connect()
        harness.pass(milliseconds: 500)
        let (stored, state) = try snapshot(in: &harness, at: leader, for: wrong)
        try #require(state.members.members[moved].address == "moved:1")
        harness.distrust(wrong, upTo: LogIndex(1))
        harness.restart(wrong)
        var replica = harness.replicas[wrong]
        #expect(replica.takeEffects().targets?.contains("moved:1") == false)
        replica.step(.snapshot(.installed(stored, state)))
        #expect(!replica.isDistrusted)
        #expect(replica.takeEffects().targets?.contains("moved:1") == true)
    }

    /// One of the two that are left needs the snapshot: nothing is committed before it has it.
    @Test func nobodyIsWaitedForWhoHasNothingToCompare() {
        var harness = MemberHarness(members: 3, snapshots: SnapshotSettings(logBytes: 2000))
        let leader = harness.elect()
        let (behind, away) = ((leader + 1) % 3, (leader + 2) % 3)
        harness.unreachable = [behind]
        write(200, to: &harness, at: leader)
        #expect(harness.disks[leader].released.index > harness.replicas[behind].status.lastIndex)
        harness.unreachable = [away]
        harness.restart(leader)
        #expect(harness.elect() == leader)
        harness.request(5, at: leader, timeout: 60_000, harness.put("/k1", "in time"))
        harness.pass(milliseconds: 2500)
        #expect(harness.reply(to: 5)?.isApplied == true)
        #expect(harness.replicas[behind].appliedIndex == harness.replicas[leader].appliedIndex)
    }

    /// Leader and member would send and refuse the same for three seconds.
    @Test func whoHasARightStateAgainIsSentNothingMore() {
        var (harness, leader) = cluster(reportMilliseconds: 1000)
        let wrong = (leader + 1) % 3
        let isDamaged = harness.replicas[wrong].damageState { $0.damageHistory(at: 3, isConsistent: true) }
        #expect(isDamaged)
        write(1, to: &harness, at: leader)
        for isDistrusted in [true, false] {
            for _ in 0..<10_000 where harness.replicas[wrong].isDistrusted != isDistrusted {
                harness.pass(milliseconds: 1)
            }
        }
        #expect(!harness.replicas[wrong].isDistrusted)
        harness.pass(milliseconds: 1050)
        var chunks = 0
        harness.onTheWay = {
            if case .snapshotChunk = $2 { chunks += 1 }
            return $2
        }
        harness.pass(milliseconds: 2000)
        #expect(chunks == 0)
    }
}
