/// An entry without its content: what must be known of the last one that a log holds no more.
package struct LogPosition: Equatable, Sendable {
    package var index: LogIndex
    package var term: Term
    /// The cluster clock of the entry, in milliseconds of leadership.
    package var clock: UInt64

    package init(index: LogIndex, term: Term, clock: UInt64) {
        self.index = index
        self.term = term
        self.clock = clock
    }

    /// Before the first entry.
    package static var start: LogPosition { LogPosition(index: .zero, term: .zero, clock: 0) }
}

/// What a snapshot stands for in the log: everything up to a committed entry, and the configuration that holds there
/// (dissertation §5.1, figure 5.3).
package struct LogBase: Equatable, Sendable {
    package var position: LogPosition
    /// The latest one at or before the position.
    package var configuration: Configuration

    package init(position: LogPosition, configuration: Configuration) {
        self.position = position
        self.configuration = configuration
    }
}
