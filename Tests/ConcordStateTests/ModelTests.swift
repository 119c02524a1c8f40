import ConcordBytes
import ConcordModel
import ConcordState
import Testing

/// Random commands over a small key space, each answer compared with the naive tree's. A twin is made of its own image
/// now and then, and goes on from there.
@Suite struct ModelTests {
    @Test(arguments: 0..<160) func `the tree does what the naive tree does`(seed: UInt64) throws {
        var run = ModelRun(seed: seed, commands: 150)
        try run.go()
    }

    @Test(arguments: 1000..<1004) func `a larger tree does what the naive tree does`(seed: UInt64) throws {
        var run = ModelRun(seed: seed, commands: 1500)
        run.names = (0..<40).map { "n\($0)" }
        run.checksEvery = 50
        try run.go()
    }
}

struct ModelRun {
    let seed: UInt64
    let commands: Int
    var random: SeededRandom
    var names = ["a", "b", "a!", "a0", ""]
    var checksEvery = 1
    var machine: StateMachine
    var twin: StateMachine
    var naive = NaiveTree()
    var wall: UInt64 = 0

    init(seed: UInt64, commands: Int) {
        self.seed = seed
        self.commands = commands
        random = SeededRandom(seed: seed)
        // Some runs forget by revisions, some by bytes, some nothing.
        let settings: [SettingValue] =
            switch seed % 4 {
            case 0: [SettingValue(.historyRevisionsMax, 20)]
            case 1: [SettingValue(.historyBytesMax, 8000)]
            case 2: [SettingValue(.nodesChangedMax, 4), SettingValue(.historyRevisionsMax, 60)]
            default: []
            }
        machine = StateMachine(settings: settings)
        twin = StateMachine(settings: settings)
    }

    mutating func go() throws {
        for step in 0..<commands {
            let before = machine
            let hashBefore = machine.stateHash
            wall += random.below(3)
            let command = Command(operation: randomOperation(), wallMilliseconds: wall)
            let outcome = machine.apply(command)
            let expected = naive.apply(command.operation, nodesChangedMax: machine.setting(.nodesChangedMax))
            compare(outcome, expected, command)
            #expect(machine.revision.rawValue == naive.revision, "seed \(seed)")
            #expect(machine.nodesCount == UInt64(naive.nodes.count - 1), "seed \(seed)")
            #expect(twin.apply(command) == outcome, "seed \(seed)")
            #expect(twin.stateHash == machine.stateHash, "seed \(seed)")
            guard step % checksEvery == 0 else { continue }
            if step % (3 * checksEvery) == 0 {
                twin = try twin.reloaded()
                #expect(twin.recomputedHash() == machine.stateHash, "seed \(seed) step \(step)")
                check(twin, present: naive.revision)
            }
            #expect(machine.recomputedHash() == machine.stateHash, "seed \(seed) step \(step)")
            #expect(before.stateHash == hashBefore && before.recomputedHash() == hashBefore, "seed \(seed)")
            check(machine, present: naive.revision)
            if outcome.revision > before.revision { check(before, present: naive.revision - 1) }
        }
        checkEvents()
        machine = twin
        checkEvents()
    }

    private func compare(_ outcome: Outcome, _ expected: NaiveTree.Answer, _ command: Command) {
        let comment = Comment(rawValue: "seed \(seed): \(command.operation)")
        #expect(outcome.revision.rawValue == naive.revision, comment)
        #expect(!outcome.replayed && !outcome.valuesOmitted, comment)
        switch (outcome.verdict, expected) {
        case (.applied(let results), .applied(let result)): #expect(results == [result], comment)
        case (.refused(let refusal), .refused(let code)):
            #expect(refusal.code == code, comment)
            if code == .revisionMismatch || code == .alreadyExists, let key = refusal.key {
                #expect(refusal.node == naive.node(key, at: naive.revision), comment)
            }
        default: Issue.record("seed \(seed): \(command.operation): \(outcome) where \(expected) was expected")
        }
    }

    // MARK: Reading

    private mutating func check(_ machine: StateMachine, present: UInt64) {
        for _ in 0..<3 {
            let floor = machine.historyFloor.rawValue
            let asked = random.chance(percent: 20) ? present : random.below(present + 2)
            let key = randomKey()
            let query = NodeQuery(key: key, at: Revision(asked))
            let answer = machine.answer(.node(query))
            let comment = Comment(rawValue: "seed \(seed): \(key.text) at \(asked) of \(present), floor \(floor)")
            if asked > present {
                #expect(answer == .futureRevision(current: Revision(present)), comment)
                continue
            }
            if asked < floor, asked != present {
                #expect(answer == .compacted(firstAvailable: Revision(min(floor, present))), comment)
                continue
            }
            #expect(answer == naive.node(key, at: asked).map { .node($0) } ?? .notFound, comment)
            checkListing(machine, key, at: asked, comment)
        }
    }

