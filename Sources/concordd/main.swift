import ConcordCommandLine
import ConcordServer

let environment = ServerFlags.environment
let arguments = ServerFlags.completed(Array(CommandLine.arguments.dropFirst()))
let exit: ServerExit
switch Program.start(ServerFlags.program, arguments: arguments, environment: environment) {
case .exit(let code):
    exit = code == .success ? .success : .usage
case .run(let parsed):
    do throws(UsageError) {
        exit = try ServerFlags.run(parsed)
    } catch {
        StandardStream.error.write(error.text)
        exit = .usage
    }
}
ServerFlags.end(exit)
