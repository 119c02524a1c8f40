/// Judges locks and what they fence: tokens rise with the grants, one grant takes one revision, one token is valid at a
/// time, the queue is served in order and nobody is forgotten, and a fenced resource takes no token older than one it
/// has taken. Its functions are in docs/histories.md.
package enum LockChecker {
    package static func check(_ operations: [RecordedOperation]) -> Verdict {
        .of { () throws(MalformedHistory) in
            let leases = try LeaseLives(operations)
            var names: [HistoryValue] = []
            var parts: [HistoryValue: [RecordedOperation]] = [:]
            let functions = ["acquire", "release", "lock", "grant", "fenced-write"]
            for operation in operations.sorted(by: { $0.invoked < $1.invoked })
            where functions.contains(operation.function) {
                let name = try operation.needKey()
                if parts[name] == nil { names.append(name) }
                parts[name, default: []].append(operation)
            }
            for name in names {
                let part = parts[name] ?? []
                if let found = try FencedResource.violation(part.filter { $0.function == "fenced-write" }) {
                    return found
                }
                if let found = try LockHistory(part, leases).violation() { return found }
            }
            return nil
        }
    }
}

/// A resource outside of the system, which remembers the highest token it has taken.
private enum FencedResource {
    static func violation(_ writes: [RecordedOperation]) throws(MalformedHistory) -> Violation? {
        var taken: [(operation: RecordedOperation, token: Int64)] = []
        for write in writes where write.isAcknowledged {
            taken.append((write, try write.need("token", write.argument["token"])))
        }
        // By its own count where it tells it, else in real time.
        if taken.allSatisfy({ $0.operation.revision != nil }) {
            taken.sort { ($0.operation.revision ?? 0) < ($1.operation.revision ?? 0) }
            for (before, after) in zip(taken, taken.dropFirst()) where after.token < before.token {
                return stale(before, after)
            }
        }
        let done = taken.sorted { $0.operation.returned < $1.operation.returned }
        var next = 0
        var highest: (operation: RecordedOperation, token: Int64)?
        for write in taken.sorted(by: { $0.operation.invoked < $1.operation.invoked }) {
            while next < done.count && done[next].operation.returned < write.operation.invoked {
                if highest.map({ $0.token < done[next].token }) ?? true { highest = done[next] }
                next += 1
            }
            if let highest, write.token < highest.token { return stale(highest, write) }
        }
        return nil
    }

    private static func stale(
        _ before: (operation: RecordedOperation, token: Int64), _ after: (operation: RecordedOperation, token: Int64)
    ) -> Violation {
        .of(
            "a write with token \(after.token) was taken after one with token \(before.token)",
            [before.operation, after.operation])
    }
}
