/// What each answer of a register rests on, and the smallest contradiction that this leaves.
///
/// Each call has up to two parts: that it changes the value, and that its answer tells the value before. A part of the
/// second kind rests on the first of the same call and on every change that can have been the last before it. Take
/// away anything else, and the last change before it is still there: so from an order of all follows an order of the
/// rest. Of a compare-and-set the answer can be left out, and it counts as a write: it then accepts more.
///
/// A change cannot have been the last before an answer when a known change lies wholly between the two. Of such
/// changes to the value that was answered the latest is kept, with one that lies between: they show that the value was
/// there, and was overwritten.
struct RegisterEvidence {
    private enum Part {
        case change(Int)
        case answer(Int)

        var call: Int {
            switch self {
            case .change(let call), .answer(let call): call
            }
        }
    }

    private let window: RegisterWindow
    private var calls: [RegisterHistory.Call] { window.calls }
    /// What was put before an append is part of what is read.
    private let hasAppends: Bool
    private var parts: [Part] = []
    private var restsOn: [[Int]] = []

    /// - Parameter window: a contradiction.
    init(_ window: RegisterWindow) {
        self.window = window
        let calls = window.calls
        hasAppends = calls.contains { $0.action.isAppend }
        var changePart: [Int: Int] = [:]
        for (index, call) in calls.enumerated() where call.action.changes {
            changePart[index] = parts.count
            parts.append(.change(index))
            restsOn.append([])
        }
        let known = RegisterChanges(calls)
        for (index, call) in calls.enumerated() where call.action.tells {
            let grounds = grounds(of: index, known).compactMap { changePart[$0] }
            parts.append(.answer(index))
            restsOn.append(grounds + [changePart[index]].compactMap { $0 })
        }
    }

    /// The calls, as indices into those of the history, of a contradiction that is as small as it could be made.
    /// - Parameter stuck: the call at which it was seen, as such an index.
    func smallest(stuck: Int?, limits: CheckLimits) -> [Int] {
        let searchLimits = limits.with(configurationsMax: min(limits.configurationsMax, 50_000))
        let example = CounterExample(restsOn: restsOn) { kept in
            window.isContradiction(reduced(to: kept), limits: searchLimits)
        }
        let seed = parts.lastIndex { window.places[$0.call] == stuck } ?? parts.count - 1
        let kept = example.shrunk(Array(parts.indices), seed: seed, limits: limits)
        return Set(kept.map { window.places[parts[$0].call] }).sorted()
    }

    /// An answer that no change and not the beginning can have given, with what it rests on, as indices into the
    /// calls of the history. It takes one look at each pair of an answer and a change.
    func impossibleAnswer(limits: CheckLimits) -> [Int]? {
        guard !hasAppends, calls.count <= 20_000 else { return nil }
        let known = RegisterChanges(calls)
        for (index, call) in calls.enumerated() where call.action.tells && call.returned != .max {
            if limits.isOutOfTime() { return nil }
            let answers = [index] + grounds(of: index, known)
            let alone = answers.map { other in
                var call = calls[other]
                if other != index { call.action = call.action.withoutAnswer }
                return call
            }
            // Few grounds, or there is nothing to see at once.
            guard alone.count <= 3, window.isContradiction(alone, limits: limits) else { continue }
            return answers.map { window.places[$0] }.sorted()
        }
        return nil
    }

    private func reduced(to kept: [Int]) -> [RegisterHistory.Call] {
        var tells: Set<Int> = []
        for part in kept {
            if case .answer(let call) = parts[part] { tells.insert(call) }
        }
        var reduced: [RegisterHistory.Call] = []
        for part in kept {
            switch parts[part] {
            case .answer(let index) where !calls[index].action.changes: reduced.append(calls[index])
            case .answer: continue
            case .change(let index):
                var call = calls[index]
                if !tells.contains(index) { call.action = call.action.withoutAnswer }
                reduced.append(call)
            }
        }
        return reduced
    }

    /// Whether a change could be the last before this answer, where there are no appends.
    private func couldFollow(_ change: Register.Action, _ answer: Register.Action) -> Bool {
        guard let set = change.newValue else { return true }
        switch answer {
        case .read(let value): return set == value || window.history.values.isEmptyText(value, for: set)
        case .compareAndSet(let from, _): return set == from || window.history.values.isEmptyText(from, for: set)
        case .compareFailed(let from): return set != from
        case .write, .append: return false
        }
    }

    /// The changes that can have been the last before an answer, and one that cannot, with what lies between.
    private func grounds(of index: Int, _ known: RegisterChanges) -> [Int] {
        let answer = calls[index]
        let between = known.latest(before: answer.invoked)
        let overwrittenBefore = between.map { calls[$0].invoked } ?? -1
        var grounds: [Int] = []
        var overwritten: Int?
        for (other, call) in calls.enumerated() where other != index && call.invoked < answer.returned {
            guard call.action.changes, hasAppends || couldFollow(call.action, answer.action) else { continue }
            if call.returned >= overwrittenBefore {
                grounds.append(other)
            } else if overwritten.map({ calls[$0].returned < call.returned }) ?? true {
                overwritten = other
            }
        }
        if let between, overwritten != nil || !window.isWhole || answer.action.accepts(window.history.initial) {
            grounds += [between] + [overwritten].compactMap { $0 }
        }
        return grounds
    }
}

/// The changes that surely happened, for the question which of them was begun last among those that had returned.
private struct RegisterChanges {
    /// In the order of their returns; for each the call begun last up to there.
    private var returns: [Int] = []
    private var latest: [Int] = []

    init(_ calls: [RegisterHistory.Call]) {
        let changes = calls.indices.filter { calls[$0].action.newValue != nil && calls[$0].returned != .max }
        for change in changes.sorted(by: { calls[$0].returned < calls[$1].returned }) {
            returns.append(calls[change].returned)
            let before = latest.last ?? change
            latest.append(calls[change].invoked > calls[before].invoked ? change : before)
        }
    }

    func latest(before position: Int) -> Int? {
        let returned = returns.countOfFront { $0 < position }
        return returned > 0 ? latest[returned - 1] : nil
    }
}

extension Register.Action {
    var changes: Bool {
        switch self {
        case .write, .compareAndSet, .append: true
        case .read, .compareFailed: false
        }
    }

    fileprivate var isAppend: Bool {
        if case .append = self { true } else { false }
    }

    /// Whether the answer says something of the value before.
    fileprivate var tells: Bool {
        switch self {
        case .read, .compareFailed, .compareAndSet: true
        case .write, .append: false
        }
    }

    /// The value that it sets, whatever was there before.
    fileprivate var newValue: Int? {
        switch self {
        case .write(let value): value
        case .compareAndSet(_, let to): to
        case .read, .compareFailed, .append: nil
        }
    }

    /// Whether the answer could be of a value that nobody has changed.
    fileprivate func accepts(_ initial: Int) -> Bool {
        switch self {
        case .read(let value): initial == value
        case .compareAndSet(let from, _): initial == from
        case .compareFailed, .append, .write: true
        }
    }

    fileprivate var withoutAnswer: Register.Action {
        if case .compareAndSet(_, let to) = self { .write(to) } else { self }
    }
}
