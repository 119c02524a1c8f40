/// Which calls have been taken, as bits. A known call has a bit among those that are open at the same time, and hands
/// it on when it has returned: once all calls that returned before the first return that is left are taken, as they
/// are in every configuration, that first return and these bits tell all. A call of unknown outcome has its own bit.
struct TakenCalls {
    var known: [UInt64]
    var unknown: [UInt64]

    var words: Int { known.count + unknown.count }
}

/// The calls and returns that are not yet taken, in the order of time: a doubly linked list, from which a call and its
/// return are lifted and to which they are put back in the opposite order.
struct CallSchedule {
    private(set) var taken: TakenCalls
    /// Calls of unknown outcome in the order of their invocations. They have no return and are not in the list.
    let unknowns: [Int]
    /// The position of the first return that is left, `Int.max` when nothing is left, and how many known calls were
    /// invoked before it.
    var front: (firstReturn: Int, callable: Int) {
        var entry = next[0]
        var callable = 0
        while entry != 0, !isReturn[entry] {
            entry = next[entry]
            callable += 1
        }
        return (entry == 0 ? .max : position[entry], callable)
    }

    /// Whether every known call is taken.
    var isEmpty: Bool { next[0] == 0 }

    /// Entry 0 is the head and the end.
    private var next: [Int]
    private var previous: [Int]
    private var isReturn: [Bool]
    private var position: [Int]
    private var callOfEntry: [Int]
    /// By call: its two entries (0 when its outcome is unknown) and its bit.
    private var callEntry: [Int]
    private var returnEntry: [Int]
    private var bit: [Int]
    /// By index into `unknowns`: the call alike before it, as such an index, or -1.
    private var alikeBefore: [Int]

    init(_ ends: [(invoked: Int, returned: Int)], likeness: [Int]) {
        unknowns = ends.indices.filter { ends[$0].returned == .max }
            .sorted { (ends[$0].invoked, $0) < (ends[$1].invoked, $1) }
        bit = Array(repeating: 0, count: ends.count)
        var lastAlike: [Int: Int] = [:]
        alikeBefore = []
        for (index, call) in unknowns.enumerated() {
            bit[call] = index
            alikeBefore.append(lastAlike[likeness[call]] ?? -1)
            lastAlike[likeness[call]] = index
        }

        // At one position calls stand before returns: such operations overlap.
        var events: [(position: Int, isReturn: Bool, call: Int)] = []
        for (call, end) in ends.enumerated() where end.returned != .max {
            events.append((end.invoked, false, call))
            events.append((end.returned, true, call))
        }
        events.sort { ($0.position, $0.isReturn ? 1 : 0, $0.call) < ($1.position, $1.isReturn ? 1 : 0, $1.call) }
        next = (0...events.count).map { $0 == events.count ? 0 : $0 + 1 }
        previous = (0...events.count).map { $0 == 0 ? events.count : $0 - 1 }
        isReturn = [false] + events.map(\.isReturn)
        position = [.max] + events.map(\.position)
        callOfEntry = [-1] + events.map(\.call)
        callEntry = Array(repeating: 0, count: ends.count)
        returnEntry = callEntry
        var freeBits: [Int] = []
        var bits = 0
        for (index, event) in events.enumerated() {
            if event.isReturn {
                returnEntry[event.call] = index + 1
                freeBits.append(bit[event.call])
            } else {
                callEntry[event.call] = index + 1
                bit[event.call] = freeBits.popLast() ?? bits
                bits = max(bits, bit[event.call] + 1)
            }
        }
        taken = TakenCalls(
            known: Array(repeating: 0, count: (bits + 63) / 64),
            unknown: Array(repeating: 0, count: (unknowns.count + 63) / 64))
    }

    /// The known calls that were invoked before the first return that is left.
    func forEachCallable(_ body: (Int) -> Void) {
        var entry = next[0]
        while entry != 0, !isReturn[entry] {
            body(callOfEntry[entry])
            entry = next[entry]
        }
    }

    /// Whether the call of unknown outcome is not taken and all alike that were invoked before it are.
    func isNextOfItsLikeness(unknown index: Int) -> Bool {
        let before = alikeBefore[index]
        return !isTaken(unknown: index) && (before < 0 || isTaken(unknown: before))
    }

    func callReturning(at position: Int) -> Int {
        callOfEntry[self.position.indices.first { self.position[$0] == position && isReturn[$0] } ?? 0]
    }

    mutating func take(_ call: Int) {
        flip(call)
        unlink(callEntry[call])
        unlink(returnEntry[call])
    }

    mutating func putBack(_ call: Int) {
        flip(call)
        relink(returnEntry[call])
        relink(callEntry[call])
    }

    private func isTaken(unknown index: Int) -> Bool {
        taken.unknown[index >> 6] & (1 << UInt64(index & 63)) != 0
    }

    private mutating func flip(_ call: Int) {
        let mask: UInt64 = 1 << UInt64(bit[call] & 63)
        if callEntry[call] == 0 {
            taken.unknown[bit[call] >> 6] ^= mask
        } else {
            taken.known[bit[call] >> 6] ^= mask
        }
    }

    private mutating func unlink(_ entry: Int) {
        guard entry != 0 else { return }
        next[previous[entry]] = next[entry]
        previous[next[entry]] = previous[entry]
    }

    private mutating func relink(_ entry: Int) {
        guard entry != 0 else { return }
        next[previous[entry]] = entry
        previous[next[entry]] = entry
    }
}
