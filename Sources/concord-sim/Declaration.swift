import ConcordCommandLine
import ConcordSimulator

/// The command line of `concord-sim`.
enum Declaration {
    static let seed = OptionalFlag("seed", .integer(in: 0...Int.max), help: "Replays this seed.")
    static let seeds = OptionalFlag("seeds", .seedRange, help: "Runs these seeds; a number N stands for 1..N.")

    static let trace = Switch("trace", help: "With --seed: prints what happens, one event a line.")
    static let history = OptionalFlag(
        "history", .path(), help: "With --seed: writes what the clients saw, for concord-jepsen check.")
    static let faults = OptionalFlag(
        "faults", .anyText, help: "With --seed: only the planned faults of these numbers, or none.")
    static let without = OptionalFlag(
        "without", .list(of: .choice(of: FaultClass.allCases.map(\.rawValue)).named("CLASS")),
        help: "With --seed: without these classes of faults.")
    static let clients = OptionalFlag("clients", .integer(in: 1...1000), help: "With --seed: at most so many clients.")
    static let faulty = OptionalFlag("faulty", .duration(), help: "With --seed: ends the faults by then.")

    static let jobs = Flag("jobs", short: "j", .integer(in: 1...64), default: "2", help: "Seeds at the same time.")
    static let append = OptionalFlag("append", .path(), help: "Adds a line with the sums to this CSV file.")
    static let stop = Switch("stop-at-first", help: "Stops at the first seed that fails, and does not shrink it.")

    static let program = CommandDeclaration(
        "concord-sim",
        summary: "Runs whole clusters in virtual time under drawn faults, each from a seed.",
        discussion: """
            Members are the production consensus, storage and state. Each seed draws the size of the cluster, its \
            clients and up to eight classes of faults, and ends in a phase in which a quorum is healed and must serve. \
            The same seed is the same run. A seed that fails is made smaller and printed as a command. Exit codes: \
            0 all is well; 1 a seed failed, or too few of the seeds had what they are for; 2 the command line is wrong. \
            Classes of faults: \(FaultClass.allCases.map(\.rawValue).joined(separator: ", ")).
            """,
        version: "0.1.0",
        flags: [seed, seeds, trace, history, faults, without, clients, faulty, jobs, append, stop],
        examples: [
            .init("--seeds 2000", "The first two thousand seeds"),
            .init("--seeds 10000..19999 --jobs 4 --append seeds.csv", "Ten thousand others, on four cores"),
            .init("--seed 4711 --trace", "What happens in one of them"),
            .init("--seed 4711 --faults 3,8 --faulty 900ms", "The same with two of its faults"),
        ])
}

extension ValueParser where Value == ClosedRange<UInt64> {
    static var seedRange: ValueParser<ClosedRange<UInt64>> {
        let seedsMax: UInt64 = 1_000_000_000
        return ValueParser(
            placeholder: "A..B",
            expectation: "a number of seeds, or two seeds as in 1..2000, a thousand million at most"
        ) { text in
            let ends = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt64($0) }
            switch ends.count {
            case 1: if let last = ends[0], 1...seedsMax ~= last { return 1...last }
            case 3:
                if text.contains(".."), let first = ends[0], let last = ends[2], first <= last,
                    last - first < seedsMax
                {
                    return first...last
                }
            default: break
            }
            return nil
        }
    }
}
