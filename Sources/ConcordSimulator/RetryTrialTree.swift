import ConcordModel

/// A few nodes below the root, as a dictionary.
struct RetryTrialTree: Equatable {
    enum Result: Equatable {
        case applied(OperationResult.Status, number: Int64?)
        case refused(RefusalCode)
    }

    static let keys = [Key(text: "/a"), Key(text: "/b"), Key(text: "/c")]

    private(set) var values: [Key: [UInt8]] = [:]
    private(set) var revision = Revision.zero

    mutating func apply(_ operation: Operation) -> Result {
        switch operation {
        case .put(let put):
            if put.condition == .absent, values[put.key] != nil { return .refused(.alreadyExists) }
            return set(put.key, to: put.value ?? [], number: nil)
        case .increment(let increment):
            guard let sum = sum(increment) else { return .refused(.conflict) }
            return set(increment.key, to: Array(String(sum).utf8), number: sum)
        case .delete(let delete):
            guard values.removeValue(forKey: delete.key) != nil else { return .refused(.notFound) }
            revision = revision.next
            return .applied(.deleted, number: 1)
        case .changeSettings: return .applied(.settingsChanged, number: nil)
        case .createSequential, .raiseFeatureLevel, .changeMembers, .cancelMemberChange, .memberInfo:
            preconditionFailure("a trial was given an operation that it does not draw")
        }
    }

    /// `nil` when there is no number to add to.
    private func sum(_ increment: IncrementOperation) -> Int64? {
        guard let value = values[increment.key] else { return increment.amount }
        return Int64(String(decoding: value, as: UTF8.self)).map { $0 + increment.amount }
    }

    private mutating func set(_ key: Key, to value: [UInt8], number: Int64?) -> Result {
        revision = revision.next
        return .applied(values.updateValue(value, forKey: key) == nil ? .created : .replaced, number: number)
    }
}
