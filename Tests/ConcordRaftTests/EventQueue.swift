/// A binary heap of events in order of time; those of one time in the order in which they were added.
struct EventQueue<Event> {
    private struct Item {
        var time: UInt64
        var number: UInt64
        var event: Event

        func isBefore(_ other: Item) -> Bool { (time, number) < (other.time, other.number) }
    }

    private var items: [Item] = []
    private var added: UInt64 = 0

    var nextTime: UInt64? { items.first?.time }

    mutating func add(_ event: Event, at time: UInt64) {
        added += 1
        items.append(Item(time: time, number: added, event: event))
        var child = items.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard items[child].isBefore(items[parent]) else { break }
            items.swapAt(child, parent)
            child = parent
        }
    }

    mutating func next() -> Event? {
        guard let first = items.first else { return nil }
        let last = items.removeLast()
        guard !items.isEmpty else { return first.event }
        items[0] = last
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < items.count && items[child].isBefore(items[smallest]) {
                smallest = child
            }
            guard smallest != parent else { break }
            items.swapAt(parent, smallest)
            parent = smallest
        }
        return first.event
    }
}
