import ConcordModel

/// One change of one node, with the version that it replaced and the links to what happened before.
struct HistoryEvent: Blankable {
    let revision: UInt64
    var wallMilliseconds: UInt64
    /// The version made; `nil` for a deletion.
    var after: Body?
    /// The version replaced; `nil` for a creation.
    let before: Body?
    /// The node's creation, the same before and after.
    let createRevision: UInt64
    /// After a put; before a deletion.
    let version: UInt64
    /// The modify revision replaced; not looked at for a creation.
    let previousRevision: UInt64
    let cause: EventCause
    /// The parent's counters included the node.
    let isCounted: Bool
    /// The key has a parent, and the event changed who its children are.
    let isMembership: Bool
    /// The event before it of the same key; 0 for none.
    var previousOfKey: UInt64
    /// The event before it that created or deleted a child of the same parent; 0 for none.
    var previousOfParent: UInt64
    /// For a change of membership: what the parent knew before it.
    let parentBefore: ChildCounters
    /// For a deletion: what the node knew of its children at its end.
    let ownBefore: ChildCounters
    var digest: UInt128 = 0

    var isCreation: Bool { before == nil }
    var isDeletion: Bool { after == nil }
    var body: Body { after ?? before ?? .empty }

    /// The bytes that the limit of the history counts.
    var countedBytes: UInt64 {
        UInt64(body.keyCount) + UInt64(before?.valueCount ?? 0) + StateLimits.eventBytes
    }

    static let blank = HistoryEvent(
        revision: 0, wallMilliseconds: 0, after: nil, before: nil, createRevision: 0, version: 0, previousRevision: 0,
        cause: .client, isCounted: false, isMembership: false, previousOfKey: 0, previousOfParent: 0,
        parentBefore: .none, ownBefore: .none)
}

/// The queue of events, oldest first.
struct History: Sendable {
    private(set) var events = PagedQueue<HistoryEvent>()
    private(set) var bytes: UInt64 = 0
    /// The first revision all of whose events are retained.
    private(set) var floor: UInt64 = 0
    private(set) var digest: UInt128 = 0

    /// The number that the next event gets.
    var next: UInt64 { events.next }

    mutating func append(_ event: HistoryEvent) {
        bytes += event.countedBytes
        digest &+= event.digest
        events.append(event)
    }

    /// For an image: the floor that it had, and an event whose digest waits for what it made. A deletion made nothing.
    mutating func restore(floor: UInt64) {
        self.floor = floor
    }

    mutating func restore(_ event: HistoryEvent) {
        var event = event
        if event.isDeletion { event.digest = StateHash.recomputed(event) }
        append(event)
    }

    mutating func complete(_ number: UInt64, after body: Body) {
        digest &+= events.update(number) { event in
            event.after = body
            event.digest = StateHash.recomputed(event)
            return event.digest
        }
    }

    /// Changes an event as failing memory would, or, with its digest, as another decision would have written it.
    mutating func damage(_ number: UInt64, isConsistent: Bool) {
        let change = events.update(number) { event in
            let before = event.digest
            event.wallMilliseconds ^= 1
            if isConsistent { event.digest = StateHash.recomputed(event) }
            return event.digest &- before
        }
        digest &+= change
    }

    mutating func removeFirst() {
        let event = events[events.first]
        bytes -= event.countedBytes
        digest &-= event.digest
        events.removeFirst()
        floor = event.revision + 1
    }

