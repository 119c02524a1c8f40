package import ConcordRaft

/// How far an exploration is.
package struct ExplorerProgress: Sendable {
    package var states: Int
    package var depth: Int
    package var frontier: Int
    /// Of the tables that grow with the states.
    package var bytes: Int
}

package struct ExplorerReport: Sendable {
    package var states = 0
    /// Steps that were taken, to new states and to known ones.
    package var transitions = 0
    /// Steps from the first state to the farthest.
    package var depth = 0
    /// Whether everything within the limits was tried.
    package var isClosed = false
    /// Different states of a single member.
    package var members = 0
    package var messages = 0
    /// States that were reached once more for comparison.
    package var replays = 0
    /// How often something happened on the way, by name.
    package var counts: [(name: String, count: Int)] = []
    package var violation: ExplorerViolation?
}

/// A broken rule and a shortest way to it.
package struct ExplorerViolation: Equatable, Sendable {
    package var rule: String
    package var steps: [ExplorerStep]
}

/// Tries, for three cores, every order of deliveries, writes, crashes and timers within limits, breadth first, and
/// checks Raft's promises in every state. What it leaves out:
///
/// - **Time.** The cores' clocks stand still but for three steps, each of which may come at any moment at any
///   member: an election timer runs out, T passes without a leader, a round is due. `Raft.digest` tells what of
///   the cores' own use of time is never seen by this.
/// - **Pre-votes**, unless they travel: a member whose timer runs out asks one other, which has not heard from a
///   leader for T and answers at once.
/// - **Heartbeats**, unless there are barriers: they matter to barriers, and else tell a follower nothing but who
///   leads, as the append that is sent with them does.
/// - **Order on a connection.** A message that arrives before those sent earlier either overtakes them, which is
///   limited, or they are lost, which is not.
/// - **The disk.** A member's writes are durable at once unless its disk is slow, which is limited.
///
/// What needs no step of its own: a lost message is one that never arrives, and a crashed member is back at once,
/// since until its next step it does what one that is down does. And the members are alike, so the first to stand
/// is always the first, with the second one's help.
package struct Explorer {
    package let settings: ExplorerSettings
    /// A rule besides Raft's own, for the states and their members.
    let extraRule: (@Sendable ([Standing]) -> String?)?
    var catalogue = ExplorerCatalogue()
    private(set) var histories: [ExplorerHistory] = []
    private var historyNumbers: [ExplorerHistory: UInt32] = [:]
    private var replays = 0
    private var table = ExplorerTable()
    var counts = ExplorerCounts()
    /// The rule that the last step broke.
    var problem: String?
    private var lastCode = StepCode(.timeout, 0)

    package init(_ settings: ExplorerSettings, extraRule: (@Sendable ([Standing]) -> String?)? = nil) {
        precondition(settings.isWithinBounds, "an exploration was asked for that does not fit its tables")
        self.settings = settings
        self.extraRule = extraRule
    }

    mutating func add(_ history: ExplorerHistory) -> UInt32 {
        if let known = historyNumbers[history] { return known }
        histories.append(history)
        historyNumbers[history] = UInt32(histories.count - 1)
        return UInt32(histories.count - 1)
    }

    mutating func firstState() -> ExplorerState {
        let members = ExplorerMember.configuration.members.map {
            catalogue.add(ExplorerMember(id: $0.id, forgetsVotes: settings.forgetsVotes))
        }
        let history = ExplorerHistory(
            committed: catalogue.add(log: []), leaders: Array(repeating: 0, count: settings.terms + 1))
        return ExplorerState(members: members, history: add(history))
    }

    /// - Parameter progress: called now and then; false ends the exploration.
    package mutating func run(progress: (ExplorerProgress) -> Bool = { _ in true }) -> ExplorerReport {
        var report = ExplorerReport()
        var level = ExplorerLevel()
        let first = firstState()
        _ = table.insert(first.fingerprint, parent: 0, step: 0)
        level.append(first)
        var number: UInt32 = 0
        var next = ExplorerLevel()
        search: while !level.isEmpty {
            var reader = level.reader()
            while let state = reader.next() {
                let found = expand(state, number: number, into: &next)
                report.transitions += found
                if problem != nil || table.count >= settings.statesMax { break search }
                number += 1
                if number & 0xFFFF == 0 {
                    let bytes = table.bytes + level.bytes + next.bytes
                    let frontier = table.count - Int(number)
                    let now = ExplorerProgress(
                        states: table.count, depth: report.depth, frontier: frontier, bytes: bytes)
                    if !progress(now) { break search }
                }
            }
            swap(&level, &next)
            next.removeAll()
            if !level.isEmpty { report.depth += 1 }
        }
        report.isClosed = level.isEmpty && problem == nil
        report.states = table.count
        report.members = catalogue.members.count
        report.messages = catalogue.messages.count
        report.replays = replays
        report.counts = counts.named
        if let problem {
            report.violation = ExplorerViolation(rule: problem, steps: path(to: number) + [describe(lastCode)])
        }
        return report
    }

    /// Takes every step that is possible in `state`.
    private mutating func expand(_ state: ExplorerState, number: UInt32, into next: inout ExplorerLevel) -> Int {
        var taken = 0
        for code in steps(in: state) {
            lastCode = code
            guard let successor = take(code, in: state) else {
                if problem != nil { break }
                continue
            }
            taken += 1
            guard table.insert(successor.fingerprint, parent: number, step: code.rawValue) else { continue }
            problem = objection(to: successor, changed: code.member) ?? replayObjection(to: successor)
            if problem != nil { break }
            next.append(successor)
        }
        return taken
    }

    /// That two ways to one state are alike is what the tables stand on, so it is tried now and then.
    private mutating func replayObjection(to state: ExplorerState) -> String? {
        guard let every = settings.replayEvery, table.count % every == 0 else { return nil }
        replays += 1
        let replay = Explorer.replay(path(to: UInt32(table.count - 1)), settings)
        return replay.digest == digest(of: state) ? nil : "the explorer itself: two ways to one state differ"
    }

    private func path(to number: UInt32) -> [ExplorerStep] {
        table.path(to: number).map { describe(StepCode(rawValue: $0)) }
    }
}

/// The states of one depth, as words behind their count.
struct ExplorerLevel {
    private var words: [UInt32] = []

    var isEmpty: Bool { words.isEmpty }
    var bytes: Int { words.capacity * 4 }

    mutating func append(_ state: ExplorerState) {
        words.append(UInt32(state.words.count))
        words.append(contentsOf: state.words)
    }

    mutating func removeAll() {
        words.removeAll(keepingCapacity: true)
    }

    func reader() -> Reader { Reader(words: words) }

    struct Reader {
        fileprivate let words: [UInt32]
        private var position = 0

        fileprivate init(words: [UInt32]) {
            self.words = words
        }

        mutating func next() -> ExplorerState? {
            guard position < words.count else { return nil }
            let start = position + 1
            position = start + Int(words[position])
            return ExplorerState(words: words[start..<position])
        }
    }
}
