extension History {
    /// The models whose history this could be, by its functions and values. One, where it is unambiguous.
    package var possibleModels: [Model] {
        let functions = Set(operations.map(\.function))
        func has(only names: Set<String>, and some: Set<String>) -> Bool {
            functions.isSubset(of: names) && !functions.isDisjoint(with: some)
        }
        if operations.isEmpty { return Model.allCases }
        if has(only: ["txn"], and: ["txn"]) { return isListAppend ? [.listAppend] : [] }
        if has(only: ["read", "write", "cas"], and: ["cas"]) { return [.casRegister] }
        // A compare-and-set register without compare-and-set is a register.
        if has(only: ["read", "write"], and: ["write"]) { return [.register] }
        if has(only: ["enqueue", "dequeue", "drain"], and: ["enqueue", "dequeue", "drain"]) { return [.queue] }
        if has(only: ["acquire", "release"], and: ["acquire", "release"]) { return [hasTokens ? .lock : .mutex] }
        if has(only: ["add", "read", "decrement", "increment"], and: ["decrement"]) { return [.counter] }
        if has(only: ["add", "read"], and: ["add", "read"]) { return ofAdding }
        if functions.isSubset(of: Self.treeFunctions) {
            if !functions.isDisjoint(with: ["create-sequential", "delete", "list", "count"]) || hasNodes {
                return [.tree]
            }
            return functions == ["get"] || functions == ["increment"] ? [.tree, .keyValue] : [.keyValue]
        }
        if has(only: ["get", "put", "append"], and: ["append"]) { return [.keyValue] }
        return []
    }

    private static let treeFunctions: Set = [
        "get", "put", "create-sequential", "increment", "delete", "list", "count",
    ]

    /// Whether every transaction is a list of `[append key value]` and `[r key value]`.
    private var isListAppend: Bool {
        operations.allSatisfy { operation in
            guard let steps = operation.argument.list else { return false }
            return steps.allSatisfy { step in
                guard let parts = step.list, parts.count == 3 else { return false }
                return parts[0] == .text("append") || parts[0] == .text("r")
            }
        }
    }

    private var hasTokens: Bool {
        let granted = operations.filter { $0.function == "acquire" && $0.outcome == .ok }
        return !granted.isEmpty && granted.allSatisfy { $0.result.int != nil }
    }

    private var ofAdding: [Model] {
        let reads = operations.filter { $0.function == "read" && $0.outcome == .ok }.map(\.result)
        if !reads.isEmpty, reads.allSatisfy({ $0.int != nil }) { return [.counter] }
        if !reads.isEmpty, reads.allSatisfy({ $0.list != nil }) { return [.set, .setFull] }
        return [.counter, .set, .setFull]
    }

    /// Whether values are nodes of the tree.
    private var hasNodes: Bool {
        operations.contains { operation in
            operation.argument["value"] != nil || operation.result["value"] != nil || operation.result["refused"] != nil
        }
    }
}

extension HistoryValue {
    /// Reads one value in JSON.
    package init(json bytes: [UInt8]) throws(HistoryError) {
        var scanner = ByteScanner(bytes)
        self = try scanner.jsonValue()
        scanner.skipSpace()
        guard scanner.isAtEnd else { throw scanner.error("something stands behind the value") }
    }
}

extension HistoryValue: CustomStringConvertible {
    /// As EDN would print it, but for maps, whose fields stand in the order of their names.
    package var description: String {
        switch self {
        case .null: return "nil"
        case .bool(let bool): return "\(bool)"
        case .int(let number): return "\(number)"
        case .real(let number): return "\(number)"
        case .text(let text): return text.debugDescription
        case .list(let values): return "[\(values.map(\.description).joined(separator: " "))]"
        case .map(let fields):
            let pairs = fields.map { "\($0.key) \($0.value)" }.sorted { $0.precedesByBytes($1) }
            return "{\(pairs.joined(separator: ", "))}"
        }
    }
}
