import ConcordBytes
import ConcordModel
import Testing

/// Each thing that this build does not know, or that is too long, is refused by itself; the moment before it is not.
@Suite struct RefusalTests {
    struct Wrong: Sendable, CustomTestStringConvertible {
        var name: String
        var bytes: String
        var error: ByteError
        var testDescription: String { name }
    }

    static let operations: [Wrong] = [
        Wrong(name: "kind 0", bytes: "00 04000000 0000 0200", error: .invalid),
        Wrong(name: "kind 5", bytes: "05 04000000 0000 0200", error: .invalid),
        Wrong(name: "kind 21", bytes: "15 04000000 0000 0200", error: .invalid),
        Wrong(name: "change of members, flag 1", bytes: "12 0a000000 0100 00000000 00000000", error: .invalid),
        Wrong(name: "65 members to add", bytes: "12 0a000000 0000 41000000 00000000", error: .tooLong),
        Wrong(name: "65 members to remove", bytes: "12 0a000000 0000 00000000 41000000", error: .tooLong),
        Wrong(name: "cancel, flag 1", bytes: "13 02000000 0100", error: .invalid),
        Wrong(name: "cancel with a body", bytes: "13 03000000 0000 00", error: .invalid),
        Wrong(name: "put, flag 16", bytes: "01 08000000 1000 02000000 2f61", error: .invalid),
        Wrong(name: "sequential, flag 4", bytes: "02 0b000000 0400 00000000 00000000 0a", error: .invalid),
        Wrong(name: "sequential, no digits", bytes: "02 0b000000 0000 00000000 00000000 00", error: .invalid),
        Wrong(name: "sequential, 21 digits", bytes: "02 0b000000 0000 00000000 00000000 15", error: .invalid),
        Wrong(name: "increment, flag 1", bytes: "03 10000000 0100 02000000 2f6e 0000000000000000", error: .invalid),
        Wrong(name: "delete, flag 4", bytes: "04 08000000 0400 02000000 2f61", error: .invalid),
        Wrong(name: "delete, a batch of none", bytes: "04 0c000000 0200 02000000 2f61 00000000", error: .invalid),
        Wrong(name: "settings, flag 1", bytes: "10 06000000 0100 00000000", error: .invalid),
        Wrong(name: "setting 0", bytes: "10 10000000 0000 01000000 0000 0000000000000000", error: .invalid),
        Wrong(name: "setting 15", bytes: "10 10000000 0000 01000000 0f00 0000000000000000", error: .invalid),
        Wrong(name: "level, flag 1", bytes: "11 04000000 0100 0200", error: .invalid),
        Wrong(name: "condition none, spelled out", bytes: "04 09000000 0800 02000000 2f61 00", error: .invalid),
        Wrong(name: "condition 4", bytes: "04 09000000 0800 02000000 2f61 04", error: .invalid),
        Wrong(name: "a body shorter than its length", bytes: "11 05000000 0000 0200 00", error: .invalid),
        Wrong(name: "a body longer than its length", bytes: "11 03000000 0000 0200", error: .invalid),
        Wrong(name: "a body beyond the end", bytes: "11 ffffffff 0000 0200", error: .truncated),
        Wrong(name: "a key beyond the limit", bytes: "04 06000000 0000 00000100", error: .tooLong),
    ]

    @Test(arguments: operations)
    func operationsThatNobodyWrites(wrong: Wrong) {
        #expect(throws: wrong.error) { try decodedOperation(hexadecimal(wrong.bytes)) }
    }

    static let commands: [Wrong] = [
        Wrong(name: "version 0", bytes: "00 0100 0000 0000000000000000", error: .invalid),
        Wrong(name: "version 2", bytes: "02 0100 0000 0000000000000000", error: .invalid),
        Wrong(name: "field 32", bytes: "01 0100 2000 0000000000000000", error: .invalid),
        Wrong(name: "field 32768", bytes: "01 0100 0080 0000000000000000", error: .invalid),
        Wrong(name: "both retry identities", bytes: "01 0100 1800 0000000000000000", error: .invalid),
        Wrong(name: "an empty principal", bytes: "01 0100 0200 0000000000000000 00000000", error: .invalid),
        Wrong(name: "a principal of 1025 bytes", bytes: "01 0100 0200 0000000000000000 01040000", error: .tooLong),
        Wrong(name: "an empty key", bytes: "01 0100 1000 0000000000000000 00000000", error: .invalid),
        Wrong(name: "a key of 129 bytes", bytes: "01 0100 1000 0000000000000000 81000000", error: .tooLong),
    ]

