import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordState
import ConcordStorage
import Testing

/// Backups from the point of view of whoever asks for one.
@Suite struct BackupReplicaTests {
    private func backup(_ harness: MemberHarness, _ id: UInt64) -> BackupSource? {
        guard case .backup(let source)? = harness.reply(to: id)?.result else { return nil }
        return source
    }

    private func value(_ source: BackupSource?, _ path: String) -> String? {
        guard case .node(let node)? = source?.state.answer(.node(NodeQuery(key: Key(text: path)))),
            let value = node.value
        else { return nil }
        return String(decoding: value, as: UTF8.self)
    }

    @Test func aBackupOfAnyMemberHasWhatWasAcknowledgedBefore() throws {
        var harness = MemberHarness(members: 3)
        let leader = harness.elect()
        for member in 0..<3 {
            let (write, ask) = (UInt64(10 + member), UInt64(20 + member))
            harness.request(write, at: leader, harness.put("/a", "value \(member)"))
            while harness.reply(to: write) == nil { harness.pass(milliseconds: 1) }
            harness.request(ask, at: member, .backup(.linearizable, minimum: .zero))
            harness.pass(milliseconds: 100)
            let source = try #require(backup(harness, ask))
            #expect(value(source, "/a") == "value \(member)")
            #expect(source.header.base.position.index == harness.replicas[leader].appliedIndex)
            #expect(source.header.base.position.term.rawValue == source.state.epoch.rawValue)
            #expect(source.header.base.configuration.members.count == 3)
            #expect(source.header.cluster == harness.replicas[0].record.clusterID)
        }
    }

    @Test func aBackupStaysAsItIsWhileItsMemberGoesOn() throws {
        var harness = MemberHarness(members: 1)
        let leader = harness.elect()
        harness.request(1, at: leader, harness.put("/a", "old"))
        harness.pass(milliseconds: 10)
        harness.request(2, at: leader, .backup(.linearizable, minimum: .zero))
        harness.pass(milliseconds: 10)
        let source = try #require(backup(harness, 2))
        let hash = source.state.stateHash
        harness.request(3, at: leader, harness.put("/a", "new"))
        harness.pass(milliseconds: 10)
        #expect(source.state.recomputedHash() == hash && value(source, "/a") == "old")
        #expect(harness.replicas[leader].state.stateHash != hash)
    }

    @Test func aLocalBackupNeedsNoLeaderAndMayBeOldOrWaitForARevision() throws {
        var harness = MemberHarness(members: 3)
        let leader = harness.elect()
        let cut = (leader + 1) % 3
        harness.request(1, at: leader, harness.put("/a", "old"))
        harness.pass(milliseconds: 200)
        harness.unreachable = [cut]
        harness.request(2, at: leader, harness.put("/a", "new"))
        harness.pass(milliseconds: 50)
        harness.request(3, at: cut, .backup(.local, minimum: .zero))
        harness.request(4, at: cut, timeout: 200, .backup(.local, minimum: Revision(2)))
        harness.request(5, at: cut, timeout: 200, .backup(.linearizable, minimum: .zero))
        harness.pass(milliseconds: 20)
        #expect(value(backup(harness, 3), "/a") == "old")
        #expect(harness.reply(to: 4) == nil && harness.reply(to: 5) == nil)
        harness.pass(milliseconds: 500)
        for id: UInt64 in [4, 5] { #expect(harness.reply(to: id)?.failure != nil) }
        harness.unreachable = []
        harness.request(6, at: cut, timeout: 5000, .backup(.local, minimum: Revision(2)))
        harness.pass(milliseconds: 3000)
        #expect(value(backup(harness, 6), "/a") == "new")
    }

    @Test func aMemberThatBelongsToNoClusterYetHasNothingToBackUp() {
        var harness = MemberHarness(members: 1)
        _ = harness.elect()
        harness.addJoiner()
        harness.request(1, at: 1, .backup(.local, minimum: .zero))
        harness.settle()
        #expect(harness.reply(to: 1)?.failure == .recovering)
    }
}
