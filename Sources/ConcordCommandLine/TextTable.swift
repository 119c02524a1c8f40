/// A table for people: columns as wide as their widest cell, two spaces between them.
package struct TextTable: Sendable {
    package enum Alignment: Sendable {
        case left
        case right
    }

    private let titles: [String]
    private let alignments: [Alignment]
    private var rows: [[String]] = []

    package init(_ columns: [(title: String, alignment: Alignment)]) {
        titles = columns.map(\.title)
        alignments = columns.map(\.alignment)
    }

    /// Appends a row; it has one cell a column.
    package mutating func append(_ cells: [String]) {
        precondition(cells.count == titles.count, "a table's row has another number of cells than it has columns")
        rows.append(cells)
    }

    /// The lines, without spaces at their ends. The titles are set off by `paint`.
    package func text(_ paint: Paint = .plain) -> String {
        var widths = titles.map(\.count)
        for row in rows {
            for (column, cell) in row.enumerated() {
                widths[column] = max(widths[column], cell.count)
            }
        }
        let lines = [paint.bold(line(titles, widths))] + rows.map { line($0, widths) }
        return lines.map { $0 + "\n" }.joined()
    }

    /// The same as a table of Markdown.
    package func markdown() -> String {
        let rule = alignments.map { $0 == .left ? "---" : "---:" }
        return ([titles, rule] + rows).map { "| \($0.joined(separator: " | ")) |\n" }.joined()
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var line = ""
        for (column, cell) in cells.enumerated() {
            let padding = String(repeating: " ", count: widths[column] - cell.count)
            let separator = column == 0 ? "" : "  "
            line += separator + (alignments[column] == .left ? cell + padding : padding + cell)
        }
        while line.last == " " { line.removeLast() }
        return line
    }
}

/// Colours for a terminal, and nothing elsewhere.
package struct Paint: Sendable {
    private let isOn: Bool

    private init(isOn: Bool) {
        self.isOn = isOn
    }

    package static let plain = Paint(isOn: false)

    /// Colours when `stream` is a terminal and nobody asked for none (`NO_COLOR`, `TERM=dumb`).
    package static func of(_ stream: StandardStream, environment: [String: String]) -> Paint {
        let unwanted = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        return Paint(isOn: stream.isTerminal && !unwanted && environment["TERM"] != "dumb")
    }

    package func bold(_ text: String) -> String { wrap(text, "1") }
    package func red(_ text: String) -> String { wrap(text, "31") }
    package func green(_ text: String) -> String { wrap(text, "32") }
    package func dim(_ text: String) -> String { wrap(text, "2") }

    private func wrap(_ text: String, _ code: String) -> String {
        isOn ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
