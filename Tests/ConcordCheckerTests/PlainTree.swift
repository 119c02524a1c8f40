import ConcordChecker

/// The tree of docs/histories.md, rule by rule, and all that it ever was.
struct PlainTree: PlainObject {
    struct Node: Equatable {
        var value: HistoryValue
        var version: Int64
        var created: Int64
        var modified: Int64
    }

    struct State {
        var nodes: [String: Node] = [:]
        /// The last number given, by parent.
        var numbers: [String: Int64] = [:]
    }

    /// One for each revision, the newest last.
    private(set) var states = [State()]

    var revision: Int64 { Int64(states.count - 1) }

    mutating func perform(_ request: Request, by process: HistoryValue) -> Answer? {
        let path = request.key?.text ?? ""
        let change: (State, HistoryValue)
        switch request.function {
        case "put": change = put(path, request.argument)
        case "increment": change = increment(path, request.argument)
        case "delete": change = delete(path, request.argument)
        case "create-sequential": change = createSequential(path, request.argument)
        default: return Answer(value: read(request.function, path, request.argument), revision: revision)
        }
        if change.1["refused"] == nil { states.append(change.0) }
        return Answer(value: change.1, revision: revision)
    }

    mutating func accepts(_ operation: RecordedOperation) -> Bool {
        let before = self
        let request = Request(operation.function, operation.argument, key: operation.key)
        guard let answer = perform(request, by: operation.process) else { return false }
        if operation.outcome == .unknown { return true }
        // Limits are not known, so whoever says that one was met is believed.
        if operation.result == refusal("compacted"), operation.argument["at"] != nil || answer.value == operation.result
        {
            return operation.revision.map { $0 == revision } ?? true
        }
        if operation.result == refusal("limit_exceeded"), changes(since: before) > 1 {
            self = before
            return operation.revision.map { $0 == revision } ?? true
        }
        return agrees(answer, with: operation)
    }

    private func changes(since before: PlainTree) -> Int {
        guard let new = states.last?.nodes, let old = before.states.last?.nodes else { return 0 }
        return new.filter { old[$0.key] != $0.value }.count + old.filter { new[$0.key] == nil }.count
    }

    /// Members that were not recorded are not compared.
    func agrees(_ answer: Answer, with operation: RecordedOperation) -> Bool {
        guard operation.revision == nil || operation.revision == answer.revision,
            case .map(let said) = operation.result, case .map(let known) = answer.value
        else { return false }
        if said[.text("refused")] != known[.text("refused")] { return false }
        return said.allSatisfy { known[$0.key] == $0.value }
    }
}

// MARK: - Reads

extension PlainTree {
    private func read(_ function: String, _ path: String, _ argument: HistoryValue) -> HistoryValue {
        let at = argument["at"]?.int ?? revision
        if at > revision { return refusal("future_revision") }
        let nodes = states[Int(at)].nodes
        guard path == "/" || nodes[path] != nil else { return refusal("not_found") }
        if function == "get" { return nodes[path].map { described($0, withValue: true) } ?? .fields([:]) }
        let isSubtree = argument["scope"] == .text("subtree")
        let names = nodes.keys.filter { isSubtree ? $0.isBelow(path) : $0.parentPath == path && $0 != "/" }
        if function == "count" { return .fields(["number": .number(names.count)]) }
        let sorted = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return .fields(["names": .list(sorted.map { .text($0) })])
    }

    private func described(_ node: Node, withValue: Bool = false) -> HistoryValue {
        var fields: [String: HistoryValue] = [
            "version": .int(node.version), "created": .int(node.created), "modified": .int(node.modified),
        ]
        if withValue { fields["value"] = node.value }
        return .fields(fields)
    }

    private func refusal(_ code: String) -> HistoryValue { .fields(["refused": .text(code)]) }
}

// MARK: - Changes

extension PlainTree {
    private func refused(_ code: String) -> (State, HistoryValue) { (State(), refusal(code)) }

    /// The code of the refusal, when the condition does not hold.
    private func broken(_ condition: HistoryValue?, _ node: Node?) -> String? {
        switch condition ?? .null {
        case .text("absent"): node == nil ? nil : "already_exists"
        case .text("exists"): node == nil ? "revision_mismatch" : nil
        case .list(let revisions):
            node.map { revisions.contains(.int($0.modified)) } ?? false ? nil : "revision_mismatch"
        default: nil
        }
    }

