import ConcordBytes
import ConcordModel

/// Makes a state of an image, piece by piece as they were written.
///
/// Whatever the bytes are, what comes out is a state in which every rule holds that `apply` relies on, or an error.
package struct StateImageReader: Sendable {
    private var state = StateMachine()
    /// Of the state that was written.
    private var hash: UInt128 = 0
    private var section = StateImage.Kind.globals
    /// How many records of each kind are still to come, from the present one on.
    private var counts: [UInt64] = [1]
    /// Of the record before, in the same section.
    private var lastKey: [UInt8]?
    private var lastRevision: UInt64 = 0
    /// Keys whose last event so far left a node, and that have none in the image.
    private var keysWithoutNode = 0

    private let featureLevelMax: UInt16

    /// - Parameter featureLevelMax: a state of a higher level is refused.
    package init(featureLevelMax: UInt16 = ModelLimits.featureLevel) {
        self.featureLevelMax = featureLevelMax
    }

    /// Reads a piece: whole records.
    package mutating func read(_ piece: [UInt8]) throws(StateImageError) {
        var reader = ByteReader(piece)
        while reader.remaining > 0 {
            let record: StateImageRecord
            do throws(ByteError) { record = try StateImageRecord(decoding: &reader) } catch { throw .malformed(error) }
            switch record {
            case .newer(let version): throw .newerVersion(version)
            case .globals(let globals):
                try enter(.globals)
                try take(globals)
            case .node(let node):
                try enter(.node)
                try ascend(to: node.body.key.bytes)
                try state.tree.restore(node)
            case .directory(let directory):
                try enter(.directory)
                try ascend(to: directory.key)
                try state.tree.restore(directory)
            case .event(let event):
                try enter(.event)
                try take(event)
            case .origin(let origin):
                try enter(.origin)
                try ascend(to: origin.key)
                state.retries.restore(origin)
            case .client(let client):
                try enter(.client)
                try ascend(to: client.key)
                try state.retries.restore(client, clock: state.clock)
            case .outcome(let outcome):
                try enter(.outcome)
                try ascend(to: outcome.key)
                try state.retries.restore(outcome, clock: state.clock)
            }
        }
    }

    /// The state, once every piece was read.
    package consuming func finish() throws(StateImageError) -> StateMachine {
        guard counts.count > 1, counts.allSatisfy({ $0 == 0 }) else { throw .inconsistent("records are missing") }
        guard keysWithoutNode == 0 else { throw .inconsistent("a node is missing that an event left") }
        try state.tree.checkRestored(floor: state.historyFloor.rawValue)
        try state.retries.checkRestored()
        guard state.stateHash == hash else { throw .otherHash(state.stateHash) }
        return state
    }

    // MARK: The order of records

    private mutating func enter(_ kind: StateImage.Kind) throws(StateImageError) {
        if kind != section {
            guard kind.rawValue > section.rawValue, counts.count > Int(kind.rawValue) - 1 else {
                throw .inconsistent("a record out of its order")
            }
            section = kind
            lastKey = nil
        }
        guard counts[Int(kind.rawValue) - 1] > 0 else { throw .inconsistent("more records than were announced") }
        counts[Int(kind.rawValue) - 1] -= 1
    }

    private mutating func ascend(to key: [UInt8]) throws(StateImageError) {
        if let lastKey, ByteOrder.compare(lastKey, lastKey.count, key, key.count) >= 0 {
            throw .inconsistent("keys that do not ascend")
        }
        lastKey = key
    }

    // MARK: Records

    private mutating func take(_ globals: StateImageRecord.Globals) throws(StateImageError) {
        guard globals.featureLevel <= featureLevelMax else { throw .newerFeatureLevel(globals.featureLevel) }
        guard globals.featureLevel > 0, globals.version == StateImage.version(at: globals.featureLevel) else {
            throw .inconsistent("a version that is not the one of its feature level")
        }
        guard globals.floor <= globals.revision + 1, globals.counts[2] <= StateLimits.eventsMax else {
            throw .inconsistent("a history that reaches into the future, or is longer than any")
        }
        do throws(Refused) { try state.restore(globals) } catch { throw .inconsistent("a setting out of its range") }
        hash = globals.hash
        counts += globals.counts
    }

    private mutating func take(_ event: HistoryEvent) throws(StateImageError) {
        guard event.revision >= max(lastRevision, state.historyFloor.rawValue),
            event.revision <= state.revision.rawValue
        else { throw .inconsistent("an event of a revision that is not retained") }
        lastRevision = event.revision
        keysWithoutNode += try state.tree.restore(event)
    }
}
