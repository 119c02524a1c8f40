/// The values of one command line: given, from the environment, or by default.
package struct ParsedArguments: Sendable {
    package enum Source: Sendable {
        case commandLine
        case environment
        case byDefault
    }

    /// The subcommand's names below the program's: `["import"]`; empty for a program without subcommands.
    package let command: [String]
    let flagValues: [String: any Sendable]
    let flagSources: [String: Source]
    let argumentValues: [String: any Sendable]

    package subscript<Value>(flag: Flag<Value>) -> Value {
        guard let value = flagValues[flag.declaration.name] as? Value else {
            preconditionFailure("a flag was asked for that the command does not declare")
        }
        return value
    }

    package subscript<Value>(flag: OptionalFlag<Value>) -> Value? {
        flagValues[flag.declaration.name] as? Value
    }

    /// Whether the switch is on.
    package subscript(flag: Switch) -> Bool {
        flagValues[flag.declaration.name] as? Bool ?? false
    }

    package subscript<Value>(argument: Argument<Value>) -> Value {
        guard let value = argumentValues[argument.declaration.name] as? Value else {
            preconditionFailure("an argument was asked for that the command does not declare")
        }
        return value
    }

    package subscript<Value>(argument: OptionalArgument<Value>) -> Value? {
        argumentValues[argument.declaration.name] as? Value
    }

    /// Where a flag's value is from; `nil` when it has none.
    package func source(of flag: some DeclaredFlag) -> Source? {
        flagSources[flag.declaration.name]
    }
}
