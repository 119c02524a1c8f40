/// The tree for the search for a linear order. Revisions are hidden from it: it compares values, versions, refusals,
/// names, counts and numbers, so that a system that lies about revisions cannot pass by its lies.
///
/// Where a condition names revisions, the answer says whether it held. If it did, the node must be there and be
/// what the history says that a node of such a revision was.
package struct TreeObject: SequentialObject {
    package typealias State = TreeState
    package typealias Action = TreeAction

    package init() {}

    package func step(_ state: TreeState, _ action: TreeAction) -> TreeState? {
        var state = state
        return TreeRules.judge(action, on: &state, revision: 0) == nil ? state : nil
    }

    package func isRead(_ action: TreeAction) -> Bool {
        action.answer != nil && !action.hasChanged
    }

    package func approximateBytes(of state: TreeState) -> Int { state.approximateBytes }
}

extension TreeObject {
    /// The positions of actions that can be judged apart from all others: one group for each child of the root,
    /// since an operation touches nothing outside of it. One that looks at the root's children joins them all.
    /// Reads of the past are in no group: only revisions can place them.
    package static func partitions(_ actions: [TreeAction]) -> [[Int]] {
        let isJoined = actions.contains { action in
            guard action.path.isRoot, action.at == nil else { return false }
            switch action.kind {
            case .list, .count, .createSequential: return true
            case .get, .put, .increment, .delete: return false
            }
        }
        var groups: [[Int]] = []
        var groupOfTop: [ByteText: Int] = [:]
        for (position, action) in actions.enumerated() where action.at == nil {
            let top = isJoined ? ByteText.root : action.path.top
            if let group = groupOfTop[top] {
                groups[group].append(position)
            } else {
                groupOfTop[top] = groups.count
                groups.append([position])
            }
        }
        return groups
    }

    /// Tells each condition on revisions what the history shows of the nodes that these revisions stand for.
    package static func tellConditions(_ actions: inout [TreeAction], revisions: [Int64?]) {
        guard actions.contains(where: { if case .modifiedAt = $0.condition { true } else { false } }) else { return }
        var told: [ToldKey: ToldNode] = [:]
        for (action, revision) in zip(actions, revisions) {
            guard let (key, node) = shown(by: action, revision) else { continue }
            let known = told[key]
            told[key] = ToldNode(value: known?.value ?? node.value, version: known?.version ?? node.version)
        }
        for position in actions.indices {
            guard case .modifiedAt(let revisions) = actions[position].condition else { continue }
            let nodes = revisions.map { told[ToldKey(path: actions[position].path, modified: $0)] }
            let known = nodes.compactMap { $0 }
            actions[position].told = known.count == nodes.count ? known : nil
        }
    }

    private struct ToldKey: Hashable {
        let path: ByteText
        let modified: Int64
    }

    /// The node that an answer shows, and the revision that the node then carries.
    private static func shown(by action: TreeAction, _ revision: Int64?) -> (ToldKey, ToldNode)? {
        switch (action.answer, action.kind) {
        case (.node(let node)?, .get):
            guard let modified = node.modified else { return nil }
            return (
                ToldKey(path: action.path, modified: modified), ToldNode(value: node.value, version: node.version)
            )
        case (.node(let node)?, .put(let value, _)):
            guard let modified = node.modified ?? revision else { return nil }
            return (
                ToldKey(path: action.path, modified: modified), ToldNode(value: .some(value), version: node.version)
            )
        case (.number(let number)?, .increment):
            guard let revision else { return nil }
            let value = ByteText(String(number))
            return (ToldKey(path: action.path, modified: revision), ToldNode(value: .some(value)))
        case (.created(let path, _)?, .createSequential(_, let value, _)):
            guard let revision else { return nil }
            return (ToldKey(path: path, modified: revision), ToldNode(value: .some(value), version: 1))
        default: return nil
        }
    }
}

