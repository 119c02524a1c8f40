/// The tree for the replay in the order of revisions: changed in place, and able to go back to an earlier mark.
/// It remembers which operation did what, to name it when an answer contradicts it.
struct ReplayTree {
    private var slots: [Slot] = []
    private var slotOfPath: [ByteText: Int] = [:]
    private var journal: [Undo] = []
    /// Whether changes are written down to be taken back.
    private var isJournaling = false
    /// The operation that is being done.
    private var author = -1
    private var evidence = TreeEvidence()

    private struct Slot {
        let path: ByteText
        /// -1 for the root.
        let parent: Int
        var lives = false
        var node = TreeNode.root
        var below = 0
        var children: [Int] = []
        var positionInParent = 0
        /// The operation that created it last, wrote it last, deleted it last, and gave its last number; -1 for none.
        var creator = -1
        var writer = -1
        var deleter = -1
        var numberer = -1
        /// And the one that last created or removed a child.
        var childChanger = -1
    }

    private enum Undo {
        case created(Int, before: Slot)
        case removed(Int, before: Slot)
        case changed(Int, TreeNode, writer: Int, numberer: Int)
        case children(Int, revision: Int64?, changer: Int)
    }

    init() {
        slots.append(Slot(path: .root, parent: -1, lives: true))
        slotOfPath[.root] = 0
    }
}

extension ReplayTree: RevisionedObject {
    static var ownsAllRevisions: Bool { true }

    mutating func judge(_ action: TreeAction, at revision: Int64, by operation: Int) -> Contradiction? {
        author = operation
        guard let contradiction = TreeRules.judge(action, on: &self, revision: revision) else { return nil }
        return explain(sharpened(contradiction, action), action)
    }

    mutating func perform(_ action: TreeAction, at revision: Int64, by operation: Int) -> Bool {
        author = operation
        let effect = TreeRules.effect(of: action, in: self)
        if case .refused = effect { return false }
        TreeRules.apply(effect, of: action, to: &self, revision: revision)
        return true
    }

    mutating func learn(from timeline: ReplayTimeline<TreeAction>, gaps: [Int64]) {
        evidence = TreeEvidence(timeline, gaps: gaps)
    }

    func witnesses(of revision: Int64) -> [Int] { evidence.witnesses(of: revision) }

    func canHaveMade(_ revision: Int64, _ unknown: TreeAction) -> Bool { evidence.allows(unknown, at: revision) }

    static func isRelated(_ unknown: TreeAction, to action: TreeAction) -> Bool {
        unknown.canChangeWhatDecides(action)
    }
}

extension ReplayTree: TreeStore {
    var knowsRevisions: Bool { true }

    func node(_ path: ByteText) -> TreeNode? {
        guard let slot = slotOfPath[path], slots[slot].lives else { return nil }
        return slots[slot].node
    }

    func countBelow(_ path: ByteText) -> Int {
        slotOfPath[path].map { slots[$0].below } ?? 0
    }

    func lastBelow(_ path: ByteText) -> ByteText? {
        guard let top = slotOfPath[path] else { return nil }
        var last: ByteText?
        var waiting = slots[top].children
        while let slot = waiting.popLast() {
            last = last.map { max($0, slots[slot].path) } ?? slots[slot].path
            waiting.append(contentsOf: slots[slot].children)
        }
        return last
    }

    func isModifiedAsWanted(_ node: TreeNode, _ action: TreeAction) -> Bool {
        if case .modifiedAt(let revisions) = action.condition { revisions.contains(node.modified) } else { false }
    }

    mutating func create(_ path: ByteText, value: ByteText?, revision: Int64) {
        let slot = findOrMake(path)
        if isJournaling { journal.append(.created(slot, before: slots[slot])) }
        slots[slot].lives = true
        slots[slot].node = TreeNode(
            value: value, version: 1, created: revision, modified: revision, childRevision: revision)
        slots[slot].creator = author
        slots[slot].writer = author
        slots[slot].numberer = -1
        slots[slot].childChanger = author
        attach(slot)
        childrenChanged(ofParentOf: slot, at: revision)
    }

    mutating func replace(_ path: ByteText, value: ByteText?, revision: Int64) {
        guard let slot = slotOfPath[path] else { return }
        rememberNode(of: slot)
        slots[slot].node.value = value
        slots[slot].node.version += 1
        slots[slot].node.modified = revision
        slots[slot].writer = author
    }

    mutating func remove(_ path: ByteText, revision: Int64) {
        guard let top = slotOfPath[path] else { return }
        var doomed = [top]
        var next = 0
        while next < doomed.count {
            doomed.append(contentsOf: slots[doomed[next]].children)
            next += 1
        }
        for slot in doomed.reversed() {
            detach(slot)
            if isJournaling { journal.append(.removed(slot, before: slots[slot])) }
            slots[slot].lives = false
            slots[slot].deleter = author
        }
        childrenChanged(ofParentOf: top, at: revision)
    }

