/// The check guided by revisions: replays a history once, in the order of the revisions that its answers carry.
///
/// A history that passes is linearizable, and the order of the replay is the proof: changes by revision, every other
/// operation behind the change of its revision. What it takes: every answer is what the object was at its revision;
/// no revision is used twice, and none is left without a change; nothing that returned before an operation was invoked
/// has a higher revision (or, for a change, the same one). One of unknown outcome may have happened once, at any
/// revision above those seen before it was invoked.
struct RevisionReplay<Object: RevisionedObject> {
    let object: Object
    let operations: [RecordedOperation]
    let parts: [ReplayPart<Object.Action>]
    /// The revision before the history.
    let base: Int64
    let limits: CheckLimits
    /// What a log says that revisions were made by; empty when there is none.
    var committed: [CommittedOperation] = []

    func check() -> Verdict {
        if let violation = revisionOutOfRange() { return .violation(violation) }
        var lowerBounds: [Int64] = []
        if let violation = sweep(&lowerBounds) { return .violation(violation) }
        let timeline = makeTimeline(lowerBounds)
        for (one, other) in zip(timeline.changes, timeline.changes.dropFirst()) where one.revision == other.revision {
            return .violation(violation("two changes have the revision \(one.revision)", [one.index, other.index]))
        }
        if let violation = compareWithLog(timeline) { return .violation(violation) }
        guard let gaps = gaps(of: timeline) else { return .violation(tooManyGaps(timeline)) }
        guard gaps.count <= gapsMax else {
            return .unknown(
                "the replay gave up: \(timeline.unknowns.count) operations of unknown outcome may have made more than "
                    + "\(gapsMax) revisions")
        }
        var search = GapSearch(object, timeline, gaps: gaps, limits: limits)
        switch search.run() {
        case .consistent: return .valid
        case .failed(let failure): return .violation(violation(failure, timeline))
        case .gaveUp:
            return .unknown(
                "the replay gave up: which of \(timeline.unknowns.count) operations of unknown outcome made "
                    + "\(gaps.count) revisions?")
        }
    }
}

/// A change that the log holds: what was asked, and the revision that it made.
package struct CommittedOperation: Equatable, Sendable {
    package var revision: Int64
    package var function: String
    package var key: HistoryValue?
    package var argument: HistoryValue

    package init(revision: Int64, function: String, key: HistoryValue? = nil, argument: HistoryValue = .null) {
        self.revision = revision
        self.function = function
        self.key = key
        self.argument = argument
    }
}

/// What was asked, apart from who did and what became of it.
struct AskedOperation: Hashable {
    let function: String
    let key: HistoryValue?
    let argument: HistoryValue

    init(_ operation: RecordedOperation) {
        (function, key, argument) = (operation.function, operation.key, operation.argument)
    }

    init(_ operation: CommittedOperation) {
        (function, key, argument) = (operation.function, operation.key, operation.argument)
    }
}

// MARK: - Real time

extension RevisionReplay {
    /// JSON holds integers exactly up to here; beyond it, no number is a revision of the tree.
    private static var revisionMax: Int64 { Object.ownsAllRevisions ? 1 << 53 : .max }

    private func revision(_ index: Int) -> Int64? {
        operations[parts[index].position].revision
    }

    private func isChange(_ index: Int) -> Bool {
        if case .change = parts[index].kind { true } else { false }
    }

    private func isUnknown(_ index: Int) -> Bool {
        if case .unknownChange = parts[index].kind { true } else { false }
    }

    private func revisionOutOfRange() -> Violation? {
        for index in parts.indices where !isUnknown(index) {
            guard let revision = revision(index) else { continue }
            let first = isChange(index) && Object.ownsAllRevisions ? base + 1 : base
            guard revision >= first, revision <= Self.revisionMax else {
                return violation("the revision \(revision) cannot be: the history begins at \(base)", [index])
            }
        }
        return nil
    }

