/// A program or one of its subcommands: what it takes, and what its help says. Everything that `--help` prints
/// comes from here, and the examples are parsed by a test.
package struct CommandDeclaration: Sendable {
    package struct Example: Sendable {
        package let purpose: String
        /// What follows the program's name, as typed.
        package let line: String

        package init(_ line: String, _ purpose: String) {
            self.line = line
            self.purpose = purpose
        }
    }

    package let name: String
    /// One line.
    package let summary: String
    /// Paragraphs below the summary.
    package let discussion: String
    /// Answered to `--version`; only of the program itself.
    package let version: String?
    package let arguments: [ArgumentDeclaration]
    /// Also accepted by every subcommand, before or behind its name.
    package let flags: [FlagDeclaration]
    package let examples: [Example]
    package let subcommands: [CommandDeclaration]

    package init(
        _ name: String, summary: String, discussion: String = "", version: String? = nil,
        arguments: [any DeclaredArgument] = [], flags: [any DeclaredFlag] = [], examples: [Example] = [],
        subcommands: [CommandDeclaration] = []
    ) {
        precondition(arguments.isEmpty || subcommands.isEmpty, "a command has arguments or subcommands, not both")
        self.name = name
        self.summary = summary
        self.discussion = discussion
        self.version = version
        self.arguments = arguments.map(\.declaration)
        self.flags = flags.map(\.declaration)
        self.examples = examples
        self.subcommands = subcommands
    }

    /// Reads a command line. It depends on nothing but its parameters.
    /// - Parameters:
    ///   - arguments: without the program's name.
    ///   - environment: for the flags that are not among the arguments.
    package func parse(_ arguments: [String], environment: [String: String] = [:]) -> Invocation {
        var parser = ArgumentParser(program: self, environment: environment)
        return parser.run(arguments)
    }

    /// The examples, here and below, that this declaration would refuse. Quotes around one word are understood;
    /// an example ends at a pipe or redirection.
    package func examplesRefused() -> [String] {
        allExamples.filter { example in
            var words: [String] = []
            for word in example.line.split(separator: " ") {
                if ["|", ">", "<", "&&"].contains(word) { break }
                words.append(word.filter { $0 != "'" && $0 != "\"" })
            }
            if case .run = parse(words) { return false }
            return true
        }.map(\.line)
    }

    private var allExamples: [Example] { examples + subcommands.flatMap(\.allExamples) }
}

/// What a command line asks for.
package enum Invocation: Sendable {
    case run(ParsedArguments)
    /// `--help`, `help` or `--version`: a text for standard output.
    case show(String)
    case refused(UsageError)
}
