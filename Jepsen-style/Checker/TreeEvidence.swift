/// What answers show of the revisions that no answered operation claims, before anything is replayed. It saves the
/// search most of its wrong choices; the replay judges everything again.
struct TreeEvidence {
    /// Nodes that were seen with a revision as the one that created or last modified them.
    private var traces: [Int64: [Trace]] = [:]
    /// Of a path: nobody changed it between these revisions (the first one left out).
    private var untouched: [ByteText: [Span]] = [:]
    /// Of a path: revisions at which it was not there, ascending.
    private var absences: [ByteText: [Int64]] = [:]
    /// Of a path: revisions of answered deletions, ascending, and the least that an unknown deletion can have had.
    private var deletions: [ByteText: [Int64]] = [:]
    private var unknownDeletions: [ByteText: Int64] = [:]

    /// Of a path: what was seen of its node.
    private var sights: [ByteText: [Sight]] = [:]

    private struct Sight {
        let revision: Int64
        let created: Int64
        let version: Int64
    }

    private struct Trace {
        let path: ByteText
        let isModification: Bool
        let node: ObservedNode
        let index: Int
    }

    private struct Span {
        let after: Int64
        var through: Int64
    }

    init() {}

    init(_ timeline: ReplayTimeline<TreeAction>, gaps: [Int64]) {
        let gaps = Set(gaps)
        // Only what operations of unknown outcome name is of interest.
        var paths: Set<ByteText> = []
        var pathsOfParent: [ByteText: Set<ByteText>] = [:]
        for unknown in timeline.unknowns {
            let action = timeline.parts[unknown.index].action
            paths.insert(action.path)
            if let parent = action.path.parent { pathsOfParent[parent, default: []].insert(action.path) }
            guard case .delete = action.kind else { continue }
            let known = unknownDeletions[action.path]
            unknownDeletions[action.path] = min(known ?? .max, unknown.lowerBound)
        }
        var writes: [ByteText: [Int64]] = [:]
        for placed in timeline.changes + timeline.reads {
            let action = timeline.parts[placed.index].action
            if case .node(let node)? = action.answer { see(node, action, placed, gaps, paths) }
            if action.hasChanged, paths.contains(action.path) {
                switch action.kind {
                case .put, .increment: writes[action.path, default: []].append(placed.revision)
                default: break
                }
            }
            if case .delete = action.kind, action.hasChanged {
                deletions[action.path, default: []].append(placed.revision)
            }
            for path in absent(by: action, pathsOfParent) where paths.contains(path) {
                absences[path, default: []].append(placed.revision)
            }
        }
        for path in paths {
            compareVersions(path, writes[path] ?? [])
            absences[path]?.sort()
            untouched[path] = untouched[path].map(TreeEvidence.merged)
        }
    }

    private mutating func see(
        _ node: ObservedNode, _ action: TreeAction, _ placed: ReplayTimeline<TreeAction>.Placed, _ gaps: Set<Int64>,
        _ paths: Set<ByteText>
    ) {
        if let modified = node.modified {
            if gaps.contains(modified) {
                traces[modified, default: []].append(
                    Trace(path: action.path, isModification: true, node: node, index: placed.index))
            }
            if paths.contains(action.path), modified < placed.revision {
                untouched[action.path, default: []].append(Span(after: modified, through: placed.revision))
            }
        }
        if let created = node.created {
            if let version = node.version, paths.contains(action.path) {
                sights[action.path, default: []].append(
                    Sight(revision: placed.revision, created: created, version: version))
            }
            if gaps.contains(created) {
                traces[created, default: []].append(
                    Trace(path: action.path, isModification: false, node: node, index: placed.index))
            }
            if created == placed.revision, action.isWrite, paths.contains(action.path) {
                absences[action.path, default: []].append(created - 1)
            }
        }
    }

    /// Paths that an answer shows not to be there.
    private func absent(by action: TreeAction, _ pathsOfParent: [ByteText: Set<ByteText>]) -> [ByteText] {
        switch (action.answer, action.kind) {
        case (.refused(.notFound)?, _): return [action.path]
        case (.refused(.parentNotFound)?, .createSequential): return [action.path]
        case (.refused(.parentNotFound)?, _): return action.path.parent.map { [$0] } ?? []
        case (.names(let names)?, .list(.children)):
            guard let known = pathsOfParent[action.path] else { return [] }
            return Array(known.subtracting(names))
        default: return []
        }
    }

