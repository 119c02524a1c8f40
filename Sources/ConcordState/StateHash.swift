import ConcordBytes
import ConcordModel

/// The digests that the state hash is the sum of: one for each record, SipHash-128 of its words.
///
/// A sum does not depend on an order, and takes a record away as easily as it adds one. What follows from other
/// records - slots, links, the shapes of trees - is not hashed, so a member that loaded a snapshot has the same hash
/// as one that applied every entry.
enum StateHash {
    static let globalsTag: UInt64 = 7
    static let membershipTag: UInt64 = 8

    private enum Tag {
        static let node: UInt64 = 1
        static let directory: UInt64 = 2
        static let event: UInt64 = 3
        static let outcome: UInt64 = 4
        static let client: UInt64 = 5
        static let origin: UInt64 = 6
    }

    static func digest(of node: NodeRecord) -> UInt128 {
        digest(
            of: node.body, isCounted: node.isCounted, createRevision: node.createRevision,
            modifyRevision: node.modifyRevision, version: node.version)
    }

    private static func digest(
        of body: Body, isCounted: Bool, createRevision: UInt64, modifyRevision: UInt64, version: UInt64
    ) -> UInt128 {
        var stream = SipHashStream()
        stream.add(Tag.node | (isCounted ? 1 << 8 : 0) | (body.hasValue ? 1 << 9 : 0))
        stream.add(createRevision)
        stream.add(modifyRevision)
        stream.add(version)
        stream.add(body.bytes, from: 0, count: body.keyCount)
        stream.add(body.bytes, from: body.keyCount, count: body.valueCount)
        return stream.finish()
    }

    /// The digest of a directory whose node lives; the others follow from the events.
    static func digest(of directory: DirectoryRecord) -> UInt128 {
        var stream = SipHashStream()
        stream.add(Tag.directory)
        add(directory.counters, to: &stream)
        stream.add(directory.sequence)
        stream.add(directory.key, from: 0, count: directory.key.count)
        return stream.finish()
    }

    /// - Parameters:
    ///   - after: the digest of the version that the event made, 0 for none.
    ///   - before: the digest of the version that it replaced, 0 for none.
    static func digest(of event: HistoryEvent, after: UInt128, before: UInt128) -> UInt128 {
        var stream = SipHashStream()
        stream.add(Tag.event | UInt64(event.cause.rawValue) << 8 | (event.isCounted ? 1 << 16 : 0))
        stream.add(event.revision)
        stream.add(event.wallMilliseconds)
        stream.add(event.createRevision)
        stream.add(event.version)
        stream.add(event.previousRevision)
        add(event.parentBefore, to: &stream)
        add(event.ownBefore, to: &stream)
        stream.add(after)
        stream.add(before)
        return stream.finish()
    }

    /// An event's digest from its bytes alone.
    static func recomputed(_ event: HistoryEvent) -> UInt128 {
        let after = event.after.map {
            digest(
                of: $0, isCounted: event.isCounted, createRevision: event.createRevision,
                modifyRevision: event.revision, version: event.version)
        }
        let before = event.before.map {
            digest(
                of: $0, isCounted: event.isCounted, createRevision: event.createRevision,
                modifyRevision: event.previousRevision,
                version: event.isDeletion ? event.version : event.version - 1)
        }
        return digest(of: event, after: after ?? 0, before: before ?? 0)
    }

    static func digest(of record: OutcomeRecord) -> UInt128 {
        var stream = SipHashStream()
        let outcome = record.outcome
        stream.add(
            Tag.outcome | UInt64(outcome.verdict.byte) << 8 | (outcome.number == nil ? 0 : 1 << 16)
                | (outcome.wasReplay ? 1 << 17 : 0)
                | UInt64(outcome.setting?.rawValue ?? 0) << 32)
        stream.add(outcome.revision)
        stream.add(outcome.number ?? 0)
        stream.add(record.operationHash)
        stream.add(record.storedAt)
        stream.add(record.key, from: 0, count: record.key.count)
        return stream.finish()
    }

    static func digest(of client: ClientRecord) -> UInt128 {
        var stream = SipHashStream()
        stream.add(Tag.client)
        stream.add(client.done)
        stream.add(client.lastSeen)
        stream.add(client.queuedAt)
        stream.add(client.openCount)
        stream.add(client.key, from: 0, count: client.key.count)
        return stream.finish()
    }

    static func digest(of origin: OriginRecord) -> UInt128 {
        var stream = SipHashStream()
        stream.add(Tag.origin)
        stream.add(origin.boot)
        stream.add(origin.done)
        stream.add(origin.openCount)
        stream.add(origin.key, from: 0, count: origin.key.count)
        return stream.finish()
    }

    private static func add(_ counters: ChildCounters, to stream: inout SipHashStream) {
        stream.add(counters.childRevision)
        stream.add(counters.childVersion)
        stream.add(counters.childrenCount)
    }
}

extension StateMachine {
    /// The order-independent sum over all replicated records, kept by what `apply` wrote.
    package var stateHash: UInt128 {
        tree.digest &+ tree.history.digest &+ retries.digest &+ membership.digest &+ globalsDigest
    }

    /// The same from every record's bytes: it differs from `stateHash` when memory no longer holds what was written.
    /// `StateScrub` does this in small steps.
    package func recomputedHash() -> UInt128 {
        var sum = recomputedRemainder
        var node = tree.nodes.start
        while let record = tree.nodes.record(at: node) {
            sum &+= StateHash.digest(of: record)
            tree.nodes.advance(&node)
        }
        var directory = tree.directories.start
        while let record = tree.directories.record(at: directory) {
            if record.nodeLives { sum &+= StateHash.digest(of: record) }
            tree.directories.advance(&directory)
        }
        for number in tree.history.events.first..<tree.history.events.next {
            sum &+= StateHash.recomputed(tree.history.events[number])
        }
        return sum &+ retries.recomputedDigest()
    }

    /// What of the recomputed hash stands in no table.
    var recomputedRemainder: UInt128 { globalsDigest &+ membership.recomputedDigest }

    /// What there is once only; it is hashed when somebody asks.
    private var globalsDigest: UInt128 {
        var stream = SipHashStream()
        stream.add(StateHash.globalsTag)
        stream.add(tree.revision.rawValue)
        stream.add(epoch.rawValue)
        stream.add(clock)
        stream.add(tree.history.floor)
        stream.add(UInt64(featureLevel))
        for value in settings.all {
            stream.add(UInt64(value.setting.rawValue))
            stream.add(value.value)
        }
        return stream.finish()
    }
}
