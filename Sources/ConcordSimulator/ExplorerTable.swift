/// The states that were met, by their fingerprints, and how each was reached first.
///
/// Two states of one fingerprint of 64 bits are taken for one: among 10⁸ states that is to be expected three
/// times in ten thousand runs.
struct ExplorerTable {
    private var slots: [UInt64]
    private var mask: Int
    private(set) var count = 0
    /// For each state in the order of discovery: the state it was reached from, and by which step.
    private var parents: [UInt32] = []
    private var steps: [UInt32] = []

    init() {
        slots = Array(repeating: 0, count: 1 << 16)
        mask = slots.count - 1
    }

    var bytes: Int { slots.count * 8 + parents.capacity * 8 }

    /// - Returns: whether the state is new; its number is then `count - 1`.
    mutating func insert(_ fingerprint: UInt64, parent: UInt32, step: UInt32) -> Bool {
        if count * 5 >= slots.count * 3 { grow() }
        // Zero marks a free slot.
        let wanted = fingerprint == 0 ? 1 : fingerprint
        var position = Int(truncatingIfNeeded: wanted) & mask
        while slots[position] != 0 {
            if slots[position] == wanted { return false }
            position = (position + 1) & mask
        }
        slots[position] = wanted
        parents.append(parent)
        steps.append(step)
        count += 1
        return true
    }

    /// The steps from the first state to the one of this number.
    func path(to number: UInt32) -> [UInt32] {
        var path: [UInt32] = []
        var current = Int(number)
        while current > 0 {
            path.append(steps[current])
            current = Int(parents[current])
        }
        return path.reversed()
    }

    private mutating func grow() {
        var larger = Array(repeating: UInt64(0), count: slots.count * 2)
        let largerMask = larger.count - 1
        for fingerprint in slots where fingerprint != 0 {
            var position = Int(truncatingIfNeeded: fingerprint) & largerMask
            while larger[position] != 0 { position = (position + 1) & largerMask }
            larger[position] = fingerprint
        }
        slots = larger
        mask = largerMask
    }
}
