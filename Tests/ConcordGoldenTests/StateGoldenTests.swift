import ConcordBytes
import ConcordModel
import ConcordState
import Testing

/// The image of a state, of every version that is read.
@Suite struct StateGoldenTests {
    /// A state with every kind of record.
    static func state(level: UInt16) -> StateMachine {
        var machine = StateMachine(settings: [SettingValue(.historyRevisionsMax, 4)])
        machine.configure([
            ClusterMember(id: 1, name: "a", peerAddress: "a:1"), ClusterMember(id: 2, name: "b", peerAddress: "b:1"),
        ])
        machine.configure([ClusterMember(id: 1, name: "a", peerAddress: "a:1")])
        machine.beginEntry(epoch: Epoch(3), clock: 500)
        if level > 1 {
            _ = machine.apply(Command(operation: .raiseFeatureLevel(level)))
            let info = MemberInfo(boot: 4, peerAddress: "h:1", clientURL: "http://h", featureLevel: 2, build: "0.2")
            _ = machine.apply(
                Command(operation: .memberInfo(MemberInfoOperation(member: 1, info: info)), featureLevel: 2))
        }
        func put(_ path: String, _ value: [UInt8]?, retry: RetryIdentity = .none, origin: Origin? = nil) {
            let operation = PutOperation(key: Key(text: path), value: value, createsParents: true)
            let command = Command(operation: .put(operation), origin: origin, retry: retry, wallMilliseconds: 1000)
            _ = machine.apply(command)
        }
        put("/a/b", [1])
        put("/a/b", [2], origin: Origin(member: 1, boot: 2, sequence: 4, done: 3))
        put("/c", nil, retry: .client(ClientCall(client: 77, sequence: 1, done: 0)))
        put("/d", [9], retry: .key([0x6B]))
        _ = machine.apply(
            Command(
                operation: .createSequential(
                    CreateSequentialOperation(parent: Key(text: "/a"), prefix: [0x6e], value: nil))))
        _ = machine.apply(Command(operation: .delete(DeleteOperation(key: Key(text: "/d")))))
        let change = ChangeMembersOperation(add: [MemberAddition(id: 11, name: "d", peerAddress: "d:1")])
        _ = machine.apply(Command(operation: .changeMembers(change)))
        return machine
    }

    static let versions: [(name: String, level: UInt16)] = [("version 1", 1), ("version 2", 2)]

    func image(of state: StateMachine) -> [UInt8] {
        var writer = StateImageWriter(state)
        var bytes: [UInt8] = []
        while let piece = writer.next(bytes: 1 << 20) { bytes += piece }
        return bytes
    }

    @Test func images() throws {
        let golden = try GoldenFile("state-image").examples
        #expect(golden.map(\.name) == StateGoldenTests.versions.map(\.name))
        for (name, level) in StateGoldenTests.versions {
            let state = StateGoldenTests.state(level: level)
            let example = golden.first { $0.name == name }?.bytes ?? []
            #expect(hexadecimal(image(of: state)) == hexadecimal(example), "\(name)")
            var reader = StateImageReader()
            try reader.read(example)
            let copy = try reader.finish()
            #expect(copy.stateHash == state.stateHash && copy.members == state.members)
            #expect(
                copy.answer(.node(NodeQuery(key: Key(text: "/a/b"))))
                    == state.answer(.node(NodeQuery(key: Key(text: "/a/b")))))
            #expect(image(of: copy) == example)
        }
    }

    @Test func everyKindOfRecordIsThere() {
        var writer = StateImageWriter(StateGoldenTests.state(level: 2))
        var kinds: Set<UInt8> = []
        while let record = writer.next(bytes: 1) { kinds.insert(record[0]) }
        let known = knownKinds { kind throws(ByteError) in
            var reader = StateImageReader()
            do throws(StateImageError) {
                try reader.read([kind])
            } catch {
                guard case .malformed(let error) = error else { return }
                throw error
            }
        }
        #expect(kinds == known, "a kind of record has no golden bytes")
    }
}
