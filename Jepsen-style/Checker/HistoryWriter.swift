/// Writes operations as JSON lines, as docs/histories.md has them.
package enum HistoryWriter {
    package static func lines(_ operations: [RecordedOperation]) -> String {
        var events: [(position: Int, text: String)] = []
        for operation in operations {
            events.append((operation.invoked, line(operation, "invoke", operation.argument, operation.invokedTime)))
            switch operation.outcome {
            case .ok:
                events.append((operation.returned, line(operation, "ok", operation.result, operation.returnedTime)))
            case .fail:
                events.append((operation.returned, line(operation, "fail", operation.result, operation.returnedTime)))
            case .unknown: events.append((.max, line(operation, "info", .null, nil)))
            }
        }
        // Stable: what has no end keeps its order.
        let ordered = events.enumerated().sorted { ($0.element.position, $0.offset) < ($1.element.position, $1.offset) }
        return ordered.map { $0.element.text + "\n" }.joined()
    }

    private static func line(
        _ operation: RecordedOperation, _ type: String, _ value: HistoryValue, _ time: Int64?
    ) -> String {
        var text = "{\"type\":\"\(type)\",\"process\":"
        write(operation.process, to: &text)
        text += ",\"f\":"
        write(.text(operation.function), to: &text)
        if let key = operation.key {
            text += ",\"key\":"
            write(key, to: &text)
        }
        text += ",\"value\":"
        write(value, to: &text)
        if let time { text += ",\"time\":\(time)" }
        if type != "invoke", let revision = operation.revision { text += ",\"revision\":\(revision)" }
        return text + "}"
    }

    private static func write(_ value: HistoryValue, to text: inout String) {
        switch value {
        case .null: text += "null"
        case .bool(let flag): text += flag ? "true" : "false"
        case .int(let number): text += String(number)
        case .real(let number): text += number.isFinite ? String(number) : "null"
        case .text(let string): writeText(string, to: &text)
        case .list(let values):
            text += "["
            for (position, element) in values.enumerated() {
                if position > 0 { text += "," }
                write(element, to: &text)
            }
            text += "]"
        case .map(let fields):
            text += "{"
            let named = fields.map { (name: $0.key.text ?? "\($0.key)", value: $0.value) }
                .sorted { $0.name.precedesByBytes($1.name) }
            for (position, field) in named.enumerated() {
                if position > 0 { text += "," }
                writeText(field.name, to: &text)
                text += ":"
                write(field.value, to: &text)
            }
            text += "}"
        }
    }

    private static func writeText(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
