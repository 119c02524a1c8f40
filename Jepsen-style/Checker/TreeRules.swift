/// A node as a checker keeps it.
struct TreeNode {
    var value: ByteText?
    var version: Int64
    var created: Int64
    var modified: Int64
    /// The last number that a sequential child got.
    var sequence: Int64 = 0
    var children = 0
    /// The revision at which a child last came or went, else that of the creation; unknown of a root without.
    var childRevision: Int64?

    /// The root: never written, never gone.
    static let root = TreeNode(value: nil, version: 0, created: 0, modified: 0)
}

/// What holds a tree while a history is checked. The rules are the same for all.
protocol TreeStore {
    /// Whether the revisions of its nodes are those of the system.
    var knowsRevisions: Bool { get }

    func node(_ path: ByteText) -> TreeNode?
    func countBelow(_ path: ByteText) -> Int
    /// Of the nodes below a path the last in the order of bytes, which has none below itself.
    func lastBelow(_ path: ByteText) -> ByteText?
    /// Whether the condition of `action`, a list of revisions, holds for `node`.
    func isModifiedAsWanted(_ node: TreeNode, _ action: TreeAction) -> Bool

    /// The parent exists and the path does not.
    mutating func create(_ path: ByteText, value: ByteText?, revision: Int64)
    mutating func replace(_ path: ByteText, value: ByteText?, revision: Int64)
    /// With everything below.
    mutating func remove(_ path: ByteText, revision: Int64)
    mutating func setSequence(_ number: Int64, of path: ByteText)
}

/// What an operation does to a tree.
enum TreeEffect {
    case nothing
    case refused(TreeRefusal)
    case create(parents: [ByteText], ByteText, ByteText?, number: Int64?)
    case replace(ByteText?, number: Int64?)
    case delete(count: Int64)
    /// Only this many from below, and the node stays.
    case deleteLast(count: Int64)
}

/// How an answer differs from what the tree says.
enum TreeContradiction: Equatable {
    /// `nil`: nothing stood against the operation.
    case refusal(TreeRefusal?)
    case value(ByteText?)
    case version(Int64)
    case created(Int64)
    case modified(Int64)
    case childRevision(Int64)
    case children(Int64)
    case number(Int64)
    case path(ByteText)
    case notListed(ByteText)
    case listed(ByteText)
    case namesOutOfOrder(ByteText)
    case namesCount(Int64)
}

/// The specification of the tree: docs/histories.md in Swift, written without a look at how the system does it.
enum TreeRules {
    /// Names made by hand that a sequential creation passes over before it gives up.
    static let sequentialTriesMax = 1000

    /// Does `action` on `tree` and compares the answer.
    /// - Returns: `nil` when the answer is the right one. After a contradiction the tree is of no use.
    static func judge(_ action: TreeAction, on tree: inout some TreeStore, revision: Int64) -> TreeContradiction? {
        let effect = effect(of: action, in: tree)
        if case .refused(let given) = action.answer {
            switch effect {
            case .refused(let code): return code == given ? nil : .refusal(code)
            default: return isBelieved(given, effect) ? nil : .refusal(nil)
            }
        }
        if case .refused(let code) = effect { return action.answer == nil ? nil : .refusal(code) }
        apply(effect, of: action, to: &tree, revision: revision)
        guard let answer = action.answer else { return nil }
        return contradiction(answer, action, effect, tree)
    }

    static func effect(of action: TreeAction, in tree: some TreeStore) -> TreeEffect {
        if action.path.isRoot, isWriteOfNode(action) { return .refused(.invalidRequest) }
        let node = tree.node(action.path)
        switch action.kind {
        case .get, .list, .count: return node == nil ? .refused(.notFound) : .nothing
        case .put(let value, let makesParents):
            if let code = refusal(by: action, node, tree) { return .refused(code) }
            if node != nil { return .replace(value, number: nil) }
            return create(action.path, value, makesParents: makesParents, number: nil, tree)
        case .createSequential: return sequentialEffect(action, node, tree)
        case .increment(let amount):
            if let code = refusal(by: action, node, tree) { return .refused(code) }
            guard let node else {
                return create(action.path, ByteText(String(amount)), makesParents: false, number: amount, tree)
            }
            guard let number = node.value.flatMap(decimal) else { return .refused(.conflict) }
            let (sum, isOverflow) = number.addingReportingOverflow(amount)
            return isOverflow ? .refused(.conflict) : .replace(ByteText(String(sum)), number: sum)
        case .delete(let recursive):
            if node == nil {
                if case .none = action.condition { return .refused(.notFound) }
                if case .absent = action.condition { return .refused(.notFound) }
            }
            if let code = refusal(by: action, node, tree) { return .refused(code) }
            if !recursive, let node, node.children > 0 { return .refused(.notEmpty) }
            let count = Int64(tree.countBelow(action.path)) + 1
            return action.batch > 0 && action.batch < count ? .deleteLast(count: action.batch) : .delete(count: count)
        }
    }

    static func apply(_ effect: TreeEffect, of action: TreeAction, to tree: inout some TreeStore, revision: Int64) {
        switch effect {
        case .nothing, .refused: break
        case .create(let parents, let path, let value, let number):
            for parent in parents { tree.create(parent, value: nil, revision: revision) }
            tree.create(path, value: value, revision: revision)
            if case .createSequential = action.kind, let number { tree.setSequence(number, of: action.path) }
        case .replace(let value, _): tree.replace(action.path, value: value, revision: revision)
        case .delete: tree.remove(action.path, revision: revision)
        case .deleteLast(let count):
            for _ in 0..<count {
                if let last = tree.lastBelow(action.path) { tree.remove(last, revision: revision) }
            }
        }
    }
}

