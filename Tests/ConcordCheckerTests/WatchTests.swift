import ConcordChecker
import Testing

@Suite struct WatchTests {
    @Test func watchesThatKeepTheirPromisesAreValid() {
        for seed in 0..<400 {
            #expect(WatchChecker.check(WatchStory(seed: seed, fault: nil).operations) == .valid, "seed \(seed)")
        }
    }

    @Test(arguments: WatchStory.Fault.allCases)
    func eachBrokenPromiseIsFound(_ fault: WatchStory.Fault) {
        var planted = 0
        for seed in 0..<600 {
            let story = WatchStory(seed: seed, fault: fault)
            guard story.isPlanted else { continue }
            planted += 1
            let violation = WatchChecker.check(story.operations).violation
            #expect(violation != nil, "\(fault), seed \(seed)")
            guard let violation else { continue }
            #expect(fault.words.contains { violation.explanation.contains($0) }, "\(fault): \(violation.explanation)")
            #expect(violation.operations.count <= 4 && !violation.operations.isEmpty)
        }
        #expect(planted >= 100, "\(fault) was planted \(planted) times")
    }

    @Test func aWatchFromCompactedHistoryIsToldSo() {
        func verdict(from: Int, firstAvailable: Int) -> Verdict {
            var recorder = StoryRecorder()
            recorder.run(
                "watch", .fields(["from": .number(from)]), key: .text("/a"),
                .fields(["refused": .text("compacted"), "first_available": .number(firstAvailable)]))
            return WatchChecker.check(recorder.operations)
        }
        #expect(verdict(from: 5, firstAvailable: 9) == .valid)
        #expect(verdict(from: 9, firstAvailable: 9).violation != nil)
    }

    @Test func scopesAreTheNodeItsChildrenOrAllOfIt() {
        func fits(_ scope: String, _ path: String) -> Bool {
            var recorder = StoryRecorder()
            let argument = HistoryValue.fields(["scope": .text(scope), "after": .number(1)])
            _ = recorder.begin("put", .fields(["value": .text("v")]), key: .text(path))
            recorder.run("watch", argument, key: .text("/a"), process: .text("w"))
            let event = HistoryValue.fields(["type": .text("put"), "path": .text(path), "value": .text("v")])
            let document = HistoryValue.fields([
                "type": .text("events"), "revision": .number(2), "events": .list([event]),
            ])
            recorder.deliver("event", document, process: .text("w"))
            return WatchChecker.check(recorder.operations) == .valid
        }
        let paths = ["/a", "/a/b", "/a/b/c", "/ab", "/"]
        #expect(paths.filter { fits("node", $0) } == ["/a"])
        #expect(paths.filter { fits("children", $0) } == ["/a/b"])
        #expect(paths.filter { fits("subtree", $0) } == ["/a", "/a/b", "/a/b/c"])
    }

    @Test func aHarnessWritesDocumentsDownAsTheyCome() throws {
        let lines = """
            {"type":"invoke","process":"w","f":"watch","key":"/a","value":{"scope":"subtree"}}
            {"type":"ok","process":"w","f":"watch","value":null}
            {"type":"ok","process":"w","f":"event","value":{"type":"synced","revision":4}}
            {"type":"invoke","process":1,"f":"put","key":"/a/b","value":{"value":"x"}}
            {"type":"ok","process":1,"f":"put","key":"/a/b","value":{},"revision":5}
            {"type":"ok","process":"w","f":"event","value":{"type":"progress","revision":6}}
            """
        let missed = try HistoryReader.read([UInt8](lines.utf8)).operations
        #expect(missed.count == 4)
        #expect(WatchChecker.check(missed).violation?.explanation.contains("but not put /a/b at 5") == true)
        let told = lines.replacing(
            "\"type\":\"progress\",\"revision\":6",
            with: """
                "type":"events","revision":5,"events":[{"type":"put","path":"/a/b","value":"x","previous_revision":null}]
                """)
        #expect(try WatchChecker.check(HistoryReader.read([UInt8](told.utf8)).operations) == .valid)
    }

