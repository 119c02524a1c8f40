import ConcordCommandLine
import ConcordLinux
import ConcordSimulator
import Foundation
import Synchronization

/// `--seeds A..B`: many runs, a few at a time, and their sum.
struct Swarm {
    private let parsed: ParsedArguments
    private let seeds: ClosedRange<UInt64>

    private struct State {
        var next: UInt64?
        var summary = SwarmSummary()
        var progress = ProgressLine()
    }

    init(_ parsed: ParsedArguments, seeds: ClosedRange<UInt64>) {
        self.parsed = parsed
        self.seeds = seeds
    }

    func run() -> ExitCode {
        var table: FileHandle?
        if let path = parsed[Declaration.append] {
            table = openTable(path)
            if table == nil {
                return refuse("cannot append to \(path): is there such a directory, and may you write there?")
            }
        }
        let began = Usage.now
        let summary = runAll()
        let usage = Usage.now.since(began)
        for result in summary.failed.prefix(5) { tell(result) }
        print(summary, usage)
        let isWritten = table.map { append(summary, usage, to: $0) } ?? true
        let holes = tellHoles(summary)
        return summary.failed.isEmpty && !holes && isWritten ? .success : .failure
    }

    private func runAll() -> SwarmSummary {
        let state = Mutex(State(next: seeds.lowerBound))
        LastWords.willBeSaid()
        let stops = parsed[Declaration.stop]
        DispatchQueue.concurrentPerform(iterations: parsed[Declaration.jobs]) { _ in
            while let seed = state.withLock({ takeSeed(&$0) }) {
                LastWords.set("concord-sim: died at seed \(seed); again: concord-sim --seed \(seed) --trace\n")
                let result = SeedResult.run(SimulationPlan(seed: seed))
                state.withLock { state in
                    state.summary.add(result)
                    if stops, !result.problems.isEmpty { state.next = nil }
                    let done = state.summary.seeds
                    state.progress.show("\(done) of \(seeds.count) seeds, \(state.summary.failed.count) failed")
                }
            }
        }
        return state.withLock { state in
            state.progress.clear()
            return state.summary
        }
    }

    private func takeSeed(_ state: inout State) -> UInt64? {
        guard let seed = state.next else { return nil }
        state.next = seed < seeds.upperBound ? seed + 1 : nil
        return seed
    }

    // MARK: What is told

    private func tell(_ result: SeedResult) {
        for problem in result.problems.prefix(3) { print("FAILED \(problem)") }
        guard !parsed[Declaration.stop] else { return print("again: concord-sim --seed \(result.seed) --trace") }
        var shrinker = Shrinker(SimulationPlan(seed: result.seed)) { !SeedResult.run($0).problems.isEmpty }
        print("smaller: concord-sim --seed \(result.seed)\(shrinker.run().flags) --trace")
    }

    private func print(_ summary: SwarmSummary, _ usage: Usage) {
        var table = "\n"
        for occurrence in Occurrence.allCases {
            let percent = 100 * summary.coverage[occurrence] / max(1, summary.seeds)
            table += "\(String(repeating: " ", count: percent < 10 ? 2 : percent < 100 ? 1 : 0))\(percent) % of seeds: "
            table += "\(occurrence.rawValue)\n"
        }
        for mark in Sometimes.allCases { table += "\(summary.coverage[mark]) seeds: \(mark.rawValue)\n" }
        print(table)
        let ratio = usage.processor > 0 ? summary.virtualHours * 3600 / usage.processor : 0
        print(
            "\(summary.seeds) seeds, \(summary.failed.count) failed; \(summary.eventsCount) events, "
                + "\(summary.operationsCount) operations; \(hundredths(summary.virtualHours)) virtual cluster-hours in "
                + "\(hundredths(usage.processor)) s of processor time and \(hundredths(usage.elapsed)) s: "
                + "\(Int(ratio)) virtual hours an hour of processor time")
    }

    /// Fewer seeds cannot be expected to have everything.
    private static let seedsForCoverage = 1000

    private func tellHoles(_ summary: SwarmSummary) -> Bool {
        guard summary.seeds >= Swarm.seedsForCoverage else { return false }
        for hole in summary.coverage.holes { print("NOT COVERED \(hole)") }
        return !summary.coverage.holes.isEmpty
    }

    private func append(_ summary: SwarmSummary, _ usage: Usage, to file: FileHandle) -> Bool {
        let line =
            "\(seeds.lowerBound),\(seeds.upperBound),\(summary.seeds),\(summary.failed.count),"
            + "\(hundredths(summary.virtualHours)),\(hundredths(usage.processor)),\(summary.eventsCount),"
            + "\(summary.operationsCount)\n"
        do {
            // At what is the end by now: campaigns that run at the same time keep each other's lines.
            try file.seekToEnd()
            try file.write(contentsOf: Data(line.utf8))
            return true
        } catch {
            StandardStream.error.write("concord-sim: cannot write the sums: \(error.localizedDescription)\n")
            return false
        }
    }

    /// Opened before the first seed, so that a campaign does not end without a place for its sums.
    private func openTable(_ path: String) -> FileHandle? {
        let files = FileManager.default
        guard files.fileExists(atPath: path) || files.createFile(atPath: path, contents: nil),
            let file = FileHandle(forWritingAtPath: path)
        else { return nil }
        guard let end = try? file.seekToEnd(), end == 0 else { return file }
        let head = "first,last,seeds,failed,virtual_hours,processor_seconds,events,operations\n"
        return (try? file.write(contentsOf: Data(head.utf8))) == nil ? nil : file
    }

    private func hundredths(_ number: Double) -> String {
        let whole = Int((number * 100).rounded())
        return "\(whole / 100).\(whole % 100 < 10 ? "0" : "")\(whole % 100)"
    }

    private func print(_ text: String) {
        StandardStream.output.write(text + "\n")
    }
}

/// Time that went by, for this process and for everyone, in seconds.
struct Usage {
    var processor: Double
    var elapsed: Double

    static var now: Usage {
        Usage(
            processor: Double(clock()) / Double(CLOCKS_PER_SEC),
            elapsed: ProcessInfo.processInfo.systemUptime)
    }

    func since(_ earlier: Usage) -> Usage {
        Usage(processor: processor - earlier.processor, elapsed: elapsed - earlier.elapsed)
    }
}