    mutating func setSequence(_ number: Int64, of path: ByteText) {
        guard let slot = slotOfPath[path] else { return }
        rememberNode(of: slot)
        slots[slot].node.sequence = number
        slots[slot].numberer = author
    }
}

// MARK: - Going back

extension ReplayTree {
    mutating func mark() -> Int {
        isJournaling = true
        return journal.count
    }

    mutating func rewind(to mark: Int) {
        while journal.count > mark, let undo = journal.popLast() {
            switch undo {
            case .created(let slot, let before):
                detach(slot)
                restore(slot, before)
            case .removed(let slot, let before):
                restore(slot, before)
                attach(slot)
            case .children(let slot, let revision, let changer):
                slots[slot].node.childRevision = revision
                slots[slot].childChanger = changer
            case .changed(let slot, let node, let writer, let numberer):
                let (children, childRevision) = (slots[slot].node.children, slots[slot].node.childRevision)
                slots[slot].node = node
                slots[slot].node.children = children
                slots[slot].node.childRevision = childRevision
                slots[slot].writer = writer
                slots[slot].numberer = numberer
            }
        }
    }

    /// Everything of a slot but what its children keep up to date.
    private mutating func restore(_ slot: Int, _ before: Slot) {
        let (children, below) = (slots[slot].children, slots[slot].below)
        slots[slot] = before
        slots[slot].children = children
        slots[slot].below = below
        slots[slot].node.children = children.count
    }

    private mutating func rememberNode(of slot: Int) {
        guard isJournaling else { return }
        journal.append(
            .changed(slot, slots[slot].node, writer: slots[slot].writer, numberer: slots[slot].numberer))
    }
}

// MARK: - Slots

extension ReplayTree {
    private mutating func childrenChanged(ofParentOf slot: Int, at revision: Int64) {
        let parent = slots[slot].parent
        guard parent >= 0 else { return }
        if isJournaling {
            journal.append(
                .children(
                    parent, revision: slots[parent].node.childRevision, changer: slots[parent].childChanger))
        }
        slots[parent].node.childRevision = revision
        slots[parent].childChanger = author
    }

    private mutating func findOrMake(_ path: ByteText) -> Int {
        if let slot = slotOfPath[path] { return slot }
        // A parent's slot is there: a node is created only where its parent lives.
        let parent = path.parent.flatMap { slotOfPath[$0] } ?? 0
        slots.append(Slot(path: path, parent: parent))
        slotOfPath[path] = slots.count - 1
        return slots.count - 1
    }

    private mutating func attach(_ slot: Int) {
        let parent = slots[slot].parent
        guard parent >= 0 else { return }
        slots[slot].positionInParent = slots[parent].children.count
        slots[parent].children.append(slot)
        slots[parent].node.children += 1
        addBelow(1, from: parent)
    }

    private mutating func detach(_ slot: Int) {
        let (parent, position) = (slots[slot].parent, slots[slot].positionInParent)
        guard parent >= 0, let last = slots[parent].children.popLast() else { return }
        if last != slot {
            slots[parent].children[position] = last
            slots[last].positionInParent = position
        }
        slots[parent].node.children -= 1
        addBelow(-1, from: parent)
    }

    private mutating func addBelow(_ difference: Int, from slot: Int) {
        var slot = slot
        while slot >= 0 {
            slots[slot].below += difference
            slot = slots[slot].parent
        }
    }
}

// MARK: - Witnesses

extension ReplayTree {
    /// The operations that made `path` what the tree says it is, the most telling first.
    func authors(of path: ByteText) -> [Int] {
        guard let slot = slotOfPath[path].map({ slots[$0] }) else { return [] }
        return (slot.lives ? [slot.writer, slot.creator, slot.numberer] : [slot.deleter]).filter { $0 >= 0 }
    }

    func changersOfChildren(of path: ByteText) -> [Int] {
        guard let slot = slotOfPath[path].map({ slots[$0] }) else { return [] }
        return slot.childChanger >= 0 ? [slot.childChanger] : []
    }

    /// What a listing of `path` should have named, in the order of paths.
    func listed(_ path: ByteText, _ scope: TreeScope) -> [ByteText] {
        guard let slot = slotOfPath[path] else { return [] }
        var found = slots[slot].children
        var next = 0
        while scope == .subtree, next < found.count {
            found.append(contentsOf: slots[found[next]].children)
            next += 1
        }
        return found.map { slots[$0].path }.sorted()
    }
}
