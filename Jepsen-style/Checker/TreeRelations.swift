// Which operations can have to do with which others, whatever the tree holds.

extension TreeAction {
    /// Whether doing this one can change the answer to `other`.
    func canChangeWhatDecides(_ other: TreeAction) -> Bool {
        if canChangeNode(other.path) { return true }
        switch other.kind {
        case .get: return false
        case .list(let scope), .count(let scope): return canChangeNames(below: other.path, scope)
        case .delete(let recursive): return canChangeNames(below: other.path, recursive ? .subtree : .children)
        case .createSequential:
            return canChangeNames(below: other.path, .children)
                || other.makesParents && canChangeAncestor(of: other.path, any: true)
        case .increment: return other.path.parent.map(canChangeNode) ?? false
        case .put(_, let makesParents): return canChangeAncestor(of: other.path, any: makesParents)
        }
    }

    /// Whether it can change the parent of a node, or `any` above it.
    private func canChangeAncestor(of node: ByteText, any: Bool) -> Bool {
        var next = node.parent
        while let ancestor = next {
            if canChangeNode(ancestor) { return true }
            next = any ? ancestor.parent : nil
        }
        return false
    }

    /// Whether it can write, create or delete the node, or give a number of its counter.
    func canChangeNode(_ node: ByteText) -> Bool {
        if path == node { return isWrite }
        switch kind {
        case .get, .list, .count, .increment: return false
        case .put(_, let makesParents): return makesParents && path.isBelow(node)
        case .delete(let recursive): return recursive && node.isBelow(path)
        case .createSequential(let prefix, _, _): return canName(node, prefix) || makesParents && path.isBelow(node)
        }
    }

    /// Whether a sequential creation can make this name.
    func canName(_ node: ByteText, _ prefix: ByteText) -> Bool {
        let start = path.bytes.count + 1
        return node.isChild(of: path) && node.bytes.dropFirst(start).starts(with: prefix.bytes)
            && node.bytes.dropFirst(start + prefix.bytes.count).allSatisfy { 48...57 ~= $0 }
    }

    private func canChangeNames(below node: ByteText, _ scope: TreeScope) -> Bool {
        switch kind {
        case .get, .list, .count: false
        case .createSequential: path == node || (makesParents || scope == .subtree) && path.isBelow(node)
        case .put(_, makesParents: true): path.isBelow(node)
        case .put, .increment, .delete: scope == .subtree ? path.isBelow(node) : path.isChild(of: node)
        }
    }
}
