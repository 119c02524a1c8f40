/// The changes of the tree, as far as acknowledged writes and events tell them.
struct KnownChanges {
    /// A write of a client, and what it makes of the tree.
    struct Write {
        var operation: RecordedOperation
        var path: WatchPath
        var isPut: Bool
        /// `nil` where any will do.
        var value: HistoryValue?
        /// It writes a number, of an increment.
        var isNumber = false
        /// It may make missing parents, or delete what is below.
        var isWide: Bool
        /// It may have deleted what is below, and not the node itself: its batch was full.
        var mayHaveStopped = false

        /// Of an unanswered creation in sequence, whose path is not known.
        var parent: WatchPath?

        /// Whether an event may be of this write.
        func explains(_ event: WatchEvent) -> Bool {
            if let parent, isWide, event.path == parent { return event.isPut && event.value ?? .null == .null }
            if event.path == path {
                guard event.isPut == isPut, let told = event.value else { return event.isPut == isPut }
                return value.map { $0 == told } ?? (!isNumber || told.text.flatMap { Int64($0) } != nil)
            }
            guard isWide, event.isPut == isPut else { return false }
            guard isPut else { return event.path.isBelow(path) }
            return path.isBelow(event.path) && event.value ?? .null == .null
        }

        /// Whether an event may be of the node that an unanswered creation in sequence made.
        func mayHaveNumbered(_ event: WatchEvent) -> Bool {
            guard let parent, event.isPut else { return false }
            if let value, let told = event.value, value != told { return false }
            let prefix = operation.argument["prefix"]?.text ?? ""
            let start = Array(((parent == .root ? "" : parent.text) + "/" + prefix).utf8)
            let number = event.path.text.utf8.dropFirst(start.count)
            let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
            return event.path.text.utf8.starts(with: start) && !number.isEmpty && number.allSatisfy { digits ~= $0 }
        }
    }

    struct Change {
        var revision: Int64
        var path: WatchPath
        var isPut: Bool
        var source: RecordedOperation
        var event: WatchEvent?
    }

    private struct Spot: Hashable {
        var revision: Int64
        var path: WatchPath
    }

    private var acknowledged: [Int64: Write] = [:]
    /// Sent, and not known to have taken effect at a revision; the failed ones too, to tell of them.
    private var others: [Write] = []
    private var changes: [Spot: Change] = [:]

    init(_ operations: [RecordedOperation]) throws(MalformedHistory) {
        for operation in operations {
            guard let write = try KnownChanges.write(operation) else { continue }
            guard operation.isAcknowledged else {
                others.append(write)
                continue
            }
            if operation.result["number"] == .int(0) && operation.function == "delete" { continue }
            let revision = try operation.needRevision()
            acknowledged[revision] = write
            if write.mayHaveStopped { continue }
            changes[Spot(revision: revision, path: write.path)] = Change(
                revision: revision, path: write.path, isPut: write.isPut, source: operation)
        }
    }

    private static func write(_ operation: RecordedOperation) throws(MalformedHistory) -> Write? {
        guard ["put", "delete", "increment", "create-sequential"].contains(operation.function) else { return nil }
        guard let path = try operation.needKey().text.map(WatchPath.init) else {
            throw MalformedHistory("\(operation.function) at \(operation.invoked) has no path")
        }
        let argument = operation.argument
        var write = Write(
            operation: operation, path: path, isPut: operation.function != "delete", value: argument["value"],
            isWide: argument["parents"] == .bool(true) || argument["recursive"] == .bool(true))
        if let batch = argument["batch"]?.int {
            write.mayHaveStopped = operation.result["number"]?.int.map { $0 >= batch } ?? true
        }
        if operation.function == "increment" {
            write.isNumber = true
            write.value = operation.result["number"]?.int.map { .text("\($0)") }
        }
        if operation.function == "create-sequential" {
            let made = operation.result["key"]?.text.map(WatchPath.init)
            guard made != nil || !operation.isAcknowledged else {
                throw MalformedHistory("create-sequential at \(operation.invoked) does not say what it made")
            }
            write.path = made ?? WatchPath(path.text + "/")
            if made == nil { write.parent = path }
        }
        return write
    }

    /// Takes an event up, unless it contradicts what is known.
    mutating func learn(_ event: WatchEvent) -> Violation? {
        let spot = Spot(revision: event.revision, path: event.path)
        if let write = acknowledged[event.revision] {
            guard write.explains(event) else {
                return .of(
                    "revision \(event.revision) was \(write.operation.function) \(write.path); a watch was told "
                        + event.shown, [write.operation, event.operation])
            }
            if event.operation.invoked < write.operation.invoked {
                return .of(
                    "\(event.shown) was told before it was asked for", [write.operation, event.operation])
            }
        } else if event.cause == "client" {
            if let found = unexplained(event) { return found }
        }
        if let known = changes[spot]?.event, !known.agrees(with: event) {
            return .of(
                "two watches were told different things of revision \(event.revision): \(known.shown), and "
                    + event.shown, [known.operation, event.operation])
        }
        if changes[spot]?.event == nil {
            let source = changes[spot]?.source ?? event.operation
            changes[spot] = Change(
                revision: event.revision, path: event.path, isPut: event.isPut, source: source, event: event)
        }
        return nil
    }

