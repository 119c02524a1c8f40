/// A history that a checker cannot read. Its verdict is unknown, never valid.
struct MalformedHistory: Error {
    var reason: String

    init(_ reason: String) { self.reason = reason }
}

extension Verdict {
    /// What `judge` found; valid when it found nothing.
    static func of(_ judge: () throws(MalformedHistory) -> Violation?) -> Verdict {
        do {
            return try judge().map { .violation($0) } ?? .valid
        } catch {
            return .unknown(error.reason)
        }
    }
}

extension Violation {
    /// With the operations in the order of their invocations, each once.
    static func of(_ explanation: String, _ operations: [RecordedOperation]) -> Violation {
        var ordered: [RecordedOperation] = []
        for operation in operations.sorted(by: { ($0.invoked, $0.returned) < ($1.invoked, $1.returned) })
        where ordered.last != operation { ordered.append(operation) }
        return Violation(explanation, ordered)
    }
}

extension RecordedOperation {
    /// Why the system refused it; `nil` when it did not, or did not answer.
    var refusal: String? { outcome == .ok ? result["refused"]?.text : nil }

    /// It was done.
    var isAcknowledged: Bool { outcome == .ok && refusal == nil }

    /// For explanations.
    var place: String { "process \(process.shown), event \(invoked)" }

    func need(_ name: String, _ value: HistoryValue?) throws(MalformedHistory) -> Int64 {
        guard let number = value?.int else {
            throw MalformedHistory("\(function) at \(invoked) has no number \"\(name)\"")
        }
        return number
    }

    func needKey() throws(MalformedHistory) -> HistoryValue {
        guard let key else { throw MalformedHistory("\(function) at \(invoked) has no key") }
        return key
    }

    func needRevision() throws(MalformedHistory) -> Int64 {
        guard let revision else { throw MalformedHistory("\(function) at \(invoked) has no revision") }
        return revision
    }
}
