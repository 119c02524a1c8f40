/// A register: reads and writes, compare-and-set, and appending of text, which makes it a key of Porcupine's
/// key-value store. Values are numbers in a table, so that a step costs no comparison of texts.
struct Register: SequentialObject {
    enum Action: Hashable {
        case read(Int)
        case write(Int)
        case compareAndSet(from: Int, to: Int)
        /// The compare was false.
        case compareFailed(Int)
        case append(HistoryValue)
    }

    let values: ValueTable

    func step(_ state: Int, _ action: Action) -> Int? {
        switch action {
        case .read(let value): state == value || values.isEmptyText(value, for: state) ? state : nil
        case .write(let value): value
        case .compareAndSet(let from, let to): state == from || values.isEmptyText(from, for: state) ? to : nil
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

/// Numbers for the values of a history. All values of which no answer could tell that the register has them, and which
/// no append can turn into one of which it could, have one number: what differs in nothing that was seen is one state.
final class ValueTable {
    static let unobserved = 0

    private var values: [HistoryValue] = [.null]
    private var numbers: [HistoryValue: Int] = [:]
    private var appended: [Append: Int] = [:]
    private let observed: Set<HistoryValue>
    private let isKeyValue: Bool
    /// The texts among them as bytes, in order: what begins one of them stands right before it.
    private let observedTexts: [[UInt8]]

    private struct Append: Hashable {
        var state: Int
        var text: HistoryValue
    }

    /// - Parameters:
    ///   - observed: the values that answers are compared with.
    ///   - isKeyValue: what was never put reads as the empty text, too.
    init(observed: Set<HistoryValue>, isKeyValue: Bool = false) {
        self.isKeyValue = isKeyValue
        self.observed = observed
        observedTexts = observed.compactMap(\.text).map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
    }

    func number(of value: HistoryValue) -> Int {
        if let number = numbers[value] { return number }
        guard canBeObserved(value) else { return Self.unobserved }
        values.append(value)
        numbers[value] = values.count - 1
        return values.count - 1
    }

    private func canBeObserved(_ value: HistoryValue) -> Bool {
        if observed.contains(value) { return true }
        guard let text = (value == .null ? "" : value.text).map({ Array($0.utf8) }) else { return false }
        let before = observedTexts.countOfFront { $0.lexicographicallyPrecedes(text) }
        return before < observedTexts.count && observedTexts[before].starts(with: text)
    }

    /// A key that was never put reads as the empty text, too.
    func isEmptyText(_ value: Int, for state: Int) -> Bool {
        isKeyValue && state != Self.unobserved && values[state] == .null && values[value] == .text("")
    }

    /// The state after an append; to what is no text nothing can be appended, and the result is never observed.
    func appending(_ text: HistoryValue, to state: Int) -> Int {
        guard state != Self.unobserved else { return state }
        let append = Append(state: state, text: text)
        if let known = appended[append] { return known }
        var after = Self.unobserved
        if let tail = text.text, let head = values[state] == .null ? "" : values[state].text {
            after = number(of: .text(head + tail))
        }
        appended[append] = after
        return after
    }
}