    /// Goes through the history in the order of time, with the highest revision that was seen so far.
    private func sweep(_ lowerBounds: inout [Int64]) -> Violation? {
        let invoked = sorted(Array(parts.indices)) { operations[parts[$0].position].invoked }
        let answered = parts.indices.filter { !isUnknown($0) && revision($0) != nil }
        let returned = sorted(answered) { operations[parts[$0].position].returned }
        lowerBounds = Array(repeating: base, count: parts.count)
        var next = 0
        var (highest, seenBy) = (base, -1)
        for index in invoked {
            let now = operations[parts[index].position].invoked
            while next < returned.count, operations[parts[returned[next]].position].returned < now {
                if let revision = revision(returned[next]), revision > highest || seenBy < 0 {
                    (highest, seenBy) = (revision, returned[next])
                }
                next += 1
            }
            lowerBounds[index] = highest
            guard !isUnknown(index), let revision = revision(index), seenBy >= 0 else { continue }
            if revision < highest {
                return violation(
                    "\(name(index)) was answered at revision \(revision), though \(name(seenBy)) had returned with "
                        + "revision \(highest) before it was invoked", [seenBy, index])
            }
            if revision == highest, isChange(index) {
                return violation(
                    "\(name(index)) made revision \(revision), though \(name(seenBy)) had returned with that revision "
                        + "before it was invoked", [seenBy, index])
            }
        }
        return nil
    }

    private func sorted(_ indices: [Int], by time: (Int) -> Int) -> [Int] {
        let times = indices.map { (time($0), $0) }
        let isSorted = zip(times, times.dropFirst()).allSatisfy { $0.0 <= $1.0 }
        return isSorted ? indices : times.sorted { $0 < $1 }.map(\.1)
    }
}

// MARK: - In the order of revisions

extension RevisionReplay {
    private func makeTimeline(_ lowerBounds: [Int64]) -> ReplayTimeline<Object.Action> {
        var timeline = ReplayTimeline(parts: parts)
        var likenesses: [AskedOperation: Int] = [:]
        for index in parts.indices {
            switch parts[index].kind {
            case .change: timeline.changes.append(.init(revision: revision(index) ?? 0, index: index))
            case .read(let revision): timeline.reads.append(.init(revision: revision, index: index))
            case .seen: break
            case .unknownChange:
                let next = likenesses.count
                let likeness = likenesses[AskedOperation(operations[parts[index].position]), default: next]
                likenesses[AskedOperation(operations[parts[index].position])] = likeness
                timeline.unknowns.append(
                    .init(lowerBound: lowerBounds[index], index: index, likeness: likeness))
            }
        }
        timeline.changes.sort { ($0.revision, $0.index) < ($1.revision, $1.index) }
        timeline.reads.sort { ($0.revision, $0.index) < ($1.revision, $1.index) }
        timeline.unknowns.sort { ($0.lowerBound, $0.index) < ($1.lowerBound, $1.index) }
        for committed in committed {
            timeline.likenessOfRevision[committed.revision] = likenesses[AskedOperation(committed)] ?? -1
        }
        return timeline
    }

    /// An answered change must be what the log has at its revision.
    private func compareWithLog(_ timeline: ReplayTimeline<Object.Action>) -> Violation? {
        guard !committed.isEmpty else { return nil }
        let log = Dictionary(committed.map { ($0.revision, AskedOperation($0)) }) { first, _ in first }
        for change in timeline.changes {
            guard let asked = log[change.revision],
                asked != AskedOperation(operations[parts[change.index].position])
            else { continue }
            return violation(
                "the log has another operation at revision \(change.revision): \(asked.function)", [change.index])
        }
        return nil
    }

    /// How many gaps the replay may have to choose for.
    private var gapsMax: Int { limits.bytesMax / MemoryLayout<GapSearch<Object>.Choice>.stride }

