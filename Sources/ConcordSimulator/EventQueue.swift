/// What will happen, in order of virtual time; things of the same time in the order in which they were added.
struct EventQueue<Event> {
    private struct Scheduled {
        var time: UInt64
        var number: UInt64
        /// Where in `events` it is: events are large, and the heap moves its elements often.
        var slot: Int32

        func comesBefore(_ other: Scheduled) -> Bool {
            time != other.time ? time < other.time : number < other.number
        }
    }

    /// A binary heap.
    private var heap: [Scheduled] = []
    private var events: [Event?] = []
    private var free: [Int32] = []
    private var lastNumber: UInt64 = 0

    mutating func schedule(_ event: Event, at time: UInt64) {
        lastNumber += 1
        let scheduled = Scheduled(time: time, number: lastNumber, slot: keep(event))
        heap.append(scheduled)
        var child = heap.count - 1
        while child > 0, scheduled.comesBefore(heap[(child - 1) / 2]) {
            heap[child] = heap[(child - 1) / 2]
            child = (child - 1) / 2
        }
        heap[child] = scheduled
    }

    mutating func next() -> (time: UInt64, event: Event)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty { sink(last) }
        guard let event = events[Int(first.slot)].take() else { return nil }
        free.append(first.slot)
        return (first.time, event)
    }

    private mutating func keep(_ event: Event) -> Int32 {
        guard let slot = free.popLast() else {
            events.append(event)
            return Int32(events.count - 1)
        }
        events[Int(slot)] = event
        return slot
    }

    /// Puts `scheduled` where it belongs below the vacant top.
    private mutating func sink(_ scheduled: Scheduled) {
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1].comesBefore(heap[child]) { child += 1 }
            guard heap[child].comesBefore(scheduled) else { break }
            heap[parent] = heap[child]
            parent = child
        }
        heap[parent] = scheduled
    }
}
