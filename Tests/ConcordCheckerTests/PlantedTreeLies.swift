import ConcordChecker
import Testing

// What no tree can answer, told at the end of a true history.

extension PlantedTreeViolationTests {
    /// One after the other, each answered before the next is asked.
    struct Script {
        var operations: [RecordedOperation] = []
        private var tree = NaiveTree()

        /// What a true system answers.
        mutating func did(_ function: String, _ key: String, _ argument: HistoryValue = .null) {
            let result = tree.perform(function, key, argument)
            said(function, key, argument, result, tree.revision)
        }

        /// What this one says.
        mutating func said(
            _ function: String, _ key: String, _ argument: HistoryValue, _ result: HistoryValue, _ revision: Int64
        ) {
            let position = operations.count * 2
            operations.append(
                RecordedOperation(
                    process: .int(Int64(operations.count)), function: function, key: .text(key), argument: argument,
                    result: result, outcome: .ok, invoked: position, returned: position + 1, revision: revision))
        }

        /// Nobody knows, and the tree does not either.
        mutating func lost(_ function: String, _ key: String, _ argument: HistoryValue, failed: Bool = false) {
            let position = operations.count * 2
            operations.append(
                RecordedOperation(
                    process: .int(Int64(operations.count)), function: function, key: .text(key), argument: argument,
                    outcome: failed ? .fail : .unknown, invoked: position, returned: failed ? position + 1 : .max))
        }
    }

    static func map(_ fields: KeyValuePairs<String, HistoryValue>) -> HistoryValue {
        .map(Dictionary(uniqueKeysWithValues: fields.map { (.text($0.key), $0.value) }))
    }

    static func value(_ text: String) -> HistoryValue { map(["value": .text(text)]) }
    static func node(_ version: Int64, _ created: Int64, _ modified: Int64, _ value: String? = nil) -> HistoryValue {
        let revisions = map(["version": .int(version), "created": .int(created), "modified": .int(modified)])
        guard let value, case .map(var fields) = revisions else { return revisions }
        fields[.text("value")] = .text(value)
        return .map(fields)
    }
    static func refused(_ code: String) -> HistoryValue { map(["refused": .text(code)]) }
    static func number(_ number: Int64) -> HistoryValue { map(["number": .int(number)]) }
    static func names(_ names: [String]) -> HistoryValue { map(["names": .list(names.map { .text($0) })]) }

    /// After `/a` = x (1), `/a` = y (2), `/a/b` = z (3), `/a/c` = w (4), `/n` = 3 (5), a deletion of `/a/c` (6),
    /// and `/a/1` made in sequence (7).
    static func begun() -> Script {
        var script = Script()
        script.did("put", "/a", value("x"))
        script.did("put", "/a", value("y"))
        script.did("put", "/a/b", value("z"))
        script.did("put", "/a/c", value("w"))
        script.did("increment", "/n", map(["by": .int(3)]))
        script.did("delete", "/a/c")
        script.did("create-sequential", "/a", map(["prefix": .text(""), "width": .int(1)]))
        return script
    }

    static let next = map(["prefix": .text(""), "width": .int(1)])
    static func made(_ number: Int64) -> HistoryValue {
        map(["key": .text("/a/\(number)"), "number": .int(number)])
    }
}

extension PlantedTreeViolationTests {
    struct Lie: CustomTestStringConvertible {
        let testDescription: String
        let function: String
        let key: String
        var argument = HistoryValue.null
        let result: HistoryValue
        var revision: Int64 = 7
        var isFoundWithoutRevisions = true
    }

