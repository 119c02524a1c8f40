/// What is taken away from a seed's plan; empty for the plan as it was drawn.
package struct PlanReduction: Equatable, Sendable {
    /// Only the planned faults of these numbers, counted from 1; `nil` for all.
    package var faults: [Int]?
    package var without: Set<FaultClass> = []
    package var clients: Int?
    package var faultyMilliseconds: UInt64?

    package init() {}

    /// As flags of `concord-sim`.
    package var flags: String {
        var words: [String] = []
        if let faults {
            words.append("--faults \(faults.isEmpty ? "none" : faults.map(String.init).joined(separator: ","))")
        }
        if !without.isEmpty { words.append("--without \(without.sorted().map(\.rawValue).joined(separator: ","))") }
        if let clients { words.append("--clients \(clients)") }
        if let faultyMilliseconds { words.append("--faulty \(faultyMilliseconds)ms") }
        return words.map { " " + $0 }.joined()
    }
}

extension SimulationPlan {
    package func reduced(by reduction: PlanReduction) -> SimulationPlan {
        var plan = self
        if let kept = reduction.faults {
            plan.faults = faults.enumerated().filter { kept.contains($0.offset + 1) }.map(\.element)
        }
        plan.faults.removeAll { reduction.without.contains($0.faultClass) }
        plan.classes.subtract(reduction.without)
        if let clients = reduction.clients { plan.workload.keepClients(clients) }
        if let milliseconds = reduction.faultyMilliseconds {
            plan.faultyMicroseconds = min(faultyMicroseconds / 1000, milliseconds) * 1000
            plan.faults.removeAll { $0.time >= plan.faultyMicroseconds }
        }
        return plan
    }
}

/// Makes a failing run smaller: fewer classes of faults, fewer faults, fewer clients, an earlier end. Each try is a
/// whole run, and a smaller plan counts when it fails too, in whatever way.
package struct Shrinker {
    private let plan: SimulationPlan
    private let fails: (SimulationPlan) -> Bool
    private var triesLeft: Int
    private(set) var reduction = PlanReduction()

    package init(_ plan: SimulationPlan, triesMax: Int = 150, fails: @escaping (SimulationPlan) -> Bool) {
        self.plan = plan
        self.fails = fails
        triesLeft = triesMax
    }

    package mutating func run() -> PlanReduction {
        endEarlier()
        for faultClass in plan.classes.sorted() {
            attempt { $0.without.insert(faultClass) }
        }
        fewerFaults()
        for clients in [1, 2, 3] where clients < plan.workload.clients {
            if attempt({ $0.clients = clients }) { break }
        }
        endEarlier()
        return reduction
    }

    @discardableResult
    private mutating func attempt(_ change: (inout PlanReduction) -> Void) -> Bool {
        var candidate = reduction
        change(&candidate)
        guard triesLeft > 0, candidate != reduction else { return false }
        triesLeft -= 1
        guard fails(plan.reduced(by: candidate)) else { return false }
        reduction = candidate
        return true
    }

    private mutating func endEarlier() {
        var milliseconds = reduction.faultyMilliseconds ?? plan.faultyMicroseconds / 1000
        while milliseconds > 100, attempt({ $0.faultyMilliseconds = milliseconds / 2 }) { milliseconds /= 2 }
    }

    /// Leaves out ever smaller parts of what is left (delta debugging, Zeller and Hildebrandt 2002).
    private mutating func fewerFaults() {
        var kept = plan.faults.indices.map { $0 + 1 }.filter { number in
            let fault = plan.faults[number - 1]
            return !reduction.without.contains(fault.faultClass)
                && fault.time < (reduction.faultyMilliseconds ?? .max / 1000) * 1000
        }
        var size = kept.count
        while size >= 1, triesLeft > 0 {
            var start = 0
            while start < kept.count {
                var fewer = kept
                fewer.removeSubrange(start..<min(kept.count, start + size))
                if attempt({ $0.faults = fewer }) { kept = fewer } else { start += size }
            }
            size /= 2
        }
    }
}
