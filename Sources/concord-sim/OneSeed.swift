import ConcordCommandLine
import ConcordSimulator
import Foundation

/// `--seed N`: one run, told in as much detail as wanted.
struct OneSeed {
    private let parsed: ParsedArguments
    private let seed: UInt64

    init(_ parsed: ParsedArguments, seed: UInt64) {
        self.parsed = parsed
        self.seed = seed
    }

    func run() -> ExitCode {
        guard let reduction else { return refuse("--faults takes numbers with commas between them, or none") }
        let whole = SimulationPlan(seed: seed)
        if let stranger = reduction.faults?.first(where: { !(1...max(1, whole.faults.count)).contains($0) }) {
            return refuse("seed \(seed) has faults 1 to \(whole.faults.count), and no fault \(stranger)")
        }
        let plan = whole.reduced(by: reduction)
        let simulation = ClusterSimulation(plan: plan)
        if parsed[Declaration.trace] {
            tell(plan)
            simulation.trace = { StandardStream.output.write($0 + "\n") }
        }
        simulation.run()
        if parsed[Declaration.trace] {
            for line in simulation.committedLog { StandardStream.output.write("log \(line)\n") }
        }
        if let path = parsed[Declaration.history], !write(simulation, to: path) { return .failure }
        StandardStream.output.write(
            "seed \(seed): \(simulation.eventsCount) events in \(simulation.now / 1000) virtual ms, "
                + "\(simulation.seen.operations.count) operations, hash \(String(simulation.eventHash, radix: 16))\n")
        for problem in simulation.problems { StandardStream.output.write("FAILED \(problem)\n") }
        return simulation.problems.isEmpty ? .success : .failure
    }

    private var reduction: PlanReduction? {
        var reduction = PlanReduction()
        if let text = parsed[Declaration.faults] {
            let numbers = text == "none" ? [] : text.split(separator: ",").map { Int($0) }
            guard numbers.allSatisfy({ $0 != nil }) else { return nil }
            reduction.faults = numbers.compactMap(\.self)
        }
        reduction.without = Set((parsed[Declaration.without] ?? []).compactMap(FaultClass.init))
        reduction.clients = parsed[Declaration.clients]
        reduction.faultyMilliseconds = parsed[Declaration.faulty].map { UInt64(max(0, $0 / .milliseconds(1))) }
        return reduction
    }

    private func tell(_ plan: SimulationPlan) {
        let classes = plan.classes.sorted().map(\.rawValue).joined(separator: ", ")
        StandardStream.output.write(
            "\(plan.members) members, \(plan.workload.clients) clients, faults for \(plan.faultyMicroseconds / 1000) ms: "
                + "\(classes.isEmpty ? "none" : classes)\n")
        for (number, fault) in plan.faults.enumerated() {
            StandardStream.output.write("fault \(number + 1): \(fault.faultClass) at \(fault.time) µs\n")
        }
    }

    private func write(_ simulation: ClusterSimulation, to path: String) -> Bool {
        do {
            try Data(simulation.historyLines.utf8).write(to: URL(fileURLWithPath: path))
            return true
        } catch {
            StandardStream.error.write("concord-sim: cannot write \(path): \(error)\n")
            return false
        }
    }
}