    /// Judges a watch of everything that is told these documents, after writes that are done or lost.
    private func verdict(
        _ documents: [[(type: String, path: String, value: HistoryValue)]], after write: (inout StoryRecorder) -> Void
    ) -> Verdict {
        var recorder = StoryRecorder()
        recorder.run(
            "watch", .fields(["scope": .text("subtree"), "after": .number(0)]), key: .text("/"), process: .text("w"))
        write(&recorder)
        for (number, events) in documents.enumerated() {
            let told = events.map {
                HistoryValue.fields(["type": .text($0.type), "path": .text($0.path), "value": $0.value])
            }
            recorder.deliver(
                "event",
                .fields(["type": .text("events"), "revision": .number(number + 1), "events": .list(told)]),
                process: .text("w"))
        }
        return WatchChecker.check(recorder.operations)
    }

    @Test(arguments: ["/", "/q", "/q/r"]) func aLostCreationInSequenceMadeItsParentsToo(_ parent: String) {
        func told(_ path: String, _ value: HistoryValue = .null) -> (String, String, HistoryValue) {
            ("put", path, value)
        }
        let parents = ["/q", "/q/r"].filter { $0 == parent || $0 + "/r" == parent }.map { told($0) }
        func isValid(_ last: (String, String, HistoryValue)) -> Bool {
            verdict([parents + [last]]) { recorder in
                let argument: [String: HistoryValue] = [
                    "prefix": .text("x"), "value": .text("v"), "parents": .bool(true),
                ]
                _ = recorder.begin("create-sequential", .fields(argument), key: .text(parent))
            } == .valid
        }
        let start = parent == "/" ? "/" : parent + "/"
        #expect(isValid(told(start + "x01", .text("v"))))
        #expect(!isValid(told(start + "x01", .text("w"))))
        #expect(!isValid(told(start + "y01", .text("v"))))
        #expect(!isValid(told(start + "x01/z", .text("v"))))
    }

    @Test func aBatchMayLeaveTheNodeItself() {
        func verdict(of number: Int, telling paths: [String]) -> Verdict {
            self.verdict([paths.map { ("delete", $0, .null) }]) { recorder in
                recorder.run(
                    "delete", .fields(["recursive": .bool(true), "batch": .number(2)]), key: .text("/e"),
                    .fields(["number": .number(number)]), revision: 1)
            }
        }
        #expect(verdict(of: 2, telling: ["/e/f", "/e/g"]) == .valid)
        #expect(verdict(of: 2, telling: ["/e", "/e/f"]) == .valid)
        #expect(verdict(of: 2, telling: ["/e/f"]).violation?.explanation.contains("but not the others") == true)
        #expect(verdict(of: 1, telling: ["/e/f"]).violation?.explanation.contains("but not delete /e") == true)
    }

    @Test func aLostIncrementWritesANumber() {
        func isValid(_ value: String) -> Bool {
            verdict([[("put", "/n", .text(value))]]) {
                _ = $0.begin("increment", .fields(["by": .number(1)]), key: .text("/n"))
            } == .valid
        }
        #expect(isValid("-4"))
        #expect(!isValid("four"))
    }

    @Test func aDocumentThatIsNoneIsNeverAPass() {
        var recorder = StoryRecorder()
        recorder.run("watch", .fields(["after": .number(1)]), key: .text("/a"), process: .text("w"))
        recorder.deliver("event", .fields(["type": .text("news")]), process: .text("w"))
        guard case .unknown = WatchChecker.check(recorder.operations) else {
            Issue.record("it was judged")
            return
        }
    }
}

/// A small tree, its writers and four watches. With a fault, it happens at most once.
struct WatchStory {
    enum Fault: CaseIterable {
        case passesOver, repeats, exchanges, strays, losesPartOfARevision, tears, liesOfTheValue, liesOfThePrevious
        case invents, readsOldState, promisesTooEarly, saysCompactedTooEarly, goesOnAfterCompacted

        var words: [String] {
            switch self {
            case .passesOver, .losesPartOfARevision: ["but not"]
            case .repeats, .exchanges, .promisesTooEarly: ["out of order, or again"]
            case .strays: ["is none of it"]
            case .tears: ["was torn"]
            case .liesOfTheValue: ["a watch was told", "two watches"]
            case .liesOfThePrevious: ["said it replaced", "two watches"]
            case .invents: ["nobody asked for"]
            case .readsOldState: ["answered from revision"]
            case .saysCompactedTooEarly: ["was still there"]
            case .goesOnAfterCompacted: ["went on after"]
            }
        }
    }