    /// Revisions that no answered change has; `nil` when there are more than operations that could have made them.
    ///
    /// Where others use the same revisions, a gap may also be theirs. Of a run of gaps without an answer in between no
    /// more matter than there are operations of unknown outcome, and the last ones can be whatever the first can.
    private func gaps(of timeline: ReplayTimeline<Object.Action>) -> [Int64]? {
        var gaps: [Int64] = []
        var last = base
        for (revision, isTaken) in stops(of: timeline) where revision > last && gaps.count <= gapsMax {
            let spare = Int64(timeline.unknowns.countOfFront { $0.lowerBound < revision })
            let end = isTaken ? revision - 1 : revision
            let (difference, isTooMuch) = end.subtractingReportingOverflow(last)
            let count = isTooMuch ? .max : difference
            if Object.ownsAllRevisions, count > spare - Int64(gaps.count) { return nil }
            if count > 0, spare > 0 { gaps.append(contentsOf: (end - min(count, spare) + 1)...end) }
            last = revision
        }
        return gaps
    }

    /// Revisions that bound runs of gaps, ascending, and whether an answered change made them.
    private func stops(of timeline: ReplayTimeline<Object.Action>) -> [(Int64, Bool)] {
        var stops = timeline.changes.map { ($0.revision, true) }
        if Object.ownsAllRevisions {
            stops.append((parts.indices.lazy.filter { !isUnknown($0) }.compactMap(revision).max() ?? base, false))
        } else {
            stops.append(contentsOf: timeline.reads.map { ($0.revision, false) })
        }
        return stops.sorted { one, other in one.0 != other.0 ? one.0 < other.0 : one.1 && !other.1 }
    }
}

// MARK: - Telling

extension RevisionReplay {
    private func name(_ index: Int) -> String {
        operations[parts[index].position].summary
    }

    private func violation(_ explanation: String, _ indices: [Int]) -> Violation {
        let positions = Set(indices.map { parts[$0].position }).sorted {
            (operations[$0].invoked, $0) < (operations[$1].invoked, $1)
        }
        return Violation(explanation, positions.map { operations[$0] })
    }

    private func violation(_ failure: GapSearch<Object>.Failure, _ timeline: ReplayTimeline<Object.Action>)
        -> Violation
    {
        guard let index = failure.index else {
            return unexplained(failure.revision, failure.contradiction, timeline)
        }
        let authors = failure.contradiction.authors.map(name).joined(separator: ", ")
        return violation(
            "\(name(index)) cannot have been answered so at revision \(failure.revision): "
                + failure.contradiction.expectation + (authors.isEmpty ? "" : " (by \(authors))"),
            failure.contradiction.authors + [index])
    }

    /// A gap, between the answered changes around it.
    private func unexplained(
        _ revision: Int64, _ contradiction: Contradiction, _ timeline: ReplayTimeline<Object.Action>
    ) -> Violation {
        let before = timeline.changes.last { $0.revision < revision }
        let after = timeline.changes.first { $0.revision > revision }?.index
        let seen = parts.indices.first { !isUnknown($0) && (self.revision($0) ?? 0) >= revision }
        let around = contradiction.authors.isEmpty ? [before?.index, after ?? seen].compactMap { $0 } : []
        return violation(
            "nothing explains revision \(revision): \(contradiction.expectation)", contradiction.authors + around)
    }

    private func tooManyGaps(_ timeline: ReplayTimeline<Object.Action>) -> Violation {
        var last = base
        for (revision, isTaken) in stops(of: timeline) {
            if revision - last > (isTaken ? 1 : 0) { break }
            last = max(last, revision)
        }
        return unexplained(
            last + 1,
            Contradiction(
                expectation: "there are more such revisions than operations of unknown outcome", authors: []),
            timeline)
    }
}

extension RecordedOperation {
    /// For a sentence: who asked what.
    var summary: String {
        let process = self.process.int.map(String.init) ?? self.process.text ?? "?"
        return "\(function) \(key?.text ?? key?.int.map(String.init) ?? "") of process \(process)"
    }
}
