/// Elements in pages of 64 under a page table of three levels with a fan-out of 256.
///
/// A copy is the copy of one reference. A write goes in place while nobody shares the page; after a copy it
/// copies the page and the three short tables above it, so a snapshot never stops the writer and growth never
/// moves what is there. Pages are filled from their first slot on, in order.
package struct PageTable<Element: Sendable>: Sendable {
    private var root: [[[[Element]]]] = []

    package static var pageCount: UInt32 { 64 }
    /// Slots are numbers below this one.
    package static var capacity: UInt32 { 1 << 30 }

    @inline(__always)
    package subscript(slot: UInt32) -> Element {
        root[Int(slot >> 22)][Int(slot >> 14 & 255)][Int(slot >> 6 & 255)][Int(slot & 63)]
    }

    @inline(__always)
    package borrowing func read<Result>(_ slot: UInt32, _ body: (borrowing Element) -> Result) -> Result {
        body(root[Int(slot >> 22)][Int(slot >> 14 & 255)][Int(slot >> 6 & 255)][Int(slot & 63)])
    }

    @inline(__always)
    package mutating func update<Result>(_ slot: UInt32, _ body: (inout Element) -> Result) -> Result {
        body(&root[Int(slot >> 22)][Int(slot >> 14 & 255)][Int(slot >> 6 & 255)][Int(slot & 63)])
    }

    /// Fills `slot`, which must be the next free one of its page.
    package mutating func append(_ element: Element, at slot: UInt32) {
        precondition(slot < Self.capacity, "a page table is full: a limit above it did not hold")
        let (first, second, third) = (Int(slot >> 22), Int(slot >> 14 & 255), Int(slot >> 6 & 255))
        if first == root.count { root.append([]) }
        if second == root[first].count { root[first].append([]) }
        if third == root[first][second].count { root[first][second].append([]) }
        precondition(
            root[first][second][third].count == Int(slot & 63), "a page is filled from its first slot on, in order")
        if slot & 63 == 0 { root[first][second][third].reserveCapacity(64) }
        root[first][second][third].append(element)
    }

    /// Gives back the page whose last slot is `slot`, and the tables that it was the last of.
    package mutating func dropPage(endingAt slot: UInt32) {
        precondition(slot & 63 == 63, "only a whole page is dropped")
        let (first, second, third) = (Int(slot >> 22), Int(slot >> 14 & 255), Int(slot >> 6 & 255))
        root[first][second][third] = []
        guard third == 255 else { return }
        root[first][second] = []
        guard second == 255 else { return }
        root[first] = []
    }
}

/// An element that can be replaced by one that keeps nothing alive.
package protocol Blankable: Sendable {
    static var blank: Self { get }
}

/// Elements that keep their slot until they are removed; the slots of removed ones are used again.
package struct PagedArray<Element: Blankable>: Sendable {
    private var table = PageTable<Element>()
    private var slotsUsed: UInt32 = 0
    private var freeSlots = PageTable<UInt32>()
    private var freeCount: UInt32 = 0
    private var freeSlotsUsed: UInt32 = 0

    package init() {}

    /// How many elements there are.
    package var count: Int { Int(slotsUsed - freeCount) }

    @inline(__always)
    package subscript(slot: UInt32) -> Element { table[slot] }

    @inline(__always)
    package borrowing func read<Result>(_ slot: UInt32, _ body: (borrowing Element) -> Result) -> Result {
        table.read(slot, body)
    }

    @inline(__always)
    package mutating func update<Result>(_ slot: UInt32, _ body: (inout Element) -> Result) -> Result {
        table.update(slot, body)
    }

    package mutating func insert(_ element: Element) -> UInt32 {
        guard freeCount > 0 else {
            table.append(element, at: slotsUsed)
            slotsUsed += 1
            return slotsUsed - 1
        }
        freeCount -= 1
        let slot = freeSlots[freeCount]
        table.update(slot) { $0 = element }
        return slot
    }

    package mutating func remove(_ slot: UInt32) {
        table.update(slot) { $0 = Element.blank }
        if freeCount < freeSlotsUsed {
            freeSlots.update(freeCount) { $0 = slot }
        } else {
            freeSlots.append(slot, at: freeCount)
            freeSlotsUsed += 1
        }
        freeCount += 1
    }
}

/// A first-in first-out queue whose elements are numbered 1, 2, 3, … for ever; the table's slots are used in a ring.
package struct PagedQueue<Element: Blankable>: Sendable {
    private var table = PageTable<Element>()
    /// The number of the oldest element; equal to `next` when there is none.
    package private(set) var first: UInt64 = 1
    /// The number that the next element gets.
    package private(set) var next: UInt64 = 1

    package init() {}

    package var count: UInt64 { next - first }
    package var isEmpty: Bool { first == next }
    /// One page short of the ring, so that the front's page and the back's are never the same one.
    package static var countMax: UInt64 { UInt64(PageTable<Element>.capacity - PageTable<Element>.pageCount) }

    @inline(__always)
    package func contains(_ number: UInt64) -> Bool { number >= first && number < next }

    @inline(__always)
    package subscript(number: UInt64) -> Element {
        precondition(contains(number), "an element that left the queue was asked for")
        return table[PagedQueue.slot(number)]
    }

    @inline(__always)
    package borrowing func read<Result>(_ number: UInt64, _ body: (borrowing Element) -> Result) -> Result {
        precondition(contains(number), "an element that left the queue was read")
        return table.read(PagedQueue.slot(number), body)
    }

    @inline(__always)
    package mutating func update<Result>(_ number: UInt64, _ body: (inout Element) -> Result) -> Result {
        precondition(contains(number), "an element that left the queue was changed")
        return table.update(PagedQueue.slot(number), body)
    }

    package mutating func append(_ element: Element) {
        precondition(count < PagedQueue.countMax, "a queue is full: a limit above it did not hold")
        table.append(element, at: PagedQueue.slot(next))
        next += 1
    }

    package mutating func removeFirst() {
        precondition(!isEmpty, "an element was taken from an empty queue")
        let slot = PagedQueue.slot(first)
        if slot & 63 == 63 {
            table.dropPage(endingAt: slot)
        } else {
            table.update(slot) { $0 = Element.blank }
        }
        first += 1
    }

    private static func slot(_ number: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: number - 1) & (PageTable<Element>.capacity - 1)
    }
}
