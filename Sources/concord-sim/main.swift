import ConcordCommandLine
import ConcordSimulator
import Foundation

let arguments = Array(CommandLine.arguments.dropFirst())
let environment = ProcessInfo.processInfo.environment
if arguments.contains("--explore") {
    exit(explore(arguments.filter { $0 != "--explore" }, environment: environment).rawValue)
}
switch Program.start(Declaration.program, arguments: arguments, environment: environment) {
case .run(let parsed): exit(run(parsed).rawValue)
case .exit(let code): exit(code.rawValue)
}

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
