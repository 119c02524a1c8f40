import ConcordBytes
import ConcordModel
import ConcordState
import Testing

/// Changes of membership as `apply` judges them. What a leader does of it, the configuration entries, is played here.
@Suite struct MembershipTests {
    static func addition(_ id: UInt128) -> MemberAddition {
        MemberAddition(id: id, name: "m\(id)", peerAddress: "host-\(id):1")
    }

    static func member(_ id: UInt128, _ role: ClusterMember.Role = .voter) -> ClusterMember {
        ClusterMember(id: id, name: "m\(id)", peerAddress: "host-\(id):1", role: role)
    }

    private static func cluster(_ ids: UInt128...) -> StateMachine {
        var machine = StateMachine()
        machine.configure(ids.map { member($0) })
        return machine
    }

    @Test func `a change is numbered, takes no revision, and is under way until its last configuration`() {
        var machine = MembershipTests.cluster(1, 2, 3)
        machine.put("/a")
        let before = (machine.revision, machine.stateHash)
        let begun = machine.change(add: [4], remove: [1])
        #expect(begun.result?.status == .memberChangeBegun && begun.result?.number == 1)
        #expect(begun.revision == before.0 && machine.revision == before.0)
        #expect(machine.stateHash != before.1)
        expectConsistent(machine)
        #expect(machine.members.change?.number == 1)
        machine.configure([1, 2, 3].map { MembershipTests.member($0) } + [MembershipTests.member(4, .learner)])
        #expect(machine.members.change != nil)
        machine.configure([
            MembershipTests.member(1, .outgoing), MembershipTests.member(2), MembershipTests.member(3),
            MembershipTests.member(4, .incoming),
        ])
        #expect(machine.members.change != nil && machine.members.isJoint)
        machine.configure([2, 3, 4].map { MembershipTests.member($0) })
        #expect(machine.members.change == nil && machine.members.former == [1])
        expectConsistent(machine)
        #expect(machine.change(remove: [2]).result?.number == 2)
    }

    @Test func `while a change is under way another one is refused`() {
        var machine = MembershipTests.cluster(1, 2, 3)
        machine.change(add: [4])
        expectRefused(&machine, .memberChangeUnderWay, number: 1, add: [5])
        expectRefused(&machine, .memberChangeUnderWay, number: 1, remove: [1])
    }

    @Test func `an empty change, and one that names somebody twice, are refused`() {
        var machine = MembershipTests.cluster(1, 2, 3)
        expectRefused(&machine, .invalidRequest)
        expectRefused(&machine, .invalidRequest, add: [4, 4])
        expectRefused(&machine, .invalidRequest, remove: [1, 1])
        expectRefused(&machine, .invalidRequest, add: [1], remove: [1])
        let twins = [
            MemberAddition(id: 4, name: "a", peerAddress: "h:1"), MemberAddition(id: 5, name: "b", peerAddress: "h:1"),
        ]
        #expect(machine.apply(Command(operation: .changeMembers(.init(add: twins)))).code == .invalidRequest)
        #expect(machine.change(add: [4, 5], remove: [1, 2, 3]).code == nil)
    }

    @Test func `an unknown member cannot be removed`() {
        var machine = MembershipTests.cluster(1, 2, 3)
        expectRefused(&machine, .memberNotFound, remove: [1, 9])
        expectRefused(&machine, .memberNotFound, add: [5], remove: [9])
    }

    @Test func `a member's id or address cannot be added again, nor the id of a former one`() {
        var machine = MembershipTests.cluster(1, 2, 3)
        expectRefused(&machine, .memberKnown, add: [3])
        let sameAddress = MemberAddition(id: 9, name: "other", peerAddress: "host-2:1")
        #expect(machine.apply(Command(operation: .changeMembers(.init(add: [sameAddress])))).code == .memberKnown)
        let sameName = MemberAddition(id: 9, name: "m2", peerAddress: "elsewhere:1")
        var renamed = machine
        #expect(renamed.apply(Command(operation: .changeMembers(.init(add: [sameName])))).code == nil)
        machine.change(remove: [3])
        machine.configure([1, 2].map { MembershipTests.member($0) })
        expectRefused(&machine, .memberKnown, add: [3])
        // The address of a former member is free.
        let successor = MemberAddition(id: 9, name: "m3", peerAddress: "host-3:1")
        #expect(machine.apply(Command(operation: .changeMembers(.init(add: [successor])))).code == nil)
    }

    @Test func `the last voter stays`() {
        var machine = MembershipTests.cluster(1)
        expectRefused(&machine, .noVoterLeft, remove: [1])
        #expect(machine.change(add: [2], remove: [1]).code == nil)
    }