    struct Event {
        var path: String
        var value: String?
        var previous: Int?
    }

    private static let scopes = [("/", "subtree"), ("/a", "subtree"), ("/a", "children"), ("/d", "node")]

    private(set) var isPlanted = false
    private var recorder = StoryRecorder()
    private var dice: StoryDice
    private let fault: Fault?
    private var tree: [String: Int] = [:]
    private var log: [Int: [Event]] = [:]
    private var revision = 1
    private var values = 0
    /// Up to where each watch was told; `nil` before it began.
    private var told = [Int?](repeating: nil, count: 4)
    /// From where on the first watch, which is of everything, tells what the others must tell too.
    private var begun = Int.max

    var operations: [RecordedOperation] { recorder.operations }

    init(seed: Int, fault: Fault?) {
        dice = StoryDice(seed)
        self.fault = fault
        for _ in 0..<(60 + dice.below(120)) {
            switch dice.below(10) {
            case 0..<4: write()
            case 4: read()
            default: tell(dice.below(4), mayPause: true)
            }
        }
        for watch in 0..<4 {
            while let place = told[watch], place < revision { tell(watch, mayPause: false) }
            if told[watch] != nil { document(watch, "progress", ["revision": .number(revision)]) }
        }
    }

    private mutating func plants(_ wanted: Fault, when isPossible: Bool = true) -> Bool {
        guard fault == wanted, !isPlanted, isPossible, dice.chance(40) else { return false }
        isPlanted = true
        return true
    }

    private mutating func write() {
        let path = ["/a", "/a/b", "/a/c", "/a/c/e", "/d"][dice.below(5)]
        if dice.chance(15) {
            // A lock, say: a revision that changes no node.
            revision += 1
            return
        }
        if dice.chance(25), tree[path] != nil { return delete(path) }
        values += 1
        let value = "v\(values)"
        let argument = HistoryValue.fields(["value": .text(value), "parents": .bool(true)])
        let operation = recorder.begin("put", argument, key: .text(path))
        if dice.chance(20) { tell(dice.below(4), mayPause: true) }
        revision += 1
        var events: [Event] = []
        for parent in ["/a", "/a/c"] where path.hasPrefix(parent + "/") && tree[parent] == nil {
            events.append(Event(path: parent, value: "", previous: nil))
        }
        events.append(Event(path: path, value: value, previous: tree[path]))
        for event in events { tree[event.path] = revision }
        log[revision] = events
        finish(operation)
    }

    private mutating func delete(_ path: String) {
        let operation = recorder.begin("delete", .fields(["recursive": .bool(true)]), key: .text(path))
        revision += 1
        let gone = tree.keys.filter { $0 == path || $0.hasPrefix(path + "/") }.sorted()
        log[revision] = gone.map { Event(path: $0, value: nil, previous: tree[$0]) }
        for path in gone { tree[path] = nil }
        finish(operation)
    }

    /// One write in ten gets no answer.
    private mutating func finish(_ operation: Int) {
        let change = revision
        if dice.chance(20) { tell(dice.below(4), mayPause: true) }
        if !dice.chance(10) { recorder.end(operation, .null, revision: change) }
    }

    private mutating func read() {
        let highest = told.compactMap { $0 }.max() ?? 0
        let isOld = plants(.readsOldState, when: highest > 1)
        recorder.run(
            "get", key: .text("/d"), .fields(["refused": .text("not_found")]),
            revision: isOld ? highest - 1 : revision)
    }

    private func matching(_ watch: Int, _ revision: Int) -> [Event] {
        let (path, scope) = WatchStory.scopes[watch]
        return (log[revision] ?? []).filter { event in
            switch scope {
            case "node": event.path == path
            case "children": event.path.hasPrefix(path + "/") && event.path.split(separator: "/").count == 2
            default: path == "/" || event.path == path || event.path.hasPrefix(path + "/")
            }
        }
    }

    private mutating func document(_ watch: Int, _ type: String, _ fields: [String: HistoryValue]) {
        recorder.deliver(
            "event", .fields(fields.merging(["type": .text(type)]) { $1 }), process: .text("watch-\(watch)"))
    }

