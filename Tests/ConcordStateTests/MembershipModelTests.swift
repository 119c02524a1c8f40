import ConcordBytes
import ConcordModel
import ConcordState
import Testing

/// Random changes, cancels and configurations, each outcome compared with that of a model made of sets, which has its
/// own words for the rules.
@Suite struct MembershipModelTests {
    @Test(arguments: 0..<200) func `changes of membership are judged as by the sets`(seed: UInt64) throws {
        var run = MembershipRun(seed: seed)
        for _ in 0..<200 { try run.step() }
        #expect(run.finished + run.cancelled > 3, "seed \(seed) has tried next to nothing")
    }
}

private struct MembershipRun {
    let seed: UInt64
    var random: SeededRandom
    var machine = StateMachine()
    var voters: Set<UInt128> = [1, 2, 3]
    var learners: Set<UInt128> = []
    var gone: Set<UInt128> = []
    var pending: (add: Set<UInt128>, remove: Set<UInt128>, isJoint: Bool, isCancelled: Bool)?
    var number: Int64 = 0
    var finished = 0
    var cancelled = 0

    init(seed: UInt64) {
        self.seed = seed
        random = SeededRandom(seed: seed)
        machine.configure(configuration)
    }

    private var configuration: [ClusterMember] {
        let joint = pending.map { $0.isJoint } ?? false
        func role(_ id: UInt128) -> ClusterMember.Role {
            if learners.contains(id) { return .learner }
            if joint, pending?.add.contains(id) == true { return .incoming }
            return joint && pending?.remove.contains(id) == true ? .outgoing : .voter
        }
        return voters.union(learners).sorted().map { MembershipTests.member($0, role($0)) }
    }

    mutating func step() throws {
        switch random.below(10) {
        case 0..<4: change()
        case 4: cancel()
        default: lead()
        }
        #expect(machine.stateHash == machine.recomputedHash(), "seed \(seed)")
        #expect(machine.members.former == gone.sorted(), "seed \(seed)")
        #expect(machine.members.members == configuration, "seed \(seed)")
        #expect((machine.members.change == nil) == (pending == nil), "seed \(seed)")
        if random.chance(percent: 5) {
            let copy = try machine.reloaded()
            #expect(copy.stateHash == machine.stateHash && copy.members == machine.members, "seed \(seed)")
            machine = copy
        }
    }

    private mutating func change() {
        let add = Set((0..<random.below(3)).map { _ in UInt128(1 + random.below(40)) })
        let remove = Set((0..<random.below(3)).map { _ in UInt128(1 + random.below(40)) })
            .union(random.chance(percent: 50) ? voters.randomElement(&random) : [])
        let outcome = machine.change(add: add.sorted(), remove: remove.sorted())
        let all = voters.union(learners)
        let expected: RefusalCode? =
            if add.isEmpty && remove.isEmpty || !add.isDisjoint(with: remove) {
                .invalidRequest
            } else if pending != nil {
                .memberChangeUnderWay
            } else if !remove.isSubset(of: all) {
                .memberNotFound
            } else if !add.isDisjoint(with: all.union(gone)) {
                .memberKnown
            } else if voters.subtracting(remove).union(add).isEmpty {
                .noVoterLeft
            } else {
                nil
            }
        #expect(outcome.code == expected, "seed \(seed): add \(add), remove \(remove)")
        guard expected == nil else { return }
        number += 1
        #expect(outcome.result?.number == number, "seed \(seed)")
        pending = (add, remove, false, false)
    }

    private mutating func cancel() {
        let outcome = machine.cancelChange()
        let expected: RefusalCode? =
            switch pending {
            case nil: .noMemberChange
            case let change? where change.isCancelled: .noMemberChange
            case let change? where change.isJoint: .memberChangeTooFar
            default: nil
            }
        #expect(outcome.code == expected, "seed \(seed)")
        guard expected == nil else { return }
        cancelled += 1
        pending?.isCancelled = true
        if learners.isEmpty { pending = nil }
    }

    /// The next configuration entry.
    private mutating func lead() {
        guard let change = pending else { return }
        if change.isJoint {
            gone.formUnion(change.remove)
            voters.subtract(change.remove)
            pending = nil
            finished += 1
        } else if change.isCancelled {
            gone.formUnion(learners)
            learners = []
            pending = nil
        } else if learners == change.add {
            learners = []
            voters.formUnion(change.add)
            pending?.isJoint = true
        } else {
            learners = change.add
        }
        machine.configure(configuration)
    }
}

extension Set<UInt128> {
    fileprivate func randomElement(_ random: inout SeededRandom) -> Set<UInt128> {
        let sorted = sorted()
        return sorted.isEmpty ? [] : [sorted[Int(random.below(UInt64(sorted.count)))]]
    }
}
