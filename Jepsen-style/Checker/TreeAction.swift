/// An operation of the model `tree` and its answer, as docs/histories.md has them, parsed once.
package struct TreeAction {
    package enum Kind {
        case get
        case put(value: ByteText?, makesParents: Bool)
        case createSequential(prefix: ByteText, value: ByteText?, digits: Int)
        case increment(by: Int64)
        case delete(recursive: Bool)
        case list(TreeScope)
        case count(TreeScope)
    }

    package enum Condition {
        case none
        case exists
        case absent
        case modifiedAt([Int64])
    }

    package var kind: Kind
    package var path: ByteText
    package var condition = Condition.none
    /// Of a sequential creation: the parent and those above it are made where they are missing.
    var makesParents = false
    /// Of a recursive deletion: at most this many nodes go, the last in the order of bytes; 0 for all.
    var batch: Int64 = 0
    /// The revision of the past that a read asked for.
    package var at: Int64?
    /// `nil` when the outcome is unknown.
    package var answer: TreeAnswer?
    /// What the nodes were that the revisions of a condition stand for; `nil` when the history does not show it.
    var told: [ToldNode]?

    /// Whether it is there to change something, refused or not.
    var isWrite: Bool {
        switch kind {
        case .get, .list, .count: false
        case .put, .createSequential, .increment, .delete: true
        }
    }

    /// Whether its answer says that it changed something.
    var hasChanged: Bool {
        if case .refused = answer { false } else { isWrite && answer != nil }
    }

    var isRefused: Bool {
        if case .refused = answer { true } else { false }
    }
}

package enum TreeScope: String, Sendable {
    case children
    case subtree
}

package enum TreeAnswer {
    case refused(TreeRefusal)
    case node(ObservedNode)
    case number(Int64)
    case names([ByteText])
    case created(ByteText, number: Int64?)
}

package enum TreeRefusal: String, Sendable {
    case notFound = "not_found"
    case parentNotFound = "parent_not_found"
    case notEmpty = "not_empty"
    case revisionMismatch = "revision_mismatch"
    case alreadyExists = "already_exists"
    case conflict
    case limitExceeded = "limit_exceeded"
    case compacted
    case futureRevision = "future_revision"
    case invalidRequest = "invalid_request"
}

/// As much of a node as an answer recorded.
package struct ObservedNode {
    /// The outer `nil`: not recorded.
    package var value: ByteText??
    package var version: Int64?
    package var created: Int64?
    package var modified: Int64?
    /// The revision at which a child last came or went.
    package var childRevision: Int64?
    package var children: Int64?
}

/// What a node was at a revision that a client later made a condition of.
struct ToldNode {
    var value: ByteText??
    var version: Int64?
}

/// Why an operation is not one of the model.
struct TreeActionError: Error {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

// MARK: - Parsing

extension TreeAction {
    init(_ operation: RecordedOperation) throws(TreeActionError) {
        guard let text = operation.key?.text, let path = ByteText(path: text) else {
            throw TreeActionError("its key is no path")
        }
        self.path = path
        let fields = try TreeFields(operation.argument)
        switch operation.function {
        case "get": kind = .get
        case "put": kind = .put(value: try fields.value(), makesParents: try fields.flag("parents"))
        case "create-sequential":
            let digits = try fields.integer("width") ?? 20
            guard let prefix = fields["prefix"]?.text, !prefix.utf8.contains(UInt8(ascii: "/")), 1...20 ~= digits
            else { throw TreeActionError("it needs a prefix without '/' and a width of 1 to 20") }
            kind = .createSequential(prefix: ByteText(prefix), value: try fields.value(), digits: Int(digits))
            makesParents = try fields.flag("parents")
        case "increment":
            guard let amount = try fields.integer("by") else { throw TreeActionError("it needs a number 'by'") }
            kind = .increment(by: amount)
        case "delete":
            let recursive = try fields.flag("recursive")
            kind = .delete(recursive: recursive)
            batch = try fields.integer("batch") ?? 0
            guard batch >= 0, batch == 0 || recursive else {
                throw TreeActionError("a 'batch' is a number of nodes of a recursive deletion")
            }
        case "list": kind = .list(try fields.scope())
        case "count": kind = .count(try fields.scope())
        default: throw TreeActionError("the model tree has no function '\(operation.function)'")
        }
        condition = try fields.condition()
        at = try fields.integer("at")
        if let at, at < 0 { throw TreeActionError("no revision is below 0, and it asks for \(at)") }
        if isWrite, at != nil { throw TreeActionError("only reads are done at a revision of the past") }
        if operation.outcome == .ok { answer = try parseAnswer(operation.result) }
    }

