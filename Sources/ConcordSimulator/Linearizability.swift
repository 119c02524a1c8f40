package import ConcordModel

/// Looks for an order of a history's operations that a single copy of each key would have given and that
/// respects real time (Herlihy and Wing 1990), by the search of Wing and Gong (1993) with Lowe's memory of
/// configurations that were already tried. Each key is searched by itself: linearizability is local.
package enum Linearizability {
    package enum Verdict: Equatable, Sendable {
        case valid
        /// No order explains the operations on this key.
        case violated(Key)
        /// Gave up: too many configurations.
        case unknown(Key)
    }

    package static func check(_ history: [HistoryOperation]) -> Verdict {
        var byKey: [Key: [HistoryOperation]] = [:]
        for operation in history where operation.result != .nothing {
            byKey[operation.key, default: []].append(operation)
        }
        for key in byKey.keys.sorted() {
            var search = Search(operations: byKey[key] ?? [])
            switch search.run() {
            case true?: continue
            case false?: return .violated(key)
            case nil: return .unknown(key)
            }
        }
        return .valid
    }

    /// Revisions that clients saw: an operation that began after another one had returned never names an older
    /// revision.
    /// - Returns: the first pair that contradicts.
    package static func checkRevisions(_ history: [HistoryOperation]) -> (HistoryOperation, HistoryOperation)? {
        let known = history.filter { $0.revision != nil && $0.result != .unknown && $0.result != .nothing }
        let ended = known.sorted { $0.returnedAt < $1.returnedAt }
        var newest: HistoryOperation?
        var position = 0
        for operation in known.sorted(by: { $0.invokedAt < $1.invokedAt }) {
            while position < ended.count, ended[position].returnedAt < operation.invokedAt {
                if (newest?.revision ?? .zero) < (ended[position].revision ?? .zero) { newest = ended[position] }
                position += 1
            }
            if let newest, let before = newest.revision, let revision = operation.revision, revision < before {
                return (newest, operation)
            }
        }
        return nil
    }
}

/// The search over one key.
private struct Search {
    private struct Configuration: Hashable {
        var taken: [UInt64]
        var value: [UInt8]?
    }

    private struct Frame {
        var configuration: Configuration
        var candidates: [Int]
        var next: Int
    }

    private let operations: [HistoryOperation]
    private var seen: Set<Configuration> = []
    private static let configurationsMax = 2_000_000

    init(operations: [HistoryOperation]) {
        self.operations = operations.sorted { $0.invokedAt < $1.invokedAt }
    }

    /// - Returns: whether an order exists; `nil` when too many configurations were tried.
    mutating func run() -> Bool? {
        let words = (operations.count + 63) / 64
        let empty = Configuration(taken: Array(repeating: 0, count: words), value: nil)
        var stack = [Frame(configuration: empty, candidates: candidates(after: empty), next: 0)]
        while var frame = stack.popLast() {
            if isComplete(frame.configuration) { return true }
            guard frame.next < frame.candidates.count else { continue }
            let chosen = frame.candidates[frame.next]
            frame.next += 1
            stack.append(frame)
            guard let value = step(operations[chosen], from: frame.configuration.value) else { continue }
            var following = Configuration(taken: frame.configuration.taken, value: value.value)
            following.taken[chosen / 64] |= 1 << UInt64(chosen % 64)
            guard seen.insert(following).inserted else { continue }
            if seen.count > Search.configurationsMax { return nil }
            stack.append(Frame(configuration: following, candidates: candidates(after: following), next: 0))
        }
        return false
    }

    private func isTaken(_ position: Int, in configuration: Configuration) -> Bool {
        configuration.taken[position / 64] & 1 << UInt64(position % 64) != 0
    }

    /// Everything that has an answer was put in order; what has none may never have happened.
    private func isComplete(_ configuration: Configuration) -> Bool {
        operations.indices.allSatisfy { isTaken($0, in: configuration) || operations[$0].result == .unknown }
    }

    /// Operations that may come next: invoked before any other one that is left has returned.
    private func candidates(after configuration: Configuration) -> [Int] {
        var candidates: [Int] = []
        var earliestReturn = UInt64.max
        for position in operations.indices where !isTaken(position, in: configuration) {
            let operation = operations[position]
            if operation.invokedAt > earliestReturn { break }
            candidates.append(position)
            if operation.result != .unknown { earliestReturn = min(earliestReturn, operation.returnedAt) }
        }
        return candidates.filter { operations[$0].invokedAt <= earliestReturn }
    }

    private struct Value {
        var value: [UInt8]?
    }

    /// What one copy would hold after the operation; `nil` when it could not have answered so.
    private func step(_ operation: HistoryOperation, from value: [UInt8]?) -> Value? {
        let unknown = operation.result == .unknown
        switch operation.action {
        case .get:
            return unknown || operation.result == .found(value) ? Value(value: value) : nil
        case .put(let new):
            return unknown || operation.result == .done ? Value(value: new) : nil
        case .create(let new):
            let applies = value == nil
            guard unknown || (operation.result == .done) == applies else { return nil }
            return Value(value: applies ? new : value)
        case .replace(let expected, let new):
            let applies = value == expected
            guard unknown || (operation.result == .done) == applies else { return nil }
            return Value(value: applies ? new : value)
        case .delete:
            let applies = value != nil
            guard unknown || (operation.result == .done) == applies else { return nil }
            return Value(value: nil)
        case .increment(let amount):
            let before = value.map { Int64(String(decoding: $0, as: UTF8.self)) } ?? 0
            guard let before, case let (sum, overflow) = before.addingReportingOverflow(amount), !overflow else {
                return operation.result == .refused || unknown ? Value(value: value) : nil
            }
            guard unknown || operation.result == .number(sum) else { return nil }
            return Value(value: [UInt8](String(sum).utf8))
        }
    }
}
