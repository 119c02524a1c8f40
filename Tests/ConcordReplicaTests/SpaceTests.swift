import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordSimulator
import ConcordState
import ConcordStorage
import Testing

/// Members whose disks have no room for the next segment.
@Suite struct SpaceTests {
    private func delete(_ path: String) -> ReplicaRequest.Body {
        .write(.delete(DeleteOperation(key: Key(text: path))), .none)
    }

    private func fill(_ members: [Int], of harness: inout MemberHarness, isFull: Bool = true) {
        for member in members { harness.replicas[member].step(.diskSpace(isFull: isFull)) }
        harness.settle()
    }

    private func leader(of harness: MemberHarness) -> Int? {
        harness.replicas.indices.first { harness.replicas[$0].status.standing.role == .leader }
    }

    @Test func aLeaderWithoutRoomHandsOverAtOnceToAMemberThatHasSome() {
        for full in [[], [1], [2]] as [[Int]] {
            var harness = MemberHarness(members: 3)
            let old = harness.elect()
            let others = [0, 1, 2].filter { $0 != old }
            fill(full.map { others[$0 - 1] }, of: &harness)
            harness.request(1, at: old, harness.put("/a", "1"))
            harness.settle()
            harness.pass(milliseconds: 300)
            fill([old], of: &harness)
            let now = harness.now
            harness.settle()
            let new = leader(of: harness)
            #expect(new != nil && new != old && !full.contains { others[$0 - 1] == new }, "\(full)")
            #expect(harness.now == now, "no timer was needed")
            harness.request(2, at: old, harness.put("/b", "2"))
            harness.settle()
            if full.isEmpty {
                #expect(harness.reply(to: 2)?.isApplied == true)
            } else {
                #expect(harness.reply(to: 2)?.failure == .noSpace, "two of three are full")
            }
        }
    }

    @Test func aLeaderThatNobodyWithRoomCanReplaceLeadsOn() {
        var harness = MemberHarness(members: 3)
        let old = harness.elect()
        harness.pass(milliseconds: 300)
        fill([0, 1, 2].filter { $0 != old }, of: &harness)
        fill([old], of: &harness)
        harness.pass(milliseconds: 3000)
        #expect(leader(of: harness) == old)
    }

    /// Whose disk hangs answers, and cannot take over: it must not be tried again and again while others could.
    @Test func aLeaderWithoutRoomTriesAnotherMemberWhenOneDoesNotTakeOver() {
        var harness = MemberHarness(members: 5)
        let old = harness.elect()
        harness.pass(milliseconds: 300)
        let others = [0, 1, 2, 3, 4].filter { $0 != old }
        var asked: [Int] = []
        harness.onTheWay = { _, to, message in
            guard case .raft(let raft) = message, case .timeoutNow = raft.body else { return message }
            if asked.last != to { asked.append(to) }
            return others.prefix(2).contains(to) ? nil : message
        }
        fill([old], of: &harness)
        harness.pass(milliseconds: 2500)
        #expect(leader(of: harness) == others[2])
        #expect(asked == Array(others.prefix(3)))
    }

    @Test func aLeaderWhoseOnlyCandidateDidNotTakeOverTriesItAgain() {
        var harness = MemberHarness(members: 2)
        let old = harness.elect()
        harness.pass(milliseconds: 300)
        var lost = 0
        harness.onTheWay = { _, _, message in
            guard case .raft(let raft) = message, case .timeoutNow = raft.body, lost < 2 else { return message }
            lost += 1
            return nil
        }
        harness.unreachable = [1 - old]
        fill([old], of: &harness)
        harness.pass(milliseconds: 100)
        harness.unreachable = []
        harness.pass(milliseconds: 4000)
        #expect(leader(of: harness) == 1 - old)
    }

    @Test func membersThatFillUpAtOnceDoNotHandOverToEachOtherWithoutEnd() {
        var harness = MemberHarness(members: 3)
        _ = harness.elect()
        harness.pass(milliseconds: 300)
        let term = harness.replicas[0].status.standing.term
        fill([0, 1, 2], of: &harness)
        harness.pass(milliseconds: 3000)
        #expect(harness.replicas[0].status.standing.term <= term.next, "nobody had said yet that it is full")
    }

