/// Looks for an order of operations that one copy of an object could have followed and that keeps real time: the
/// search of Wing and Gong with Lowe's memory of visited configurations, on the list of calls and returns of Horn and
/// Kroening, without recursion. A configuration is what has been taken and the state after it.
///
/// What is pruned beyond that, and why no order is missed:
/// - A read that the state accepts is taken at once: it can be moved to the front of any order that goes on from here.
/// - Of calls that are alike and may be taken now only the one that returns first is tried: in any order that takes
///   another first, the two can change places.
/// - A call of unknown outcome that changes nothing is not taken: an order without it does as well.
/// - A configuration is given up if one was visited that took the same known calls and fewer of unknown outcome, and
///   has the same state: whatever follows here could follow there.
package struct WingGongLowe<Object: SequentialObject> {
    /// An operation as the search sees it.
    package struct Call {
        package var action: Object.Action
        /// Positions on one time axis; `returned` is `Int.max` where the outcome is unknown. Such a call may be taken
        /// at any time after its invocation, or never.
        package var invoked: Int
        package var returned: Int

        package init(_ action: Object.Action, invoked: Int, returned: Int) {
            self.action = action
            self.invoked = invoked
            self.returned = returned
        }

        /// The call as it was known at a position: what returned later was open then, and may never take effect.
        package func seen(at position: Int) -> Call {
            Call(action, invoked: invoked, returned: returned > position ? .max : returned)
        }
    }

    package enum Outcome: Equatable, Sendable {
        case linearizable
        /// No order gets past the return of this call (an index into `calls`). The calls that were invoked before
        /// that return contradict each other by themselves.
        case contradiction(at: Int)
        case unknown(String)
    }

    let object: Object
    let calls: [Call]
    /// Calls of equal number have equal actions.
    let likeness: [Int]
    let limits: CheckLimits

    var schedule: CallSchedule
    var memory: ConfigurationMemory
    var states: [Object.State]
    var stateNumbers: [Object.State: Int]
    var stateBytes = 0
    var frames: [SearchFrame] = []
    /// Of all frames, one after the other: the known calls that each has to try.
    var candidates: [Int] = []
    /// By number of likeness: the mark of the candidates among which one of it was seen last.
    private var marks: [Int]
    private var mark = 0
    var visited = 0
    /// Calls and words looked at: a configuration may cost little or much.
    private var work = 0
    private var workAtNextLook = workBetweenLooks

    package init(
        _ object: Object, initial: Object.State, calls: [Call], likeness: [Int], limits: CheckLimits = CheckLimits()
    ) {
        precondition(likeness.count == calls.count, "each call has its number of likeness")
        self.object = object
        self.calls = calls
        self.likeness = likeness
        self.limits = limits
        marks = Array(repeating: 0, count: 1 + (likeness.max() ?? 0))
        schedule = CallSchedule(calls.map { ($0.invoked, $0.returned) }, likeness: likeness)
        memory = ConfigurationMemory(knownWords: schedule.taken.known.count, unknownWords: schedule.taken.unknown.count)
        states = [initial]
        stateNumbers = [initial: 0]
    }

    package init(_ object: Object, initial: Object.State, calls: [Call], limits: CheckLimits = CheckLimits()) {
        self.init(object, initial: initial, calls: calls, likeness: Array(calls.indices), limits: limits)
    }

    /// Searches; once.
    package consuming func run() -> Outcome {
        var search = self
        return search.search()
    }

    private mutating func search() -> Outcome {
        var furthest = 0
        arrive(state: 0, taking: nil)
        while let frame = frames.last {
            if schedule.isEmpty { return .linearizable }
            furthest = max(furthest, frame.firstReturn)
            if let (call, state) = nextStep(from: frame.state) {
                schedule.take(call)
                if !arrive(state: state, taking: call) { schedule.putBack(call) }
            } else {
                leave()
            }
            guard visited <= limits.configurationsMax else {
                return .unknown("more than \(limits.configurationsMax) configurations")
            }
            guard bytes <= limits.bytesMax else {
                return .unknown("more than \(limits.bytesMax >> 20) MB of configurations")
            }
            if isOutOfTime() { return .unknown("out of time") }
        }
        return .contradiction(at: schedule.callReturning(at: furthest))
    }

    private var bytes: Int {
        memory.bytes + stateBytes + candidates.count * MemoryLayout<Int>.stride
            + frames.count * MemoryLayout<SearchFrame>.stride
    }

    /// Looks at the clock now and then.
    private mutating func isOutOfTime() -> Bool {
        guard work >= workAtNextLook else { return false }
        workAtNextLook = work + workBetweenLooks
        return limits.isOutOfTime()
    }

    /// Makes the configuration that has just been reached the current one, unless it was visited before.
    @discardableResult
    private mutating func arrive(state: Int, taking call: Int?) -> Bool {
        visited += 1
        let (firstReturn, callable) = schedule.front
        work += 1 + callable + schedule.taken.words
        guard schedule.isEmpty || memory.insert(schedule.taken, state: state, firstReturn: firstReturn) else {
            return false
        }
        let start = candidates.count
        var acceptedRead: Int?
        schedule.forEachCallable { callable in
            guard acceptedRead == nil else { return }
            guard object.isRead(calls[callable].action) else { return candidates.append(callable) }
            if object.step(states[state], calls[callable].action) != nil { acceptedRead = callable }
        }
        if let acceptedRead {
            candidates.removeSubrange(start...)
            candidates.append(acceptedRead)
        } else {
            keepFirstOfEachLikeness(from: start)
        }
        frames.append(
            SearchFrame(
                call: call, state: state, firstReturn: firstReturn, candidatesStart: start, next: start,
                nextUnknown: acceptedRead == nil ? 0 : schedule.unknowns.count))
        return true
    }

    /// Orders the candidates from `start` on by their returns, and keeps one of each likeness.
    private mutating func keepFirstOfEachLikeness(from start: Int) {
        guard candidates.count > start + 1 else { return }
        sortByReturn(from: start)
        mark += 1
        var kept = start
        for index in start..<candidates.count {
            let call = candidates[index]
            if marks[likeness[call]] == mark { continue }
            marks[likeness[call]] = mark
            candidates[kept] = call
            kept += 1
        }
        candidates.removeSubrange(kept...)
    }

    private mutating func sortByReturn(from start: Int) {
        guard candidates.count - start <= 16 else {
            let calls = calls
            return candidates[start...].sort {
                (calls[$0].returned, calls[$0].invoked, $0) < (calls[$1].returned, calls[$1].invoked, $1)
            }
        }
        // Few are sorted in their places.
        for index in (start + 1)..<candidates.count {
            var place = index
            while place > start, calls[candidates[place]].returned < calls[candidates[place - 1]].returned {
                candidates.swapAt(place, place - 1)
                place -= 1
            }
        }
    }

    /// The next call to take from the current configuration and the state after it: known calls first, because most
    /// orders need none of those of unknown outcome.
    private mutating func nextStep(from state: Int) -> (call: Int, state: Int)? {
        let top = frames.count - 1
        while frames[top].next < candidates.count {
            let call = candidates[frames[top].next]
            frames[top].next += 1
            if let next = object.step(states[state], calls[call].action) { return (call, number(of: next)) }
        }
        return nextUnknownStep(from: state)
    }

    private mutating func nextUnknownStep(from state: Int) -> (call: Int, state: Int)? {
        let top = frames.count - 1
        var areMarked = false
        while frames[top].nextUnknown < schedule.unknowns.count {
            let index = frames[top].nextUnknown
            let call = schedule.unknowns[index]
            guard calls[call].invoked < frames[top].firstReturn else { break }
            if !areMarked { markCandidates(of: top) }
            areMarked = true
            frames[top].nextUnknown += 1
            work += 1
            // One alike is a candidate: that one is tried.
            guard schedule.isNextOfItsLikeness(unknown: index), marks[likeness[call]] != mark else { continue }
            guard let next = object.step(states[state], calls[call].action) else { continue }
            let number = number(of: next)
            if number != state { return (call, number) }
        }
        return nil
    }

    private mutating func markCandidates(of frame: Int) {
        mark += 1
        let start = frames[frame].candidatesStart
        work += candidates.count - start
        for index in start..<candidates.count { marks[likeness[candidates[index]]] = mark }
    }

    private mutating func leave() {
        guard let frame = frames.popLast() else { return }
        candidates.removeSubrange(frame.candidatesStart...)
        if let call = frame.call { schedule.putBack(call) }
    }

    private mutating func number(of state: Object.State) -> Int {
        if let number = stateNumbers[state] { return number }
        states.append(state)
        let bytes = object.approximateBytes(of: state)
        stateBytes += bytes
        work += bytes >> 4
        stateNumbers[state] = states.count - 1
        return states.count - 1
    }
}

extension WingGongLowe where Object.Action: Hashable {
    package init(_ object: Object, initial: Object.State, calls: [Call], limits: CheckLimits = CheckLimits()) {
        var numbers: [Object.Action: Int] = [:]
        let likeness = calls.map { call in
            let next = numbers.count
            if let number = numbers[call.action] { return number }
            numbers[call.action] = next
            return next
        }
        self.init(object, initial: initial, calls: calls, likeness: likeness, limits: limits)
    }
}

/// Some microseconds of work, or tens of them.
private let workBetweenLooks = 1 << 14

/// A configuration on the way that the search is following.
struct SearchFrame {
    /// What was taken to get here; `nil` at the start.
    var call: Int?
    var state: Int
    /// The position of the first return that is left; `Int.max` when nothing is left.
    var firstReturn: Int
    /// Where its candidates begin; those of the current frame reach to the end.
    var candidatesStart: Int
    /// The next candidate to try.
    var next: Int
    /// The next call of unknown outcome to try, as an index into those.
    var nextUnknown: Int
}
