/// What will happen, in order of virtual time; things of the same time in the order in which they were added.
struct EventQueue<Event> {
    private struct Scheduled {
        var time: UInt64
        var number: UInt64
        var event: Event

        func comesBefore(_ other: Scheduled) -> Bool {
            time != other.time ? time < other.time : number < other.number
        }
    }

    /// A binary heap.
    private var heap: [Scheduled] = []
    private var lastNumber: UInt64 = 0

    mutating func schedule(_ event: Event, at time: UInt64) {
        lastNumber += 1
        heap.append(Scheduled(time: time, number: lastNumber, event: event))
        var child = heap.count - 1
        while child > 0, heap[child].comesBefore(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next() -> (time: UInt64, event: Event)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        return (first.time, first.event)
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].comesBefore(heap[smallest]) { smallest = child }
            }
            guard smallest != parent else { return }
            heap.swapAt(parent, smallest)
            parent = smallest
        }
    }
}
