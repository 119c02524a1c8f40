import ConcordModel
import Testing

/// The bytes of version 1, written by hand from docs/formats.md. They never change: a log written by this
/// version must be readable by every later one.
@Suite struct GoldenBytesTests {
    struct Golden: Sendable, CustomTestStringConvertible {
        var name: String
        var operation: Operation
        var bytes: String
        var testDescription: String { name }
    }

    static let operations: [Golden] = [
        Golden(
            name: "put",
            operation: .put(PutOperation(key: Key(text: "/a"), value: [1, 2, 3])),
            bytes: "01 0f000000 0100 02000000 2f61 03000000 010203"),
        Golden(
            name: "put of a directory with its parents",
            operation: .put(PutOperation(key: Key(text: "/a/b"), value: nil, createsParents: true)),
            bytes: "01 0a000000 0200 04000000 2f612f62"),
        Golden(
            name: "put into a flat key space, only when absent",
            operation: .put(PutOperation(key: Key(text: "k"), value: [], condition: .absent, needsParent: false)),
            bytes: "01 0c000000 0d00 01000000 6b 00000000 02"),
        Golden(
            name: "put with revisions",
            operation: .put(
                PutOperation(key: Key(text: "/a"), value: nil, condition: .modifiedAt([Revision(7), Revision(258)]))),
            bytes: "01 1d000000 0800 02000000 2f61 03 02000000 0700000000000000 0201000000000000"),
        Golden(
            name: "create sequential",
            operation: .createSequential(
                CreateSequentialOperation(parent: Key(text: "/q"), prefix: [0x6e, 0x2d], value: [9])),
            bytes: "02 14000000 0100 02000000 2f71 02000000 6e2d 01000000 09 14"),
        Golden(
            name: "create sequential without a value, with parents, ten digits",
            operation: .createSequential(
                CreateSequentialOperation(parent: .root, prefix: [], value: nil, width: 10, createsParents: true)),
            bytes: "02 0b000000 0200 00000000 00000000 0a"),
        Golden(
            name: "increment",
            operation: .increment(IncrementOperation(key: Key(text: "/n"), amount: -2)),
            bytes: "03 10000000 0000 02000000 2f6e feffffffffffffff"),
        Golden(
            name: "increment of an existing node",
            operation: .increment(IncrementOperation(key: Key(text: "/n"), amount: 1, condition: .exists)),
            bytes: "03 11000000 0800 02000000 2f6e 0100000000000000 01"),
        Golden(
            name: "delete",
            operation: .delete(DeleteOperation(key: Key(text: "/a"))),
            bytes: "04 08000000 0000 02000000 2f61"),
        Golden(
            name: "recursive delete in batches, with a condition",
            operation: .delete(
                DeleteOperation(key: Key(text: "/a"), condition: .exists, recursive: true, batch: 1000)),
            bytes: "04 0d000000 0b00 02000000 2f61 e8030000 01"),
        Golden(
            name: "change settings",
            operation: .changeSettings([SettingValue(.valueBytesMax, 4096), SettingValue(.clientOpenMax, 2)]),
            bytes: "10 1a000000 0000 02000000 0100 0010000000000000 0e00 0200000000000000"),
        Golden(
            name: "raise feature level",
            operation: .raiseFeatureLevel(2),
            bytes: "11 04000000 0000 0200"),
        Golden(
            name: "change members",
            operation: .changeMembers(
                ChangeMembersOperation(
                    add: [MemberAddition(id: 11, name: "d", peerAddress: "h:1")], remove: [3])),
            bytes: "12 36000000 0000 01000000 0b000000000000000000000000000000 01000000 64 03000000 683a31"
                + "01000000 03000000000000000000000000000000"),
        Golden(name: "cancel a change of members", operation: .cancelMemberChange, bytes: "13 02000000 0000"),
    ]

    @Test(arguments: operations)
    func operationsHaveTheBytesOfVersionOne(golden: Golden) throws {
        #expect(hexadecimal(encoded(golden.operation)) == hexadecimal(hexadecimal(golden.bytes)))
        #expect(try decodedOperation(hexadecimal(golden.bytes)) == golden.operation)
    }

    @Test func theBareEnvelope() throws {
        let command = Command(operation: .delete(DeleteOperation(key: .root)), wallMilliseconds: 0x0102_0304)
        let bytes = hexadecimal("01 0100 0000 0403020100000000 04 06000000 0000 00000000")
        #expect(encoded(command) == bytes)
        #expect(try decodedCommand(bytes) == command)
    }

    @Test func theEnvelopeWithALibraryCall() throws {
        let command = Command(
            operation: .raiseFeatureLevel(1), origin: Origin(member: 0xA, boot: 3, sequence: 5, done: 4),
            retry: .client(ClientCall(client: 0xB << 64, sequence: 9, done: 8)), principal: [0x75],
            decidedIn: Epoch(6), featureLevel: 1, wallMilliseconds: 0)
        let bytes = hexadecimal(
            """
            01 0100 0f00 0000000000000000
            0600000000000000
            01000000 75
            0a000000000000000000000000000000 0300000000000000 0500000000000000 0400000000000000
            00000000000000000b00000000000000 0900000000000000 0800000000000000
            11 04000000 0000 0100
            """)
        #expect(encoded(command) == bytes)
        #expect(try decodedCommand(bytes) == command)
    }

    @Test func theEnvelopeWithAnIdempotencyKey() throws {
        let command = Command(operation: .raiseFeatureLevel(1), retry: .key([0x6b, 0x31]))
        let bytes = hexadecimal("01 0100 1000 0000000000000000 02000000 6b31 11 04000000 0000 0100")
        #expect(encoded(command) == bytes)
        #expect(try decodedCommand(bytes) == command)
    }

    @Test func theBatch() throws {
        let commands = [
            Command(operation: .raiseFeatureLevel(1)), Command(operation: .delete(DeleteOperation(key: .root))),
        ]
        let bytes = hexadecimal(
            """
            01 02000000
            16000000 01 0100 0000 0000000000000000 11 04000000 0000 0100
            18000000 01 0100 0000 0000000000000000 04 06000000 0000 00000000
            """)
        #expect(encoded(commands) == bytes)
        #expect(try CommandBatch.decode(bytes) == commands)
        #expect(encoded([]) == hexadecimal("01 00000000"))
    }
}
