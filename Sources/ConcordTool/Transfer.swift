import ConcordClient
import ConcordCommandLine
import Synchronization

/// Counts what an import or export has done, tells of it, and remembers what went wrong.
final class Transfer: Sendable {
    private struct State {
        var files = 0
        var directories = 0
        var bytes = 0
        var skipped: [TransferOutput.Skipped] = []
        /// Why nothing more is begun.
        var failure: ConcordError?
        var line: ProgressLine
    }

    private let verb: String
    private let console: Console
    private let printsLines: Bool
    private let every: Int
    private let start = ContinuousClock.now
    private let state: Mutex<State>

    /// - Parameter verb: `imported` or `exported`.
    init(_ verb: String, _ parsed: ParsedArguments, _ console: Console) {
        let style = parsed[ToolDeclaration.progress]
        self.verb = verb
        self.console = console
        self.printsLines = style == "lines"
        self.every = parsed[ToolDeclaration.progressEvery]
        let showsLine = style == "line" || style == "auto" && console.errorIsTerminal
        self.state = Mutex(State(line: ProgressLine(isShown: showsLine)))
    }

    var hasFailed: Bool { state.withLock { $0.failure != nil } }

    func addFile(bytes: Int) {
        state.withLock { state in
            state.files += 1
            state.bytes += bytes
            if printsLines, state.files % every == 0 { console.complain("\(verb) \(state.files)\n") }
            state.line.show("\(verb) \(state.files) files")
        }
    }

    func addDirectory() {
        state.withLock { $0.directories += 1 }
    }

    func skip(_ name: String, _ reason: String) {
        state.withLock { state in
            state.line.clear()
            state.skipped.append(TransferOutput.Skipped(name: name, reason: reason))
            console.complain("skipped \(Tool.shown(name)): \(reason)\n")
        }
    }

    /// Nothing more is begun; of several failures the first is told.
    func fail(_ error: ConcordError) {
        state.withLock { $0.failure = $0.failure ?? error }
    }

    /// Tells the sum.
    func finish(_ tool: Tool, revision: UInt64?) throws(ConcordError) -> ExitCode {
        let (output, failure) = state.withLock { state in
            state.line.clear()
            let milliseconds = (ContinuousClock.now - start).wholeMilliseconds
            let output = TransferOutput(
                files: state.files, directories: state.directories, bytes: state.bytes, revision: revision,
                milliseconds: milliseconds, skipped: state.skipped)
            return (output, state.failure)
        }
        if printsLines { console.complain("\(verb) \(output.files)\n") }
        if tool.isJSON {
            console.print(ToolJSON.text(of: output))
        } else {
            let skipped = output.skipped.isEmpty ? "" : ", \(output.skipped.count) skipped"
            let ended = failure == nil ? "" : " before it failed"
            console.print(
                "\(verb) \(output.files) files in \(output.directories) directories, \(output.bytes) bytes, "
                    + "\(output.milliseconds) ms\(skipped)\(ended)")
        }
        if let failure { throw failure }
        return output.skipped.isEmpty ? .success : .partial
    }

    /// Runs `work` in `count` tasks at the same time, each until it returns.
    func run(_ count: Int, _ work: @escaping @Sendable () async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<count { group.addTask { await work() } }
        }
    }
}
