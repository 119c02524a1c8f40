import ConcordCommandLine
import ConcordSimulator
import Foundation

let start = Program.start(
    Declaration.program, arguments: Array(CommandLine.arguments.dropFirst()),
    environment: ProcessInfo.processInfo.environment)
guard case .run(let parsed) = start else {
    if case .exit(let code) = start { exit(code.rawValue) }
    exit(ExitCode.usage.rawValue)
}
exit(run(parsed).rawValue)

/// One seed or many, as the flags say.
func run(_ parsed: ParsedArguments) -> ExitCode {
    switch (parsed[Declaration.seed], parsed[Declaration.seeds]) {
    case (let seed?, nil): OneSeed(parsed, seed: UInt64(seed)).run()
    case (nil, let seeds?): Swarm(parsed, seeds: seeds).run()
    default: refuse("give either --seed N or --seeds A..B")
    }
}

func refuse(_ what: String) -> ExitCode {
    StandardStream.error.write("concord-sim: \(what); see concord-sim --help\n")
    return .usage
}
