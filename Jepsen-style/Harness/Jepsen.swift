package import ConcordCommandLine

/// `concord-jepsen`, from its command line to its exit code.
package enum Jepsen {
    package static func run(_ arguments: [String], environment: [String: String]) -> ExitCode {
        switch Program.start(JepsenDeclaration.program, arguments: arguments, environment: environment) {
        case .exit(let code): return code
        case .run(let parsed):
            let outcome = CheckCommand(parsed).run()
            StandardStream.output.write(outcome.output)
            StandardStream.error.write(outcome.error)
            return outcome.code
        }
    }
}
