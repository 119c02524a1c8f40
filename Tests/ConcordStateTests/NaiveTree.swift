import ConcordModel

/// The tree as a dictionary, with a whole copy kept for each revision: slow, and too simple to be wrong in the same
/// way as the real one.
struct NaiveTree {
    struct Entry: Equatable {
        var value: [UInt8]?
        var createRevision: UInt64
        var modifyRevision: UInt64
        var version: UInt64 = 1
        var childRevision: UInt64
        var childVersion: UInt64 = 0
        var childrenCount: UInt64 = 0
        var isCounted: Bool
        var sequence: Int64 = 0
    }

    enum Answer: Equatable {
        case applied(OperationResult)
        case refused(RefusalCode)
    }

    var revision: UInt64 = 0
    var nodes: [Key: Entry] = [
        .root: Entry(value: nil, createRevision: 0, modifyRevision: 0, version: 0, childRevision: 0, isCounted: false)
    ]
    var past: [[Key: Entry]] = []

    init() { past = [nodes] }

    func node(_ key: Key, at revision: UInt64, withValue: Bool = true) -> Node? {
        past[Int(revision)][key].map { NaiveTree.node(key, $0, withValue: withValue) }
    }

    static func node(_ key: Key, _ entry: Entry, withValue: Bool) -> Node {
        Node(
            key: key, value: withValue ? entry.value : nil, kind: .persistent,
            createRevision: Revision(entry.createRevision), modifyRevision: Revision(entry.modifyRevision),
            version: entry.version, lease: nil, childRevision: Revision(entry.childRevision),
            childVersion: entry.childVersion, childrenCount: entry.childrenCount)
    }

    func list(_ key: Key, _ scope: ListQuery.Scope, at revision: UInt64, withValue: Bool) -> [Node] {
        past[Int(revision)].filter { other, _ in
            scope == .subtree ? other.isBelow(key) : other.isBelow(key) && other.parent == key
        }.sorted { $0.key < $1.key }.map { NaiveTree.node($0.key, $0.value, withValue: withValue) }
    }

    /// What a watcher of everything sees of one revision, by key.
    func changes(of revision: UInt64) -> [Key: Entry?] {
        let (old, new) = (past[Int(revision) - 1], past[Int(revision)])
        var changes: [Key: Entry?] = [:]
        for (key, entry) in new where entry.modifyRevision == revision { changes[key] = .some(entry) }
        for key in old.keys where new[key] == nil { changes[key] = .some(nil) }
        return changes
    }

    // MARK: Writing

    mutating func apply(_ operation: Operation, nodesChangedMax: UInt64) -> Answer {
        var changed = self
        changed.revision += 1
        let answer: Answer =
            switch operation {
            case .put(let put): changed.put(put)
            case .createSequential(let create): changed.sequential(create)
            case .increment(let increment): changed.increment(increment)
            case .delete(let delete): changed.delete(delete, nodesChangedMax)
            case .changeSettings, .raiseFeatureLevel, .changeMembers, .cancelMemberChange, .memberInfo:
                .refused(.invalidRequest)
            }
        if case .applied = answer {
            changed.past.append(changed.nodes)
            self = changed
        }
        return answer
    }

    private func refusal(_ condition: Condition, _ entry: Entry?) -> RefusalCode? {
        switch condition {
        case .none: nil
        case .exists: entry == nil ? .revisionMismatch : nil
        case .absent: entry == nil ? nil : .alreadyExists
        case .modifiedAt(let revisions):
            entry.map { revisions.contains(Revision($0.modifyRevision)) } == true ? nil : .revisionMismatch
        }
    }

    private mutating func create(_ key: Key, _ value: [UInt8]?, isCounted: Bool) {
        nodes[key] = Entry(
            value: value, createRevision: revision, modifyRevision: revision, childRevision: revision,
            isCounted: isCounted)
        if isCounted { countChild(of: key, by: 1) }
    }

    private mutating func remove(_ key: Key) {
        if nodes.removeValue(forKey: key)?.isCounted == true { countChild(of: key, by: -1) }
    }

    private mutating func countChild(of key: Key, by step: Int) {
        guard let parent = key.parent, var entry = nodes[parent] else {
            preconditionFailure("counted without a parent")
        }
        entry.childrenCount = UInt64(Int(entry.childrenCount) + step)
        entry.childVersion += 1
        entry.childRevision = revision
        nodes[parent] = entry
    }

