/// Makes a contradiction smaller by leaving out what it does not need: Zeller's delta debugging, over parts that rest
/// on one another.
///
/// Not everything may be left out: a read of 2 contradicts everything once the write of 2 is gone, and yet proves
/// nothing. So each part names the parts it rests on, such that from any order that explains a set of parts follows
/// one that explains every subset that is closed under `restsOn`. A closed subset without an order is then a
/// contradiction by itself: had the whole history an order, the subset had one.
struct CounterExample {
    /// By part: the parts without which it proves nothing.
    let restsOn: [[Int]]
    /// Whether these parts, in ascending order, have no order. `false` where that is not known.
    let isContradiction: ([Int]) -> Bool

    /// By part: those that rest on it.
    private let carries: [[Int]]

    init(restsOn: [[Int]], isContradiction: @escaping ([Int]) -> Bool) {
        self.restsOn = restsOn
        self.isContradiction = isContradiction
        var carries = Array(repeating: [Int](), count: restsOn.count)
        for (part, grounds) in restsOn.enumerated() {
            for ground in grounds { carries[ground].append(part) }
        }
        self.carries = carries
    }

    /// A contradiction within `parts`, which are one, from which no part and what rests on it can be left out; not
    /// the smallest when time runs out.
    /// - Parameter seed: a part that probably belongs to it.
    func shrunk(_ parts: [Int], seed: Int, limits: CheckLimits) -> [Int] {
        var kept = neighbourhood(of: seed, in: parts, limits: limits) ?? parts
        var chunk = max(1, kept.count / 2)
        while !limits.isOutOfTime() {
            let before = kept.count
            var start = 0
            while start < kept.count, !limits.isOutOfTime() {
                let rest = kept.without(kept[start..<min(start + chunk, kept.count)], carries: carries)
                if rest.count < kept.count, !rest.isEmpty, isContradiction(rest) {
                    kept = rest
                } else {
                    start += chunk
                }
            }
            if chunk == 1, kept.count == before { break }
            chunk = max(1, chunk / 2)
        }
        return kept
    }

    /// The last parts before and with the seed, twice as many each time, with all they rest on: contradictions are
    /// mostly local in time.
    private func neighbourhood(of seed: Int, in parts: [Int], limits: CheckLimits) -> [Int]? {
        let last = parts.lastIndex(of: seed) ?? parts.count - 1
        var count = 4
        while count * 2 < parts.count, !limits.isOutOfTime() {
            let closed = closure(of: parts[max(0, last - count + 1)...last])
            if closed.count * 2 > parts.count { return nil }
            if isContradiction(closed) { return closed }
            count *= 2
        }
        return nil
    }

    private func closure(of parts: ArraySlice<Int>) -> [Int] {
        var closed = Set(parts)
        var pending = Array(parts)
        while let part = pending.popLast() {
            for ground in restsOn[part] where closed.insert(ground).inserted { pending.append(ground) }
        }
        return closed.sorted()
    }
}

extension [Int] {
    /// These parts without some and without all that rests on those.
    fileprivate func without(_ removed: ArraySlice<Int>, carries: [[Int]]) -> [Int] {
        var gone = Set(removed)
        var pending = [Int](removed)
        while let part = pending.popLast() {
            for dependent in carries[part] where gone.insert(dependent).inserted { pending.append(dependent) }
        }
        return filter { !gone.contains($0) }
    }
}
