/// An operation with its two ends: the invocation and what was learnt of it.
package struct RecordedOperation: Equatable, Sendable {
    package enum Outcome: Sendable {
        case ok
        /// It had no effect. Most models leave it out; where a failure says something of the state (a mutex that
        /// was taken, a compare that was false), the model says so.
        case fail
        case unknown
    }

    package var process: HistoryValue
    package var function: String
    package var key: HistoryValue?
    /// What the invocation carried.
    package var argument: HistoryValue
    /// What the completion carried; null without one.
    package var result: HistoryValue
    package var outcome: Outcome
    /// The position of the invocation among all events of the history: 0, 1, 2, …
    package var invoked: Int
    /// The position of the completion; `Int.max` when the outcome is unknown.
    package var returned: Int
    /// Nanoseconds, for people.
    package var invokedTime: Int64?
    package var returnedTime: Int64?
    /// Of the state that answered.
    package var revision: Int64?

    package init(
        process: HistoryValue, function: String, key: HistoryValue? = nil, argument: HistoryValue = .null,
        result: HistoryValue = .null, outcome: Outcome, invoked: Int, returned: Int, invokedTime: Int64? = nil,
        returnedTime: Int64? = nil, revision: Int64? = nil
    ) {
        self.process = process
        self.function = function
        self.key = key
        self.argument = argument
        self.result = result
        self.outcome = outcome
        self.invoked = invoked
        self.returned = returned
        self.invokedTime = invokedTime
        self.returnedTime = returnedTime
        self.revision = revision
    }
}
