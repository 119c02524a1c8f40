import ConcordCommandLine
import ConcordTool
import Foundation

let environment = ProcessInfo.processInfo.environment
let arguments = Array(CommandLine.arguments.dropFirst())
let code = await Tool.run(arguments, environment: environment, console: .system(environment: environment))
exit(code.rawValue)
