/// Deadlines of many things of which few ever come due: connections that time out.
///
/// Each thing stands in one slot of a ring. When a slot comes round its things are asked for their real
/// deadline, which may have moved meanwhile, so moving one costs nothing. Late by at most one slot's length.
package struct DeadlineWheel: Sendable {
    package static let slotMilliseconds: UInt64 = 128
    private static let slotsCount = 64
    private var slots = [[UInt64]](repeating: [], count: slotsCount)
    /// The number of the slot that comes next, counted since the clock's zero.
    private var next: UInt64
    private var count = 0

    package init(now: UInt64) {
        next = now / DeadlineWheel.slotMilliseconds + 1
    }

    /// When to look again; `nil` when nothing is waited for.
    package var nextDeadline: UInt64? {
        count == 0 ? nil : next * DeadlineWheel.slotMilliseconds
    }

    /// - Parameter token: not in the wheel yet.
    package mutating func insert(_ token: UInt64, deadline: UInt64) {
        // Beyond one round the thing is asked a round later, and put in again.
        let slot = min(
            max(deadline / DeadlineWheel.slotMilliseconds + 1, next), next + UInt64(DeadlineWheel.slotsCount) - 1)
        slots[Int(slot % UInt64(DeadlineWheel.slotsCount))].append(token)
        count += 1
    }

    /// Takes out all things whose slot has come; the caller puts those back whose deadline is later.
    package mutating func advance(to now: UInt64) -> [UInt64] {
        var due: [UInt64] = []
        let current = now / DeadlineWheel.slotMilliseconds
        var rounds = 0
        while next <= current && rounds < DeadlineWheel.slotsCount {
            let slot = Int(next % UInt64(DeadlineWheel.slotsCount))
            due.append(contentsOf: slots[slot])
            slots[slot].removeAll(keepingCapacity: slots[slot].count < 256)
            next += 1
            rounds += 1
        }
        if next <= current { next = current + 1 }
        count -= due.count
        return due
    }
}
