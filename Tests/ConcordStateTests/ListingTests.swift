import ConcordModel
import ConcordState
import Testing

@Suite struct ListingTests {
    @Test func `both listings are in the byte order of keys`() {
        var machine = StateMachine()
        for key in ["/b", "/a", "/a/z", "/a/b", "/a/b/c", "/a!", "/a0", "/a/b!"] { machine.put(key) }
        #expect(machine.names("/") == ["/a", "/a!", "/a0", "/b"])
        #expect(machine.names("/a") == ["/a/b", "/a/b!", "/a/z"])
        #expect(machine.names("/a", .subtree) == ["/a/b", "/a/b!", "/a/b/c", "/a/z"])
        #expect(
            machine.names("/", .subtree) == ["/a", "/a!", "/a/b", "/a/b!", "/a/b/c", "/a/z", "/a0", "/b"])
        #expect(machine.names("/none") == nil)
    }

    @Test func `all pages show the revision of the first`() {
        var machine = StateMachine()
        for number in 10..<30 { machine.put("/d\(number)/x", "v\(number)", parents: true) }
        let first = machine.page("/", .subtree, .values, nodesMax: 7)
        #expect(first?.hasMore == true && first?.nodes.count == 7)
        let revision = machine.revision.rawValue
        // Between the pages: changed, gone, gone with its parent, new.
        machine.put("/d20/x", "changed")
        machine.delete("/d21/x")
        machine.delete("/d22", recursive: true)
        machine.put("/d15/new")
        machine.delete("/d10", recursive: true)
        var names = first?.nodes.map(\.key.text) ?? []
        var values = first?.nodes.map(\.value) ?? []
        while let page = machine.page("/", .subtree, .values, at: revision, after: names.last, nodesMax: 7) {
            #expect(page.revision.rawValue == revision)
            names += page.nodes.map(\.key.text)
            values += page.nodes.map(\.value)
            guard page.hasMore else { break }
        }
        #expect(names == (10..<30).flatMap { ["/d\($0)", "/d\($0)/x"] })
        #expect(values == (10..<30).flatMap { [nil, Array("v\($0)".utf8)] })
    }

    @Test func `a directory that sorts before the cursor still shows its children`() {
        var machine = StateMachine()
        machine.put("/a/x", parents: true)
        machine.put("/a!")
        let revision = machine.revision.rawValue
        machine.delete("/a", recursive: true)
        #expect(machine.page("/", .subtree, .names, at: revision, after: "/a!")?.nodes.map(\.key.text) == ["/a/x"])
    }

    @Test func `a page is bounded by nodes and bytes but never empty`() {
        var machine = StateMachine()
        for number in 0..<5 { machine.put("/\(number)", "12345678") }
        #expect(machine.page("/", .children, .values, bytesMax: 29)?.nodes.count == 2)
        #expect(machine.page("/", .children, .values, bytesMax: 30)?.nodes.count == 3)
        #expect(machine.page("/", .children, .names, bytesMax: 6)?.nodes.count == 3)
        #expect(machine.page("/", .children, .values, bytesMax: 1)?.nodes.count == 1)
        #expect(machine.page("/", .children, .values, nodesMax: 0)?.nodes.count == 1)
        #expect(machine.page("/", .children, .names, nodesMax: 5)?.hasMore == false)
        #expect(machine.page("/", .children, .names, nodesMax: 4)?.hasMore == true)
        #expect(machine.page("/", .children, .names, after: "/4")?.nodes.isEmpty == true)
        #expect(machine.page("/", .children, .names)?.nodes.allSatisfy { $0.value == nil } == true)
    }

    @Test func `counts count everything, or what comes after a key`() {
        var machine = StateMachine()
        for number in 10..<20 { machine.put("/d/\(number)/x", parents: true) }
        #expect(machine.page("/d", .children, .count, nodesMax: 1)?.count == 10)
        #expect(machine.page("/d", .subtree, .count, nodesMax: 1)?.count == 20)
        #expect(machine.page("/d", .children, .count, after: "/d/14")?.count == 5)
        #expect(machine.page("/d", .subtree, .count, at: 3)?.count == 6)
        #expect(machine.page("/d", .children, .count, at: 3)?.count == 3)
        #expect(machine.page("/d", .children, .count)?.childRevision == machine.revision)
    }

    /// A scan over the grandchildren would look at a million nodes for each of these listings.
    @Test func `children are listed past their subtrees`() {
        var machine = StateMachine(settings: [SettingValue(.historyBytesMax, 0)])
        for child in 0..<10 {
            machine.put("/\(child)")
            for grandchild in 0..<3000 { machine.put("/\(child)/\(grandchild)") }
        }
        for _ in 0..<3000 { #expect(machine.names("/")?.count == 10) }
    }
}
