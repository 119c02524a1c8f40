import ConcordRaft

/// How often something happened: an exploration that never truncated a log says nothing about truncation.
struct ExplorerCounts {
    private var elections: [Int] = Array(repeating: 0, count: 16)
    private var commits = 0
    private var truncations = 0
    private var crashes = 0
    private var losses = 0
    private var barriers = 0
    private var copies = 0
    private var transfers = 0

    mutating func note(
        _ code: StepCode, _ result: ExplorerCatalogue.Result, before: ExplorerCatalogue.Facts,
        after: ExplorerCatalogue.Facts
    ) {
        if let term = result.wonTerm { elections[Int(term)] += 1 }
        if !result.committed.isEmpty { commits += 1 }
        if result.truncated { truncations += 1 }
        if code.kind == .crash {
            crashes += 1
            if before.log != after.log { losses += 1 }
        }
        if code.kind == .deliverCopy { copies += 1 }
        if after.role == .candidate, before.role == .follower, code.kind.isDelivery { transfers += 1 }
        barriers += result.ready.count
    }

    var named: [(name: String, count: Int)] {
        let won = elections.enumerated().filter { $0.offset > 0 && $0.element > 0 }
        return won.map { ("elections won in term \($0.offset)", $0.element) } + [
            ("entries committed", commits), ("conflicting suffixes removed", truncations), ("crashes", crashes),
            ("crashes that lost entries", losses), ("read barriers answered", barriers),
            ("messages that arrived twice", copies), ("members that stood because their leader asked", transfers),
        ]
    }
}
