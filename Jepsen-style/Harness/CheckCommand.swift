import ConcordChecker
package import ConcordCommandLine
import Foundation

/// `concord-jepsen check`: judges one history, or all of a directory.
package struct CheckCommand {
    /// What was found, for people and for the shell.
    package struct Outcome: Equatable, Sendable {
        package var code: ExitCode
        /// For standard output.
        package var output = ""
        /// For standard error.
        package var error = ""
    }

    let arguments: ParsedArguments

    package init(_ arguments: ParsedArguments) {
        self.arguments = arguments
    }

    package func run() -> Outcome {
        let file = arguments[JepsenDeclaration.history]
        switch (file, arguments[JepsenDeclaration.all]) {
        case (let file?, nil): return checkOne(file)
        case (nil, let directory?):
            guard arguments[JepsenDeclaration.model] == nil, arguments[JepsenDeclaration.initial] == nil else {
                return refusal("'--model' and '--initial' are of one HISTORY: of a directory, verdicts.json tells them")
            }
            return checkAll(directory)
        case (nil, nil): return refusal("HISTORY or '--all DIR' is missing")
        case (.some, .some): return refusal("HISTORY and '--all' exclude each other")
        }
    }

    private func checkOne(_ file: String) -> Outcome {
        let chosen = arguments[JepsenDeclaration.model].flatMap { Model(rawValue: $0) }
        let judgement: Judgement
        do throws(JudgementError) {
            judgement = try Judgement(
                file: file, model: chosen, initial: arguments[JepsenDeclaration.initial],
                seconds: arguments[JepsenDeclaration.seconds])
        } catch {
            return refusal("\(file): \(error.message)")
        }
        let code: ExitCode =
            switch judgement.verdict {
            case .valid: .success
            case .violation: .failure
            case .unknown: .usage
            }
        return Outcome(code: code, output: Report.text(judgement, file: file))
    }

    private func checkAll(_ directory: String) -> Outcome {
        let entries: [PublishedVerdict]
        do throws(JudgementError) {
            entries = try PublishedVerdict.read(directory)
        } catch {
            return refusal("\(directory)/verdicts.json: \(error.message)")
        }
        var table = TextTable([
            ("file", .left), ("model", .left), ("said", .left), ("found", .left), ("seconds", .right), ("", .left),
        ])
        var wrong = 0
        var open = 0
        for entry in entries {
            let start = ContinuousClock.now
            let found: String
            do throws(JudgementError) {
                let judgement = try Judgement(
                    file: "\(directory)/\(entry.file)", model: entry.model, initial: entry.initial,
                    seconds: arguments[JepsenDeclaration.seconds])
                found = judgement.verdict.word
            } catch {
                found = "unreadable: \(error.message)"
            }
            let isRight = found == entry.verdict
            if !isRight {
                if ["valid", "violation"].contains(found) { wrong += 1 } else { open += 1 }
            }
            table.append([
                entry.file.printable, entry.model?.rawValue ?? "?", entry.verdict, found.printable,
                String(format: "%.3f", (ContinuousClock.now - start) / .seconds(1)), isRight ? "" : "differs",
            ])
        }
        let right = entries.count - wrong - open
        let summary = "\(right) of \(entries.count) as said; \(wrong) otherwise; \(open) unknown\n"
        return Outcome(code: wrong > 0 ? .failure : open > 0 ? .usage : .success, output: table.text() + summary)
    }

    private func refusal(_ sentence: String) -> Outcome {
        Outcome(code: .usage, error: UsageError(command: "concord-jepsen check", .rule(sentence.printable)).text)
    }
}
