import ConcordModel
import ConcordState
import Testing

@Suite struct TreeTests {
    @Test func `an empty tree has a root and nothing else`() {
        let machine = StateMachine()
        #expect(machine.revision == .zero && machine.nodesCount == 0 && machine.epoch == .zero)
        #expect(machine.node("/")?.version == 0 && machine.node("/")?.childrenCount == 0)
        #expect(machine.names("/") == [] && machine.names("/", .subtree) == [])
        #expect(machine.answer(.node(NodeQuery(key: Key(text: "/a")))) == .notFound)
        expectConsistent(machine)
    }

    @Test func `a node carries the counters of its life`() throws {
        var machine = StateMachine()
        let made = machine.put("/a", "one")
        #expect(made.revision == Revision(1) && made.result?.status == .created)
        #expect(made.result?.node?.value == nil && made.result?.number == nil)
        machine.put("/a/b", "child")
        machine.put("/a/c")
        let replaced = machine.put("/a", "two")
        machine.delete("/a/b")
        #expect(replaced.result?.status == .replaced && replaced.revision == Revision(4))
        let node = try #require(machine.node("/a"))
        #expect(node.value == Array("two".utf8) && node.version == 2)
        #expect(node.createRevision == Revision(1) && node.modifyRevision == Revision(4))
        #expect(node.childRevision == Revision(5) && node.childVersion == 3 && node.childrenCount == 1)
        #expect(machine.node("/")?.childrenCount == 1 && machine.nodesCount == 2)
    }

    @Test func `a value may be missing, empty or any bytes`() {
        var machine = StateMachine()
        machine.put("/a", nil)
        #expect(machine.node("/a") != nil && machine.node("/a")?.value == nil)
        machine.put("/a", "")
        #expect(machine.node("/a")?.value == [])
        machine.put("/a", nil)
        #expect(machine.node("/a")?.value == nil && machine.node("/a")?.version == 3)
        guard case .node(let node) = machine.answer(.node(NodeQuery(key: Key(text: "/a"), withValue: false))) else {
            Issue.record("the node is gone")
            return
        }
        #expect(node.value == nil)
    }

    @Test func `a missing parent is refused or made`() {
        var machine = StateMachine()
        let refused = machine.put("/a/b/c", "x")
        #expect(refused.code == .parentNotFound && refused.refusal?.key == Key(text: "/a/b"))
        #expect(machine.revision == .zero && refused.revision == .zero)
        let made = machine.put("/a/b/c", "x", parents: true)
        #expect(made.revision == Revision(1) && machine.nodesCount == 3)
        #expect(machine.node("/a")?.value == nil && machine.node("/a")?.childrenCount == 1)
        #expect(machine.node("/a/b")?.createRevision == Revision(1) && machine.value("/a/b/c") == "x")
        #expect(machine.events(after: .zero, limit: 10).map(\.key.text) == ["/a", "/a/b", "/a/b/c"])
    }

    @Test func `a flat front end asks for no parent and touches no counter`() {
        var machine = StateMachine()
        machine.put("/a")
        machine.put("/a/b", needsParent: false)
        machine.put("/x/y/z", needsParent: false)
        machine.put("flat", needsParent: false)
        #expect(machine.node("/a")?.childrenCount == 0 && machine.node("/a")?.childVersion == 0)
        #expect(machine.names("/a") == ["/a/b"] && machine.page("/a", .children, .count)?.count == 1)
        #expect(machine.names("/", .subtree) == ["/a", "/a/b", "/x/y/z"])
        #expect(machine.node("flat") != nil && machine.nodesCount == 4)
        #expect(machine.delete("/a/b").result?.number == 1)
        #expect(machine.node("/a")?.childVersion == 0)
        machine.put("/a/b", needsParent: false)
        #expect(machine.delete("/a").result?.status == .deleted)
        #expect(machine.node("/a/b") != nil)
        // A parent that comes later counts only what comes after it.
        machine.put("/a")
        machine.put("/a/c")
        #expect(machine.node("/a")?.childrenCount == 1 && machine.names("/a") == ["/a/b", "/a/c"])
        #expect(machine.delete("/a", recursive: true).result?.number == 3)
        expectConsistent(machine)
    }

    @Test func `the root is written by nobody`() {
        var machine = StateMachine()
        machine.put("/a")
        #expect(machine.put("/").code == .invalidRequest)
        #expect(machine.increment("/").code == .invalidRequest)
        #expect(machine.delete("/").code == .invalidRequest)
        #expect(machine.delete("/", recursive: true, batch: 5).code == .invalidRequest)
        #expect(machine.revision == Revision(1) && machine.nodesCount == 1)
        #expect(machine.sequential("/", "s-", width: 3).result?.key.text == "/s-001")
    }

