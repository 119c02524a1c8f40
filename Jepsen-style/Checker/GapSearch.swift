/// Replays a history in the order of revisions, and finds operations of unknown outcome for the revisions that no
/// answered operation claims.
///
/// Each such gap is a choice. When an answer contradicts the object, only a choice that has to do with it can be wrong:
/// the search goes back to the latest of those (conflict-directed backjumping, Prosser 1993), so it stays complete
/// and does not try again what does not matter.
struct GapSearch<Object: RevisionedObject> {
    private var object: Object
    private let timeline: ReplayTimeline<Object.Action>
    private let gaps: [Int64]
    private let limits: CheckLimits
    /// Answers judged after the first contradiction. Where this is not enough, hardly any number is: too many
    /// operations of unknown outcome explain too many revisions equally well.
    private let stepsMax: Int
    private var choices: [Choice] = []
    /// Of each unknown operation: the choice that uses it, and the gap that nothing else can explain.
    private var usedBy: [Int]
    private var reservedFor: [Int64?]
    private var place = Place()
    private var deepest: Failure?
    private var stepsAfterFailure = 0
    private var failures = 0

    struct Failure {
        let revision: Int64
        /// `nil` when the revision itself has no explanation.
        let index: Int?
        let contradiction: Contradiction
    }

    enum Outcome {
        case consistent
        case failed(Failure)
        case gaveUp
    }

    fileprivate struct Place {
        var change = 0
        var read = 0
        var gap = 0
    }

    struct Choice {
        let gap: Int64
        fileprivate let before: Place
        let mark: Int
        /// Whether an operation outside of the history is still to be tried.
        var mayBeForeign = !Object.ownsAllRevisions
        /// Unknown operations before this one are still to be tried, the last one first.
        var untried: Int
        /// -1 for an operation outside of the history.
        var chosen = -1
        var triedLikenesses: Set<Int> = []
        /// Earlier choices that have to do with the failure of what was tried here.
        var conflicts: Set<Int> = []
    }

    init(_ object: Object, _ timeline: ReplayTimeline<Object.Action>, gaps: [Int64], limits: CheckLimits) {
        self.object = object
        self.timeline = timeline
        self.gaps = gaps
        self.limits = limits
        stepsMax = min(limits.configurationsMax, 100_000 + 10 * timeline.parts.count)
        usedBy = Array(repeating: -1, count: timeline.unknowns.count)
        reservedFor = Array(repeating: nil, count: timeline.unknowns.count)
        if !gaps.isEmpty { self.object.learn(from: timeline, gaps: gaps) }
    }

    mutating func run() -> Outcome {
        if let failure = reserve() { return .failed(failure) }
        while true {
            let change = place.change < timeline.changes.count ? timeline.changes[place.change].revision : nil
            let read = place.read < timeline.reads.count ? timeline.reads[place.read].revision : nil
            let gap = place.gap < gaps.count ? gaps[place.gap] : nil
            var conflicts: Set<Int>?
            if let read, read.isBefore(change), read.isBefore(gap) {
                place.read += 1
                conflicts = judge(timeline.reads[place.read - 1])
            } else if let change, change.isBefore(gap) {
                place.change += 1
                conflicts = judge(timeline.changes[place.change - 1])
            } else if let gap {
                conflicts = choose(for: gap)
            } else {
                return .consistent
            }
            guard let conflicts else { continue }
            guard isWithinLimits() else { return .gaveUp }
            if !goBack(conflicts), let deepest { return .failed(deepest) }
        }
    }

    /// - Returns: the choices that can be to blame when the answer is wrong.
    private mutating func judge(_ placed: ReplayTimeline<Object.Action>.Placed) -> Set<Int>? {
        if deepest != nil { stepsAfterFailure += 1 }
        guard
            let contradiction = object.judge(
                timeline.parts[placed.index].action, at: placed.revision, by: placed.index)
        else { return nil }
        note(Failure(revision: placed.revision, index: placed.index, contradiction: contradiction))
        return choices.isEmpty ? [] : relatedChoices(timeline.parts[placed.index].action)
    }

    private mutating func note(_ failure: Failure) {
        if let deepest, deepest.revision >= failure.revision { return }
        deepest = failure
    }

    private mutating func isWithinLimits() -> Bool {
        failures += 1
        return stepsAfterFailure <= stepsMax && (failures % 1024 != 0 || !limits.isOutOfTime())
    }
}

// MARK: - Choices

extension GapSearch {
    /// Opens the choice of a gap. An operation that was invoked last is tried first: most that happen do so soon.
    private mutating func choose(for gap: Int64) -> Set<Int>? {
        let untried = timeline.unknowns.countOfFront { $0.lowerBound < gap }
        let choice = Choice(gap: gap, before: place, mark: object.mark(), untried: untried)
        place.gap += 1
        choices.append(choice)
        if advance() { return nil }
        note(Failure(revision: gap, index: nil, contradiction: unexplained(gap)))
        return removeLastChoice()
    }

