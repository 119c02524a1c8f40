/// A value in a history, whether it was written as JSON or as EDN. Keywords and symbols of EDN are texts without
/// their colon, sets and sequences are lists, so one history has one meaning in both forms.
///
/// Texts are compared by their bytes: what Unicode calls equal may be two values to the system.
package enum HistoryValue: Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case real(Double)
    case text(String)
    case list([HistoryValue])
    case map([HistoryValue: HistoryValue])
}

extension HistoryValue: Hashable {
    package static func == (one: HistoryValue, other: HistoryValue) -> Bool {
        switch (one, other) {
        case (.null, .null): true
        case (.bool(let one), .bool(let other)): one == other
        case (.int(let one), .int(let other)): one == other
        case (.real(let one), .real(let other)): one == other
        case (.text(let one), .text(let other)): one.hasSameBytes(as: other)
        case (.list(let one), .list(let other)): one == other
        case (.map(let one), .map(let other)): one == other
        case (.null, _), (.bool, _), (.int, _), (.real, _), (.text, _), (.list, _), (.map, _): false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let bool):
            hasher.combine(1)
            hasher.combine(bool)
        case .int(let number):
            hasher.combine(2)
            hasher.combine(number)
        case .real(let number):
            hasher.combine(3)
            hasher.combine(number)
        case .text(let text):
            hasher.combine(4)
            // Texts of the same bytes have one hash, though others may have it too.
            hasher.combine(text)
        case .list(let values):
            hasher.combine(5)
            hasher.combine(values)
        case .map(let fields):
            hasher.combine(6)
            hasher.combine(fields)
        }
    }
}

extension String {
    func hasSameBytes(as other: String) -> Bool {
        // Texts of the same bytes are equal to Unicode, too, which is quick where both are ASCII.
        self == other && utf8.elementsEqual(other.utf8)
    }

    func precedesByBytes(_ other: String) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }
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
