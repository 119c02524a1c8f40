import ConcordCommandLine
import ConcordHarness
import Foundation

let arguments = Array(CommandLine.arguments.dropFirst())
let code = Jepsen.run(arguments, environment: ProcessInfo.processInfo.environment)
exit(code.rawValue)
