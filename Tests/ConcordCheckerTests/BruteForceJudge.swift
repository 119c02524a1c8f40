import ConcordChecker

/// Tries every order of a few operations that real time allows, with every choice of the unknown ones that happened,
/// on one copy of a plain object.
enum BruteForceJudge {
    static func isLinearizable<Object: PlainObject>(_ history: [RecordedOperation], from object: Object) -> Bool {
        let sure = history.filter { $0.outcome == .ok }
        let unsure = history.filter { $0.outcome == .unknown }
        return (0..<1 << unsure.count).contains { choice in
            let happened = unsure.indices.filter { choice & 1 << $0 != 0 }.map { unsure[$0] }
            return canGoOn(object, with: sure + happened)
        }
    }

    private static func canGoOn<Object: PlainObject>(_ object: Object, with rest: [RecordedOperation]) -> Bool {
        if rest.isEmpty { return true }
        return rest.indices.contains { index in
            let next = rest[index]
            // What returned before another was invoked comes before it.
            if rest.contains(where: { $0.returned < next.invoked }) { return false }
            var object = object
            guard object.accepts(next) else { return false }
            var others = rest
            others.remove(at: index)
            return canGoOn(object, with: others)
        }
    }
}

// MARK: - Promises that are less than linearizable

extension BruteForceJudge {
    /// Each element for itself: it is there or not, and what reads say of others does not matter to it.
    /// - Returns: `nil` when no read tells any element that was added.
    static func isFullSet(_ history: [RecordedOperation]) -> Bool? {
        let told = history.filter { $0.function == "read" && $0.outcome == .ok }.flatMap { $0.result.list ?? [] }
        let added = history.filter { $0.function == "add" }.map(\.argument)
        if Set(told).isDisjoint(with: added) { return nil }
        return Set(told + added).allSatisfy { element in
            let ofElement = history.compactMap { operation -> RecordedOperation? in
                if operation.function == "add" { return operation.argument == element ? operation : nil }
                var read = operation
                read.result = .list(operation.result.list?.contains(element) == true ? [element] : [])
                return read
            }
            return isLinearizable(ofElement, from: PlainSet())
        }
    }

    /// Each read for itself: what returned before it was surely added, what was invoked before it returned possibly.
    static func isCounter(_ history: [RecordedOperation]) -> Bool {
        let adds = history.filter { $0.function == "add" && $0.outcome != .fail }
        return history.filter { $0.function == "read" && $0.outcome == .ok }.allSatisfy { read in
            let surely = adds.filter { $0.returned < read.invoked }
            let possibly = adds.filter { $0.returned >= read.invoked && $0.invoked < read.returned }
            let sum = surely.reduce(0) { $0 + ($1.argument.int ?? 0) }
            let least = possibly.reduce(sum) { $0 + min(0, $1.argument.int ?? 0) }
            let most = possibly.reduce(sum) { $0 + max(0, $1.argument.int ?? 0) }
            return (least...most).contains(read.result.int ?? .max)
        }
    }
}
