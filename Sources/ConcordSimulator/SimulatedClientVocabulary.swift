import ConcordChecker
import ConcordModel

// Operations and answers in the words of docs/histories.md, model `tree`.

extension SimulatedClient.Doing {
    /// The function, key and argument of an operation that stands in the history; `nil` for one that the model does
    /// not describe.
    var recorded: (function: String, key: Key, argument: HistoryValue)? {
        switch question {
        case .cluster, .read(.settings): return nil
        case .read(.node(let query)): return ("get", query.key, Word.map([(Word.at, query.at?.history)]))
        case .read(.list(let query)):
            let scope: HistoryValue = query.scope == .children ? Word.children : Word.subtree
            return (
                query.detail == .count ? "count" : "list", query.key,
                Word.map([(Word.at, query.at?.history), (Word.scope, scope)])
            )
        case .write(let operation): return operation.recorded
        }
    }
}

extension Operation {
    /// `nil` for one that the model does not describe.
    var recorded: (function: String, key: Key, argument: HistoryValue)? {
        switch self {
        case .put(let put):
            let fields = [
                (Word.value, ValueText.history(put.value)), (Word.condition, put.condition.history),
                (Word.parents, put.createsParents ? .bool(true) : nil),
            ]
            return ("put", put.key, Word.map(fields))
        case .createSequential(let create):
            let fields: [(HistoryValue, HistoryValue?)] = [
                (Word.prefix, .text(String(decoding: create.prefix, as: UTF8.self))),
                (Word.value, ValueText.history(create.value)), (Word.width, .int(Int64(create.width))),
                (Word.parents, create.createsParents ? .bool(true) : nil),
            ]
            return ("create-sequential", create.parent, Word.map(fields))
        case .increment(let increment):
            let fields = [(Word.by, .int(increment.amount)), (Word.condition, increment.condition.history)]
            return ("increment", increment.key, Word.map(fields))
        case .delete(let delete):
            let fields: [(HistoryValue, HistoryValue?)] = [
                (Word.recursive, delete.recursive ? .bool(true) : nil),
                (Word.batch, delete.batch > 0 ? .int(Int64(delete.batch)) : nil),
                (Word.condition, delete.condition.history),
            ]
            return ("delete", delete.key, Word.map(fields))
        case .changeSettings, .raiseFeatureLevel, .changeMembers, .cancelMemberChange, .memberInfo:
            return nil
        }
    }
}

extension Condition {
    fileprivate var history: HistoryValue? {
        switch self {
        case .none: nil
        case .exists: Word.exists
        case .absent: Word.absent
        case .modifiedAt(let revisions): .list(revisions.map(\.history))
        }
    }
}

extension Revision {
    var history: HistoryValue { .int(Int64(rawValue)) }
}

extension Node {
    /// - Parameter withValue: whether the value was told.
    func history(withValue: Bool) -> HistoryValue {
        Word.map([
            (Word.value, withValue ? ValueText.history(value) : nil), (Word.version, .int(Int64(version))),
            (Word.created, createRevision.history), (Word.modified, modifyRevision.history),
            (Word.children, .int(Int64(childrenCount))), (Word.childRevision, childRevision.history),
        ])
    }
}

enum Word {
    static let at = HistoryValue.text("at")
    static let scope = HistoryValue.text("scope")
    static let children = HistoryValue.text("children")
    static let subtree = HistoryValue.text("subtree")
    static let value = HistoryValue.text("value")
    static let condition = HistoryValue.text("if")
    static let parents = HistoryValue.text("parents")
    static let prefix = HistoryValue.text("prefix")
    static let width = HistoryValue.text("width")
    static let by = HistoryValue.text("by")
    static let recursive = HistoryValue.text("recursive")
    static let batch = HistoryValue.text("batch")
    static let exists = HistoryValue.text("exists")
    static let absent = HistoryValue.text("absent")
    static let version = HistoryValue.text("version")
    static let created = HistoryValue.text("created")
    static let modified = HistoryValue.text("modified")
    static let childRevision = HistoryValue.text("child_revision")
    static let number = HistoryValue.text("number")
    static let names = HistoryValue.text("names")
    static let key = HistoryValue.text("key")
    static let refused = HistoryValue.text("refused")

    /// The fields that are there; null for none.
    static func map(_ fields: [(HistoryValue, HistoryValue?)]) -> HistoryValue {
        var map: [HistoryValue: HistoryValue] = [:]
        map.reserveCapacity(fields.count)
        for (name, value) in fields {
            if let value { map[name] = value }
        }
        return map.isEmpty ? .null : .map(map)
    }

    static func refused(_ code: String) -> HistoryValue {
        .map([refused: .text(code)])
    }
}

/// The bytes of a value as the history tells them: one text for each.
enum ValueText {
    static let padding = UInt8(ascii: "_")
    private static let shortBytesMax = 32

    static func history(_ value: [UInt8]?) -> HistoryValue {
        guard let value else { return .null }
        return .text(text(value))
    }

    /// Long padding is told by its length: a large value must not make a large history.
    static func text(_ value: [UInt8]) -> String {
        guard value.count > shortBytesMax, let start = value.firstIndex(of: padding),
            value[start...].allSatisfy({ $0 == padding })
        else { return String(decoding: value, as: UTF8.self) }
        return "\(String(decoding: value[..<start], as: UTF8.self))+\(value.count)"
    }
}
