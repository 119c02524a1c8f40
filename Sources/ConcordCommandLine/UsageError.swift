/// Why a command line was refused. Every case says what would be right, as far as it can be known.
package struct UsageError: Error, Equatable, Sendable {
    package enum Reason: Equatable, Sendable {
        case unknownFlag(String, nearest: String?)
        case unknownCommand(String, nearest: String?)
        case missingCommand([String])
        case missingValue(flag: String, expectation: String)
        case wrongValue(String, of: String, expectation: String)
        case wrongVariable(String, variable: String, expectation: String)
        case unexpectedValue(flag: String)
        case givenTwice(flag: String)
        case missingFlag(String, expectation: String)
        case missingArgument(String)
        case unexpectedArgument(String)
        /// A rule between several flags, which the command judged itself.
        case rule(String)
    }

    /// The program and subcommand: `concord import`.
    package let command: String
    package let reason: Reason

    package init(command: String, _ reason: Reason) {
        self.command = command
        self.reason = reason
    }

    /// One sentence without a full stop.
    package var message: String {
        switch reason {
        case .unknownFlag(let flag, let nearest):
            "unknown flag '\(flag)'" + (nearest.map { "; did you mean '\($0)'?" } ?? "")
        case .unknownCommand(let name, let nearest):
            "unknown command '\(name)'" + (nearest.map { "; did you mean '\($0)'?" } ?? "")
        case .missingCommand(let names):
            "a command is missing: one of \(names.joined(separator: ", "))"
        case .missingValue(let flag, let expectation):
            "'\(flag)' needs a value: \(expectation)"
        case .wrongValue(let text, let name, let expectation):
            "'\(text)' is no value for \(name): expected \(expectation)"
        case .wrongVariable(let text, let variable, let expectation):
            "'\(text)' is no value for the environment variable \(variable): expected \(expectation)"
        case .unexpectedValue(let flag):
            "'\(flag)' takes no value"
        case .givenTwice(let flag):
            "'\(flag)' was given twice"
        case .missingFlag(let flag, let expectation):
            "'\(flag)' is required: \(expectation)"
        case .missingArgument(let name):
            "\(name) is missing"
        case .unexpectedArgument(let text):
            "unexpected argument '\(text)'"
        case .rule(let sentence):
            sentence
        }
    }

    /// What a program prints on standard error before it ends with `ExitCode.usage`.
    package var text: String {
        "\(command): \(message)\nRun '\(command) --help' for help.\n"
    }
}
