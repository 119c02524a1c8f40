import ConcordModel
import ConcordState
import Testing

@Suite struct FeatureLevelTests {
    private static let info = MemberInfo(
        boot: 3, peerAddress: "h:1", clientURL: "http://h", featureLevel: 2, build: "0.2")

    /// Of two members, at a level.
    private func machine(level: UInt16 = 2) -> StateMachine {
        var machine = StateMachine()
        machine.configure([
            ClusterMember(id: 1, name: "a", peerAddress: "a:1"), ClusterMember(id: 2, name: "b", peerAddress: "b:1"),
        ])
        if level > 1 { _ = machine.apply(Command(operation: .raiseFeatureLevel(level))) }
        return machine
    }

    private func tell(
        _ machine: inout StateMachine, _ member: UInt128, _ info: MemberInfo = FeatureLevelTests.info
    ) -> Outcome {
        machine.apply(
            Command(
                operation: .memberInfo(MemberInfoOperation(member: member, info: info)),
                featureLevel: machine.featureLevel))
    }

    @Test func `an operation above the level in force is refused, and stays refused`() {
        var machine = machine(level: 1)
        let hash = machine.stateHash
        #expect(tell(&machine, 1).code == .featureLevelTooLow)
        #expect(machine.stateHash == hash)
        let command = Command(
            operation: .put(PutOperation(key: Key(text: "/a"), value: [1])),
            origin: Origin(member: 1, boot: 1, sequence: 1, done: 0), featureLevel: 2)
        #expect(machine.apply(command).code == .featureLevelTooLow)
        _ = machine.apply(Command(operation: .raiseFeatureLevel(2)))
        let again = machine.apply(command)
        #expect(again.code == .featureLevelTooLow && again.replayed, "what a member answered became true later")
        #expect(tell(&machine, 1).result?.status == .memberInfoChanged)
    }

    @Test func `what a member tells outlives configurations, and takes no revision`() {
        var machine = machine()
        let hash = machine.stateHash
        #expect(tell(&machine, 2).result?.status == .memberInfoChanged)
        #expect(machine.stateHash != hash && machine.revision == .zero)
        #expect(machine.stateHash == machine.recomputedHash())
        machine.configure([
            ClusterMember(id: 2, name: "b", peerAddress: "b:1"), ClusterMember(id: 3, name: "c", peerAddress: "c:1"),
        ])
        #expect(machine.members.members.map(\.info) == [FeatureLevelTests.info, nil])
        #expect(machine.members.members.map(\.address) == ["h:1", "c:1"])
    }

    @Test func `what an earlier start told is not taken over, nor what a stranger told`() {
        var machine = machine()
        _ = tell(&machine, 1)
        var older = FeatureLevelTests.info
        (older.boot, older.peerAddress) = (2, "old:1")
        let hash = machine.stateHash
        #expect(tell(&machine, 1, older).code == .memberInfoOutdated)
        #expect(tell(&machine, 3).code == .memberNotFound)
        #expect(machine.stateHash == hash)
        older.boot = 4
        #expect(tell(&machine, 1, older).result?.status == .memberInfoChanged)
        #expect(machine.members.members[0].address == "old:1")
    }

    @Test func `an address that a member has moved to is taken, and the one it left is free`() {
        var machine = machine()
        _ = tell(&machine, 1)
        func add(_ address: String) -> Command {
            let addition = MemberAddition(id: 9, name: "n", peerAddress: address)
            return Command(operation: .changeMembers(ChangeMembersOperation(add: [addition])))
        }
        #expect(machine.apply(add("h:1")).code == .memberKnown)
        #expect(machine.apply(add("a:1")).result?.status == .memberChangeBegun)
    }

    /// Builds of level 1 read no other version.
    @Test func `an image has the version that all members read`() throws {
        for (level, version) in [(UInt16(1), UInt8(1)), (2, 2), (3, 2)] {
            var machine = machine(level: level)
            _ = tell(&machine, 1)
            let image = machine.image(pieceBytes: 1 << 20)
            #expect(image[0][1] == version)
            var reader = StateImageReader(featureLevelMax: 3)
            for piece in image { try reader.read(piece) }
            let copy = try reader.finish()
            #expect(copy.stateHash == machine.stateHash && copy.members == machine.members)
            #expect(copy.recomputedHash() == machine.stateHash && copy.featureLevel == level)
            guard level > 1 else { continue }
            var low = StateImageReader(featureLevelMax: level - 1)
            #expect(throws: StateImageError.newerFeatureLevel(level)) { try low.read(image[0]) }
        }
    }

    @Test func `an image whose version is not that of its level is refused`() {
        for (level, version) in [(UInt16(1), UInt8(2)), (2, 1)] {
            var image = machine(level: level).image(pieceBytes: 1 << 20)
            image[0][1] = version
            #expect(throws: StateImageError.self) { try StateMachine.read(image) }
        }
    }

    /// Members of old and of new builds stand side by side at level 1, and compare their hashes.
    @Test func `the state hash of level 1 is that of builds before there were levels`() {
        var machine = machine(level: 1)
        _ = machine.apply(Command(operation: .put(PutOperation(key: Key(text: "/a"), value: [1]))))
        #expect(String(machine.stateHash, radix: 16) == "c29ec6f1186eb1cd3bf0e776965f76c4")
    }
}
