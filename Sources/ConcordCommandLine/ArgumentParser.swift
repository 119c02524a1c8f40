/// Walks over the words of one command line.
struct ArgumentParser {
    private let environment: [String: String]
    private var path: [CommandDeclaration]
    private var texts: [String: [String]] = [:]
    private var positionals: [String] = []
    private var flagsEnded = false

    init(program: CommandDeclaration, environment: [String: String]) {
        self.environment = environment
        self.path = [program]
    }

    /// A word that ends the walk: help was asked for, or something is wrong.
    private enum Stop: Error {
        case show(String)
        case refuse(UsageError.Reason)
    }

    mutating func run(_ words: [String]) -> Invocation {
        do throws(Stop) {
            var rest = words[...]
            while let word = rest.popFirst() {
                try take(word, &rest)
            }
            return .run(try finish())
        } catch {
            switch error {
            case .show(let text): return .show(text)
            case .refuse(let reason): return .refused(UsageError(command: commandText, reason))
            }
        }
    }

    private var command: CommandDeclaration { path[path.count - 1] }
    private var commandText: String { path.map(\.name).joined(separator: " ") }
    private var flags: [FlagDeclaration] { path.flatMap(\.flags) }

    private mutating func take(_ word: String, _ rest: inout ArraySlice<String>) throws(Stop) {
        if flagsEnded || word == "-" || !word.hasPrefix("-") {
            try takePositional(word, &rest)
        } else if word == "--" {
            flagsEnded = true
        } else if word.hasPrefix("--") {
            try takeLong(word, &rest)
        } else {
            try takeShort(word, &rest)
        }
    }

    private mutating func takePositional(_ word: String, _ rest: inout ArraySlice<String>) throws(Stop) {
        guard !command.subcommands.isEmpty else {
            guard positionals.count < command.arguments.count else { throw .refuse(.unexpectedArgument(word)) }
            positionals.append(word)
            return
        }
        if let next = command.subcommands.first(where: { $0.name == word }) {
            path.append(next)
        } else if word == "help" {
            try showHelp(of: &rest)
        } else {
            let names = command.subcommands.map(\.name) + ["help"]
            throw .refuse(.unknownCommand(word, nearest: NearestName.of(word, among: names)))
        }
    }

    /// `help import`: the help of the command that the rest names.
    private mutating func showHelp(of rest: inout ArraySlice<String>) throws(Stop) {
        while let word = rest.popFirst() {
            guard let next = command.subcommands.first(where: { $0.name == word }) else {
                let names = command.subcommands.map(\.name)
                throw .refuse(.unknownCommand(word, nearest: NearestName.of(word, among: names)))
            }
            path.append(next)
        }
        throw .show(HelpText.of(path))
    }

    private mutating func takeLong(_ word: String, _ rest: inout ArraySlice<String>) throws(Stop) {
        let body = word.dropFirst(2)
        let equals = body.firstIndex(of: "=")
        let name = String(equals.map { body[..<$0] } ?? body)
        let attached = equals.map { String(body[body.index(after: $0)...]) }
        if name == "help" { throw .show(HelpText.of(path)) }
        if name == "version", let version = path[0].version { throw .show("\(path[0].name) \(version)\n") }
        guard let flag = flags.first(where: { $0.name == name }) else {
            let nearest = NearestName.of(name, among: flags.map(\.name) + ["help"])
            throw .refuse(.unknownFlag("--\(name)", nearest: nearest.map { "--\($0)" }))
        }
        if flag.placeholder == nil {
            try add(attached ?? "true", to: flag)
        } else {
            try add(try value(of: flag, attached: attached, shown: "--\(name)", &rest), to: flag)
        }
    }

