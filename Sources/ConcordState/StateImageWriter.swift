import ConcordBytes
import ConcordModel

/// Writes the image of a state in pieces. The state is a copy, so its original goes on meanwhile.
package struct StateImageWriter: Sendable {
    private let state: StateMachine
    /// Of the records that were written so far.
    private var sum: UInt128
    /// `nil` when all is written.
    private var section: StateImage.Kind? = .globals
    private var node: OrderedIndex<NodeRecord>.Cursor
    private var directory: OrderedIndex<DirectoryRecord>.Cursor
    private var event: UInt64
    private var origin: OrderedIndex<OriginRecord>.Cursor
    private var client: OrderedIndex<ClientRecord>.Cursor
    private var outcome: OrderedIndex<OutcomeRecord>.Cursor

    package init(_ state: StateMachine) {
        self.state = state
        sum = state.recomputedRemainder
        node = state.tree.nodes.start
        directory = state.tree.directories.start
        event = state.tree.history.events.first
        origin = state.retries.origins.start
        client = state.retries.clients.start
        outcome = state.retries.outcomes.start
    }

    /// The next piece: whole records, of `bytes` bytes or a record more; `nil` behind the last one.
    package mutating func next(bytes: Int) -> [UInt8]? {
        guard section != nil else { return nil }
        var writer = ByteWriter(capacity: Swift.min(bytes, 1 << 20))
        while writer.bytes.count < bytes, let current = section {
            if !writeRecord(of: current, into: &writer) {
                section = StateImage.Kind(rawValue: current.rawValue + 1)
            }
        }
        return writer.bytes.isEmpty ? nil : writer.bytes
    }

    /// Whether the records that were written are those that the state hash was kept of. Of an image that is not sound no
    /// state could be made: memory has changed since `apply` wrote to it.
    package var isSound: Bool {
        precondition(section == nil, "an image was judged before all of it was written")
        return sum == state.stateHash
    }

    /// - Returns: false when the section has no further record.
    private mutating func writeRecord(of kind: StateImage.Kind, into writer: inout ByteWriter) -> Bool {
        switch kind {
        case .globals:
            state.imageGlobals.encode(into: &writer)
            section = .node
            return true
        case .node:
            guard let record = state.tree.nodes.record(at: node) else { return false }
            // Every state has the root, and it never changes.
            if record.keyCount > 0 { record.encode(into: &writer) }
            sum &+= StateHash.digest(of: record)
            state.tree.nodes.advance(&node)
        case .directory:
            guard let record = state.tree.directories.record(at: directory) else { return false }
            if record.nodeLives {
                record.encode(into: &writer)
                sum &+= StateHash.digest(of: record)
            }
            state.tree.directories.advance(&directory)
        case .event:
            guard state.tree.history.events.contains(event) else { return false }
            let record = state.tree.history.events[event]
            record.encode(into: &writer)
            sum &+= StateHash.recomputed(record)
            event += 1
        case .origin:
            guard let record = state.retries.origins.record(at: origin) else { return false }
            record.encode(into: &writer)
            sum &+= StateHash.digest(of: record)
            state.retries.origins.advance(&origin)
        case .client:
            guard let record = state.retries.clients.record(at: client) else { return false }
            record.encode(into: &writer)
            sum &+= StateHash.digest(of: record)
            state.retries.clients.advance(&client)
        case .outcome:
            guard let record = state.retries.outcomes.record(at: outcome) else { return false }
            record.encode(into: &writer)
            sum &+= StateHash.digest(of: record)
            state.retries.outcomes.advance(&outcome)
        }
        return true
    }
}

extension StateMachine {
    fileprivate var imageGlobals: StateImageRecord.Globals {
        StateImageRecord.Globals(
            version: StateImage.version(at: featureLevel), featureLevel: featureLevel, revision: revision.rawValue,
            epoch: epoch.rawValue, clock: clock,
            floor: tree.history.floor, hash: stateHash, settings: settings.all,
            membership: membership,
            counts: [
                tree.nodes.count - 1, tree.directories.count - tree.dormantDirectories, tree.history.events.count,
                retries.origins.count, retries.clients.count, retries.outcomes.count,
            ])
    }
}
