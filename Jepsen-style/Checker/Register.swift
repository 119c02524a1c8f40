/// A register: reads and writes, compare-and-set, and appending of text, which makes it a key of Porcupine's
/// key-value store. Values are numbers in a table, so that a step costs no comparison of texts.
struct Register: SequentialObject {
    enum Action: Hashable {
        case read(Int)
        case write(Int)
        case compareAndSet(from: Int, to: Int)
        /// The compare was false.
        case compareFailed(Int)
        case append(Int)
    }

    let values: ValueTable

    func step(_ state: Int, _ action: Action) -> Int? {
        switch action {
        case .read(let value): state == value || values.isEmptyText(value, for: state) ? state : nil
        case .write(let value): value
        case .compareAndSet(let from, let to): state == from ? to : nil
        case .compareFailed(let from): state == from ? nil : state
        case .append(let text): values.appending(text, to: state)
        }
    }

    func isRead(_ action: Action) -> Bool {
        switch action {
        case .read, .compareFailed: true
        case .write, .compareAndSet, .append: false
        }
    }
}

/// Numbers for the values of a history.
final class ValueTable {
    private(set) var values: [HistoryValue] = []
    private var numbers: [HistoryValue: Int] = [:]
    private var appended: [Append: Int] = [:]

    private struct Append: Hashable {
        var state: Int
        var text: Int
    }

    func number(of value: HistoryValue) -> Int {
        if let number = numbers[value] { return number }
        values.append(value)
        numbers[value] = values.count - 1
        return values.count - 1
    }

    /// A key that was never put reads as the empty text, too.
    func isEmptyText(_ value: Int, for state: Int) -> Bool {
        values[state] == .null && values[value] == .text("")
    }

    /// - Returns: `nil` where the state is no text.
    func appending(_ text: Int, to state: Int) -> Int? {
        if let known = appended[Append(state: state, text: text)] { return known }
        guard let tail = values[text].text, let head = values[state] == .null ? "" : values[state].text else {
            return nil
        }
        let number = number(of: .text(head + tail))
        appended[Append(state: state, text: text)] = number
        return number
    }
}