    @Test func onlyWithoutAQuorumOfRoomAreWritesRefusedAndDeletionsNever() {
        var harness = MemberHarness(members: 3)
        let first = harness.elect()
        harness.request(1, at: first, harness.put("/a", "1"))
        harness.settle()
        let spared = (first + 1) % 3
        fill([0, 1, 2].filter { $0 != spared }, of: &harness)
        harness.pass(milliseconds: 400)
        #expect(leader(of: harness) == spared)
        for member in 0..<3 { harness.request(UInt64(10 + member), at: member, harness.put("/x\(member)", "1")) }
        harness.pass(milliseconds: 100)
        for member in 0..<3 { #expect(harness.reply(to: UInt64(10 + member))?.failure == .noSpace, "at \(member)") }
        for member in 0..<3 { harness.request(UInt64(20 + member), at: member, harness.get("/a")) }
        harness.request(23, at: (spared + 1) % 3, delete("/a"))
        harness.pass(milliseconds: 100)
        for member in 0..<3 { #expect(harness.reply(to: UInt64(20 + member))?.failure == nil, "reads at \(member)") }
        #expect(harness.reply(to: 23)?.isApplied == true)

        fill([(spared + 1) % 3], of: &harness, isFull: false)
        harness.request(30, at: first, harness.put("/y", "1"))
        harness.pass(milliseconds: 100)
        #expect(harness.reply(to: 30)?.isApplied == true)
    }

    @Test func aMemberThatIsNotHeardOfDoesNotCountAsOneWithRoom() {
        var harness = MemberHarness(members: 3)
        let leader = harness.elect()
        let (full, dead) = ((leader + 1) % 3, (leader + 2) % 3)
        fill([full], of: &harness)
        harness.request(1, at: leader, harness.put("/a", "1"))
        harness.settle()
        #expect(harness.reply(to: 1)?.isApplied == true)
        harness.unreachable.insert(dead)
        harness.pass(milliseconds: 400)
        harness.request(2, at: leader, harness.put("/b", "1"))
        harness.pass(milliseconds: 100)
        #expect(harness.reply(to: 2)?.failure == .noSpace)
    }

    @Test func aWordThatThereIsRoomAgainMayBeLost() {
        var harness = MemberHarness(members: 3)
        let leader = harness.elect()
        let others = [0, 1, 2].filter { $0 != leader }
        fill(others, of: &harness)
        harness.pass(milliseconds: 2000)
        harness.request(1, at: leader, harness.put("/a", "1"))
        harness.pass(milliseconds: 100)
        #expect(harness.reply(to: 1)?.failure == .noSpace, "it was told again and again")
        harness.onTheWay = { if case .diskSpace = $2 { nil } else { $2 } }
        fill(others, of: &harness, isFull: false)
        harness.pass(milliseconds: 1100)
        harness.request(2, at: leader, harness.put("/a", "1"))
        harness.pass(milliseconds: 100)
        #expect(harness.reply(to: 2)?.isApplied == true)
    }

    @Test func aNewLeaderIsTold() {
        var harness = MemberHarness(members: 3)
        let old = harness.elect()
        let others = [0, 1, 2].filter { $0 != old }
        fill(others, of: &harness)
        harness.request(1, at: old, .transferLeadership(to: "m\(others[0] + 1)"))
        harness.pass(milliseconds: 20)
        // Whoever leads without room gives leadership back to the one that has some.
        harness.pass(milliseconds: 1500)
        #expect(leader(of: harness) == old)
        harness.request(2, at: old, harness.put("/a", "1"))
        harness.pass(milliseconds: 100)
        #expect(harness.reply(to: 2)?.failure == .noSpace)
    }

    // MARK: Snapshots

    @Test func aSnapshotThatFindsNoRoomIsThrownAwayAndAnotherOneIsMadeLater() throws {
        let disk = SimulatedDisk(seed: 1)
        var worker = SnapshotWorker(try SnapshotStore.open(disk).0, on: disk)
        let base = LogBase(
            position: LogPosition(index: LogIndex(1), term: Term(1), clock: 0),
            configuration: Configuration(members: [.init(id: MemberID(1), name: "a", peerAddress: "a:1")]))
        let header = SnapshotHeader(cluster: ClusterID(1), base: base)
        for room in [0, 1, 40, 100, 150] {
            disk.fill(leaving: room)
            worker.add(.write(header, StateMachine()))
            var results: [SnapshotResult] = []
            while worker.isBusy { results += try worker.step() }
            #expect(results.count == 1 && results.allSatisfy { if case .noRoomToWrite = $0 { true } else { false } })
            #expect(try disk.list().isEmpty)
        }
        disk.capacityBytes = nil
        worker.add(.write(header, StateMachine()))
        var written = 0
        while worker.isBusy {
            for case .written in try worker.step() { written += 1 }
        }
        #expect(written == 1)
    }

    @Test func aSnapshotIsTriedAgainAfterAPauseThatGrows() {
        var harness = MemberHarness(members: 1, snapshots: SnapshotSettings(logBytes: 100))
        _ = harness.elect()
        func jobs() -> Int {
            harness.replicas[0].takeEffects().snapshotJobs.count { if case .write = $0 { true } else { false } }
        }
        var asked: [UInt64] = []
        var sequence: UInt64 = 0
        harness.request(1, at: 0, harness.put("/a", String(repeating: "x", count: 200)))
        while asked.count < 8, harness.now < 400_000 {
            harness.now += 10
            harness.replicas[0].step(.tick(now: harness.now, wallMilliseconds: 1))
            let effects = harness.replicas[0].takeEffects()
            for write in effects.logWrites { sequence = max(sequence, write.sequence.rawValue) }
            harness.replicas[0].step(.logDurable(WriteSequence(sequence)))
            let isAsked = effects.snapshotJobs.contains { if case .write = $0 { true } else { false } } || jobs() > 0
            guard isAsked else { continue }
            asked.append(harness.now)
            harness.replicas[0].step(.snapshot(.noRoomToWrite))
        }
        let pauses = zip(asked, asked.dropFirst()).map { ($1 - $0) / 1000 }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60])
    }
}
