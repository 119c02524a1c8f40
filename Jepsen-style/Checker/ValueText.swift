extension HistoryValue {
    /// For explanations: short, and the same in every run.
    var shown: String { shown(depth: 4) }

    private func shown(depth: Int) -> String {
        switch self {
        case .null: "null"
        case .bool(let flag): "\(flag)"
        case .int(let number): "\(number)"
        case .real(let number): "\(number)"
        case .text(let text): "\"\(text)\""
        case .list(let values):
            if depth == 0 {
                "[…]"
            } else if values.count > 12 {
                "[… \(values.count - 8) more, " + HistoryValue.shown(values.suffix(8), depth) + "]"
            } else {
                "[" + HistoryValue.shown(values[...], depth) + "]"
            }
        case .map(let fields):
            if depth == 0 {
                "{…}"
            } else {
                "{" + HistoryValue.shown(fields, depth).joined(separator: ", ") + "}"
            }
        }
    }

    private static func shown(_ fields: [HistoryValue: HistoryValue], _ depth: Int) -> [String] {
        fields.map { "\($0.shown(depth: depth - 1)): \($1.shown(depth: depth - 1))" }
            .sorted { $0.precedesByBytes($1) }
    }

    private static func shown(_ values: ArraySlice<HistoryValue>, _ depth: Int) -> String {
        values.map { $0.shown(depth: depth - 1) }.joined(separator: ", ")
    }
}
