import ConcordCommandLine
import Foundation

let arguments = Array(CommandLine.arguments.dropFirst())
let environment = ProcessInfo.processInfo.environment
if arguments.contains("--explore") {
    exit(explore(arguments.filter { $0 != "--explore" }, environment: environment).rawValue)
}
