/// One line of a history: a process begins an operation or learns what became of it.
package struct HistoryEvent: Equatable, Sendable {
    package enum Kind: String, Sendable {
        case invoke
        case ok
        /// It had no effect, and never will.
        case fail
        /// What became of it is not known: it may take effect at any later time, or never.
        case info
    }

    package var kind: Kind
    /// One process does one operation at a time.
    package var process: HistoryValue
    /// What is done: `read`, `write`, `cas`, …
    package var function: String
    package var value: HistoryValue
    /// The object, in a history of several.
    package var key: HistoryValue?
    /// Nanoseconds from any fixed start. The order of the events counts, not this; it is for people.
    package var time: Int64?
    /// Of the state that answered.
    package var revision: Int64?
    package var error: HistoryValue?

    package init(
        _ kind: Kind, process: HistoryValue, _ function: String, _ value: HistoryValue = .null,
        key: HistoryValue? = nil, time: Int64? = nil, revision: Int64? = nil, error: HistoryValue? = nil
    ) {
        self.kind = kind
        self.process = process
        self.function = function
        self.value = value
        self.key = key
        self.time = time
        self.revision = revision
        self.error = error
    }
}