// MARK: - What stands against an operation

extension TreeRules {
    private static func isWriteOfNode(_ action: TreeAction) -> Bool {
        if case .createSequential = action.kind { false } else { action.isWrite }
    }

    private static func refusal(by action: TreeAction, _ node: TreeNode?, _ tree: some TreeStore) -> TreeRefusal? {
        switch action.condition {
        case .none: return nil
        case .exists: return node == nil ? .revisionMismatch : nil
        case .absent: return node == nil ? nil : .alreadyExists
        case .modifiedAt:
            guard let node, tree.isModifiedAsWanted(node, action) else { return .revisionMismatch }
            return nil
        }
    }

    private static func create(
        _ path: ByteText, _ value: ByteText?, makesParents: Bool, number: Int64?, _ tree: some TreeStore
    ) -> TreeEffect {
        var missing: [ByteText] = []
        var next = path.parent
        while let parent = next, tree.node(parent) == nil {
            guard makesParents else { return .refused(.parentNotFound) }
            missing.append(parent)
            next = parent.parent
        }
        return .create(parents: missing.reversed(), path, value, number: number)
    }

    private static func sequentialEffect(_ action: TreeAction, _ parent: TreeNode?, _ tree: some TreeStore)
        -> TreeEffect
    {
        guard case .createSequential(let prefix, let value, let digits) = action.kind else { return .nothing }
        if parent == nil, !action.makesParents { return .refused(.parentNotFound) }
        var missing: [ByteText] = []
        var next = parent == nil ? action.path : nil
        while let path = next, tree.node(path) == nil {
            missing.append(path)
            next = path.parent
        }
        var number = parent?.sequence ?? 0
        for _ in 0..<sequentialTriesMax {
            guard number < .max else { return .refused(.limitExceeded) }
            number += 1
            guard String(number).utf8.count <= digits else { return .refused(.limitExceeded) }
            let path = action.path.child(prefix: prefix, number: number, digits: digits)
            if tree.node(path) == nil { return .create(parents: missing.reversed(), path, value, number: number) }
        }
        return .refused(.conflict)
    }

    /// A 64-bit number in the one form that the system itself writes.
    private static func decimal(_ value: ByteText) -> Int64? {
        guard value.bytes.count <= 20, let number = Int64(value.text), ByteText(String(number)) == value else {
            return nil
        }
        return number
    }

    /// Limits are settings, which a history does not show: such a refusal is believed where it can be true at all.
    private static func isBelieved(_ refusal: TreeRefusal, _ effect: TreeEffect) -> Bool {
        switch (refusal, effect) {
        case (.limitExceeded, .create(let parents, _, _, _)): !parents.isEmpty
        case (.limitExceeded, .delete(let count)): count > 1
        default: false
        }
    }
}

// MARK: - What an answer says

extension TreeRules {
    private static func contradiction(
        _ answer: TreeAnswer, _ action: TreeAction, _ effect: TreeEffect, _ tree: some TreeStore
    ) -> TreeContradiction? {
        switch (answer, effect) {
        case (.node(let observed), _):
            guard let node = tree.node(action.path) else { return .refusal(.notFound) }
            return contradiction(observed, node, knowsRevisions: tree.knowsRevisions)
        case (.created(let path, let number), .create(_, let expected, _, let expectedNumber)):
            if let number, let expectedNumber, number != expectedNumber { return .number(expectedNumber) }
            return path == expected ? nil : .path(expected)
        case (.number(let number), .create(_, _, _, let expected?)), (.number(let number), .replace(_, let expected?)),
            (.number(let number), .delete(let expected)), (.number(let number), .deleteLast(let expected)):
            return number == expected ? nil : .number(expected)
        case (.number(let number), _):
            guard case .count(let scope) = action.kind else { return nil }
            let expected = Int64(listedCount(action.path, scope, tree))
            return number == expected ? nil : .number(expected)
        case (.names(let names), _):
            guard case .list(let scope) = action.kind else { return nil }
            return contradiction(names, below: action.path, scope, tree)
        case (.refused, _), (.created, _): return nil
        }
    }

    private static func contradiction(_ observed: ObservedNode, _ node: TreeNode, knowsRevisions: Bool)
        -> TreeContradiction?
    {
        if let value = observed.value, value != node.value { return .value(node.value) }
        if let version = observed.version, version != node.version { return .version(node.version) }
        if let children = observed.children, children != node.children { return .children(Int64(node.children)) }
        guard knowsRevisions else { return nil }
        if let created = observed.created, created != node.created { return .created(node.created) }
        if let modified = observed.modified, modified != node.modified { return .modified(node.modified) }
        if let seen = observed.childRevision, let changed = node.childRevision, seen != changed {
            return .childRevision(changed)
        }
        return nil
    }

    /// Distinct listed names, and as many as there are: then it is the list, whatever the order that nodes are kept in.
    private static func contradiction(
        _ names: [ByteText], below path: ByteText, _ scope: TreeScope, _ tree: some TreeStore
    ) -> TreeContradiction? {
        var previous: ByteText?
        for name in names {
            if let previous, previous >= name { return .namesOutOfOrder(name) }
            let isInScope = scope == .children ? name.isChild(of: path) : name.isBelow(path)
            guard isInScope, tree.node(name) != nil else { return .notListed(name) }
            previous = name
        }
        let expected = listedCount(path, scope, tree)
        return names.count == expected ? nil : .namesCount(Int64(expected))
    }

    static func listedCount(_ path: ByteText, _ scope: TreeScope, _ tree: some TreeStore) -> Int {
        scope == .children ? tree.node(path)?.children ?? 0 : tree.countBelow(path)
    }
}