    @Test func `a key without a root above it needs a front end that asks for none`() {
        var machine = StateMachine()
        #expect(machine.put("x").code == .invalidRequest)
        #expect(machine.put("x/y", parents: true).code == .invalidRequest)
        #expect(machine.put("x", needsParent: false).result?.status == .created)
        #expect(machine.put("x/y").result?.status == .created)
        #expect(machine.names("x") == ["x/y"] && machine.node("x")?.childrenCount == 1)
    }

    @Test func `conditions are judged against the node as it is`() {
        var machine = StateMachine()
        let absent = machine.put("/a", condition: .exists)
        #expect(absent.code == .revisionMismatch && absent.refusal?.node == nil)
        #expect(machine.put("/a", condition: .modifiedAt([Revision(0), Revision(1)])).code == .revisionMismatch)
        #expect(machine.put("/a", "v", condition: .absent).result?.status == .created)
        let exists = machine.put("/a", condition: .absent)
        #expect(exists.code == .alreadyExists && exists.refusal?.node?.value == Array("v".utf8))
        #expect(exists.revision == Revision(1) && machine.revision == Revision(1))
        #expect(machine.put("/a", "w", condition: .exists).revision == Revision(2))
        let stale = machine.put("/a", condition: .modifiedAt([Revision(1)]))
        #expect(stale.code == .revisionMismatch && stale.refusal?.node == machine.node("/a"))
        #expect(machine.put("/a", "x", condition: .modifiedAt([Revision(1), Revision(2)])).revision == Revision(3))
        #expect(machine.put("/a", condition: .modifiedAt([])).code == .revisionMismatch)
        #expect(machine.delete("/a", condition: .modifiedAt([Revision(2)])).code == .revisionMismatch)
        #expect(machine.delete("/a", condition: .absent).code == .alreadyExists)
        #expect(machine.delete("/b", condition: .exists).code == .revisionMismatch)
        #expect(machine.delete("/b").code == .notFound)
        #expect(machine.delete("/a", condition: .modifiedAt([Revision(3)])).result?.status == .deleted)
        #expect(machine.increment("/n", condition: .exists).code == .revisionMismatch)
        // The condition comes before the parent, so that nothing is told of a parent which was not asked for.
        #expect(machine.put("/p/q", condition: .exists).code == .revisionMismatch)
    }

    @Test func `strange keys are only bytes`() {
        var machine = StateMachine()
        let keys: [[UInt8]] = [
            [], [0x2F], [0x2F, 0x2F], [0x2F, 0x2F, 0x2F], [0], [0x2F, 0], [0xFF, 0xFE], [0x2F, 0xC3, 0x28],
            [0x2F, 0x61, 0x2F],
            [UInt8](repeating: 0x2F, count: 60), [UInt8](repeating: 0xFF, count: 4096),
        ]
        for bytes in keys {
            let key = Key(bytes)
            for flags in 0..<4 {
                let put = PutOperation(
                    key: key, value: bytes, createsParents: flags & 1 == 0, needsParent: flags & 2 == 0)
                _ = machine.apply(Command(operation: .put(put)))
            }
            _ = machine.apply(Command(operation: .increment(IncrementOperation(key: key, amount: .min))))
            for width in [0, 1, 20, 21, 255] as [UInt8] {
                let create = CreateSequentialOperation(parent: key, prefix: bytes, value: nil, width: width)
                _ = machine.apply(Command(operation: .createSequential(create)))
            }
            for scope in [ListQuery.Scope.children, .subtree] {
                for after in keys {
                    let query = ListQuery(
                        key: key, scope: scope, detail: .values, at: Revision(1), after: Key(after), nodesMax: -1,
                        bytesMax: -1)
                    _ = machine.answer(.list(query))
                }
            }
            expectConsistent(machine)
        }
        for bytes in keys {
            let delete = DeleteOperation(key: Key(bytes), recursive: true, batch: .max)
            _ = machine.apply(Command(operation: .delete(delete)))
        }
        expectConsistent(machine)
    }

    @Test func `what a leader decided in another term does nothing`() {
        var machine = StateMachine()
        machine.beginEntry(epoch: Epoch(4), clock: 10)
        let put = Operation.put(PutOperation(key: Key(text: "/a"), value: nil))
        let hash = machine.stateHash
        let origin = Origin(member: 1, boot: 1, sequence: 1, done: 0)
        #expect(machine.apply(Command(operation: put, origin: origin, decidedIn: Epoch(3))).code == .otherTerm)
        #expect(machine.apply(Command(operation: put, decidedIn: Epoch(5))).code == .otherTerm)
        #expect(machine.stateHash == hash && machine.revision == .zero)
        #expect(machine.apply(Command(operation: put, decidedIn: Epoch(4))).result?.status == .created)
    }

    @Test func `the cluster clock never goes back`() {
        var machine = StateMachine()
        machine.beginEntry(epoch: Epoch(1), clock: 100)
        machine.beginEntry(epoch: Epoch(2), clock: 50)
        #expect(machine.clock == 100 && machine.epoch == Epoch(2))
    }
}
