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
        var isTaken = false
        var element: Element?
    }

    private var slots: [Slot] = []
    private var free: [Int] = []
    private(set) var count = 0

    static var indexBits: UInt64 { 20 }

    /// A place that is taken and empty: for an element that has to know its place. Fill or remove it.
    mutating func reserve() -> UInt64 {
        let index: Int
        if let reused = free.popLast() {
            index = reused
        } else {
            index = slots.count
            slots.append(Slot())
            precondition(slots.count < 1 << Self.indexBits, "a table of connections outgrew its tokens")
        }
        slots[index].generation += 1
        slots[index].isTaken = true
        count += 1
        return place(of: index)
    }

    mutating func fill(_ place: UInt64, with element: Element) {
        guard let index = index(of: place), slots[index].isTaken else {
            preconditionFailure("a place was filled that was not reserved")
        }
        slots[index].element = element
    }

    subscript(place: UInt64) -> Element? {
        index(of: place).flatMap { slots[$0].element }
    }

    /// Whatever stands at the index part of a place, whoever has been there before.
    subscript(index index: Int) -> Element? {
        index < slots.count ? slots[index].element : nil
    }

    static func index(of place: UInt64) -> UInt64 { place & (1 << indexBits - 1) }

    mutating func remove(_ place: UInt64) {
        guard let index = index(of: place), slots[index].isTaken else { return }
        slots[index].element = nil
        slots[index].isTaken = false
        free.append(index)
        count -= 1
    }

    private func place(of index: Int) -> UInt64 {
        (slots[index].generation << Self.indexBits | UInt64(index)) & (1 << 56 - 1)
    }

    private func index(of place: UInt64) -> Int? {
        let index = Int(place & (1 << Self.indexBits - 1))
        return index < slots.count && self.place(of: index) == place ? index : nil
    }

    var elements: [Element] { slots.compactMap(\.element) }
}