    @Test func `a cluster has at most as many members as the formats carry, in the joint configuration too`() {
        var machine = StateMachine()
        machine.configure((1...62).map { MembershipTests.member($0) })
        expectRefused(&machine, .limitExceeded, number: 64, add: [101, 102, 103], remove: [1, 2, 3])
        #expect(machine.change(add: [101, 102]).code == nil)
    }

    @Test func `a change that no learner came of is cancelled at once`() {
        var machine = MembershipTests.cluster(1, 2, 3)
        expectUnchanged(&machine, .noMemberChange) { $0.cancelChange() }
        machine.change(add: [4])
        let cancelled = machine.cancelChange()
        #expect(cancelled.result?.status == .memberChangeCancelled && cancelled.result?.number == 1)
        #expect(machine.members.change == nil)
        #expect(machine.change(add: [4]).result?.number == 2)
    }

    @Test func `a cancelled change ends when its learners are gone, and they never come back`() {
        var machine = MembershipTests.cluster(1, 2, 3)
        machine.change(add: [4])
        machine.configure([1, 2, 3].map { MembershipTests.member($0) } + [MembershipTests.member(4, .learner)])
        machine.cancelChange()
        #expect(machine.members.change?.isCancelled == true)
        expectUnchanged(&machine, .noMemberChange) { $0.cancelChange() }
        expectRefused(&machine, .memberChangeUnderWay, number: 1, add: [5])
        machine.configure([1, 2, 3].map { MembershipTests.member($0) })
        #expect(machine.members.change == nil)
        expectRefused(&machine, .memberKnown, add: [4])
    }

    @Test func `a joint configuration can only be finished`() {
        var machine = MembershipTests.cluster(1, 2, 3)
        machine.change(remove: [3])
        machine.configure([MembershipTests.member(1), MembershipTests.member(2), MembershipTests.member(3, .outgoing)])
        expectUnchanged(&machine, .memberChangeTooFar) { $0.cancelChange() }
        expectRefused(&machine, .memberChangeUnderWay, number: 1, add: [5])
    }

    @Test func `a change sent again with its key is the same change`() {
        var machine = MembershipTests.cluster(1, 2, 3)
        let operation = Operation.changeMembers(.init(add: [MembershipTests.addition(4)]))
        let first = machine.apply(Command(operation: operation, retry: .key([1])))
        let again = machine.apply(Command(operation: operation, retry: .key([1])))
        #expect(again.replayed && again.result == first.result && machine.members.lastNumber == 1)
        let cancelled = machine.apply(Command(operation: .cancelMemberChange, retry: .key([2])))
        #expect(machine.apply(Command(operation: .cancelMemberChange, retry: .key([2]))).result == cancelled.result)
    }

    @Test func `the image of a state has the members and the change, and damaged ones are refused`() throws {
        var machine = MembershipTests.cluster(1, 2, 3)
        machine.change(remove: [3])
        machine.configure([1, 2].map { MembershipTests.member($0) })
        machine.change(add: [5, 4], remove: [1])
        machine.configure([1, 2].map { MembershipTests.member($0) } + [MembershipTests.member(4, .learner)])
        machine.cancelChange()
        let copy = try machine.reloaded()
        #expect(copy.members == machine.members && copy.stateHash == machine.stateHash)
        let image = machine.image(pieceBytes: 1 << 20)[0]
        for position in image.indices {
            for bit in [UInt8(1), 0x80] {
                var damaged = image
                damaged[position] ^= bit
                #expect(throws: StateImageError.self) { try StateMachine.read([damaged]) }
            }
        }
    }

    private func expectRefused(
        _ machine: inout StateMachine, _ code: RefusalCode, number: UInt64? = nil, add: [UInt128] = [],
        remove: [UInt128] = [], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        expectUnchanged(&machine, code, sourceLocation: sourceLocation) { machine in
            let outcome = machine.change(add: add, remove: remove)
            #expect(outcome.refusal?.number == number, sourceLocation: sourceLocation)
            return outcome
        }
    }

    private func expectUnchanged(
        _ machine: inout StateMachine, _ code: RefusalCode, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: (inout StateMachine) -> Outcome
    ) {
        let before = (machine.members, machine.stateHash)
        #expect(body(&machine).code == code, sourceLocation: sourceLocation)
        #expect(machine.members == before.0 && machine.stateHash == before.1, sourceLocation: sourceLocation)
    }
}

extension StateMachine {
    @discardableResult
    mutating func change(add: [UInt128] = [], remove: [UInt128] = []) -> Outcome {
        apply(
            Command(
                operation: .changeMembers(.init(add: add.map { MembershipTests.addition($0) }, remove: remove))))
    }

    @discardableResult
    mutating func cancelChange() -> Outcome {
        apply(Command(operation: .cancelMemberChange))
    }
}
