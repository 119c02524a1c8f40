package import ConcordModel

// What failing memory, or a member that decides otherwise than the others, does to a state: for the tests and the
// simulator of what finds it. The product calls none of this.

extension StateMachine {
    /// Flips one bit of a stored node behind the back of the state hash, as failing memory would.
    /// - Parameter offset: counts through key and value.
    /// - Returns: false when there is no such byte.
    package mutating func damageStoredNode(_ key: Key, byte offset: Int) -> Bool {
        guard let location = tree.nodes.find(key.bytes), offset >= 0,
            offset < tree.nodes[location].body.bytes.count
        else { return false }
        tree.nodes.update(location) { $0.body.flipBit(ofByte: offset) }
        return true
    }

    /// Events of the history that are retained.
    package var retainedEventsCount: UInt64 { tree.history.events.count }

    /// Flips a bit of the wall time of an event of the history. No client is shown that time, and nothing depends on it.
    /// - Parameters:
    ///   - position: counts from the oldest event retained.
    ///   - isConsistent: whether the state hash follows, as if `apply` had written this: then the record is sound, and
    ///     only other members can tell that it is wrong.
    /// - Returns: false when there is no such event.
    package mutating func damageHistory(at position: UInt64, isConsistent: Bool) -> Bool {
        let number = tree.history.events.first + position
        guard tree.history.events.contains(number) else { return false }
        tree.history.damage(number, isConsistent: isConsistent)
        return true
    }

    /// Flips a bit of what the first stored outcome of an origin says of its operation. Nobody looks at it there; that of
    /// a client or a key decides whether a repetition is one.
    /// - Returns: false when there is none.
    package mutating func damageFirstOutcome() -> Bool {
        let cursor = retries.outcomes.seek([RetryTables.Name.origin])
        guard let record = retries.outcomes.record(at: cursor), record.key.first == RetryTables.Name.origin,
            let location = retries.outcomes.find(record.key)
        else { return false }
        retries.outcomes.update(location) { $0.operationHash ^= 1 << 77 }
        return true
    }
}
