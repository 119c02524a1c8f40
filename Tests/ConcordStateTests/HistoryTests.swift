import ConcordModel
import ConcordState
import Testing

@Suite struct HistoryTests {
    @Test func `a node is read as it was at every revision of its lives`() {
        var machine = StateMachine()
        machine.put("/a", "one")
        machine.put("/a", "two")
        machine.delete("/a")
        machine.put("/b")
        machine.put("/a", "three")
        #expect((0...5).map { machine.value("/a", at: $0) } == [nil, "one", "two", nil, nil, "three"])
        #expect(machine.node("/a", at: 2)?.version == 2 && machine.node("/a", at: 2)?.modifyRevision == Revision(2))
        #expect(machine.node("/a", at: 5)?.version == 1)
        #expect(machine.answer(.node(NodeQuery(key: .root, at: Revision(6)))) == .futureRevision(current: Revision(5)))
    }

    @Test func `what a node knew of its children is remembered across its lives`() {
        var machine = StateMachine()
        machine.put("/a")
        machine.put("/a/x")
        machine.put("/a/y")
        machine.delete("/a/x")
        machine.delete("/a", recursive: true)
        machine.put("/a")
        machine.put("/a/z")
        let counts = (1...7).map { machine.node("/a", at: $0)?.childrenCount }
        #expect(counts == [0, 1, 2, 1, nil, 0, 1])
        #expect((1...7).map { machine.node("/a", at: $0)?.childVersion } == [0, 1, 2, 3, nil, 0, 1])
        let revisions = (1...7).map { machine.node("/a", at: $0)?.childRevision.rawValue }
        #expect(revisions == [1, 2, 3, 4, nil, 6, 7])
    }

    @Test func `the floor follows the number of revisions`() {
        var machine = StateMachine(settings: [SettingValue(.historyRevisionsMax, 3)])
        for number in 1...10 { machine.put("/a", "\(number)") }
        #expect(machine.historyFloor == Revision(8))
        #expect(machine.value("/a", at: 8) == "8" && machine.value("/a", at: 9) == "9")
        let below = NodeQuery(key: Key(text: "/a"), at: Revision(7))
        #expect(machine.answer(.node(below)) == .compacted(firstAvailable: Revision(8)))
        let list = ListQuery(
            key: .root, scope: .children, detail: .names, at: Revision(7), nodesMax: 1, bytesMax: 1)
        #expect(machine.answer(.list(list)) == .compacted(firstAvailable: Revision(8)))
        #expect(machine.events(after: Revision(7), limit: 9).map(\.revision.rawValue) == [8, 9, 10])
        // What changes no node forgets nothing.
        machine.put("/a", condition: .absent)
        #expect(machine.historyFloor == Revision(8))
        expectConsistent(machine)
    }

    @Test func `the floor follows the bytes of what was replaced`() {
        let event = StateLimits.eventBytes
        var machine = StateMachine(settings: [SettingValue(.historyBytesMax, 2 * (event + 2 + 100))])
        let value = String(repeating: "x", count: 100)
        for _ in 1...4 { machine.put("/a", value) }
        // The creation replaced nothing; each later put replaced 100 bytes.
        #expect(machine.historyFloor == Revision(3))
        machine.put("/a", value + "x")
        #expect(machine.historyFloor == Revision(4))
        machine.put("/a", value)
        #expect(machine.historyFloor == Revision(6))
        expectConsistent(machine)
    }

    @Test func `without history only the present is there`() {
        var machine = StateMachine(settings: [SettingValue(.historyBytesMax, 0)])
        machine.put("/a/b", "x", parents: true)
        machine.put("/a/b", "y")
        machine.delete("/a/b")
        #expect(machine.historyFloor == Revision(4) && machine.revision == Revision(3))
        #expect(machine.names("/a", at: 3) == [] && machine.events(after: .zero, limit: 9).isEmpty)
        let below = NodeQuery(key: Key(text: "/a"), at: Revision(2))
        #expect(machine.answer(.node(below)) == .compacted(firstAvailable: Revision(3)))
        machine.delete("/a")
        machine.put("/a")
        #expect(machine.node("/a")?.childVersion == 0)
        expectConsistent(machine)
    }

    @Test func `revisions are forgotten whole`() {
        var machine = StateMachine(settings: [SettingValue(.historyBytesMax, 10 * (StateLimits.eventBytes + 10))])
        machine.put("/a/b/c/d/e/f", parents: true)
        #expect(machine.historyFloor == .zero)
        for _ in 0..<5 { machine.put("/x") }
        #expect(machine.historyFloor == Revision(2))
        #expect(machine.events(after: .zero, limit: 1).first?.revision == Revision(2))
    }

    @Test func `a lowered bound is reached in steps, and never by a stop`() {
        var machine = StateMachine()
        for number in 0..<100_000 { machine.put("/n\(number % 100)") }
        machine.set(.historyRevisionsMax, 10)
        #expect(machine.historyFloor == Revision(StateLimits.eventsDroppedMax + 1))
        for _ in 0..<4 { machine.put("/a") }
        #expect(machine.historyFloor == Revision(99_995) && machine.revision == Revision(100_004))
        expectConsistent(machine)
    }

    @Test func `events come in whole revisions`() {
        var machine = StateMachine()
        machine.put("/a/b", "v", parents: true)
        machine.put("/a/b", "w")
        machine.delete("/a", recursive: true)
        #expect(machine.events(after: .zero, limit: 0).map(\.key.text) == ["/a", "/a/b"])
        #expect(machine.events(after: .zero, limit: 2).count == 2)
        #expect(machine.events(after: .zero, limit: 3).count == 3)
        #expect(machine.events(after: .zero, limit: 4).count == 3)
        #expect(machine.events(after: .zero, limit: 5).count == 5)
        let last = machine.events(after: Revision(2), limit: 1)
        #expect(last.map(\.kind) == [.delete, .delete] && last.map(\.value) == [nil, nil])
        #expect(last.map(\.previousRevision) == [Revision(2), Revision(1)] && last[0].version == 2)
        #expect(last.allSatisfy { $0.cause == .client && $0.lease == nil })
        #expect(machine.events(after: Revision(3), limit: 5).isEmpty)
    }

    @Test func `an event carries the wall time of its command`() {
        var machine = StateMachine()
        let put = Operation.put(PutOperation(key: Key(text: "/a"), value: nil))
        _ = machine.apply(Command(operation: put, wallMilliseconds: 1_700_000_000_123))
        #expect(machine.events(after: .zero, limit: 1).first?.wallMilliseconds == 1_700_000_000_123)
    }

    /// With a scan over what is gone this test would take hours.
    @Test func `a directory stays fast after a hundred thousand siblings came and went`() {
        var machine = StateMachine()
        machine.put("/q")
        for _ in 0..<50_000 {
            machine.sequential("/q", "i-")
            guard let name = machine.page("/q", nodesMax: 1)?.nodes.first?.key.text else {
                Issue.record("the queue is empty")
                return
            }
            machine.delete(name)
            #expect(machine.page("/q", .children, .count)?.count == 0)
        }
        #expect(machine.names("/q") == [])
        let present = machine.revision.rawValue
        // The past costs what changed since.
        for back in 0..<1000 as Range<UInt64> {
            #expect(machine.names("/q", at: present - back)?.count == Int(back % 2))
        }
    }
}
