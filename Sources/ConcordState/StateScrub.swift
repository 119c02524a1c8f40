/// Reads every record of a copy of the state, a few at a time, and holds their hash against the one that was kept when
/// they were written: memory that no longer holds what was written to it is found so.
///
/// The copy costs nothing, and shares its pages with the original until one of them changes. Records that `apply`
/// writes meanwhile are not in it: what befalls those the next pass finds.
package struct StateScrub: Sendable {
    private enum Section: CaseIterable {
        case nodes, directories, events, outcomes, origins, clients
    }

    private let state: StateMachine
    private let expected: UInt128
    private var sum: UInt128
    private var sections = Section.allCases[...]
    /// Of the present section. An index whose branches were damaged may lead round in a circle, or past some records.
    private var visited: UInt64 = 0
    private var node: OrderedIndex<NodeRecord>.Cursor
    private var directory: OrderedIndex<DirectoryRecord>.Cursor
    private var event: UInt64
    private var outcome: OrderedIndex<OutcomeRecord>.Cursor
    private var origin: OrderedIndex<OriginRecord>.Cursor
    private var client: OrderedIndex<ClientRecord>.Cursor

    package init(_ state: StateMachine) {
        self.state = state
        expected = state.stateHash
        sum = state.recomputedRemainder
        node = state.tree.nodes.start
        directory = state.tree.directories.start
        event = state.tree.history.events.first
        outcome = state.retries.outcomes.start
        origin = state.retries.origins.start
        client = state.retries.clients.start
    }

    /// How many records a pass reads.
    package var recordsCount: UInt64 { Section.allCases.reduce(0) { $0 + count(of: $1) } }

    /// Reads on, until so many records or bytes were read, or a record more.
    /// - Returns: `nil` while records are left; then whether the hash of all of them is the one that was kept.
    package mutating func advance(records: Int, bytes: Int) -> Bool? {
        var (recordsLeft, bytesLeft) = (records, bytes)
        while recordsLeft > 0, bytesLeft > 0 {
            guard let section = sections.first else { return sum == expected }
            guard let (digest, length) = next(of: section) else {
                guard visited == count(of: section) else { return false }
                sections.removeFirst()
                visited = 0
                continue
            }
            visited += 1
            guard visited <= count(of: section) else { return false }
            sum &+= digest
            recordsLeft -= 1
            bytesLeft -= length
        }
        return nil
    }

    private func count(of section: Section) -> UInt64 {
        switch section {
        case .nodes: state.tree.nodes.count
        case .directories: state.tree.directories.count
        case .events: state.tree.history.events.count
        case .outcomes: state.retries.outcomes.count
        case .origins: state.retries.origins.count
        case .clients: state.retries.clients.count
        }
    }

    /// - Returns: the digest of the section's next record, and how many bytes it was made of; `nil` behind the last one.
    private mutating func next(of section: Section) -> (digest: UInt128, bytes: Int)? {
        switch section {
        case .nodes:
            guard let record = state.tree.nodes.record(at: node) else { return nil }
            state.tree.nodes.advance(&node)
            return (StateHash.digest(of: record), record.body.bytes.count)
        case .directories:
            guard let record = state.tree.directories.record(at: directory) else { return nil }
            state.tree.directories.advance(&directory)
            return (record.nodeLives ? StateHash.digest(of: record) : 0, record.key.count)
        case .events:
            guard state.tree.history.events.contains(event) else { return nil }
            let record = state.tree.history.events[event]
            event += 1
            return (StateHash.recomputed(record), (record.after?.bytes.count ?? 0) + (record.before?.bytes.count ?? 0))
        case .outcomes:
            guard let record = state.retries.outcomes.record(at: outcome) else { return nil }
            state.retries.outcomes.advance(&outcome)
            return (StateHash.digest(of: record), record.key.count)
        case .origins:
            guard let record = state.retries.origins.record(at: origin) else { return nil }
            state.retries.origins.advance(&origin)
            return (StateHash.digest(of: record), record.key.count)
        case .clients:
            guard let record = state.retries.clients.record(at: client) else { return nil }
            state.retries.clients.advance(&client)
            return (StateHash.digest(of: record), record.key.count)
        }
    }
}
