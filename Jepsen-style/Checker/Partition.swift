enum Partition {
    /// The operations on each key, in the order in which the keys appear; those without a key are one object.
    static func byKey(
        _ operations: [RecordedOperation]
    ) -> [(key: HistoryValue?, operations: [RecordedOperation])] {
        var places: [HistoryValue?: Int] = [:]
        var parts: [(key: HistoryValue?, operations: [RecordedOperation])] = []
        for operation in operations {
            if let place = places[operation.key] {
                parts[place].operations.append(operation)
            } else {
                places[operation.key] = parts.count
                parts.append((operation.key, [operation]))
            }
        }
        return parts
    }
}