    private mutating func open(_ watch: Int) {
        let (path, scope) = WatchStory.scopes[watch]
        var argument: [String: HistoryValue] = ["scope": .text(scope)]
        if let place = told[watch] {
            argument[dice.chance(50) ? "after" : "from"] = .number(place)
            if argument["from"] != nil { argument["from"] = .number(place + 1) }
        }
        recorder.run("watch", .fields(argument), key: .text(path), process: .text("watch-\(watch)"))
        if told[watch] == nil {
            document(watch, "synced", ["revision": .number(revision)])
            told[watch] = revision
            if watch == 0 { begun = revision }
        }
    }
}

extension WatchStory {
    /// The next document of a watch.
    private mutating func tell(_ watch: Int, mayPause: Bool) {
        guard let place = told[watch], !(mayPause && dice.chance(5)) else { return open(watch) }
        let rest = place < revision ? (place + 1...revision).filter { !matching(watch, $0).isEmpty } : []
        if plants(.saysCompactedTooEarly) {
            document(watch, "compacted", ["first_available": .number(place + 1)])
            return open(watch)
        }
        if plants(.goesOnAfterCompacted) {
            document(watch, "compacted", ["first_available": .number(place + 5)])
            return document(watch, "progress", ["revision": .number(place + 6)])
        }
        if plants(.promisesTooEarly, when: !rest.isEmpty) {
            document(watch, "progress", ["revision": .number(revision)])
        }
        let quiet = place < revision ? (place + 1...revision).first { log[$0] == nil } : nil
        if let quiet, rest.first ?? .max > quiet, plants(.invents) {
            events(watch, quiet, [Event(path: WatchStory.scopes[watch].0 == "/d" ? "/d" : "/a/b", value: "ghost")])
        }
        guard let next = rest.first else {
            if place < revision, !mayPause || dice.chance(30) {
                document(watch, "progress", ["revision": .number(revision)])
                told[watch] = revision
            }
            return
        }
        tell(watch, next, then: rest.dropFirst().first)
    }

    private mutating func tell(_ watch: Int, _ next: Int, then following: Int?) {
        let matching = matching(watch, next)
        told[watch] = next
        if plants(.passesOver, when: watch > 0 && next > begun) {
            guard let following else { return document(watch, "progress", ["revision": .number(next)]) }
            told[watch] = following
            return events(watch, following, self.matching(watch, following))
        }
        if let following, plants(.exchanges) {
            events(watch, following, self.matching(watch, following))
        }
        let others = log.keys.filter { $0 > next && $0 < following ?? .max && self.matching(watch, $0).isEmpty }
        if let stray = others.min(), plants(.strays) {
            events(watch, next, matching)
            return events(watch, stray, log[stray] ?? [])
        }
        if plants(.losesPartOfARevision, when: watch > 0 && matching.count > 1 && next > begun) {
            return events(watch, next, Array(matching.dropLast()))
        }
        events(watch, next, matching)
        if plants(.repeats) { events(watch, next, matching) }
    }

    private mutating func events(_ watch: Int, _ revision: Int, _ events: [Event]) {
        var events = events
        let isWatched = watch > 0 && revision > begun
        if let index = events.firstIndex(where: { ($0.value ?? "").hasPrefix("v") }), isWatched, plants(.liesOfTheValue)
        {
            events[index].value = "another"
        }
        if let index = events.firstIndex(where: { $0.previous != nil }), isWatched, plants(.liesOfThePrevious) {
            events[index].previous = (events[index].previous ?? 0) - 1
        }
        let written = events.map { event in
            HistoryValue.fields([
                "type": .text(event.value == nil ? "delete" : "put"), "path": .text(event.path),
                "value": event.value.map { $0.isEmpty ? .null : .text($0) } ?? .null,
                "previous_revision": event.previous.map { .number($0) } ?? .null,
            ])
        }
        let isTorn = fault == .tears && written.count > 1 && plants(.tears)
        if isTorn || written.count > 1 && dice.chance(50) {
            for (index, event) in written.enumerated() {
                if isTorn && index == written.count - 1 { continue }
                var fields: [String: HistoryValue] = [
                    "revision": .number(revision), "part": .number(index + 1), "events": .list([event]),
                ]
                if index == written.count - 1 { fields["last"] = .bool(true) }
                document(watch, "events", fields)
            }
            if isTorn { document(watch, "progress", ["revision": .number(revision)]) }
            return
        }
        document(watch, "events", ["revision": .number(revision), "events": .list(written)])
    }
}
