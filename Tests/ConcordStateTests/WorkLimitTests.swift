import ConcordModel
import ConcordState
import Testing

/// No question may hold up the loop: what would be too much to look at is refused, and a page ends early.
@Suite struct WorkLimitTests {
    private let stepsMax = UInt64(StateLimits.stepsPerAnswerMax)

    private func answer(_ machine: StateMachine, _ key: String, at revision: UInt64) -> QueryResult {
        machine.answer(.node(NodeQuery(key: Key(text: key), at: Revision(revision))))
    }

    private func listing(
        _ machine: StateMachine, _ detail: ListQuery.Detail, _ scope: ListQuery.Scope = .children, at revision: UInt64
    ) -> QueryResult {
        machine.answer(
            .list(
                ListQuery(
                    key: Key(text: "/d"), scope: scope, detail: detail, at: Revision(revision), nodesMax: 1000,
                    bytesMax: 4 << 20)))
    }

    @Test func `a node that has changed too often since is refused, and the last one that has not is told`() {
        var machine = StateMachine()
        machine.put("/n", "first")
        // One look for each change after the revision, and one at the event of the revision itself.
        for _ in 1..<stepsMax { machine.put("/n") }
        #expect(machine.value("/n", at: 1) == "first")
        machine.put("/n")
        #expect(answer(machine, "/n", at: 1) == .tooMuchWork)
        #expect(machine.node("/n", at: 2)?.version == 2)
        #expect(machine.node("/n")?.version == stepsMax + 1)
    }

    @Test func `a directory in which too much was created and deleted since is refused`() {
        var machine = StateMachine()
        machine.put("/d")
        for _ in 0..<stepsMax / 2 {
            machine.put("/d/x")
            machine.delete("/d/x")
        }
        for detail in [ListQuery.Detail.names, .count] {
            #expect(listing(machine, detail, at: 1) == .tooMuchWork)
            #expect(listing(machine, detail, .subtree, at: 1) == .tooMuchWork)
        }
        #expect(machine.page("/d", .children, .count, at: stepsMax / 4 * 3)?.count == 1)
        #expect(machine.page("/d")?.nodes.isEmpty == true)
    }

    @Test func `a page ends where the budget does, and the pages together are whole`() {
        var machine = StateMachine()
        machine.put("/d")
        for child in 10..<30 { machine.put("/d/\(child)") }
        let revision = machine.revision.rawValue
        for child in 10..<30 {
            for _ in 0..<stepsMax / 8 { machine.put("/d/\(child)", "changed") }
        }
        #expect(listing(machine, .count, at: revision) == .tooMuchWork)
        for scope in [ListQuery.Scope.children, .subtree] {
            var names: [String] = []
            var pages = 0
            while let page = machine.page("/d", scope, .values, at: revision, after: names.last) {
                #expect(page.nodes.allSatisfy { $0.value == [] } && page.nodes.count <= 7)
                names += page.nodes.map(\.key.text)
                pages += 1
                guard page.hasMore else { break }
                guard !page.nodes.isEmpty else {
                    Issue.record("a page made no progress")
                    return
                }
            }
            #expect(names == (10..<30).map { "/d/\($0)" })
            #expect(pages == 3)
        }
    }

    /// Whoever was deleted or created since costs little, so that long listings survive busy times.
    @Test func `a large directory is listed while tens of thousands come and go`() {
        var machine = StateMachine()
        machine.put("/d")
        for child in 10_000..<12_000 { machine.put("/d/\(child)") }
        let revision = machine.revision.rawValue
        for child in 20_000..<50_000 { machine.put("/d/\(child)") }
        for child in 10_000..<10_500 { machine.delete("/d/\(child)") }
        for child in 10_000..<10_250 { machine.put("/d/\(child)", "again") }
        for child in 20_000..<50_000 { machine.delete("/d/\(child)") }
        var names: [String] = []
        while let page = machine.page("/d", at: revision, after: names.last, nodesMax: 500) {
            names += page.nodes.map(\.key.text)
            guard page.hasMore, !page.nodes.isEmpty else { break }
        }
        #expect(names == (10_000..<12_000).map { "/d/\($0)" })
    }

    @Test func `a repeated write whose node has changed too often since is answered without it`() {
        var machine = StateMachine()
        let write = Command(
            operation: .put(PutOperation(key: Key(text: "/n"), value: [1])),
            origin: Origin(member: 1, boot: 1, sequence: 1, done: 0), retry: .none)
        let first = machine.apply(write)
        for _ in 1..<stepsMax { machine.put("/n") }
        #expect(machine.apply(write).verdict == first.verdict)
        machine.put("/n")
        let again = machine.apply(write)
        #expect(again.replayed && again.valuesOmitted && again.revision == first.revision)
        #expect(again.result?.status == .created && again.result?.node == nil)
    }
}