    private mutating func checkListing(_ machine: StateMachine, _ key: Key, at revision: UInt64, _ comment: Comment) {
        let scope: ListQuery.Scope = random.chance(percent: 50) ? .children : .subtree
        let values = random.chance(percent: 50)
        let expected = naive.list(key, scope, at: revision, withValue: values)
        let nodesMax = random.chance(percent: 50) ? 1000 : Int(random.below(4))
        let bytesMax = random.chance(percent: 50) ? 1 << 20 : Int(random.below(30))
        guard let listed = naive.node(key, at: revision) else {
            let query = ListQuery(
                key: key, scope: scope, detail: .names, at: Revision(revision), nodesMax: 1, bytesMax: 1)
            #expect(machine.answer(.list(query)) == .notFound, comment)
            return
        }
        var found: [Node] = []
        var after: Key?
        for _ in 0...expected.count {
            let query = ListQuery(
                key: key, scope: scope, detail: values ? .values : .names, at: Revision(revision), after: after,
                nodesMax: nodesMax, bytesMax: bytesMax)
            guard case .page(let page) = machine.answer(.list(query)) else {
                Issue.record(comment)
                return
            }
            #expect(page.revision.rawValue == revision && page.childRevision == listed.childRevision, comment)
            #expect(page.nodes.count <= max(1, nodesMax) && page.count == UInt64(page.nodes.count), comment)
            let bytes = page.nodes.reduce(0) { $0 + $1.key.bytes.count + ($1.value?.count ?? 0) }
            #expect(page.nodes.count <= 1 || bytes <= bytesMax, comment)
            found += page.nodes
            guard page.hasMore else { break }
            after = page.nodes.last?.key
        }
        #expect(found == expected, comment)
        let count = ListQuery(
            key: key, scope: scope, detail: .count, at: Revision(revision), nodesMax: 1, bytesMax: 1)
        guard case .page(let page) = machine.answer(.list(count)) else {
            Issue.record(comment)
            return
        }
        #expect(page.count == UInt64(expected.count) && page.nodes.isEmpty && !page.hasMore, comment)
    }

    private mutating func checkEvents() {
        var after = max(machine.historyFloor.rawValue, 1) - 1
        while after < naive.revision {
            let limit = Int(random.below(6))
            let events = machine.events(after: Revision(after), limit: limit)
            guard let last = events.last else {
                Issue.record("seed \(seed): no events after \(after)")
                return
            }
            let first = after + 1
            #expect(events.count <= limit || last.revision.rawValue == first, "seed \(seed)")
            for revision in first...last.revision.rawValue {
                let those = events.filter { $0.revision.rawValue == revision }
                let changes = naive.changes(of: revision)
                #expect(Set(those.map(\.key)) == Set(changes.keys) && those.count == changes.count, "seed \(seed)")
                for event in those { check(event, changes[event.key] ?? nil) }
            }
            after = last.revision.rawValue
        }
        #expect(machine.events(after: Revision(after), limit: 10).isEmpty)
    }

    private func check(_ event: Event, _ entry: NaiveTree.Entry?) {
        let before = naive.past[Int(event.revision.rawValue) - 1][event.key]
        #expect(event.previousRevision?.rawValue == before?.modifyRevision, "seed \(seed)")
        guard let known = entry ?? before else { return }
        #expect(event.kind == (entry == nil ? .delete : .put), "seed \(seed)")
        #expect(event.value == entry?.value, "seed \(seed)")
        #expect(event.version == known.version, "seed \(seed)")
        #expect(event.createRevision.rawValue == known.createRevision, "seed \(seed)")
    }

    // MARK: Choosing

    private mutating func randomKey() -> Key {
        if random.chance(percent: 3) { return [Key([]), Key(text: "x"), Key(text: "x/y")][Int(random.below(3))] }
        var text = ""
        for _ in 0...random.below(3) { text += "/" + names[Int(random.below(UInt64(names.count)))] }
        return Key(Array(text.utf8))
    }

    private mutating func randomCondition(_ key: Key) -> Condition {
        switch random.below(10) {
        case 0: .exists
        case 1: .absent
        case 2: .modifiedAt([Revision(random.below(naive.revision + 1)), Revision(0)])
        case 3: .modifiedAt([Revision(naive.nodes[key]?.modifyRevision ?? 7)])
        default: .none
        }
    }

    private mutating func randomValue() -> [UInt8]? {
        switch random.below(6) {
        case 0: nil
        case 1: []
        case 2: Array(String(Int64(bitPattern: random.next()) >> Int64(random.below(63))).utf8)
        default: [UInt8](repeating: UInt8(random.below(256)), count: Int(random.below(20)))
        }
    }

    private mutating func randomOperation() -> Operation {
        let key = randomKey()
        switch random.below(10) {
        case 0..<4:
            return .put(
                PutOperation(
                    key: key, value: randomValue(), condition: randomCondition(key),
                    createsParents: random.chance(percent: 30), needsParent: random.chance(percent: 85)))
        case 4:
            return .createSequential(
                CreateSequentialOperation(
                    parent: key, prefix: random.chance(percent: 50) ? [] : [0x61], value: randomValue(),
                    width: UInt8(random.below(20)) + 1, createsParents: random.chance(percent: 30)))
        case 5:
            return .increment(
                IncrementOperation(
                    key: key, amount: Int64(bitPattern: random.next()) >> Int64(random.below(64)),
                    condition: randomCondition(key)))
        default:
            let recursive = random.chance(percent: 30)
            return .delete(
                DeleteOperation(
                    key: key, condition: randomCondition(key), recursive: recursive,
                    batch: random.chance(percent: 40) ? UInt32(random.below(4)) : 0))
        }
    }
}
