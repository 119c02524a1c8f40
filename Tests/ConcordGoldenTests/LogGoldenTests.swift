import ConcordBytes
import ConcordModel
import ConcordRaft
import Testing

/// What stands in the log: operations, commands, batches and entries.
@Suite struct LogGoldenTests {
    private static let operations: [(name: String, value: ConcordModel.Operation)] = [
        ("put", .put(PutOperation(key: Key(text: "/a"), value: [1, 2, 3]))),
        (
            "put of a directory with its parents",
            .put(PutOperation(key: Key(text: "/a/b"), value: nil, createsParents: true))
        ),
        (
            "put into a flat key space, only when absent",
            .put(PutOperation(key: Key(text: "k"), value: [], condition: .absent, needsParent: false))
        ),
        (
            "put with revisions",
            .put(PutOperation(key: Key(text: "/a"), value: nil, condition: .modifiedAt([Revision(7), Revision(258)])))
        ),
        (
            "create sequential",
            .createSequential(CreateSequentialOperation(parent: Key(text: "/q"), prefix: [0x6e, 0x2d], value: [9]))
        ),
        (
            "create sequential without a value, with parents, ten digits",
            .createSequential(
                CreateSequentialOperation(parent: .root, prefix: [], value: nil, width: 10, createsParents: true))
        ),
        ("increment", .increment(IncrementOperation(key: Key(text: "/n"), amount: -2))),
        (
            "increment of an existing node",
            .increment(IncrementOperation(key: Key(text: "/n"), amount: 1, condition: .exists))
        ),
        ("delete", .delete(DeleteOperation(key: Key(text: "/a")))),
        (
            "recursive delete in batches, with a condition",
            .delete(DeleteOperation(key: Key(text: "/a"), condition: .exists, recursive: true, batch: 1000))
        ),
        (
            "change settings",
            .changeSettings([SettingValue(.valueBytesMax, 4096), SettingValue(.clientOpenMax, 2)])
        ),
        ("raise feature level", .raiseFeatureLevel(2)),
        (
            "change members",
            .changeMembers(
                ChangeMembersOperation(add: [MemberAddition(id: 11, name: "d", peerAddress: "h:1")], remove: [3]))
        ),
        ("cancel a change of members", .cancelMemberChange),
        (
            "member info",
            .memberInfo(
                MemberInfoOperation(
                    member: 11,
                    info: MemberInfo(
                        boot: 3, peerAddress: "h:1", clientURL: "http://h", featureLevel: 2, build: "0.2")))
        ),
    ]

    @Test func operations() throws {
        let golden = try GoldenFile("operations")
        try golden.hold(
            LogGoldenTests.operations, write: { operation in encoded { operation.encode(into: &$0) } },
            read: { bytes in try decoded(bytes) { reader throws(ByteError) in try Operation(decoding: &reader) } })
        let known = knownKinds { kind throws(ByteError) in
            _ = try decoded([kind, 0, 0, 0, 0]) { reader throws(ByteError) in try Operation(decoding: &reader) }
        }
        #expect(Set(golden.examples.map { $0.bytes[0] }) == known, "an operation has no golden bytes")
    }

    @Test func commands() throws {
        let values: [(name: String, value: Command)] = [
            (
                "bare",
                Command(operation: .delete(DeleteOperation(key: .root)), wallMilliseconds: 0x0102_0304)
            ),
            (
                "of a library, forwarded, decided by a leader, with a principal",
                Command(
                    operation: .raiseFeatureLevel(1), origin: Origin(member: 0xA, boot: 3, sequence: 5, done: 4),
                    retry: .client(ClientCall(client: 0xB << 64, sequence: 9, done: 8)), principal: [0x75],
                    decidedIn: Epoch(6), featureLevel: 1, wallMilliseconds: 0)
            ),
            (
                "with an idempotency key",
                Command(operation: .raiseFeatureLevel(1), retry: .key([0x6b, 0x31]))
            ),
            (
                "of feature level 2",
                Command(operation: .cancelMemberChange, featureLevel: 2)
            ),
        ]
        try GoldenFile("commands").hold(
            values, write: { command in encoded { command.encode(into: &$0) } },
            read: { bytes in try decoded(bytes) { reader throws(ByteError) in try Command(decoding: &reader) } })
    }

    @Test func entries() throws {
        func batch(_ commands: [Command]) -> [UInt8] {
            var batch = CommandBatch()
            for command in commands { batch.append(command) }
            return batch.payload()
        }
        let configuration = Configuration(
            members: [
                .init(id: MemberID(1), name: "a", peerAddress: "a:1", role: .voter),
                .init(id: MemberID(2), name: "b", peerAddress: "b:1", role: .learner),
                .init(id: MemberID(3), name: "c", peerAddress: "c:1", role: .incoming),
                .init(id: MemberID(4), name: "d", peerAddress: "d:1", role: .outgoing),
            ], intent: 5)
        let commands = [
            Command(operation: .raiseFeatureLevel(1)), Command(operation: .delete(DeleteOperation(key: .root))),
        ]
        func entry(_ kind: EntryKind, _ payload: [UInt8]) -> Entry {
            Entry(index: LogIndex(7), term: Term(3), clock: 250, kind: kind, payload: payload)
        }
        let golden = try GoldenFile("entries")
        try golden.hold(
            [
                ("first of a term", entry(.noop, [])),
                ("configuration with every role", entry(.configuration, configuration.payload)),
                ("two commands", entry(.commands, batch(commands))), ("no command", entry(.commands, batch([]))),
            ], write: { entry in encoded { entry.encode(into: &$0) } },
            read: { bytes in try decoded(bytes) { reader throws(ByteError) in try Entry(decoding: &reader) } })
        #expect(Configuration(payload: golden.examples[1].bytes.dropFirst(29).map(\.self)) == configuration)
        #expect(try CommandBatch.decode(golden.examples[2].bytes.dropFirst(29).map(\.self)) == commands)
        let place = [UInt8](repeating: 0, count: 24)
        let known = knownKinds { kind throws(ByteError) in
            _ = try decoded(place + [kind]) { reader throws(ByteError) in try Entry(decoding: &reader) }
        }
        #expect(Set(golden.examples.map { $0.bytes[24] }) == known, "an entry's kind has no golden bytes")
    }
}