    private func missingParents(of path: String) -> [String] {
        var missing: [String] = []
        var parent = path.parentPath
        while parent != "/", states[states.count - 1].nodes[parent] == nil {
            missing.append(parent)
            parent = parent.parentPath
        }
        return missing
    }

    private func fresh(_ value: HistoryValue) -> Node {
        Node(value: value, version: 1, created: revision + 1, modified: revision + 1)
    }

    private func written(_ node: Node?, _ value: HistoryValue) -> Node {
        guard let node else { return fresh(value) }
        return Node(value: value, version: node.version + 1, created: node.created, modified: revision + 1)
    }

    private func put(_ path: String, _ argument: HistoryValue) -> (State, HistoryValue) {
        if path == "/" { return refused("invalid_request") }
        var state = states[states.count - 1]
        if let code = broken(argument["if"], state.nodes[path]) { return refused(code) }
        let missing = missingParents(of: path)
        if !missing.isEmpty, argument["parents"] != .bool(true) { return refused("parent_not_found") }
        for parent in missing { state.nodes[parent] = fresh(.null) }
        let node = written(state.nodes[path], argument["value"] ?? .null)
        state.nodes[path] = node
        return (state, described(node))
    }

    private func increment(_ path: String, _ argument: HistoryValue) -> (State, HistoryValue) {
        if path == "/" { return refused("invalid_request") }
        var state = states[states.count - 1]
        if let code = broken(argument["if"], state.nodes[path]) { return refused(code) }
        if !missingParents(of: path).isEmpty { return refused("parent_not_found") }
        guard let known = Int64(state.nodes[path]?.value.text ?? (state.nodes[path] == nil ? "0" : "")) else {
            return refused("conflict")
        }
        let (sum, isOver) = known.addingReportingOverflow(argument["by"]?.int ?? 0)
        if isOver { return refused("conflict") }
        state.nodes[path] = written(state.nodes[path], .text(String(sum)))
        return (state, .fields(["number": .int(sum)]))
    }

    private func delete(_ path: String, _ argument: HistoryValue) -> (State, HistoryValue) {
        if path == "/" { return refused("invalid_request") }
        var state = states[states.count - 1]
        let condition = argument["if"] ?? .null
        guard let node = state.nodes[path] else {
            return refused([.null, .text("absent")].contains(condition) ? "not_found" : "revision_mismatch")
        }
        if let code = broken(condition, node) { return refused(code) }
        let below = state.nodes.keys.filter { $0.isBelow(path) }
        if !below.isEmpty, argument["recursive"] != .bool(true) { return refused("not_empty") }
        let all = (below + [path]).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let going = all.suffix(Int(argument["batch"]?.int ?? .max))
        for gone in going {
            state.nodes[gone] = nil
            state.numbers[gone] = nil
        }
        return (state, .fields(["number": .number(going.count)]))
    }

    private func createSequential(_ parent: String, _ argument: HistoryValue) -> (State, HistoryValue) {
        var state = states[states.count - 1]
        if parent != "/", state.nodes[parent] == nil {
            guard argument["parents"] == .bool(true) else { return refused("parent_not_found") }
            for missing in missingParents(of: parent) + [parent] { state.nodes[missing] = fresh(.null) }
        }
        let width = Int(argument["width"]?.int ?? 20)
        for _ in 0...1_000 {
            let number = (state.numbers[parent] ?? 0) + 1
            let digits = String(number)
            if digits.count > width { return refused("limit_exceeded") }
            state.numbers[parent] = number
            let name = (argument["prefix"]?.text ?? "") + String(repeating: "0", count: width - digits.count) + digits
            let path = (parent == "/" ? "" : parent) + "/" + name
            if state.nodes[path] != nil { continue }
            state.nodes[path] = fresh(argument["value"] ?? .null)
            return (state, .fields(["key": .text(path), "number": .int(number)]))
        }
        return refused("conflict")
    }
}

extension String {
    var parentPath: String {
        guard let slash = lastIndex(of: "/"), slash != startIndex else { return "/" }
        return String(self[..<slash])
    }

    /// Strictly.
    func isBelow(_ path: String) -> Bool { path == "/" ? self != "/" : hasPrefix(path + "/") }
}