    /// `-l`, several switches as in `-lr`, and a value attached or behind: `-e URL`, `-eURL`, `-e=URL`.
    private mutating func takeShort(_ word: String, _ rest: inout ArraySlice<String>) throws(Stop) {
        var letters = word.dropFirst()
        while let letter = letters.popFirst() {
            if letter == "h", !flags.contains(where: { $0.short == "h" }) { throw .show(HelpText.of(path)) }
            guard let flag = flags.first(where: { $0.short == letter }) else {
                throw .refuse(.unknownFlag("-\(letter)", nearest: longName(of: word)))
            }
            if flag.placeholder == nil {
                if letters.hasPrefix("=") { throw .refuse(.unexpectedValue(flag: "-\(letter)")) }
                try add("true", to: flag)
                continue
            }
            var attached: String?
            if !letters.isEmpty {
                attached = String(letters.hasPrefix("=") ? letters.dropFirst() : letters)
            }
            try add(try value(of: flag, attached: attached, shown: "-\(letter)", &rest), to: flag)
            return
        }
    }

    /// `-raw` was probably meant as `--raw`.
    private func longName(of word: String) -> String? {
        let name = String(word.dropFirst().prefix { $0 != "=" })
        guard name.count > 1 else { return nil }
        return NearestName.of(name, among: flags.map(\.name) + ["help"]).map { "--\($0)" }
    }

    private func value(
        of flag: FlagDeclaration, attached: String?, shown: String, _ rest: inout ArraySlice<String>
    ) throws(Stop) -> String {
        if let attached { return attached }
        guard let next = rest.first, !isFlag(next) else {
            throw .refuse(.missingValue(flag: shown, expectation: flag.expectation))
        }
        rest.removeFirst()
        return next
    }

    /// Whether a word is one of our own flags, and so cannot be the value that the flag before it lacks.
    private func isFlag(_ word: String) -> Bool {
        let name = word.dropFirst(2).prefix { $0 != "=" }
        return word == "--" || word.hasPrefix("--") && (name == "help" || flags.contains { $0.name == name })
    }

    private mutating func add(_ text: String, to flag: FlagDeclaration) throws(Stop) {
        if texts[flag.name] != nil, !flag.repeats, flag.placeholder != nil {
            throw .refuse(.givenTwice(flag: "--\(flag.name)"))
        }
        if flag.repeats {
            texts[flag.name, default: []].append(text)
        } else {
            texts[flag.name] = [text]
        }
    }

    private func finish() throws(Stop) -> ParsedArguments {
        guard command.subcommands.isEmpty else {
            throw .refuse(.missingCommand(command.subcommands.map(\.name)))
        }
        var values: [String: any Sendable] = [:]
        var sources: [String: ParsedArguments.Source] = [:]
        for flag in flags {
            if let (value, source) = try finish(flag) {
                values[flag.name] = value
                sources[flag.name] = source
            }
        }
        return ParsedArguments(
            command: path.dropFirst().map(\.name), flagValues: values, flagSources: sources,
            argumentValues: try finishArguments())
    }

    private func finish(
        _ flag: FlagDeclaration
    ) throws(Stop) -> (value: any Sendable, source: ParsedArguments.Source)? {
        if let given = texts[flag.name] {
            let text = given.joined(separator: ",")
            switch flag.read(text) {
            case .value(let value): return (value, .commandLine)
            case .wrong(let expectation):
                throw .refuse(.wrongValue(text, of: "'--\(flag.name)'", expectation: expectation))
            }
        }
        if let variable = flag.environment, let text = environment[variable], !text.isEmpty {
            switch flag.read(text) {
            case .value(let value): return (value, .environment)
            case .wrong(let expectation):
                throw .refuse(.wrongVariable(text, variable: variable, expectation: expectation))
            }
        }
        if let text = flag.defaultText, case .value(let value) = flag.read(text) {
            return (value, .byDefault)
        }
        if flag.isRequired {
            throw .refuse(.missingFlag("--\(flag.name)", expectation: flag.expectation))
        }
        return nil
    }

    private func finishArguments() throws(Stop) -> [String: any Sendable] {
        var values: [String: any Sendable] = [:]
        for (index, argument) in command.arguments.enumerated() {
            guard index < positionals.count else {
                if argument.isRequired { throw .refuse(.missingArgument(argument.name)) }
                continue
            }
            switch argument.read(positionals[index]) {
            case .value(let value): values[argument.name] = value
            case .wrong(let expectation):
                throw .refuse(.wrongValue(positionals[index], of: argument.name, expectation: expectation))
            }
        }
        return values
    }
}
