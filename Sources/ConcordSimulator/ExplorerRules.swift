import ConcordRaft

/// What was once true and must stay so, whatever the members have forgotten since. Part of a state, so that the
/// rules depend on the state alone and not on which of several ways to it was met first.
struct ExplorerHistory: Hashable {
    /// The log up to the highest index that any member took for committed; a number of the catalogue.
    var committed: UInt32
    /// For each of its entries the term of whoever took it for committed first.
    var committedIn: [UInt64] = []
    /// By term: the member that won it, counted from 1.
    var leaders: [UInt8]
    /// By number of the barrier.
    var barriers: [Barrier] = []

    struct Barrier: Hashable {
        var asker: Int
        /// What was committed when it was asked; `nil` once it has ended.
        var committed: Int?
    }
}

/// A barrier's id tells its number and who asked.
enum BarrierID {
    static func of(_ number: Int) -> UInt32 { UInt32(number + 1) }
    static func number(_ id: UInt64) -> Int { Int(id) - 1 }
}

extension ExplorerHistory {
    /// Adds what came of a step of `member`.
    /// - Returns: the rule that it breaks.
    mutating func take(
        _ result: ExplorerCatalogue.Result, by member: Int, term: UInt64, _ catalogue: inout ExplorerCatalogue
    ) -> String? {
        if !result.committed.isEmpty {
            var log = catalogue.logs[Int(committed)]
            for entry in result.committed {
                let position = Int(entry.index.rawValue) - 1
                if position == log.count {
                    log.append(entry)
                    committedIn.append(term)
                } else if position > log.count || log[position] != entry {
                    return "state machine safety: member \(member + 1) committed another entry at index "
                        + "\(entry.index.rawValue) than was committed before"
                }
            }
            committed = catalogue.add(log: log)
        }
        if let won = result.wonTerm.map(Int.init) {
            if leaders[won] != 0, Int(leaders[won]) != member + 1 {
                return "election safety: members \(leaders[won]) and \(member + 1) both lead term \(won)"
            }
            leaders[won] = UInt8(member + 1)
        }
        for barrier in result.lost { barriers[BarrierID.number(barrier)].committed = nil }
        for barrier in result.ready {
            guard let known = barriers[BarrierID.number(barrier.id)].committed else {
                return "read barrier \(barrier.id) ended twice"
            }
            if barrier.index.rawValue < UInt64(known) {
                return "read barrier \(barrier.id) is ready at index \(barrier.index.rawValue), but \(known) was "
                    + "committed when it was asked"
            }
            barriers[BarrierID.number(barrier.id)].committed = nil
        }
        return nil
    }

    /// Whoever crashes gets no answers any more.
    mutating func forgetBarriers(of member: Int) {
        for number in barriers.indices where barriers[number].asker == member { barriers[number].committed = nil }
    }
}

extension Explorer {
    /// The rule that a new state breaks. Everything that does not concern `member` held before.
    mutating func objection(to state: ExplorerState, changed member: Int) -> String? {
        let changed = catalogue.members[Int(state[member])]
        for other in 0..<3 {
            let standing = catalogue.members[Int(state[other])]
            for log in [changed.log, changed.durableLog] {
                for otherLog in [standing.log, standing.durableLog] where !catalogue.logsMatch(log, otherLog) {
                    return "log matching: members \(member + 1) and \(other + 1) hold different logs up to an entry "
                        + "of one term"
                }
            }
        }
        return committedObjection(state) ?? extraObjection(state)
    }

    private func extraObjection(_ state: ExplorerState) -> String? {
        guard let extraRule else { return nil }
        return extraRule((0..<3).map { catalogue.values[Int(state[$0])].raft.standing })
    }

    /// What is committed stands on the disks of a quorum, and every later leader holds it (leader completeness).
    private func committedObjection(_ state: ExplorerState) -> String? {
        let history = histories[Int(state.history)]
        let count = history.committedIn.count
        guard count > 0 else { return nil }
        var holding = 0
        for member in 0..<3 {
            let one = catalogue.members[Int(state[member])]
            if catalogue.agree(one.durableLog, history.committed, count: count) { holding += 1 }
            guard one.role == .leader else { continue }
            let mustHold = history.committedIn.prefix { $0 < one.term }.count
            if !catalogue.agree(one.log, history.committed, count: mustHold) {
                return "leader completeness: member \(member + 1) leads term \(one.term) without what was committed"
            }
        }
        return holding >= 2 ? nil : "a committed entry is not on the disks of a quorum"
    }

    /// Whatever a member acknowledges in a term, the leader of that term has it, too.
    func objection(to sent: [UInt32], by member: Int, in state: ExplorerState) -> String? {
        for number in sent {
            let message = catalogue.messages[Int(number)]
            guard case .appendResponse(let response) = message.body, case .matched(let index) = response.result
            else { continue }
            let sender = catalogue.members[Int(state[member])]
            let leader = catalogue.members[Int(state[Int(message.to.rawValue) - 1])]
            guard leader.role == .leader, leader.term == message.term.rawValue, sender.durableTerm == leader.term
            else { continue }
            if !catalogue.agree(sender.durableLog, leader.log, count: Int(index.rawValue)) {
                return "member \(member + 1) acknowledged index \(index.rawValue) of a log that is not its leader's"
            }
        }
        return nil
    }
}
