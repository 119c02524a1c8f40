import ConcordBench
import ConcordCommandLine
import Foundation

let arguments = Array(CommandLine.arguments.dropFirst())
let code = await Bench.run(arguments, environment: ProcessInfo.processInfo.environment)
exit(code.rawValue)