/// Nodes in the order of their paths, so that what is below a node lies together. A copy costs nothing until one of
/// the two is changed; the fingerprint is kept along.
package struct TreeState: Sendable {
    private var entries = [Entry(path: .root, node: .root)]
    private var fingerprint: UInt64 = 0

    package init() {}

    var approximateBytes: Int { entries.count * MemoryLayout<Entry>.stride }

    private struct Entry {
        let path: ByteText
        var node: TreeNode

        var fingerprint: UInt64 {
            var hash = path.fingerprint
            for word in [
                node.value.map { $0.fingerprint | 1 } ?? 0, UInt64(bitPattern: node.version),
                UInt64(bitPattern: node.sequence),
            ] {
                hash = (hash ^ word) &* 0x9e37_79b9_7f4a_7c15
                hash ^= hash >> 29
            }
            return hash
        }
    }
}

extension TreeState: Hashable {
    package static func == (one: TreeState, other: TreeState) -> Bool {
        one.fingerprint == other.fingerprint && one.entries.count == other.entries.count
            && zip(one.entries, other.entries).allSatisfy { one, other in
                one.path == other.path && one.node.value == other.node.value
                    && one.node.version == other.node.version && one.node.sequence == other.node.sequence
            }
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(fingerprint)
    }
}

extension TreeState: TreeStore {
    var knowsRevisions: Bool { false }

    func node(_ path: ByteText) -> TreeNode? {
        let position = firstPosition(from: path)
        return holds(path, at: position) ? entries[position].node : nil
    }

    func countBelow(_ path: ByteText) -> Int {
        positionsBelow(path).count
    }

    func lastBelow(_ path: ByteText) -> ByteText? {
        positionsBelow(path).last.map { entries[$0].path }
    }

    func isModifiedAsWanted(_ node: TreeNode, _ action: TreeAction) -> Bool {
        if case .refused(.revisionMismatch) = action.answer { return false }
        guard let told = action.told else { return true }
        return told.contains { told in
            (told.value.map { $0 == node.value } ?? true) && (told.version.map { $0 == node.version } ?? true)
        }
    }

    mutating func create(_ path: ByteText, value: ByteText?, revision: Int64) {
        let node = TreeNode(value: value, version: 1, created: revision, modified: revision)
        let entry = Entry(path: path, node: node)
        entries.insert(entry, at: firstPosition(from: path))
        fingerprint ^= entry.fingerprint
        changeChildren(ofParentOf: path, by: 1)
    }

    mutating func replace(_ path: ByteText, value: ByteText?, revision: Int64) {
        change(path) { node in
            node.value = value
            node.version += 1
            node.modified = revision
        }
    }

    mutating func remove(_ path: ByteText, revision: Int64) {
        let below = positionsBelow(path)
        for position in below { fingerprint ^= entries[position].fingerprint }
        entries.removeSubrange(below)
        let position = firstPosition(from: path)
        guard holds(path, at: position) else { return }
        fingerprint ^= entries[position].fingerprint
        entries.remove(at: position)
        changeChildren(ofParentOf: path, by: -1)
    }

    mutating func setSequence(_ number: Int64, of path: ByteText) {
        change(path) { $0.sequence = number }
    }

    private mutating func changeChildren(ofParentOf path: ByteText, by difference: Int) {
        guard let parent = path.parent else { return }
        let position = firstPosition(from: parent)
        if holds(parent, at: position) { entries[position].node.children += difference }
    }

    private mutating func change(_ path: ByteText, _ edit: (inout TreeNode) -> Void) {
        let position = firstPosition(from: path)
        guard holds(path, at: position) else { return }
        fingerprint ^= entries[position].fingerprint
        edit(&entries[position].node)
        fingerprint ^= entries[position].fingerprint
    }

    private func holds(_ path: ByteText, at position: Int) -> Bool {
        position < entries.count && entries[position].path == path
    }

    private func positionsBelow(_ path: ByteText) -> Range<Int> {
        let (lower, upper) = path.below
        let first = firstPosition(from: lower)
        return first..<max(first, firstPosition(from: upper))
    }

    /// Where the first path stands that is not before `path`.
    private func firstPosition(from path: ByteText) -> Int {
        entries.countOfFront { $0.path < path }
    }
}
