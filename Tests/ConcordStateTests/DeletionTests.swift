import ConcordModel
import ConcordState
import Testing

@Suite struct DeletionTests {
    private func family(_ children: Int, _ settings: [SettingValue] = []) -> StateMachine {
        var machine = StateMachine(settings: settings)
        machine.put("/a", "top")
        for number in 0..<children { machine.put("/a/\(1000 + number)", "x") }
        return machine
    }

    @Test func `a node with children stays unless they go too`() {
        var machine = family(2)
        #expect(machine.delete("/a").code == .notEmpty && machine.revision == Revision(3))
        let gone = machine.delete("/a", recursive: true)
        #expect(gone.result?.number == 3 && gone.result?.status == .deleted && gone.revision == Revision(4))
        #expect(gone.result?.node?.version == 1 && gone.result?.node?.value == nil)
        #expect(machine.nodesCount == 0 && machine.node("/")?.childrenCount == 0)
        #expect(machine.events(after: Revision(3), limit: 9).map(\.key.text) == ["/a/1001", "/a/1000", "/a"])
        #expect(machine.delete("/a").code == .notFound)
        expectConsistent(machine)
    }

    @Test func `a subtree is what lies below, not what begins alike`() {
        var machine = StateMachine()
        for key in ["/a", "/a!", "/a/b", "/a/b/c", "/a0", "/ab"] { machine.put(key) }
        #expect(machine.delete("/a", recursive: true).result?.number == 3)
        #expect(machine.names("/", .subtree) == ["/a!", "/a0", "/ab"])
    }

    @Test func `one command changes so many nodes and no more`() {
        let lowered = [SettingValue(.nodesChangedMax, 5)]
        var machine = family(5, lowered)
        let refused = machine.delete("/a", recursive: true)
        #expect(refused.code == .limitExceeded && refused.refusal?.setting == .nodesChangedMax)
        #expect(refused.refusal?.number == 5 && machine.nodesCount == 6)
        machine.delete("/a/1000")
        #expect(machine.delete("/a", recursive: true).result?.number == 5)
        #expect(machine.put("/1/2/3/4/5/6", parents: true).code == .limitExceeded)
        #expect(machine.put("/1/2/3/4/5", parents: true).result?.status == .created)
        expectConsistent(machine)
    }

    @Test func `a batch works from the bottom up and the node goes last`() {
        var machine = StateMachine()
        machine.put("/a/b/c", "x", parents: true)
        machine.put("/a/d", "x")
        let first = machine.delete("/a", recursive: true, batch: 3)
        #expect(first.result?.number == 3 && first.result?.status == .deleted && first.result?.node == nil)
        #expect(machine.names("/", .subtree) == ["/a"])
        let second = machine.delete("/a", recursive: true, batch: 3)
        #expect(second.result?.number == 1 && second.result?.node?.createRevision == Revision(1))
        #expect(machine.delete("/a", recursive: true, batch: 3).code == .notFound)
        #expect(machine.revision == Revision(4))
    }

    @Test func `a batch that just fits takes the node along`() {
        var machine = family(4)
        let all = machine.delete("/a", recursive: true, batch: 5)
        #expect(all.result?.number == 5 && all.result?.node != nil && machine.nodesCount == 0)
        machine = family(5)
        let part = machine.delete("/a", recursive: true, batch: 5)
        #expect(part.result?.number == 5 && part.result?.node == nil && machine.nodesCount == 1)
    }

    @Test func `a batch is never larger than a command may be`() {
        var machine = family(8, [SettingValue(.nodesChangedMax, 4)])
        #expect(machine.delete("/a", recursive: true, batch: 1000).result?.number == 4)
        #expect(machine.delete("/a", recursive: true, batch: 1000).result?.number == 4)
        #expect(machine.delete("/a", recursive: true, batch: 1000).result?.number == 1)
    }

    @Test func `a condition on a batch holds until the node itself goes`() {
        var machine = family(3)
        let condition = Condition.modifiedAt([Revision(1)])
        #expect(machine.delete("/a", condition: condition, recursive: true, batch: 2).result?.number == 2)
        #expect(machine.delete("/a", condition: condition, recursive: true, batch: 2).result?.number == 2)
        #expect(machine.node("/a") == nil)
    }

    @Test func `a node made again is a new node`() {
        var machine = family(1)
        machine.delete("/a", recursive: true)
        machine.put("/a", "again")
        #expect(machine.node("/a")?.version == 1 && machine.node("/a")?.createRevision == Revision(4))
        #expect(machine.node("/a")?.childRevision == Revision(4) && machine.node("/a")?.childVersion == 0)
        #expect(machine.node("/a", at: 2)?.childVersion == 1 && machine.node("/a", at: 2)?.childrenCount == 1)
        #expect(machine.node("/a", at: 3) == nil)
    }
}