    /// Nodes of one life between two looks at them: when the versions count no more writes than were answered,
    /// nobody else wrote.
    private mutating func compareVersions(_ path: ByteText, _ writes: [Int64]) {
        guard let sights = sights[path]?.sorted(by: { $0.revision < $1.revision }) else { return }
        var write = 0
        for (one, other) in zip(sights, sights.dropFirst()) where one.created == other.created {
            while write < writes.count, writes[write] <= one.revision { write += 1 }
            var answered: Int64 = 0
            while write < writes.count, writes[write] <= other.revision {
                write += 1
                answered += 1
            }
            let (written, isTooFar) = other.version.subtractingReportingOverflow(one.version)
            guard !isTooFar, written <= answered else { continue }
            untouched[path, default: []].append(Span(after: one.revision, through: other.revision))
        }
    }

    /// In ascending order, those that touch joined.
    private static func merged(_ spans: [Span]) -> [Span] {
        var merged: [Span] = []
        for span in spans.sorted(by: { ($0.after, $0.through) < ($1.after, $1.through) }) {
            if let last = merged.last, span.after <= last.through {
                merged[merged.count - 1].through = max(last.through, span.through)
            } else {
                merged.append(span)
            }
        }
        return merged
    }
}

// MARK: - Asking

extension TreeEvidence {
    func witnesses(of revision: Int64) -> [Int] {
        guard let first = traces[revision]?.first else { return [] }
        return [first.index]
    }

    func allows(_ action: TreeAction, at revision: Int64) -> Bool {
        if let traces = traces[revision], !traces.allSatisfy({ leaves(action, $0) }) { return false }
        switch action.kind {
        case .put, .increment: return !isUntouched(action.path, at: revision) && canVanish(action.path, after: revision)
        case .delete: return action.batch > 0 || !isUntouched(action.path, at: revision)
        case .createSequential, .get, .list, .count: return true
        }
    }

    /// Whether `action` can be what left a node as it was seen.
    private func leaves(_ action: TreeAction, _ trace: Trace) -> Bool {
        var value: ByteText??
        switch action.kind {
        case .put(let written, let makesParents):
            if makesParents, action.path.isBelow(trace.path) { value = .some(nil) } else { value = .some(written) }
            guard action.path == trace.path || makesParents && action.path.isBelow(trace.path) else { return false }
        case .createSequential(let prefix, let written, _):
            if action.makesParents, action.path == trace.path || action.path.isBelow(trace.path) {
                value = .some(nil)
            } else {
                guard action.canName(trace.path, prefix) else { return false }
                value = .some(written)
            }
        case .increment: guard action.path == trace.path else { return false }
        case .delete, .get, .list, .count: return false
        }
        guard trace.isModification, let seen = trace.node.value, let value else { return true }
        return seen == value
    }

    private func isUntouched(_ path: ByteText, at revision: Int64) -> Bool {
        guard let spans = untouched[path] else { return false }
        let begun = spans.countOfFront { $0.after < revision }
        return begun > 0 && spans[begun - 1].through >= revision
    }

    /// Whether a node written at `revision` can be gone when the path was next seen to be absent.
    private func canVanish(_ path: ByteText, after revision: Int64) -> Bool {
        guard let absent = TreeEvidence.first(absences[path], from: revision) else { return true }
        var next: ByteText? = path
        while let current = next {
            if let least = unknownDeletions[current], least < absent { return true }
            if let deleted = TreeEvidence.first(deletions[current], from: revision + 1), deleted <= absent {
                return true
            }
            next = current.parent
        }
        return false
    }

    private static func first(_ revisions: [Int64]?, from revision: Int64) -> Int64? {
        guard let revisions else { return nil }
        let earlier = revisions.countOfFront { $0 < revision }
        return earlier < revisions.count ? revisions[earlier] : nil
    }
}
