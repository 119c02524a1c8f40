/// A value in a history, whether it was written as JSON or as EDN. Keywords and symbols of EDN are texts without
/// their colon, sets and sequences are lists, so one history has one meaning in both forms.
package enum HistoryValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case real(Double)
    case text(String)
    case list([HistoryValue])
    case map([HistoryValue: HistoryValue])
}

extension HistoryValue {
    package var int: Int64? {
        if case .int(let number) = self { number } else { nil }
    }

    package var text: String? {
        if case .text(let text) = self { text } else { nil }
    }

    package var list: [HistoryValue]? {
        if case .list(let values) = self { values } else { nil }
    }

    /// The value under a name, of a map.
    package subscript(name: String) -> HistoryValue? {
        if case .map(let fields) = self { fields[.text(name)] } else { nil }
    }
}
