internal import ConcordLinux

/// The event loop's kernel side, shared by those who own sockets.
final class Poller {
    let loop: EventLoop

    init() throws(SystemError) {
        loop = try EventLoop()
    }

    var wakeup: Wakeup { loop.wakeup }
}

/// Who is meant by an event: a kind, and a place in that kind's table.
struct Token: Hashable {
    enum Kind: UInt8 {
        case clientListener = 1
        case peerListener = 2
        case signals = 3
        case client = 4
        case dial = 5
        case accepted = 6
    }

    let rawValue: UInt64

    init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    init(_ kind: Kind, place: UInt64 = 0) {
        rawValue = UInt64(kind.rawValue) << 56 | place
    }

    var kind: Kind? { Kind(rawValue: UInt8(truncatingIfNeeded: rawValue >> 56)) }
    var place: UInt64 { rawValue & (1 << 56 - 1) }
}

/// Objects by place. A place is never given twice, so an event that comes late finds nothing instead of another.
struct SlotTable<Element: AnyObject> {
    private struct Slot {
        var generation: UInt64 = 0
        var element: Element?
    }

    private var slots: [Slot] = []
    private var free: [Int] = []
    private(set) var count = 0

    /// - Parameter make: is told the new element's place.
    mutating func insert(_ make: (UInt64) -> Element) -> Element {
        let index: Int
        if let reused = free.popLast() {
            index = reused
        } else {
            index = slots.count
            slots.append(Slot())
        }
        slots[index].generation += 1
        let element = make(slots[index].generation << 20 & (1 << 56 - 1) | UInt64(index))
        slots[index].element = element
        count += 1
        precondition(slots.count < 1 << 20, "a table of connections outgrew its tokens")
        return element
    }

    subscript(place: UInt64) -> Element? {
        let index = Int(place & (1 << 20 - 1))
        guard index < slots.count, slots[index].generation << 20 & (1 << 56 - 1) | UInt64(index) == place else {
            return nil
        }
        return slots[index].element
    }

    mutating func remove(_ place: UInt64) {
        guard self[place] != nil else { return }
        let index = Int(place & (1 << 20 - 1))
        slots[index].element = nil
        free.append(index)
        count -= 1
    }

    func forEach(_ body: (Element) -> Void) {
        for slot in slots {
            if let element = slot.element { body(element) }
        }
    }

    var elements: [Element] { slots.compactMap(\.element) }
}
