import ConcordChecker
package import ConcordCommandLine

/// The command line of `concord-jepsen`.
package enum JepsenDeclaration {
    static let history = OptionalArgument(
        "HISTORY", .path("HISTORY"), help: "JSON lines or a JSON array, EDN of Jepsen, or lines of Jepsen's log.")
    static let model = OptionalFlag(
        "model", short: "m", .choice(of: Model.allCases.map(\.rawValue)),
        help: "What the history is of; by default as its functions tell.")
    static let initial = OptionalFlag(
        "initial", .json, help: "The object's value before the history, in JSON; by default null, of a counter 0.")
    static let all = OptionalFlag(
        "all", .path("DIR"), help: "Judge every history that DIR/verdicts.json names, and compare with what it says.")
    static let seconds = Flag(
        "seconds", short: "s", .integer(in: 1...86_400), default: "60",
        help: "How long to judge one history; then the verdict is unknown.")

    /// The program and its commands.
    package static let program = CommandDeclaration(
        "concord-jepsen",
        summary: "Tests what clusters promise, in the manner of Jepsen.",
        discussion: """
            Exit codes: 0 the promise held; 1 it was broken; 2 unknown: the search gave up, the history cannot be \
            read, or the command line is wrong.
            """,
        version: "0.1.0",
        subcommands: [check])

    private static let check = CommandDeclaration(
        "check", summary: "Judges a history.",
        discussion: """
            Tells valid from not: with the few operations that contradict each other, and where they happened. \
            The form of the file is told by its content; docs/histories.md describes it. \
            DIR/verdicts.json is a list of {"file", "model", "initial", "valid"}.
            """,
        arguments: [history], flags: [model, initial, all, seconds],
        examples: [
            .init("check history.jsonl", "The model as the functions tell"),
            .init("check --model cas-register --initial 0 history.edn", "A register that starts at 0"),
            .init("check --model set-full --seconds 10 history.edn", "At most ten seconds"),
            .init("check --all histories", "Every history of a directory beside its verdict"),
        ])
}

extension ValueParser where Value == HistoryValue {
    /// A value in JSON.
    static var json: ValueParser<HistoryValue> {
        ValueParser(placeholder: "JSON", expectation: "a value in JSON, such as 0, null or '\"a\"'") { text in
            do throws(HistoryError) { return try HistoryValue(json: Array(text.utf8)) } catch { return nil }
        }
    }
}