    @Test(arguments: commands)
    func envelopesThatNobodyWrites(wrong: Wrong) {
        let operation = encoded(.raiseFeatureLevel(1))
        #expect(throws: wrong.error) { try decodedCommand(hexadecimal(wrong.bytes) + operation) }
    }

    @Test func anUnknownBatchVersionIsRefused() {
        for version: UInt8 in [0, 2, 255] {
            #expect(throws: ByteError.invalid) { try CommandBatch.decode([version, 0, 0, 0, 0]) }
        }
    }

    @Test func theLongestKeyAndValueAreReadAndOneMoreByteIsRefused() throws {
        let longest = PutOperation(
            key: Key([UInt8](repeating: 0x61, count: ModelLimits.keyBytesMax)),
            value: [UInt8](repeating: 7, count: ModelLimits.valueBytesMax),
            condition: .modifiedAt([Revision](repeating: Revision(1), count: ModelLimits.conditionRevisionsMax)))
        #expect(try decodedOperation(encoded(.put(longest))) == .put(longest))
        #expect(try CommandBatch.decode(encoded([Command(operation: .put(longest))])).count == 1)

        var writer = ByteWriter()
        writer.write(UInt16(1))
        writer.writeBytes([0x61])
        writer.writeBytes([UInt8](repeating: 7, count: ModelLimits.valueBytesMax + 1))
        #expect(throws: ByteError.tooLong) { try decodedOperation(operation(kind: 1, body: writer.bytes)) }

        writer = ByteWriter()
        writer.write(UInt16(0))
        writer.writeBytes([UInt8](repeating: 0x61, count: ModelLimits.keyBytesMax + 1))
        #expect(throws: ByteError.tooLong) { try decodedOperation(operation(kind: 4, body: writer.bytes)) }
    }

    @Test func tooManyRevisionsOrSettingsAreRefused() {
        var writer = ByteWriter()
        writer.write(UInt16(8))
        writer.writeBytes([0x61])
        writer.write(UInt8(3))
        writer.write(UInt32(ModelLimits.conditionRevisionsMax + 1))
        writer.writeRaw([UInt8](repeating: 0, count: 8 * (ModelLimits.conditionRevisionsMax + 1)))
        #expect(throws: ByteError.tooLong) { try decodedOperation(operation(kind: 4, body: writer.bytes)) }

        writer = ByteWriter()
        writer.write(UInt16(0))
        writer.write(UInt32(ModelLimits.settingsPerCommandMax + 1))
        for _ in 0...ModelLimits.settingsPerCommandMax {
            writer.write(UInt16(1))
            writer.write(UInt64(1))
        }
        #expect(throws: ByteError.tooLong) { try decodedOperation(operation(kind: 16, body: writer.bytes)) }
    }

    /// An entry that no member can read would stop them all: it must not get into the log in the first place.
    @Test func whatNobodyCouldReadIsNotWritten() async {
        await #expect(processExitsWith: .failure) {
            let value = [UInt8](repeating: 0, count: ModelLimits.valueBytesMax + 1)
            _ = encoded(.put(PutOperation(key: .root, value: value)))
        }
        await #expect(processExitsWith: .failure) {
            let revisions = [Revision](repeating: .zero, count: ModelLimits.conditionRevisionsMax + 1)
            _ = encoded(.delete(DeleteOperation(key: .root, condition: .modifiedAt(revisions))))
        }
        await #expect(processExitsWith: .failure) {
            _ = encoded(.createSequential(CreateSequentialOperation(parent: .root, prefix: [], value: nil, width: 0)))
        }
        await #expect(processExitsWith: .failure) {
            _ = encoded(Command(operation: .raiseFeatureLevel(1), retry: .key([])))
        }
    }

    private func operation(kind: UInt8, body: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(kind)
        writer.writeBytes(body)
        return writer.bytes
    }
}