    /// The number of the first event after `revision`.
    func firstNumber(after revision: UInt64) -> UInt64 {
        var (low, high) = (events.first, events.next)
        while low < high {
            let middle = low + (high - low) / 2
            if events.read(middle, { $0.revision }) <= revision { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

// MARK: - Versions of the past

extension Tree {
    /// The node as it is; `nil` when there is none.
    func present(_ bytes: [UInt8], _ count: Int) -> NodeVersion? {
        guard let record = nodes.record(bytes, count) else { return nil }
        return present(record)
    }

    func present(_ record: NodeRecord) -> NodeVersion {
        NodeVersion(
            body: record.body, createRevision: record.createRevision, modifyRevision: record.modifyRevision,
            version: record.version, children: childCounters(of: record))
    }

    func childCounters(of record: NodeRecord) -> ChildCounters {
        guard record.hasDirectory, let directory = directories.record(record.keyBytes, record.keyCount) else {
            return ChildCounters(childRevision: record.createRevision, childVersion: 0, childrenCount: 0)
        }
        return directory.counters
    }

    /// The node of a key as it was at `revision`: back along the chain of its events, each of which holds what it
    /// replaced. All events after `revision` must be retained.
    func version(
        of bytes: [UInt8], _ count: Int, at revision: UInt64, _ budget: inout StepBudget
    ) throws(TooMuchWork) -> NodeVersion? {
        let record = nodes.record(bytes, count)
        var number = record?.lastEvent ?? departed.record(bytes, count)?.lastEvent ?? 0
        var counters = record.map { childCounters(of: $0) } ?? .none
        /// The first event after the revision.
        var first: UInt64?
        while history.events.contains(number) {
            try budget.spend(1)
            let (at, previous, own) = history.events.read(number) {
                ($0.revision, $0.previousOfKey, $0.isDeletion ? $0.ownBefore : nil)
            }
            guard at > revision else { break }
            if let own { counters = own }
            first = number
            number = previous
        }
        var version = record.map { present($0) }
        if let first {
            let event = history.events[first]
            version = event.before.map { before in
                NodeVersion(
                    body: before, createRevision: event.createRevision, modifyRevision: event.previousRevision,
                    version: event.isDeletion ? event.version : event.version - 1, children: counters)
            }
        }
        guard var version, version.children.childRevision > revision else { return version }
        version.children = try children(of: bytes, count, at: revision, latest: version.children, &budget)
        return version
    }

    /// What a node that lived at `revision` knew of its children then: back along the chain of membership events to
    /// the first one after `revision`. That one belongs to the same life, since the counters at the end of that
    /// life are younger than `revision`.
    private func children(
        of bytes: [UInt8], _ count: Int, at revision: UInt64, latest: ChildCounters, _ budget: inout StepBudget
    ) throws(TooMuchWork) -> ChildCounters {
        var counters = latest
        var number = directories.record(bytes, count)?.lastMembership ?? 0
        while history.events.contains(number) {
            try budget.spend(1)
            let step = history.events.read(number) { ($0.revision, $0.parentBefore, $0.previousOfParent) }
            guard step.0 > revision else { break }
            counters = step.1
            number = step.2
        }
        return counters
    }
}

// MARK: - The floor

extension Tree {
    /// Drops the oldest revisions until the history is within its bounds, or until this command has done its share.
    /// - Parameter added: how many events the command appended.
    mutating func trimHistory(bytesMax: UInt64, revisionsMax: UInt64, added: UInt64) {
        var budget = StateLimits.eventsDroppedMax + added * StateLimits.eventsDroppedForEachAdded
        while !history.events.isEmpty, budget > 0,
            history.bytes > bytesMax || history.events.count > StateLimits.eventsMax
                || revision.rawValue + 1 - Swift.max(history.floor, 1) > revisionsMax
        {
            let oldest = history.events.read(history.events.first) { $0.revision }
            while !history.events.isEmpty, history.events.read(history.events.first, { $0.revision }) == oldest {
                dropOldestEvent()
                budget = budget > 0 ? budget - 1 : 0
            }
        }
    }

    /// Drops all events, and puts the floor behind all that they told.
    mutating func dropHistory(floor: UInt64) {
        while !history.events.isEmpty { dropOldestEvent() }
        history.restore(floor: floor)
    }

    private mutating func dropOldestEvent() {
        let number = history.events.first
        let event = history.events[number]
        let body = event.body
        if event.isDeletion, let gone = departed.record(body.bytes, body.keyCount), gone.lastEvent == number {
            departed.remove(body.bytes, body.keyCount)
        }
        // The last event of a chain whose directory is gone is a deletion, or the creation of an uncounted node.
        if event.isMembership, event.isDeletion || !event.isCounted,
            let parentCount = Tree.parentCount(of: body.bytes, body.keyCount),
            let directory = directories.record(body.bytes, parentCount),
            !directory.nodeLives, directory.lastMembership == number
        {
            directories.remove(body.bytes, parentCount)
            dormantDirectories -= 1
        }
        history.removeFirst()
    }
}

// MARK: - Events

extension Tree {
    /// Events of whole revisions after `revision`, in order: as many revisions as fit into `limit` events, and one
    /// in any case.
    func events(after revision: UInt64, limit: Int) -> [Event] {
        var found: [Event] = []
        var number = history.firstNumber(after: revision)
        var whole = 0
        while history.events.contains(number) {
            let event = history.events[number]
            if let last = found.last, last.revision.rawValue != event.revision {
                whole = found.count
                if whole >= limit { break }
            }
            found.append(Tree.event(event))
            if found.count > limit, whole > 0 {
                found.removeSubrange(whole...)
                return found
            }
            number += 1
        }
        return found
    }

    private static func event(_ event: HistoryEvent) -> Event {
        Event(
            revision: Revision(event.revision), kind: event.isDeletion ? .delete : .put, key: event.body.key,
            value: event.after?.value, version: event.version, createRevision: Revision(event.createRevision),
            previousRevision: event.isCreation ? nil : Revision(event.previousRevision), lease: nil,
            cause: event.cause, wallMilliseconds: event.wallMilliseconds)
    }
}
