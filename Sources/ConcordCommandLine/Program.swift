/// From a command line to an exit code: what the `main` of every program does first.
package enum Program {
    package enum Start {
        case run(ParsedArguments)
        /// Help, a version or a refusal was printed.
        case exit(ExitCode)
    }

    /// Parses; prints help to standard output and a refusal to standard error.
    package static func start(
        _ declaration: CommandDeclaration, arguments: [String], environment: [String: String]
    ) -> Start {
        switch declaration.parse(arguments, environment: environment) {
        case .run(let parsed):
            return .run(parsed)
        case .show(let text):
            StandardStream.output.write(text)
            return .exit(.success)
        case .refused(let error):
            StandardStream.error.write(error.text)
            return .exit(.usage)
        }
    }
}
