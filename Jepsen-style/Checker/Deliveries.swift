extension RecordedOperation {
    /// What arrived by itself, on a stream or otherwise: one moment of the history.
    package static func delivery(
        process: HistoryValue, _ function: String, _ value: HistoryValue = .null, key: HistoryValue? = nil,
        at position: Int, time: Int64? = nil, revision: Int64? = nil
    ) -> RecordedOperation {
        RecordedOperation(
            process: process, function: function, key: key, result: value, outcome: .ok, invoked: position,
            returned: position, invokedTime: time, returnedTime: time, revision: revision)
    }

    /// The functions that only ever arrive: an `ok` of one of these completes nothing.
    package static let delivered: Set<String> = ["event", "message", "grant", "lease-expired"]
}
