import ConcordChecker
import ConcordCommandLine
import Foundation

/// A verdict for people.
enum Report {
    static func text(_ judgement: Judgement, file: String) -> String {
        let history = judgement.history
        let processes = Set(history.operations.map(\.process)).count
        let what = "\(history.operations.count) operations of \(processes) processes, \(history.form.rawValue)"
        let time = String(format: "%.3f s", judgement.seconds)
        let head = "\(file.printable): \(judgement.verdict.word) as \(judgement.model.rawValue) (\(what), \(time))\n"
        switch judgement.verdict {
        case .valid where history.operations.allSatisfy({ $0.outcome != .ok }):
            return head + "No operation of a client was answered: this history can only be valid, and shows nothing.\n"
        case .valid: return head
        case .unknown(let reason): return head + "Unknown: \(reason.printable)\n"
        case .violation(let violation):
            return head + "\n\(violation.explanation.printable)\n\n" + table(violation) + place(violation, in: history)
        }
    }

    private static func table(_ violation: Violation) -> String {
        var table = TextTable([
            ("begins", .right), ("ends", .right), ("process", .right), ("operation", .left), ("answer", .left),
        ])
        for operation in violation.operations.sorted(by: { $0.invoked < $1.invoked }) {
            var name = operation.function
            if let key = operation.key { name += " \(key)" }
            if operation.argument != .null { name += " \(operation.argument)" }
            table.append([
                "\(operation.invoked)", operation.returned == .max ? "…" : "\(operation.returned)",
                "\(operation.process)".printable, shortened(name), shortened(answer(of: operation)),
            ])
        }
        return table.text()
    }

    private static func answer(of operation: RecordedOperation) -> String {
        switch operation.outcome {
        case .unknown: return "unknown"
        case .fail: return "failed"
        case .ok:
            let isRead = operation.function == "read" || operation.function == "get"
            let saysMore = operation.result != .null && operation.result != operation.argument
            return isRead || saysMore ? "ok \(operation.result)" : "ok"
        }
    }

    private static func shortened(_ text: String) -> String {
        let text = text.printable
        return text.count <= 100 ? text : "\(text.prefix(60)) … \(text.suffix(35))"
    }

    private static func place(_ violation: Violation, in history: History) -> String {
        guard let span = violation.span else { return "" }
        var text = "\nEvents \(span.lowerBound) to \(span.upperBound) of \(history.eventCount)"
        let times = violation.operations.flatMap { [$0.invokedTime, $0.returnedTime] }.compactMap { $0 }
        if let first = times.min(), let last = times.max() {
            text += String(
                format: ", %.6f s to %.6f s", Double(first) / 1_000_000_000, Double(last) / 1_000_000_000)
        }
        return text + ".\n"
    }
}

extension String {
    /// With what a terminal would obey written as escapes.
    var printable: String {
        var printable = ""
        for scalar in unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator:
                printable += scalar.escaped(asASCII: true)
            default: printable.unicodeScalars.append(scalar)
            }
        }
        return printable
    }
}
