/// Writes `--help` from the declaration.
enum HelpText {
    private static let widthColumns = 96

    /// - Parameter path: the program, then its subcommands down to the one that is explained.
    static func of(_ path: [CommandDeclaration]) -> String {
        let command = path[path.count - 1]
        var text = "\(command.summary)\n\nUsage: \(usage(of: path))\n"
        if !command.discussion.isEmpty {
            text += "\n\(wrapped(command.discussion, indent: 0))\n"
        }
        text += section("Commands", command.subcommands.map { ($0.name, $0.summary) })
        text += section("Arguments", command.arguments.map { ($0.name, $0.help) })
        text += section("Flags", flagRows(path))
        text += examples(of: path)
        if !command.subcommands.isEmpty {
            text += "\nRun '\(names(of: path)) COMMAND --help' for a command's own flags and examples.\n"
        }
        return text
    }

    private static func names(of path: [CommandDeclaration]) -> String {
        path.map(\.name).joined(separator: " ")
    }

    private static func usage(of path: [CommandDeclaration]) -> String {
        let command = path[path.count - 1]
        var words = [names(of: path)]
        if !command.subcommands.isEmpty { words.append("COMMAND") }
        words.append("[flags]")
        words += command.arguments.map { $0.isRequired ? $0.name : "[\($0.name)]" }
        return words.joined(separator: " ")
    }

    private static func flagRows(_ path: [CommandDeclaration]) -> [(String, String)] {
        var rows: [(String, String)] = []
        for flag in path.reversed().flatMap(\.flags) {
            let short = flag.short.map { "-\($0), " } ?? "    "
            let value = flag.placeholder.map { " \($0)" } ?? ""
            var notes: [String] = []
            if flag.isRequired { notes.append("required") }
            if let text = flag.defaultText, !text.isEmpty { notes.append("default \(text)") }
            if let variable = flag.environment { notes.append("environment \(variable)") }
            let note = notes.isEmpty ? "" : " (\(notes.joined(separator: "; ")))"
            rows.append(("\(short)--\(flag.name)\(value)", flag.help + note))
        }
        rows.append(("-h, --help", "Show this help."))
        if path[0].version != nil, path.count == 1 {
            rows.append(("    --version", "Show the version."))
        }
        return rows
    }

    private static func section(_ title: String, _ rows: [(String, String)]) -> String {
        guard !rows.isEmpty else { return "" }
        let column = min(34, rows.map { $0.0.count }.max() ?? 0) + 4
        var text = "\n\(title):\n"
        for (term, explanation) in rows {
            let lines = wrapped(explanation, indent: column)
            let start = "  \(term)"
            if start.count + 2 > column {
                text += "\(start)\n\(lines)\n"
            } else {
                text += start + lines.dropFirst(start.count) + "\n"
            }
        }
        return text
    }

    private static func examples(of path: [CommandDeclaration]) -> String {
        let examples = path[path.count - 1].examples
        guard !examples.isEmpty else { return "" }
        var text = "\nExamples:\n"
        for example in examples {
            text += "  # \(example.purpose)\n  \(path[0].name) \(example.line)\n"
        }
        return text
    }

    /// Breaks lines between words; paragraphs are separated by a newline.
    private static func wrapped(_ text: String, indent: Int) -> String {
        let margin = String(repeating: " ", count: indent)
        var lines: [String] = []
        for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
            var line = margin
            for word in paragraph.split(separator: " ") {
                if line.count > indent, line.count + 1 + word.count > widthColumns {
                    lines.append(line)
                    line = margin
                }
                line += line.count > indent ? " \(word)" : String(word)
            }
            lines.append(line)
        }
        return lines.joined(separator: "\n")
    }
}