    /// An event of a revision that no acknowledged write has: some write of unknown outcome must have made it.
    private func unexplained(_ event: WatchEvent) -> Violation? {
        var failed: [RecordedOperation] = []
        for write in others {
            guard write.explains(event) || write.mayHaveNumbered(event) else { continue }
            if write.operation.outcome == .unknown && write.operation.invoked < event.operation.invoked { return nil }
            failed.append(write.operation)
        }
        return .of(
            "a watch was told \(event.shown) at revision \(event.revision), which "
                + (failed.isEmpty ? "nobody asked for" : "had failed, or had not been asked for yet"),
            failed.prefix(1) + [event.operation])
    }

    /// Changes of a path that nobody told may lie between those that are known.
    private func mayHaveUnseen(_ path: WatchPath) -> Bool {
        others.contains { write in
            write.operation.outcome == .unknown && (write.path == path || write.isWide || write.parent != nil)
        }
            || acknowledged.values.contains { write in
                write.isWide && write.path != path
                    && (write.isPut ? write.path.isBelow(path) : path.isBelow(write.path))
                    || write.path == path && write.mayHaveStopped
                    || write.path == path
                        && ["lease", "ttl_ms", "kind"].contains { write.operation.argument[$0] != nil }
            }
    }

    /// An event that says it replaced something else than what was there.
    func wrongPrevious() -> Violation? {
        var before: Change?
        for change in byPath {
            if before?.path != change.path { before = nil }
            defer { before = change }
            guard let event = change.event, let previous = event.previous else { continue }
            let number = previous == .null ? 0 : previous.int ?? -1
            let there = before.map { $0.isPut ? $0.revision : 0 }
            if number >= 0, number < event.revision {
                guard let before, let there, number != there else { continue }
                // Something in between that nobody told of explains another answer, but no older one.
                if number == 0 || number > before.revision, mayHaveUnseen(change.path) { continue }
            }
            return .of(
                "\(event.shown) at revision \(event.revision) said it replaced \(previous.shown); before it was "
                    + (there.map { $0 == 0 ? "nothing" : "the change of \($0)" } ?? "something older"),
                [before?.event?.operation ?? before?.source, event.operation].compactMap { $0 })
        }
        return nil
    }

    /// A change that a stream passed over.
    func missing(in streams: [WatchStream]) -> Violation? {
        let changes = inOrder
        for stream in streams {
            if let found = missing(in: stream, of: changes) { return found }
        }
        return nil
    }

    private func missing(in stream: WatchStream, of changes: [Change]) -> Violation? {
        guard let first = stream.first, let horizon = stream.said.max(by: { $0.revision < $1.revision }) else {
            return nil
        }
        let told = Set(stream.events.map { Spot(revision: $0.revision, path: $0.path) })
        for change in changes where change.revision >= first && change.revision <= horizon.revision {
            guard stream.scope.contains(change.path), !told.contains(Spot(revision: change.revision, path: change.path))
            else { continue }
            let how = change.source.function == "event" ? "another watch was told" : "was acknowledged"
            return .of(
                "\(stream.opening.place), watching \(stream.scope.path) from \(first), was told everything up to "
                    + "\(horizon.revision), but not \(change.isPut ? "put" : "delete") \(change.path) at "
                    + "\(change.revision), which \(how)", [stream.opening, change.source, horizon.operation])
        }
        return halfADeletion(in: stream, from: first, to: horizon)
    }

    /// A deletion says how many went, and a stream of them all tells as many.
    private func halfADeletion(in stream: WatchStream, from first: Int64, to horizon: WatchStream.Said) -> Violation? {
        guard stream.scope.kind == .subtree, first <= horizon.revision else { return nil }
        var told: [Int64: Int] = [:]
        for event in stream.events { told[event.revision, default: 0] += 1 }
        for (revision, write) in acknowledged.sorted(by: { $0.key < $1.key })
        where first...horizon.revision ~= revision && write.operation.function == "delete" {
            guard let number = write.operation.result["number"]?.int, stream.scope.contains(write.path) else {
                continue
            }
            if told[revision] ?? 0 == number { continue }
            return .of(
                "delete \(write.path) at \(revision) deleted \(number), and \(stream.opening.place), watching "
                    + "\(stream.scope.path), was told \(told[revision] ?? 0) of them, but not the others, or too many",
                [stream.opening, write.operation, horizon.operation])
        }
        return nil
    }

    private var inOrder: [Change] {
        changes.values.sorted { ($0.revision, $0.path) < ($1.revision, $1.path) }
    }

    private var byPath: [Change] {
        changes.values.sorted { ($0.path, $0.revision) < ($1.path, $1.revision) }
    }
}
