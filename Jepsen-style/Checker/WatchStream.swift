/// What one watch was asked and was told.
struct WatchStream {
    /// Everything up to `revision` has been told.
    struct Said {
        var revision: Int64
        var operation: RecordedOperation
    }

    enum Document {
        case initial(path: WatchPath, revision: Int64?)
        case synced(Int64)
        case progress(Int64)
        case events(revision: Int64, part: Int64?, isLast: Bool, [WatchEvent])
        case compacted(firstAvailable: Int64)
    }

    var opening: RecordedOperation
    var scope: WatchScope
    /// The first revision that it was asked for; `nil`: from whenever it began.
    var from: Int64?
    var documents: [(document: Document, operation: RecordedOperation)] = []

    var events: [WatchEvent] {
        documents.flatMap { entry -> [WatchEvent] in
            if case .events(_, _, _, let events) = entry.document { events } else { [] }
        }
    }

    var said: [Said] {
        documents.compactMap { entry in
            switch entry.document {
            case .initial, .compacted, .events(_, _, isLast: false, _): nil
            case .synced(let revision), .progress(let revision), .events(let revision, _, isLast: true, _):
                Said(revision: revision, operation: entry.operation)
            }
        }
    }

    /// The first revision that it had to tell, once that is known.
    var first: Int64? {
        if let from { return from }
        for case .synced(let revision) in documents.map(\.document) { return revision + 1 }
        return nil
    }

    static func all(_ operations: [RecordedOperation]) throws(MalformedHistory) -> [WatchStream] {
        var streams: [WatchStream] = []
        var current: [HistoryValue: Int] = [:]
        for operation in operations {
            if operation.function == "watch" {
                current[operation.process] = streams.count
                streams.append(try WatchStream(operation))
                guard operation.refusal == "compacted" else { continue }
                let first = try operation.need("first_available", operation.result["first_available"])
                streams[streams.count - 1].documents.append((.compacted(firstAvailable: first), operation))
            } else if operation.function == "event" {
                guard let index = current[operation.process] else {
                    throw MalformedHistory("event at \(operation.invoked) is of no watch")
                }
                streams[index].documents.append((try document(operation), operation))
            }
        }
        return streams
    }

    private init(_ operation: RecordedOperation) throws(MalformedHistory) {
        opening = operation
        guard let path = try operation.needKey().text.map(WatchPath.init) else {
            throw MalformedHistory("watch at \(operation.invoked) has no path")
        }
        let name = operation.argument["scope"]?.text ?? "node"
        guard let kind = WatchScope.Kind(rawValue: name) else {
            throw MalformedHistory("watch at \(operation.invoked) has no scope that is known: \(name)")
        }
        scope = WatchScope(path: path, kind: kind)
        if operation.argument["from"] != nil {
            let first = try operation.need("from", operation.argument["from"])
            guard first >= 0 else { throw MalformedHistory("watch at \(operation.invoked) begins at no revision") }
            from = first
        }
        if operation.argument["after"] != nil {
            let after = try operation.need("after", operation.argument["after"])
            guard (0..<Int64.max).contains(after) else {
                throw MalformedHistory("watch at \(operation.invoked) begins after no revision")
            }
            from = after + 1
        }
    }

    private static func document(_ operation: RecordedOperation) throws(MalformedHistory) -> Document {
        let value = operation.result
        switch value["type"]?.text {
        case "initial":
            guard let node = value["node"], let path = node["path"]?.text.map(WatchPath.init) else {
                throw MalformedHistory("event at \(operation.invoked) has no node")
            }
            return .initial(path: path, revision: node["revision"]?.int)
        case "synced": return .synced(try revision("revision", operation))
        case "progress": return .progress(try revision("revision", operation))
        case "compacted": return .compacted(firstAvailable: try revision("first_available", operation))
        case "events":
            let revision = try revision("revision", operation)
            var events: [WatchEvent] = []
            for event in value["events"]?.list ?? [] {
                events.append(try WatchEvent(event, at: revision, operation))
            }
            let part = value["part"]?.int
            return .events(
                revision: revision, part: part, isLast: part == nil || value["last"] == .bool(true), events)
        default: throw MalformedHistory("event at \(operation.invoked) is no document of a watch")
        }
    }

    private static func revision(_ name: String, _ operation: RecordedOperation) throws(MalformedHistory) -> Int64 {
        let number = try operation.need(name, operation.result[name])
        guard (0..<Int64.max).contains(number) else {
            throw MalformedHistory("event at \(operation.invoked) has no sensible \(name)")
        }
        return number
    }
}

/// One change, as a stream told it.
struct WatchEvent {
    var revision: Int64
    var path: WatchPath
    /// Else a deletion.
    var isPut: Bool
    /// Not recorded when absent.
    var value: HistoryValue?
    /// The revision of what it replaced: null where nothing was; absent when not recorded.
    var previous: HistoryValue?
    var created: Int64?
    var cause: String
    var operation: RecordedOperation

    init(_ value: HistoryValue, at revision: Int64, _ operation: RecordedOperation) throws(MalformedHistory) {
        guard let path = value["path"]?.text.map(WatchPath.init), let type = value["type"]?.text,
            type == "put" || type == "delete"
        else {
            throw MalformedHistory("event at \(operation.invoked) holds one that is neither put nor delete of a path")
        }
        self.revision = revision
        self.path = path
        isPut = type == "put"
        self.value = isPut ? value["value"] : nil
        previous = value["previous_revision"]
        created = value["create_revision"]?.int
        cause = value["cause"]?.text ?? "client"
        self.operation = operation
    }

    var shown: String { "\(isPut ? "put" : "delete") \(path)\(value.map { " \($0.shown)" } ?? "")" }

    /// The same change, as far as both were recorded.
    func agrees(with other: WatchEvent) -> Bool {
        isPut == other.isPut && (value == nil || other.value == nil || value == other.value)
            && (previous == nil || other.previous == nil || previous == other.previous)
    }
}

/// The part of the tree that a watch is of.
struct WatchScope {
    enum Kind: String {
        case node, children, subtree
    }

    var path: WatchPath
    var kind: Kind

    func contains(_ other: WatchPath) -> Bool {
        switch kind {
        case .node: other == path
        case .children: other.isChild(of: path)
        case .subtree: other == path || other.isBelow(path)
        }
    }
}
