import ConcordModel

// The tree of an image: nodes, then directories, then events, each linked to what came before it.

extension Tree {
    /// - Returns: an error where a rule is broken that changes of the tree rely on.
    mutating func restore(_ node: NodeRecord) throws(StateImageError) {
        guard node.keyCount > 0, node.version >= 1, node.createRevision >= 1,
            node.createRevision <= node.modifyRevision, node.modifyRevision <= revision.rawValue
        else { throw .inconsistent("a node that cannot be") }
        if node.isCounted {
            guard let parentCount = Tree.parentCount(of: node.keyBytes, node.keyCount),
                exists(node.keyBytes, parentCount)
            else { throw .inconsistent("a node without its parent") }
        } else {
            uncountedNodes += 1
        }
        var node = node
        node.digest = StateHash.digest(of: node)
        digest &+= node.digest
        bytes += node.countedBytes
        nodes.insert(node)
    }

    mutating func restore(_ directory: DirectoryRecord) throws(StateImageError) {
        guard let location = nodes.find(directory.key), directory.counters.childRevision <= revision.rawValue else {
            throw .inconsistent("a directory without a node")
        }
        var directory = directory
        directory.digest = StateHash.digest(of: directory)
        digest &+= directory.digest
        nodes.update(location) { $0.hasDirectory = true }
        directories.insert(directory)
    }

    /// - Returns: by how much there are more or fewer keys without a node whose last event left one.
    mutating func restore(_ event: HistoryEvent) throws(StateImageError) -> Int {
        let key = event.body
        let parentCount = Tree.parentCount(of: key.bytes, key.keyCount)
        guard key.keyCount > 0, event.version >= 1, event.version <= StateImage.numberMax,
            event.isMembership == ((event.isCreation || event.isDeletion) && parentCount != nil),
            event.isMembership || !event.isCounted || parentCount != nil
        else { throw .inconsistent("an event that cannot be") }
        let number = history.next
        let node = nodes.find(key.bytes, key.keyCount)
        let gone = departed.record(key.bytes, key.keyCount)
        let previous = node.map { nodes[$0].lastEvent } ?? gone?.lastEvent ?? 0
        var event = event
        event.previousOfKey = previous
        if history.events.contains(previous) { try complete(previous, before: event) }
        if event.isMembership, let parentCount {
            event.previousOfParent = try joinMembership(key, parentCount, number)
        }
        history.restore(event)
        if let node {
            nodes.update(node) { $0.lastEvent = number }
            return 0
        }
        // A key that has no node keeps the chain in the record of its departure.
        let wasOpen = previous != 0 && !history.events.read(previous) { $0.isDeletion }
        departed.remove(key.bytes, key.keyCount)
        departed.insert(DepartedRecord(body: event.before ?? key, lastEvent: number))
        return (event.isDeletion ? 0 : 1) - (wasOpen ? 1 : 0)
    }

    /// What an event made is what the next one of its key replaces.
    private mutating func complete(_ number: UInt64, before event: HistoryEvent) throws(StateImageError) {
        let previous = history.events[number]
        if previous.isDeletion {
            guard event.isCreation else { throw .inconsistent("a deleted node was changed") }
            return
        }
        guard let body = event.before, event.createRevision == previous.createRevision,
            event.previousRevision == previous.revision, event.isCounted == previous.isCounted,
            event.version == (event.isDeletion ? previous.version : previous.version + 1)
        else { throw .inconsistent("an event does not follow the one before it") }
        history.complete(number, after: body)
    }

    /// Puts an event into the chain of its parent.
    /// - Returns: the event before it there.
    private mutating func joinMembership(
        _ body: Body, _ parentCount: Int, _ number: UInt64
    ) throws(StateImageError) -> UInt64 {
        if let location = directories.find(body.bytes, parentCount) {
            return directories.update(location) { directory in
                let previous = directory.lastMembership
                directory.lastMembership = number
                return previous
            }
        }
        guard !exists(body.bytes, parentCount) else { throw .inconsistent("a parent without its directory") }
        dormantDirectories += 1
        directories.insert(
            DirectoryRecord(key: Array(body.bytes[..<parentCount]), nodeLives: false, lastMembership: number))
        return 0
    }

    /// What only the whole tells: each node is what its last event left, and each directory counts its children.
    mutating func checkRestored(floor: UInt64) throws(StateImageError) {
        var children: [OrderedIndex<DirectoryRecord>.Location: UInt64] = [:]
        var cursor = nodes.start
        while let node = nodes.record(at: cursor) {
            nodes.advance(&cursor)
            if node.isCounted, let parentCount = Tree.parentCount(of: node.keyBytes, node.keyCount) {
                guard let directory = directories.find(node.keyBytes, parentCount), directories[directory].nodeLives
                else { throw .inconsistent("a parent without its directory") }
                children[directory, default: 0] += 1
            }
            guard node.keyCount > 0 else { continue }
            guard node.lastEvent > 0 else {
                guard node.modifyRevision < max(floor, 1) else { throw .inconsistent("a node without its event") }
                continue
            }
            let event = history.events[node.lastEvent]
            guard !event.isDeletion, event.revision == node.modifyRevision, event.version == node.version,
                event.createRevision == node.createRevision, event.isCounted == node.isCounted
            else { throw .inconsistent("a node is not what its last event left") }
            history.complete(node.lastEvent, after: node.body)
        }
        var directory = directories.start
        while let record = directories.record(at: directory), let location = directories.find(record.key) {
            guard record.counters.childrenCount == children[location] ?? 0 else {
                throw .inconsistent("a directory miscounts its children")
            }
            directories.advance(&directory)
        }
    }
}
