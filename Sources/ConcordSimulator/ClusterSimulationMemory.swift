import ConcordBytes
import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordState
import ConcordStorage

// Memory that changes, and members that decide otherwise than the others: of a minority, and never where a client
// looks. What is changed is the wall time of an event of the history, or what a stored outcome of an origin says of its
// operation; neither is shown to anybody, and nothing is decided by it. So what clients see stays right, and what is
// wrong must be found by the members themselves.

/// What was done to a member's state.
struct StateDamage {
    /// When: virtual microseconds.
    var at: UInt64
    /// The state hash follows: a record is sound, and wrong. It may have come into snapshots, so it outlives the process.
    var isConsistent: Bool
    /// The member knows.
    var isFound = false
}

extension ClusterSimulation {
    /// Two passes over memory, with the rest between them, by the slowest clock that is allowed.
    private static let foundWithinMicroseconds: UInt64 = 3_000_000

    /// - Parameter target: another one is taken if nothing can be done to it now.
    func damageMemory(of target: SimulatedMember, _ random: inout SeededRandom) {
        guard mayLoseAnother, members.count >= 3 else { return }
        let able = members.filter { member in
            member.damage == nil && !member.isPaused
                && member.running?.look({ $0.isFormed && !$0.isDistrusted && $0.state.retainedEventsCount > 0 }) == true
        }
        guard !able.isEmpty else { return }
        let other = able[Int(random.below(UInt64(able.count)))]
        let member = able.contains { $0 === target } ? target : other
        guard let running = member.running else { return }
        // A wrong state that its member cannot see itself spreads with a snapshot, where too few are left to object. So
        // it comes up only in runs that make none but for a member that asks for one.
        let isConsistent = plan.snapshots.logBytes >= 64 << 20 && random.chance(percent: 70)
        // Beside a wrong state whose member does not know it, and another one whose member asks for a snapshot, one more may
        // have been cut off and need that snapshot, too: who needs one cannot judge.
        let isUnseen = isConsistent || members.contains { $0.damage?.isConsistent == true }
        guard !isUnseen || lostCount == 0 || lostCount + 1 < (members.count - 1) / 2 else { return }
        let isOutcome = !isConsistent && random.chance(percent: 40)
        let position = random.below(max(1, running.look { $0.state.retainedEventsCount }))
        let isDamaged = running.look { replica in
            replica.damageState {
                isOutcome ? $0.damageFirstOutcome() : $0.damageHistory(at: position, isConsistent: isConsistent)
            }
        }
        guard isDamaged else { return }
        let place = isOutcome ? "an outcome" : "event \(position)"
        tell("\(member.name)'s memory changes: \(place)\(isConsistent ? ", and its hash" : "")")
        coverage.count(.changedMemory)
        if running.replica.isLeader { coverage.reached(.wrongStateOfLeader) }
        member.damage = StateDamage(at: now, isConsistent: isConsistent)
        guard !isConsistent, !plan.classes.contains(.wildDrift) else { return }
        events.schedule(
            .end(.memory(member, process: member.process, since: now)),
            at: now + ClusterSimulation.foundWithinMicroseconds)
    }

    /// What is wrong in memory alone must be found by now, if it is still there.
    func mustHaveFound(_ member: SimulatedMember, process: UInt64, since time: UInt64) {
        guard member.process == process, member.damage?.at == time, !member.isPaused, let running = member.running,
            now > member.disturbedAt + ClusterSimulation.foundWithinMicroseconds
        else { return }
        let isSound = running.look { $0.isDistrusted || $0.state.recomputedHash() == $0.state.stateHash }
        if !isSound { problem("\(member.name) has not found out that its memory changed") }
    }

    /// A process that ends takes its memory along, unless what is wrong was remembered on purpose.
    func forgetDamageOfMemory(_ member: SimulatedMember) {
        if member.damage?.isConsistent == false, !member.isMarked { member.damage = nil }
    }

    func distrusts(_ member: SimulatedMember, _ cause: DistrustCause) {
        tell("\(member.name) does not trust its state: \(cause)")
        guard let damage = member.damage else {
            return problem("\(member.name) distrusts a state that is right: \(cause)")
        }
        switch cause {
        case .outvoted:
            if !damage.isConsistent { problem("\(member.name) is outvoted although its hash is right") }
            coverage.reached(.outvoted)
        case .memory: if damage.isConsistent { problem("\(member.name) finds fault with records that are sound") }
        case .remembered: break
        }
        member.damage?.isFound = true
    }

    func divides(_ member: SimulatedMember) {
        tell("\(member.name) writes nothing any more")
        if !members.contains(where: { $0.damage?.isConsistent == true }) {
            problem("\(member.name) writes nothing any more, and all states are the same")
        }
    }

    /// A snapshot has taken the place of the state.
    func tookOver(_ member: SimulatedMember) {
        guard member.damage?.isFound == true else { return }
        tell("\(member.name) has a right state again")
        coverage.reached(.stateReplaced)
        member.damage = nil
    }

    /// States at one index are one state, but for those that were made wrong, whether they know it yet or not: of a state
    /// that is marked a start makes nothing at all.
    func compare(_ member: SimulatedMember, _ hash: UInt128, at index: LogIndex) {
        guard member.damage?.isConsistent != true, member.running?.look({ $0.isDistrusted }) != true else { return }
        if let other = hashes.updateValue(hash, forKey: index), other != hash {
            problem("\(member.name) has another state than others at index \(index.rawValue)")
        }
        note(UInt64(truncatingIfNeeded: hash))
    }

    /// A member that knows its state to be wrong tells nobody anything of it.
    func checkTrust(in reply: ReplicaReply, of member: SimulatedMember) {
        switch reply.result {
        case .outcome, .answer, .backup:
            guard member.running?.look({ $0.isDistrusted }) == true else { return }
            problem("\(member.name) answers from a state that it knows to be wrong: \(reply.result)")
        case .cluster, .leader, .failed: break
        }
    }

    /// A member was started: it must remember what it knew.
    func checkMemoryOfDistrust(_ member: SimulatedMember) {
        let isDistrusted = member.running?.look { $0.isDistrusted } == true
        if member.isMarked, !isDistrusted { problem("\(member.name) forgot that its state is wrong") }
        if isDistrusted { coverage.reached(.distrustRemembered) }
    }

    /// Whoever serves again must have found out, and have another member's state by now.
    func checkAllAreTrusted(_ quorum: Set<Int>) {
        for member in members where quorum.contains(member.position) {
            guard let running = member.running else { continue }
            if running.look({ $0.isDistrusted }) {
                problem("\(member.name)'s state is wrong, and it was given no other one: \(member.damage as Any)")
            } else if running.look({ $0.state.recomputedHash() != $0.state.stateHash }) {
                problem("\(member.name) has not found out that its memory changed")
            }
        }
    }
}
