import ConcordChecker

/// Lines of a history by the clock: they are put in order in the end.
struct TimedLines {
    private var lines: [RecordedOperation] = []

    /// Milliseconds.
    mutating func call(
        _ function: String, _ argument: HistoryValue = .null, key: HistoryValue? = nil, _ result: HistoryValue = .null,
        from began: Int, to ended: Int, revision: Int? = nil, process: HistoryValue? = nil, isLost: Bool = false
    ) {
        lines.append(
            RecordedOperation(
                process: process ?? .number(lines.count), function: function, key: key, argument: argument,
                result: isLost ? .null : result, outcome: isLost ? .unknown : .ok, invoked: began, returned: ended,
                invokedTime: Int64(began) * 1_000_000, returnedTime: isLost ? nil : Int64(ended) * 1_000_000,
                revision: isLost ? nil : revision.map { Int64($0) }))
    }

    mutating func deliver(
        _ function: String, _ value: HistoryValue = .null, key: HistoryValue, process: HistoryValue = .text("watch"),
        at time: Int, revision: Int? = nil
    ) {
        lines.append(
            .delivery(
                process: process, function, value, key: key, at: time, time: Int64(time) * 1_000_000,
                revision: revision.map { Int64($0) }))
    }

    /// Each line has a place of its own: what begins does so before what ends in the same millisecond.
    var operations: [RecordedOperation] {
        let count = lines.count + 1
        return lines.enumerated().map { number, line in
            var line = line
            let isDelivery = RecordedOperation.delivered.contains(line.function)
            line.invoked = (line.invoked * 2 + (isDelivery ? 1 : 0)) * count + number
            line.returned = isDelivery ? line.invoked : (line.returned * 2 + 1) * count + number
            if line.outcome == .unknown { line.returned = .max }
            return line
        }.sorted { $0.invoked < $1.invoked }
    }
}
