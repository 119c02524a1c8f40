import ConcordBytes
package import ConcordModel
import ConcordState

/// One state machine alone, given the commands that a leader could hand it, in a worse order than a cluster brings
/// about within seconds: copies of a write long after it was answered, across boots of its member, hours of cluster
/// clock, tables that are full, retentions that change.
///
/// Members and callers do only what the product's would do. What must come of it, `RetryPromises` says.
package struct RetryTrial {
    private struct LogEntry {
        let epoch: Epoch
        let clock: UInt64
        let commands: [Command]
    }

    private var random: SeededRandom
    private var members = (1...3).map { RetryTrialMember(id: $0) }
    private var callers = RetryTrialCallers()
    /// Writes that were handed over, on their way to somebody who will lead.
    private var copies: [Command] = []
    private var epoch: UInt64 = 1
    private var clock: UInt64 = 0
    private var log: [LogEntry] = []
    private var state = StateMachine()
    private var promises = RetryPromises()

    // What was tried.
    package private(set) var replaysCount = 0
    package private(set) var refusals: Set<RefusalCode> = []
    package private(set) var fullTables: Set<Setting> = []

    package init(seed: UInt64) {
        random = SeededRandom(seed: seed)
    }

    /// Of the state after the run.
    package var stateHash: UInt128 { state.stateHash }

    /// - Returns: what is wrong: the first thing, since others follow from it. Empty when all is well.
    package mutating func run() -> [String] {
        for entry in 1...RetryTrial.entriesCount {
            letTimePass()
            for _ in 0...random.below(4) { letSomethingHappen() }
            if let problem = applyEntry() {
                return ["retry trial, entry \(entry) at clock \(clock): \(problem)"]
            }
        }
        return problemOfReplay().map { ["retry trial: \($0)"] } ?? []
    }

    private static let entriesCount = 120
    private static let copiesMax = 48
    private static let waitingMax = 8
}

// MARK: - What happens

extension RetryTrial {
    private mutating func letTimePass() {
        switch random.below(100) {
        case 0..<70: clock += random.below(40)
        case 70..<88: clock += random.below(2000)
        case 88..<97: clock += random.below(540_000)
        default: clock += random.below(3_600_000)
        }
    }

    private mutating func letSomethingHappen() {
        let index = Int(random.below(UInt64(members.count)))
        switch random.below(100) {
        case 0..<50:
            guard members[index].waiting.count < RetryTrial.waitingMax else { return }
            let write = callers.next(&random)
            members[index].takeOn(write.operation, write.retry)
            send(members[index].handOver(from: members[index].waiting.count - 1))
        case 50..<64:
            // Its leader is silent, or its connection was lost.
            send(members[index].handOver(from: 0))
        case 64..<68:
            epoch += 1
            for member in members { send(member.handOver(from: 0)) }
        case 68..<90:
            for (command, outcome) in members[index].answer() { callers.answered(command.retry, outcome) }
        case 90..<94: members[index].giveUp(random.next())
        case 94..<97: callers.giveUp(&random)
        default: members[index].restart()
        }
    }

    private mutating func send(_ commands: [Command]) {
        copies.append(contentsOf: commands)
        while copies.count > RetryTrial.copiesMax { _ = takeCopy() }
    }

    private mutating func takeCopy() -> Command {
        copies.remove(at: Int(random.below(UInt64(copies.count))))
    }
}

// MARK: - Applying

extension RetryTrial {
    /// Applies one entry as a member does: from the bytes of the log. Without commands it only tells the time.
    private mutating func applyEntry() -> String? {
        var batch = CommandBatch()
        for _ in 0...random.below(4) where !copies.isEmpty {
            batch.append(random.chance(percent: 50) ? copies.removeLast() : takeCopy())
        }
        guard let commands = try? CommandBatch.decode(batch.payload()) else { return "the entry cannot be read" }
        log.append(LogEntry(epoch: Epoch(epoch), clock: clock, commands: commands))
        state.beginEntry(epoch: Epoch(epoch), clock: clock)
        promises.begin(clock: clock)
        for command in commands {
            let outcome = state.apply(command)
            if let problem = promises.judge(command, outcome) { return problem }
            tally(outcome)
            guard let origin = command.origin else { continue }
            for index in members.indices { members[index].applied(origin, outcome) }
        }
        return promises.judge(state)
    }

    private mutating func tally(_ outcome: Outcome) {
        if outcome.replayed { replaysCount += 1 }
        guard case .refused(let refusal) = outcome.verdict else { return }
        refusals.insert(refusal.code)
        if let setting = refusal.setting { fullTables.insert(setting) }
    }

    /// A member that starts again comes to the same state.
    private func problemOfReplay() -> String? {
        var replayed = StateMachine()
        for entry in log {
            replayed.beginEntry(epoch: entry.epoch, clock: entry.clock)
            for command in entry.commands { _ = replayed.apply(command) }
        }
        if replayed.stateHash != state.stateHash { return "the same entries led to two states" }
        return state.recomputedHash() == state.stateHash ? nil : "the hash of the state is not that of its records"
    }
}
