/// The query parameters of the API.
enum Parameter: UInt8, CaseIterable, Sendable {
    case raw
    case revision
    case consistency
    case minRevision
    case children
    case values
    case recursive
    case count
    case limit
    case next
    case parents
    case directory
    case sequential
    case batch
    case timeout
    // The API has these, this version does not serve them yet.
    case kind
    case ttl
    case lease
    case wait
    case after
    case history

    var name: StaticString {
        switch self {
        case .raw: "raw"
        case .revision: "revision"
        case .consistency: "consistency"
        case .minRevision: "min_revision"
        case .children: "children"
        case .values: "values"
        case .recursive: "recursive"
        case .count: "count"
        case .limit: "limit"
        case .next: "next"
        case .parents: "parents"
        case .directory: "directory"
        case .sequential: "sequential"
        case .batch: "batch"
        case .timeout: "timeout"
        case .kind: "kind"
        case .ttl: "ttl"
        case .lease: "lease"
        case .wait: "wait"
        case .after: "after"
        case .history: "history"
        }
    }
}

struct ParameterSet: OptionSet, Sendable {
    let rawValue: UInt32

    init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    init(_ parameter: Parameter) {
        self.rawValue = 1 << UInt32(parameter.rawValue)
    }

    static let raw = ParameterSet(.raw)
    static let revision = ParameterSet(.revision)
    static let consistency = ParameterSet(.consistency)
    static let minRevision = ParameterSet(.minRevision)
    static let children = ParameterSet(.children)
    static let values = ParameterSet(.values)
    static let recursive = ParameterSet(.recursive)
    static let count = ParameterSet(.count)
    static let limit = ParameterSet(.limit)
    static let next = ParameterSet(.next)
    static let parents = ParameterSet(.parents)
    static let directory = ParameterSet(.directory)
    static let sequential = ParameterSet(.sequential)
    static let batch = ParameterSet(.batch)
    static let timeout = ParameterSet(.timeout)

    /// What a read of a node or of its children takes.
    static let reading: ParameterSet = [
        .raw, .revision, .consistency, .minRevision, .children, .values, .recursive, .count, .limit, .next, .timeout,
    ]
    /// What belongs to a listing only.
    static let listing: ParameterSet = [.values, .recursive, .count, .limit, .next]
    static let later: ParameterSet = [
        ParameterSet(.kind), ParameterSet(.ttl), ParameterSet(.lease), ParameterSet(.wait), ParameterSet(.after),
        ParameterSet(.history),
    ]

    var members: [Parameter] { Parameter.allCases.filter { contains(ParameterSet($0)) } }
}