    static let lies = [
        Lie(testDescription: "a stale read", function: "get", key: "/a", result: node(1, 1, 1, "x")),
        Lie(
            testDescription: "a stale read that says when", function: "get", key: "/a", result: node(1, 1, 1, "x"),
            revision: 1),
        Lie(
            testDescription: "a read of an earlier revision that differs in nothing", function: "get", key: "/a",
            result: node(2, 1, 2, "y"), revision: 3, isFoundWithoutRevisions: false),
        Lie(testDescription: "an acknowledged write lost", function: "get", key: "/a/b", result: refused("not_found")),
        Lie(testDescription: "a value from nowhere", function: "get", key: "/a", result: node(2, 1, 2, "q")),
        Lie(testDescription: "a write done twice", function: "get", key: "/a", result: node(3, 1, 2, "y")),
        Lie(testDescription: "an increment done twice", function: "get", key: "/n", result: value("6")),
        Lie(
            testDescription: "a wrong version", function: "put", key: "/a", argument: value("v"),
            result: node(4, 1, 8), revision: 8),
        Lie(
            testDescription: "a wrong created revision", function: "get", key: "/a", result: node(2, 2, 2, "y"),
            isFoundWithoutRevisions: false),
        Lie(
            testDescription: "a wrong modified revision", function: "get", key: "/a", result: node(2, 1, 1, "y"),
            isFoundWithoutRevisions: false),
        Lie(
            testDescription: "a revision given twice", function: "put", key: "/a", argument: value("v"),
            result: node(3, 1, 7), isFoundWithoutRevisions: false),
        Lie(
            testDescription: "a revision that goes back", function: "put", key: "/m", argument: value("v"),
            result: node(1, 4, 4), revision: 4, isFoundWithoutRevisions: false),
        Lie(
            testDescription: "a revision left out", function: "put", key: "/m", argument: value("v"),
            result: node(1, 9, 9), revision: 9, isFoundWithoutRevisions: false),
        Lie(
            testDescription: "a revision beyond all", function: "get", key: "/a", result: node(2, 1, 2, "y"),
            revision: .max, isFoundWithoutRevisions: false),
        Lie(
            testDescription: "a read that raises the revision", function: "get", key: "/a",
            result: node(2, 1, 2, "y"), revision: 8, isFoundWithoutRevisions: false),
        Lie(testDescription: "a list without a child", function: "list", key: "/a", result: names(["/a/b"])),
        Lie(
            testDescription: "a list with a deleted child", function: "list", key: "/a",
            result: names(["/a/1", "/a/b", "/a/c"])),
        Lie(
            testDescription: "a list from another revision", function: "list", key: "/a",
            result: names(["/a/b", "/a/c"])),
        Lie(testDescription: "a list out of order", function: "list", key: "/a", result: names(["/a/b", "/a/1"])),
        Lie(
            testDescription: "a list that names a child twice", function: "list", key: "/a",
            result: names(["/a/b", "/a/b"])),
        Lie(
            testDescription: "a list of the grandchildren", function: "list", key: "/",
            result: names(["/a", "/a/b"])),
        Lie(
            testDescription: "a subtree that is not whole", function: "list", key: "/",
            argument: map(["scope": .text("subtree")]), result: names(["/a", "/a/1", "/n"])),
        Lie(testDescription: "a wrong count", function: "count", key: "/a", result: number(3)),
        Lie(
            testDescription: "refused without a reason", function: "put", key: "/a", argument: value("v"),
            result: refused("parent_not_found")),
        Lie(
            testDescription: "refused by a condition that held", function: "put", key: "/a",
            argument: map(["value": .text("v"), "if": .text("exists")]), result: refused("revision_mismatch")),
        Lie(
            testDescription: "refused by a revision that was right", function: "put", key: "/a",
            argument: map(["value": .text("v"), "if": .list([.int(2)])]), result: refused("revision_mismatch"),
            isFoundWithoutRevisions: false),
        Lie(
            testDescription: "refused for the wrong reason", function: "delete", key: "/a",
            result: refused("not_found")),
        Lie(
            testDescription: "limited where nothing is large", function: "put", key: "/a", argument: value("v"),
            result: refused("limit_exceeded")),
        Lie(
            testDescription: "a condition overlooked", function: "put", key: "/a",
            argument: map(["value": .text("v"), "if": .text("absent")]), result: node(3, 1, 8), revision: 8),
        Lie(
            testDescription: "an old revision accepted", function: "put", key: "/a",
            argument: map(["value": .text("v"), "if": .list([.int(1)])]), result: node(3, 1, 8), revision: 8),
        Lie(
            testDescription: "created without its parent", function: "put", key: "/z/y", argument: value("v"),
            result: node(1, 8, 8), revision: 8),
        Lie(
            testDescription: "deleted with its children", function: "delete", key: "/a", result: number(1), revision: 8),
        Lie(
            testDescription: "fewer deleted than there were", function: "delete", key: "/a",
            argument: map(["recursive": .bool(true)]), result: number(2), revision: 8),
        Lie(
            testDescription: "a counter that skips", function: "increment", key: "/n",
            argument: map(["by": .int(1)]), result: number(5), revision: 8),
        Lie(
            testDescription: "a counter that gives a number twice", function: "increment", key: "/n",
            argument: map(["by": .int(1)]), result: number(3), revision: 8),
        Lie(
            testDescription: "a text counted", function: "increment", key: "/a", argument: map(["by": .int(1)]),
            result: number(1), revision: 8),
        Lie(
            testDescription: "a sequential number used again", function: "create-sequential", key: "/a",
            argument: next, result: made(1), revision: 8),
        Lie(
            testDescription: "a sequential number left out", function: "create-sequential", key: "/a",
            argument: next, result: made(3), revision: 8),
        Lie(
            testDescription: "a sequential name that does not fit its number", function: "create-sequential",
            key: "/a", argument: next, result: map(["key": .text("/a/x2"), "number": .int(2)]), revision: 8),
        Lie(
            testDescription: "a past that changed", function: "get", key: "/a", argument: map(["at": .int(1)]),
            result: node(2, 1, 2, "y"), isFoundWithoutRevisions: false),
        Lie(
            testDescription: "a past listing with what came later", function: "list", key: "/a",
            argument: map(["at": .int(4)]), result: names(["/a/1", "/a/b", "/a/c"]), isFoundWithoutRevisions: false),
        Lie(
            testDescription: "a past listing without what went later", function: "list", key: "/a",
            argument: map(["at": .int(5)]), result: names(["/a/b"]), isFoundWithoutRevisions: false),
        Lie(
            testDescription: "a future told", function: "get", key: "/a", argument: map(["at": .int(9)]),
            result: node(2, 1, 2, "y"), isFoundWithoutRevisions: false),
        Lie(
            testDescription: "a present refused as the future", function: "get", key: "/a",
            argument: map(["at": .int(7)]), result: refused("future_revision"), isFoundWithoutRevisions: false),
        Lie(
            testDescription: "the root written", function: "put", key: "/", argument: value("v"),
            result: node(1, 8, 8), revision: 8),
    ]
}