    private func parseAnswer(_ result: HistoryValue) throws(TreeActionError) -> TreeAnswer {
        let fields = try TreeFields(result)
        if let refused = fields["refused"] {
            guard let code = refused.text.flatMap(TreeRefusal.init(rawValue:)) else {
                throw TreeActionError("it was refused with a code that the model does not have")
            }
            return .refused(code)
        }
        switch kind {
        case .get, .put:
            var node = ObservedNode(
                version: try fields.integer("version"), created: try fields.integer("created"),
                modified: try fields.integer("modified"), childRevision: try fields.integer("child_revision"),
                children: try fields.integer("children"))
            if fields["value"] != nil { node.value = .some(try fields.value()) }
            return .node(node)
        case .createSequential:
            guard let text = fields["key"]?.text, let path = ByteText(path: text) else {
                throw TreeActionError("its answer has no path 'key'")
            }
            return .created(path, number: try fields.integer("number"))
        case .increment, .delete, .count:
            guard let number = try fields.integer("number") else {
                throw TreeActionError("its answer has no 'number'")
            }
            return .number(number)
        case .list:
            guard let names = fields["names"]?.list else { throw TreeActionError("its answer has no 'names'") }
            var paths: [ByteText] = []
            paths.reserveCapacity(names.count)
            for name in names {
                guard let path = name.text.flatMap(ByteText.init(path:)) else {
                    throw TreeActionError("a name in its answer is no path")
                }
                paths.append(path)
            }
            return .names(paths)
        }
    }
}

/// The members of an argument or answer; none of a null.
private struct TreeFields {
    private let fields: [HistoryValue: HistoryValue]

    init(_ value: HistoryValue) throws(TreeActionError) {
        switch value {
        case .null: fields = [:]
        case .map(let map): fields = map
        default: throw TreeActionError("its value is neither null nor a map")
        }
    }

    subscript(name: String) -> HistoryValue? {
        fields.isEmpty ? nil : fields[.text(name)]
    }

    func value() throws(TreeActionError) -> ByteText? {
        switch self["value"] {
        case .none, .null: return nil
        case .text(let text): return ByteText(text)
        case .some: throw TreeActionError("a node's value is a text or null")
        }
    }

    func integer(_ name: String) throws(TreeActionError) -> Int64? {
        switch self[name] {
        case .none, .null: return nil
        case .int(let number): return number
        case .some: throw TreeActionError("'\(name)' is no integer")
        }
    }

    func flag(_ name: String) throws(TreeActionError) -> Bool {
        switch self[name] {
        case .none, .null: return false
        case .bool(let isSet): return isSet
        case .some: throw TreeActionError("'\(name)' is neither true nor false")
        }
    }

    func scope() throws(TreeActionError) -> TreeScope {
        guard let value = self["scope"], value != .null else { return .children }
        guard let scope = value.text.flatMap(TreeScope.init(rawValue:)) else {
            throw TreeActionError("'scope' is neither children nor subtree")
        }
        return scope
    }

    func condition() throws(TreeActionError) -> TreeAction.Condition {
        switch self["if"] {
        case .none, .null: return .none
        case .text("exists"): return .exists
        case .text("absent"): return .absent
        case .list(let values):
            var revisions: [Int64] = []
            for value in values {
                guard let revision = value.int else { throw TreeActionError("'if' lists what is no revision") }
                revisions.append(revision)
            }
            return .modifiedAt(revisions)
        case .some: throw TreeActionError("'if' is neither absent, exists nor a list of revisions")
        }
    }
}
