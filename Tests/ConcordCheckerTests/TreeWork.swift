import ConcordChecker

/// Everything that can be asked of a tree of a few names.
struct TreeWork: Workload {
    var object = PlainTree()
    /// What an operation says of revisions cannot be judged where none are told.
    var namesRevisions = true
    private var written = 0

    init(namesRevisions: Bool = true) { self.namesRevisions = namesRevisions }

    private static let paths = ["/a", "/a/b", "/a/b/c", "/a/d", "/ab", "/e", "/e/f"]
    private static let counters = ["/k", "/a/k", "/e"]

    mutating func ask(_ client: Int, _ dice: inout StoryDice) -> Request? {
        let path = TreeWork.paths[dice.below(TreeWork.paths.count)]
        written += 1
        switch dice.below(20) {
        case 0..<9: return read(path, &dice)
        case 9..<14: return put(path, &dice)
        case 14..<16: return delete(path, &dice)
        case 16..<18: return createSequential(path, &dice)
        default:
            let argument = ["by": HistoryValue.number(dice.below(5) - 1), "if": condition(&dice)]
            return Request("increment", told(argument), key: .text(TreeWork.counters[dice.below(3)]))
        }
    }

    /// Without the members that are null.
    private func told(_ fields: [String: HistoryValue]) -> HistoryValue {
        let told = fields.filter { $0.value != .null }
        return told.isEmpty ? .null : .fields(told)
    }

    private func condition(_ dice: inout StoryDice) -> HistoryValue {
        switch dice.below(10) {
        case 0: .text("absent")
        case 1: .text("exists")
        case 2 where namesRevisions:
            .list([.int(max(0, object.revision - Int64(dice.below(5)))), .int(object.revision)])
        default: .null
        }
    }

    private func read(_ path: String, _ dice: inout StoryDice) -> Request {
        var fields: [String: HistoryValue] = [:]
        if namesRevisions, dice.chance(15) { fields["at"] = .number(dice.below(Int(object.revision) + 2)) }
        if dice.chance(50) { return Request("get", told(fields), key: .text(path)) }
        if dice.chance(60) { fields["scope"] = .text(dice.chance(70) ? "subtree" : "children") }
        let key = HistoryValue.text(dice.chance(20) ? "/" : path)
        return Request(dice.chance(60) ? "list" : "count", told(fields), key: key)
    }

    private func put(_ path: String, _ dice: inout StoryDice) -> Request {
        let value = dice.chance(90) ? HistoryValue.text("v\(written)") : .null
        let parents = dice.chance(40) ? HistoryValue.bool(true) : .null
        var argument = told(["if": condition(&dice), "parents": parents])
        if case .map(var fields) = argument {
            fields[.text("value")] = value
            argument = .map(fields)
        } else {
            argument = .fields(["value": value])
        }
        return Request("put", argument, key: .text(dice.chance(2) ? "/" : path))
    }

    private func delete(_ path: String, _ dice: inout StoryDice) -> Request {
        let isRecursive = dice.chance(50)
        let argument = [
            "recursive": isRecursive ? HistoryValue.bool(true) : .null, "if": condition(&dice),
            "batch": isRecursive && dice.chance(30) ? .number(1 + dice.below(3)) : .null,
        ]
        return Request("delete", told(argument), key: .text(path))
    }

    private func createSequential(_ path: String, _ dice: inout StoryDice) -> Request {
        let argument = [
            "prefix": HistoryValue.text(["", "x", "x-"][dice.below(3)]), "value": .text("s\(written)"),
            "width": dice.chance(80) ? .number(1 + dice.below(3)) : .null,
            "parents": dice.chance(20) ? .bool(true) : .null,
        ]
        return Request("create-sequential", told(argument), key: .text(dice.chance(15) ? "/" : path))
    }
}