    private mutating func makeParents(of key: Key, create: Bool) -> RefusalCode? {
        guard let parent = key.parent else { return .invalidRequest }
        if nodes[parent] != nil { return nil }
        guard create else { return .parentNotFound }
        if let refusal = makeParents(of: parent, create: true) { return refusal }
        self.create(parent, nil, isCounted: true)
        return nil
    }

    private func applied(_ status: OperationResult.Status, _ key: Key, _ number: Int64? = nil) -> Answer {
        .applied(
            OperationResult(
                status: status, key: key, node: nodes[key].map { NaiveTree.node(key, $0, withValue: false) },
                number: number))
    }

    private mutating func put(_ put: PutOperation) -> Answer {
        if put.key.isRoot { return .refused(.invalidRequest) }
        if let refusal = refusal(put.condition, nodes[put.key]) { return .refused(refusal) }
        if nodes[put.key] != nil {
            nodes[put.key]?.value = put.value
            nodes[put.key]?.version += 1
            nodes[put.key]?.modifyRevision = revision
            return applied(.replaced, put.key)
        }
        if put.needsParent, let refusal = makeParents(of: put.key, create: put.createsParents) {
            return .refused(refusal)
        }
        create(put.key, put.value, isCounted: put.needsParent)
        return applied(.created, put.key)
    }

    private mutating func sequential(_ create: CreateSequentialOperation) -> Answer {
        if nodes[create.parent] == nil {
            guard create.createsParents else { return .refused(.parentNotFound) }
            if let refusal = makeParents(of: create.parent, create: true) { return .refused(refusal) }
            self.create(create.parent, nil, isCounted: true)
        }
        var number = nodes[create.parent]?.sequence ?? 0
        while true {
            number += 1
            let digits = String(number)
            if digits.count > create.width { return .refused(.limitExceeded) }
            let padded = String(repeating: "0", count: Int(create.width) - digits.count) + digits
            let key = Key(create.parent.bytes + [Key.separator] + create.prefix + Array(padded.utf8))
            guard nodes[key] == nil else { continue }
            self.create(key, create.value, isCounted: true)
            nodes[create.parent]?.sequence = number
            return applied(.created, key, number)
        }
    }

    private mutating func increment(_ increment: IncrementOperation) -> Answer {
        if increment.key.isRoot { return .refused(.invalidRequest) }
        if let refusal = refusal(increment.condition, nodes[increment.key]) { return .refused(refusal) }
        guard let entry = nodes[increment.key] else {
            if let refusal = makeParents(of: increment.key, create: false) { return .refused(refusal) }
            create(increment.key, Array(String(increment.amount).utf8), isCounted: true)
            return applied(.created, increment.key, increment.amount)
        }
        guard let value = entry.value, let number = Int64(String(decoding: value, as: UTF8.self)),
            Array(String(number).utf8) == value
        else { return .refused(.conflict) }
        let (sum, overflow) = number.addingReportingOverflow(increment.amount)
        if overflow { return .refused(.conflict) }
        nodes[increment.key]?.value = Array(String(sum).utf8)
        nodes[increment.key]?.version += 1
        nodes[increment.key]?.modifyRevision = revision
        return applied(.replaced, increment.key, sum)
    }

    private mutating func delete(_ delete: DeleteOperation, _ nodesChangedMax: UInt64) -> Answer {
        if delete.key.isRoot { return .refused(.invalidRequest) }
        if nodes[delete.key] == nil, delete.condition == .none || delete.condition == .absent {
            return .refused(.notFound)
        }
        if let refusal = refusal(delete.condition, nodes[delete.key]) { return .refused(refusal) }
        guard let entry = nodes[delete.key] else { return .refused(.notFound) }
        if !delete.recursive, entry.childrenCount > 0 { return .refused(.notEmpty) }
        let below = delete.recursive ? nodes.keys.filter { $0.isBelow(delete.key) }.sorted(by: >) : []
        let going = below + [delete.key]
        let limit: Int
        if delete.recursive, delete.batch > 0 {
            limit = Int(min(UInt64(delete.batch), nodesChangedMax))
        } else {
            if UInt64(going.count) > nodesChangedMax { return .refused(.limitExceeded) }
            limit = going.count
        }
        let before = NaiveTree.node(delete.key, entry, withValue: false)
        for key in below.prefix(limit) { remove(key) }
        let gone = min(limit, going.count)
        var result = OperationResult(status: .deleted, key: delete.key, node: nil, number: Int64(gone))
        if limit >= going.count {
            result.node = before
            remove(delete.key)
        }
        return .applied(result)
    }
}
