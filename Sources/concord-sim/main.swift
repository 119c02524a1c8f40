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
    case (nil, let seeds?):
        isOfOneSeed(parsed)
            ? refuse("--trace, --history, --faults, --without, --clients and --faulty belong to --seed N")
            : Swarm(parsed, seeds: seeds).run()
    default: refuse("give either --seed N or --seeds A..B")
    }
}

func isOfOneSeed(_ parsed: ParsedArguments) -> Bool {
    parsed[Declaration.trace] || parsed[Declaration.history] != nil || parsed[Declaration.faults] != nil
        || parsed[Declaration.without] != nil || parsed[Declaration.clients] != nil || parsed[Declaration.faulty] != nil
}

func refuse(_ what: String) -> ExitCode {
    StandardStream.error.write("concord-sim: \(what); see concord-sim --help\n")
    return .usage
}
