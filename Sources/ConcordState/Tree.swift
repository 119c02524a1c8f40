import ConcordBytes
import ConcordModel

/// The tree: living nodes, the records of directories, and the history, with the chains that connect them.
///
/// docs/decisions/0001-one-structure-for-versions-history-and-listing.md says why it has this shape.
struct Tree: Sendable {
    var nodes = OrderedIndex<NodeRecord>()
    var directories = OrderedIndex<DirectoryRecord>()
    var departed = OrderedIndex<DepartedRecord>()
    var history = History()
    var revision = Revision.zero
    /// Encoded bytes of all living nodes, the root left out.
    var bytes: UInt64 = 0
    /// Nodes that no parent counts.
    var uncountedNodes: UInt64 = 0
    /// Directory records whose node does not live.
    var dormantDirectories: UInt64 = 0
    /// The sum of the digests of nodes and directories.
    var digest: UInt128 = 0

    /// A tree with its root, which is never written, and never goes.
    init() {
        var root = NodeRecord(
            body: Body(key: [], value: nil), isCounted: false, createRevision: 0, modifyRevision: 0, version: 0,
            lastEvent: 0)
        root.digest = StateHash.digest(of: root)
        digest = root.digest
        nodes.insert(root)
    }

    /// How many of the first `count` bytes of a key are its parent's; `nil` for the root and a key without `/`.
    static func parentCount(of bytes: [UInt8], _ count: Int) -> Int? {
        var position = count - 1
        while position >= 0 {
            if bytes[position] == Key.separator { return position }
            position -= 1
        }
        return nil
    }

    func exists(_ bytes: [UInt8], _ count: Int) -> Bool {
        nodes.find(bytes, count) != nil
    }
}

/// What is the same for all changes of one command.
struct Change {
    let revision: UInt64
    let wallMilliseconds: UInt64
    let cause: EventCause
}

// MARK: - The three changes that a node can undergo

extension Tree {
    /// Makes a node that does not exist.
    /// - Returns: the node as it then is.
    @discardableResult
    mutating func create(_ key: Key, value: [UInt8]?, isCounted: Bool, _ change: Change) -> NodeVersion {
        let body = Body(key: key.bytes, value: value)
        let number = history.next
        var record = NodeRecord(
            body: body, isCounted: isCounted, createRevision: change.revision, modifyRevision: change.revision,
            version: 1, lastEvent: number)
        record.hasDirectory = awakenDirectory(key.bytes, createRevision: change.revision)
        record.digest = StateHash.digest(of: record)
        let previous = departed.count == 0 ? nil : departed.remove(key.bytes)
        let membership = changeMembership(
            body, by: 1, isCounted: isCounted, number: number, revision: change.revision)
        digest &+= record.digest
        bytes += record.countedBytes
        if !isCounted { uncountedNodes += 1 }
        nodes.insert(record)

        var event = HistoryEvent(
            revision: change.revision, wallMilliseconds: change.wallMilliseconds, after: body, before: nil,
            createRevision: change.revision, version: 1, previousRevision: 0, cause: change.cause,
            isCounted: isCounted, isMembership: membership != nil, previousOfKey: previous?.lastEvent ?? 0,
            previousOfParent: membership?.previous ?? 0, parentBefore: membership?.before ?? .none, ownBefore: .none)
        event.digest = StateHash.digest(of: event, after: record.digest, before: 0)
        history.append(event)
        return NodeVersion(
            body: body, createRevision: change.revision, modifyRevision: change.revision, version: 1,
            children: ChildCounters(childRevision: change.revision, childVersion: 0, childrenCount: 0))
    }

    /// Replaces the value of a node.
    /// - Returns: the node as it then is.
    @discardableResult
    mutating func replace(_ location: OrderedIndex<NodeRecord>.Location, _ key: Key, value: [UInt8]?, _ change: Change)
        -> NodeVersion
    {
        let old = nodes[location]
        let number = history.next
        var new = old
        new.body = Body(key: key.bytes, value: value)
        new.modifyRevision = change.revision
        new.version = old.version + 1
        new.lastEvent = number
        new.digest = StateHash.digest(of: new)
        digest = digest &- old.digest &+ new.digest
        bytes = bytes - old.countedBytes + new.countedBytes
        nodes.update(location) { $0 = new }

        var event = HistoryEvent(
            revision: change.revision, wallMilliseconds: change.wallMilliseconds, after: new.body, before: old.body,
            createRevision: old.createRevision, version: new.version, previousRevision: old.modifyRevision,
            cause: change.cause, isCounted: old.isCounted, isMembership: false, previousOfKey: old.lastEvent,
            previousOfParent: 0, parentBefore: .none, ownBefore: .none)
        event.digest = StateHash.digest(of: event, after: new.digest, before: old.digest)
        history.append(event)
        return present(new)
    }

