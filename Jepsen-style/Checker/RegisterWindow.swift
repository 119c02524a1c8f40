/// A stretch of a register's history, judged whatever the register held when it began. What is impossible here is
/// impossible in the whole, so contradictions that are local in time are found at small cost where the search
/// through the whole history would have to exhaust every way to get there.
///
/// The end is a position as in `Call.seen(at:)`. A call that was open at the beginning may have taken effect before
/// it: its answer does not count, and it need not be taken.
struct RegisterWindow {
    let history: RegisterHistory
    let calls: [RegisterHistory.Call]
    /// The calls' places in the history.
    let places: [Int]
    /// Whether it begins with the history: then what the register held is known.
    let isWhole: Bool

    init(_ history: RegisterHistory, from start: Int, to end: Int) {
        self.history = history
        isWhole = start < 0
        var calls: [RegisterHistory.Call] = []
        var places: [Int] = []
        for (place, call) in history.calls.enumerated() where call.invoked < end && call.returned > start {
            var call = call.seen(at: end)
            if call.invoked < start { call.returned = .max }
            guard call.returned != .max || call.action.changes else { continue }
            calls.append(call)
            places.append(place)
        }
        self.calls = calls
        self.places = places
    }

    /// Whether no value at the beginning explains the answers; `false` where that is not known.
    func isContradiction(_ kept: [RegisterHistory.Call], limits: CheckLimits) -> Bool {
        if isWhole { return isContradiction(kept, from: history.initial, limits: limits) }
        // Values that no answer tells differ in nothing.
        var beginnings: Set<Int> = [ValueTable.unobserved]
        for call in kept {
            switch call.action {
            case .read(let value), .compareAndSet(let value, _), .compareFailed(let value): beginnings.insert(value)
            case .write: continue
            case .append: return false
            }
        }
        return beginnings.sorted().allSatisfy { isContradiction(kept, from: $0, limits: limits) }
    }

    private func isContradiction(_ kept: [RegisterHistory.Call], from value: Int, limits: CheckLimits) -> Bool {
        let search = WingGongLowe(Register(values: history.values), initial: value, calls: kept, limits: limits)
        if case .contradiction = search.run() { return true }
        return false
    }

    /// The shortest stretch up to `end` that contradicts itself; the whole, if none shorter does.
    static func shortest(of history: RegisterHistory, to end: Int, limits: CheckLimits) -> RegisterWindow {
        let starts = history.calls.map(\.returned).filter { $0 < end }.sorted()
        var best = RegisterWindow(history, from: -1, to: end)
        var low = 0
        var high = starts.count
        while low < high, !limits.isOutOfTime() {
            let middle = (low + high) / 2
            let window = RegisterWindow(history, from: starts[middle], to: end)
            if window.isContradiction(window.calls, limits: limits.with(configurationsMax: 50_000)) {
                best = window
                low = middle + 1
            } else {
                high = middle
            }
        }
        return best
    }

    /// The first small stretch that contradicts itself.
    static func contradicting(in history: RegisterHistory, limits: CheckLimits) -> RegisterWindow? {
        let returns = history.calls.map(\.returned).filter { $0 != .max }.sorted()
        for size in [24, 96] {
            for first in stride(from: 0, to: max(1, returns.count - size / 2), by: size / 2) {
                if limits.isOutOfTime() { return nil }
                let last = min(first + size, returns.count) - 1
                guard last >= 0 else { return nil }
                let window = RegisterWindow(history, from: first == 0 ? -1 : returns[first - 1], to: returns[last])
                if window.isContradiction(window.calls, limits: limits.with(configurationsMax: 3_000)) { return window }
            }
        }
        return nil
    }
}