    private func mayExplain(_ position: Int, _ gap: Int64) -> Bool {
        if let reserved = reservedFor[position] { return reserved == gap }
        if let likeness = timeline.likenessOfRevision[gap], timeline.unknowns[position].likeness != likeness {
            return false
        }
        return object.canHaveMade(gap, action(position))
    }

    /// Takes the next candidate of the latest choice.
    private mutating func advance() -> Bool {
        let last = choices.count - 1
        while let candidate = nextCandidate() {
            stepsAfterFailure += deepest == nil ? 0 : 1
            choices[last].chosen = candidate
            if candidate < 0 { return true }
            // Of operations that ask the same, the one invoked last goes first. If it does not do, none does: the
            // others would fit wherever it does.
            let unknown = timeline.unknowns[candidate]
            guard choices[last].triedLikenesses.insert(unknown.likeness).inserted else { continue }
            if object.perform(action(candidate), at: choices[last].gap, by: unknown.index) {
                usedBy[candidate] = last
                return true
            }
            var related = relatedChoices(action(candidate))
            related.remove(last)
            choices[last].conflicts.formUnion(related)
        }
        return false
    }

    private mutating func nextCandidate() -> Int? {
        let last = choices.count - 1
        if choices[last].mayBeForeign {
            choices[last].mayBeForeign = false
            return -1
        }
        while choices[last].untried > 0 {
            choices[last].untried -= 1
            let position = choices[last].untried
            if usedBy[position] < 0, mayExplain(position, choices[last].gap) { return position }
        }
        return nil
    }

    /// Gives up the latest choice, of which everything was tried.
    /// - Returns: the choices that can be to blame for that: also those that use what could have explained this gap.
    private mutating func removeLastChoice() -> Set<Int> {
        let choice = choices.removeLast()
        var conflicts = choice.conflicts
        for (position, unknown) in timeline.unknowns.enumerated() {
            guard unknown.lowerBound < choice.gap else { break }
            if usedBy[position] >= 0, mayExplain(position, choice.gap) { conflicts.insert(usedBy[position]) }
        }
        return conflicts
    }

    /// Choices that an operation related to `action` was, or could have been, the explanation of.
    private func relatedChoices(_ action: Object.Action) -> Set<Int> {
        var related: Set<Int> = []
        let unknowns = timeline.unknowns.indices.filter {
            Object.isRelated(self.action($0), to: action)
        }
        guard let first = unknowns.first else { return [] }
        for (index, choice) in choices.enumerated() where timeline.unknowns[first].lowerBound < choice.gap {
            let isRelated = unknowns.contains {
                timeline.unknowns[$0].lowerBound < choice.gap && mayExplain($0, choice.gap)
            }
            if isRelated { related.insert(index) }
        }
        return related
    }

    /// Returns to the latest of the choices that can be to blame and still has something to try.
    private mutating func goBack(_ conflicts: Set<Int>) -> Bool {
        var conflicts = conflicts
        while let target = conflicts.max() {
            while choices.count > target + 1 { free(choices.removeLast()) }
            free(choices[target])
            object.rewind(to: choices[target].mark)
            place = choices[target].before
            place.gap += 1
            conflicts.remove(target)
            choices[target].conflicts.formUnion(conflicts)
            if advance() { return true }
            conflicts = removeLastChoice()
        }
        return false
    }

    private func action(_ unknown: Int) -> Object.Action {
        timeline.parts[timeline.unknowns[unknown].index].action
    }

    private mutating func free(_ choice: Choice) {
        if choice.chosen >= 0 { usedBy[choice.chosen] = -1 }
    }
}

// MARK: - What is clear from the start

extension GapSearch {
    /// Gaps of which answers tell what was changed: where one operation alone can have done so, it is kept for it.
    private mutating func reserve() -> Failure? {
        let told = gaps.filter { !object.witnesses(of: $0).isEmpty }
        var open = told
        var isProgress = true
        while isProgress {
            isProgress = false
            var left: [Int64] = []
            for gap in open {
                var only: Int?
                var count = 0
                for (position, unknown) in timeline.unknowns.enumerated() {
                    guard unknown.lowerBound < gap else { break }
                    guard mayExplain(position, gap) else { continue }
                    only = position
                    count += 1
                }
                if count == 0 {
                    return Failure(revision: gap, index: nil, contradiction: unexplained(gap))
                }
                if count == 1, let only {
                    reservedFor[only] = gap
                    isProgress = true
                } else {
                    left.append(gap)
                }
            }
            open = left
        }
        return nil
    }

    private func unexplained(_ gap: Int64) -> Contradiction {
        let witnesses = object.witnesses(of: gap)
        return Contradiction(
            expectation: witnesses.isEmpty
                ? "no answered operation made it, and no operation of unknown outcome can have"
                : "no operation of unknown outcome can have made the change that was seen",
            authors: witnesses)
    }
}

extension Int64 {
    /// Whether it comes before another one, or there is no other.
    fileprivate func isBefore(_ other: Int64?) -> Bool { other.map { self < $0 } ?? true }
}