    /// Removes a node that nobody's counters need any more.
    /// - Returns: the node as it was.
    @discardableResult
    mutating func remove(_ key: Key, _ change: Change) -> NodeVersion {
        guard let old = nodes.remove(key.bytes) else {
            preconditionFailure("a node was removed that does not exist")
        }
        let number = history.next
        let version = retireDirectory(of: old)
        let membership = changeMembership(
            old.body, by: -1, isCounted: old.isCounted, number: number, revision: change.revision)
        digest &-= old.digest
        bytes -= old.countedBytes
        if !old.isCounted { uncountedNodes -= 1 }
        departed.insert(DepartedRecord(body: old.body, lastEvent: number))

        var event = HistoryEvent(
            revision: change.revision, wallMilliseconds: change.wallMilliseconds, after: nil, before: old.body,
            createRevision: old.createRevision, version: old.version, previousRevision: old.modifyRevision,
            cause: change.cause, isCounted: old.isCounted, isMembership: membership != nil,
            previousOfKey: old.lastEvent, previousOfParent: membership?.previous ?? 0,
            parentBefore: membership?.before ?? .none, ownBefore: version.children)
        event.digest = StateHash.digest(of: event, after: 0, before: old.digest)
        history.append(event)
        return version
    }
}

// MARK: - Directory records

extension Tree {
    /// Puts a creation or deletion into the membership chain of the parent's key, and into the parent's counters
    /// when it counts the node. A key without a parent has no chain.
    private mutating func changeMembership(
        _ body: Body, by step: Int, isCounted: Bool, number: UInt64, revision: UInt64
    ) -> (previous: UInt64, before: ChildCounters)? {
        guard let parentCount = Tree.parentCount(of: body.bytes, body.keyCount) else { return nil }
        let location = directories.find(body.bytes, parentCount) ?? makeDirectory(body.bytes, parentCount)
        var removed: UInt128 = 0
        var added: UInt128 = 0
        let result = directories.update(location) { directory in
            let result = (previous: directory.lastMembership, before: directory.counters)
            directory.lastMembership = number
            if isCounted {
                precondition(directory.nodeLives, "a node was counted by a parent that does not exist")
                directory.counters.childRevision = revision
                directory.counters.childVersion += 1
                directory.counters.childrenCount =
                    step > 0 ? directory.counters.childrenCount + 1 : directory.counters.childrenCount - 1
                removed = directory.digest
                directory.digest = StateHash.digest(of: directory)
                added = directory.digest
            }
            return result
        }
        digest = digest &- removed &+ added
        return result
    }

    private mutating func makeDirectory(_ bytes: [UInt8], _ count: Int) -> OrderedIndex<DirectoryRecord>.Location {
        var directory = DirectoryRecord(key: Array(bytes[..<count]), nodeLives: false)
        if let location = nodes.find(bytes, count) {
            directory.nodeLives = true
            directory.counters.childRevision = nodes.update(location) { node in
                node.hasDirectory = true
                return node.createRevision
            }
            directory.digest = StateHash.digest(of: directory)
            digest &+= directory.digest
        } else {
            dormantDirectories += 1
        }
        directories.insert(directory)
        guard let location = directories.find(directory.key) else {
            preconditionFailure("a directory record is missing that was just made")
        }
        return location
    }

    /// Gives a new node the directory record that is there for its key already, from an earlier life or from
    /// children that came without asking for a parent.
    /// - Returns: whether there is one.
    private mutating func awakenDirectory(_ key: [UInt8], createRevision: UInt64) -> Bool {
        guard dormantDirectories > 0, let location = directories.find(key) else { return false }
        dormantDirectories -= 1
        let added = directories.update(location) { directory in
            directory.nodeLives = true
            directory.counters = ChildCounters(childRevision: createRevision, childVersion: 0, childrenCount: 0)
            directory.sequence = 0
            directory.digest = StateHash.digest(of: directory)
            return directory.digest
        }
        digest &+= added
        return true
    }

    /// Takes the counters from a node that goes; the record stays while its chain reaches into the history.
    /// - Returns: the node as it was.
    private mutating func retireDirectory(of node: NodeRecord) -> NodeVersion {
        var version = NodeVersion(
            body: node.body, createRevision: node.createRevision, modifyRevision: node.modifyRevision,
            version: node.version,
            children: ChildCounters(childRevision: node.createRevision, childVersion: 0, childrenCount: 0))
        guard node.hasDirectory, let location = directories.find(node.keyBytes, node.keyCount) else { return version }
        let directory = directories[location]
        version.children = directory.counters
        precondition(directory.counters.childrenCount == 0, "a node was removed that still has children")
        digest &-= directory.digest
        if history.events.contains(directory.lastMembership) {
            directories.update(location) { directory in
                directory.nodeLives = false
                directory.counters = .none
                directory.sequence = 0
                directory.digest = 0
            }
            dormantDirectories += 1
        } else {
            directories.remove(directory.key)
        }
        return version
    }

    /// Remembers the number that a sequential name got.
    mutating func setSequence(_ number: UInt64, of parent: Key) {
        guard let location = directories.find(parent.bytes) else {
            preconditionFailure("a sequential name was made under a parent without a directory record")
        }
        let (removed, added) = directories.update(location) { directory in
            let removed = directory.digest
            directory.sequence = number
            directory.digest = StateHash.digest(of: directory)
            return (removed, directory.digest)
        }
        digest = digest &- removed &+ added
    }
}
