import ConcordChecker

/// The tree as one would write it on a board: what the checkers are held against. It knows nothing of theirs.
struct NaiveTree {
    struct Node {
        var value: String?
        var version: Int64
        var created: Int64
        var modified: Int64
        var lastNumber: Int64 = 0
    }

    private(set) var revision: Int64 = 0
    private(set) var nodes: [String: Node] = [:]
    /// The nodes as they were at each revision.
    private var past: [[String: Node]] = [[:]]

    /// Does what a recorded operation asks for.
    mutating func perform(_ function: String, _ key: String, _ argument: HistoryValue) -> HistoryValue {
        let before = nodes
        let answer = decide(function, key, argument)
        if answer["refused"] != nil {
            nodes = before
        } else if ["put", "create-sequential", "increment", "delete"].contains(function) {
            revision += 1
            past.append(nodes)
        }
        return answer
    }

    private mutating func decide(_ function: String, _ key: String, _ argument: HistoryValue) -> HistoryValue {
        switch function {
        case "put": put(key, argument)
        case "create-sequential": createSequential(key, argument)
        case "increment": increment(key, argument)
        case "delete": delete(key, argument)
        default: read(function, key, argument)
        }
    }

    private mutating func put(_ key: String, _ argument: HistoryValue) -> HistoryValue {
        if let code = refusal(by: argument["if"], nodes[key]) { return refused(code) }
        if nodes[key] == nil {
            var missing: [String] = []
            var parent = NaiveTree.parent(of: key)
            while parent != "/", nodes[parent] == nil {
                missing.append(parent)
                parent = NaiveTree.parent(of: parent)
            }
            if !missing.isEmpty, argument["parents"] != .bool(true) { return refused("parent_not_found") }
            for path in missing { create(path, nil) }
        }
        write(key, argument["value"]?.text)
        return nodeAnswer(nodes[key], withValue: false)
    }

    private mutating func createSequential(_ key: String, _ argument: HistoryValue) -> HistoryValue {
        guard let parent = nodes[key] else { return refused("parent_not_found") }
        var number = parent.lastNumber
        var path = ""
        repeat {
            number += 1
            let digits = String(number)
            let width = Int(argument["width"]?.int ?? 20)
            if digits.count > width { return refused("limit_exceeded") }
            let zeros = String(repeating: "0", count: width - digits.count)
            path = key + "/" + (argument["prefix"]?.text ?? "") + zeros + digits
        } while nodes[path] != nil
        create(path, argument["value"]?.text)
        nodes[key]?.lastNumber = number
        return .map([.text("key"): .text(path), .text("number"): .int(number)])
    }

    private mutating func increment(_ key: String, _ argument: HistoryValue) -> HistoryValue {
        if let code = refusal(by: argument["if"], nodes[key]) { return refused(code) }
        if nodes[key] == nil, !exists(NaiveTree.parent(of: key)) { return refused("parent_not_found") }
        var number: Int64 = 0
        if let node = nodes[key] {
            guard let text = node.value, let known = Int64(text), String(known) == text else {
                return refused("conflict")
            }
            number = known
        }
        number += argument["by"]?.int ?? 0
        write(key, String(number))
        return .map([.text("number"): .int(number)])
    }

    private mutating func delete(_ key: String, _ argument: HistoryValue) -> HistoryValue {
        guard nodes[key] != nil else {
            let condition = argument["if"] ?? .null
            return refused(condition == .null || condition == .text("absent") ? "not_found" : "revision_mismatch")
        }
        if let code = refusal(by: argument["if"], nodes[key]) { return refused(code) }
        let below = nodes.keys.filter { $0.hasPrefix(key + "/") }
        if !below.isEmpty, argument["recursive"] != .bool(true) { return refused("not_empty") }
        for path in below + [key] { nodes[path] = nil }
        return .map([.text("number"): .int(Int64(below.count + 1))])
    }

    private func read(_ function: String, _ key: String, _ argument: HistoryValue) -> HistoryValue {
        let at = argument["at"]?.int ?? revision
        if at > revision { return refused("future_revision") }
        let nodes = past[Int(at)]
        if key != "/", nodes[key] == nil { return refused("not_found") }
        if function == "get" { return nodeAnswer(nodes[key], withValue: true) }
        let start = key == "/" ? "/" : key + "/"
        let isSubtree = argument["scope"] == .text("subtree")
        let names = nodes.keys.filter {
            $0.hasPrefix(start) && (isSubtree || !$0.dropFirst(start.count).contains("/"))
        }
        if function == "count" { return .map([.text("number"): .int(Int64(names.count))]) }
        return .map([.text("names"): .list(names.sorted().map { .text($0) })])
    }
}

extension NaiveTree {
    private func exists(_ path: String) -> Bool { path == "/" || nodes[path] != nil }

    private mutating func create(_ path: String, _ value: String?) {
        nodes[path] = Node(value: value, version: 1, created: revision + 1, modified: revision + 1)
    }

    private mutating func write(_ path: String, _ value: String?) {
        guard var node = nodes[path] else { return create(path, value) }
        node.value = value
        node.version += 1
        node.modified = revision + 1
        nodes[path] = node
    }

    private func refusal(by condition: HistoryValue?, _ node: Node?) -> String? {
        switch condition {
        case .text("absent"): return node == nil ? nil : "already_exists"
        case .text("exists"): return node == nil ? "revision_mismatch" : nil
        case .list(let revisions):
            guard let node, revisions.contains(.int(node.modified)) else { return "revision_mismatch" }
            return nil
        default: return nil
        }
    }

    private func refused(_ code: String) -> HistoryValue { .map([.text("refused"): .text(code)]) }

    private func nodeAnswer(_ node: Node?, withValue: Bool) -> HistoryValue {
        guard let node else { return .map([.text("version"): .int(0)]) }
        var fields: [HistoryValue: HistoryValue] = [
            .text("version"): .int(node.version), .text("created"): .int(node.created),
            .text("modified"): .int(node.modified),
        ]
        if withValue { fields[.text("value")] = node.value.map { .text($0) } ?? .null }
        return .map(fields)
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }
}
