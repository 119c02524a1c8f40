import ConcordBytes
import ConcordRaft
import ConcordSimulator
import ConcordStorage
import Testing

/// Directories of every version of the log's format, byte by byte. Every later version must open them. docs/formats.md
@Suite struct GoldenTests {
    private static let segmentBytes = 3 * block
    private static let first = "log-0000000000000001"
    private static let second = "log-0000000000000002"

    /// Pieces of files by their offsets; what lies between is zero.
    private typealias File = (name: String, bytes: Int, pieces: [(offset: Int, hexadecimal: String)])

    /// The log's groups are of version 1.
    private static let files: [File] = [
        (
            first, segmentBytes,
            [
                (0, "434c474800000000010070000100000001000000000000000030000000000000"),
                (32, "0100000000000000910000000000000001000000000000000300000000000000"),
                (96, "000000000000000000000000878f0df8e099239e1d0000000100000001000000"),
                (128, "00000000030000000000000005000000000000000100000000"),
                (4096, "434c474800000000010070000100000001000000000000000030000000000000"),
                (4128, "0200000000000000311000000000000002000000000000000300000000000000"),
                (4160, "01000000000000000100000000000000e099239e000000000000000000000000"),
                (4192, "000000000000000000000000a95637dd934d48d3bd0f00000100000002000000"),
                (4224, "000000000300000000000000070000000000000003a00f0000"),
                (4249, String(repeating: "ab", count: 3943)),
                (8192, "434c474301000000"),
                (8200, String(repeating: "ab", count: 57)),
            ]
        ),
        (
            second, segmentBytes,
            [
                (0, "434c474800000000010070000100000002000000000000000030000000000000"),
                (32, "0300000000000000940000000000000002000000000000000400000000000000"),
                (64, "02000000000000000200000000000000934d48d3000000000000000000000000"),
                (96, "000000000000000000000000c8dd2dc117112d5c200000000100000002000000"),
                (128, "00000000040000000000000009000000000000000203000000010203"),
            ]
        ),
        (
            "member", 124,
            [
                (0, "434d454d010000007c000000100f0e0d0c0b0a09080706050403020101000000"),
                (32, "00000000050000006e6f7274680100102030405060708090a0b0c0d0e0f00101"),
                (64, "000000000000000001000000100f0e0d0c0b0a09080706050403020101050000"),
                (96, "006e6f7274680e0000003132372e302e302e313a373430317fe392e3"),
            ]
        ),
        (
            "vote", 2 * block,
            [
                (0, "43564f54010000000300000000000000040000000000000001000000100f0e0d"),
                (32, "0c0b0a09080706050403020100000000000000000000000000000000f4abf200"),
                (4096, "43564f54010001000300000000000000040000000000000001000000100f0e0d"),
                (4128, "0c0b0a090807060504030201000000000000000000000000000000005d1d1f0a"),
            ]
        ),
    ]

    /// The log of version 2: a sector begins and ends with a byte that is not zero.
    private static let newerLog: [File] = [
        (
            first, segmentBytes,
            [
                (0, "434c474800000000020070000100000001"),
                (25, "3000000000000001000000000000009100000000000000010000000000000003"),
                (108, "e15391a60491aac71d0000000100000001000000000000000300000000000000"),
                (140, "050000000000000001"),
                (511, "ff"),
                (4096, "434c474800000000020070000100000001"),
                (4121, "3000000000000002000000000000003110000000000000020000000000000003"),
                (4160, "010000000000000001000000000000000491aac7"),
                (4204, "eefe0b07c3bcceb9bd0f00000100000002000000000000000300000000000000"),
                (4236, "070000000000000003a00f0000"),
                (4249, String(repeating: "ab", count: 358)),
                (4607, "ffff"),
                (4609, String(repeating: "ab", count: 510)),
                (5119, "ffff"),
                (5121, String(repeating: "ab", count: 510)),
                (5631, "ffff"),
                (5633, String(repeating: "ab", count: 510)),
                (6143, "ffff"),
                (6145, String(repeating: "ab", count: 510)),
                (6655, "ffff"),
                (6657, String(repeating: "ab", count: 510)),
                (7167, "ffff"),
                (7169, String(repeating: "ab", count: 510)),
                (7679, "ffff"),
                (7681, String(repeating: "ab", count: 510)),
                (8191, "ff434c474301000000"),
                (8200, String(repeating: "ab", count: 72)),
                (8703, "ff"),
            ]
        ),
        (
            second, segmentBytes,
            [
                (0, "434c474800000000020070000100000002"),
                (25, "3000000000000003000000000000009400000000000000020000000000000004"),
                (64, "02000000000000000200000000000000c3bcceb9"),
                (108, "63319cb0fbde8267200000000100000002000000000000000400000000000000"),
                (140, "09000000000000000203000000010203"),
                (511, "ff"),
            ]
        ),
    ]

    private var record: MemberRecord {
        let id = MemberID(0x0102_0304_0506_0708_090A_0B0C_0D0E_0F10)
        let member = Configuration.Member(id: id, name: "north", peerAddress: "127.0.0.1:7401")
        return MemberRecord(
            id: id, name: "north", boot: 1, clusterID: ClusterID(0xF0E0_D0C0_B0A0_9080_7060_5040_3020_1000),
            initialConfiguration: Configuration(members: [member]))
    }

    private var writes: [LogWrite] {
        func entry(_ index: UInt64, _ term: UInt64, _ clock: UInt64, _ kind: EntryKind, _ payload: [UInt8]) -> Entry {
            Entry(index: LogIndex(index), term: Term(term), clock: clock, kind: kind, payload: payload)
        }
        return [
            write(HardState(term: Term(3), votedFor: record.id), [entry(1, 3, 5, .noop, [])]),
            write([entry(2, 3, 7, .commands, [UInt8](repeating: 0xAB, count: 4000))]),
            write(HardState(term: Term(4), votedFor: record.id), [entry(2, 4, 9, .configuration, [1, 2, 3])]),
        ]
    }

    private func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = hexadecimal.utf8.map { $0 < 0x3A ? $0 - 0x30 : $0 - 0x61 + 10 }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    private func golden(version: Int) -> [String: [UInt8]] {
        var result: [String: [UInt8]] = [:]
        for file in GoldenTests.files + (version == 1 ? [] : GoldenTests.newerLog) {
            var content = [UInt8](repeating: 0, count: file.bytes)
            for piece in file.pieces {
                let part = bytes(piece.hexadecimal)
                content.replaceSubrange(piece.offset..<piece.offset + part.count, with: part)
            }
            result[file.name] = content
        }
        return result
    }

    @Test(arguments: [1, 2])
    func `a directory of this version opens`(version: Int) throws {
        let disk = SimulatedDisk(seed: 1)
        disk.restore(golden(version: version))
        let opened = try DataDirectory.open(disk, newMember: MemberID(1), name: "", segmentBytes: block * 3)
        var expected = record
        expected.boot = 2
        #expect(opened.member.record == expected)
        #expect(PlainLog(opened.recovered) == writes.reduce(PlainLog()) { $0.applying([$1]) })
        #expect(opened.recovered.notes.isEmpty)
    }

    @Test func `a log of version 1 goes on in version 2`() throws {
        let disk = SimulatedDisk(seed: 1)
        disk.restore(golden(version: 1))
        var opened = try openDirectory(disk, segmentBytes: GoldenTests.segmentBytes)
        let more = entries(3...5, term: 4, bytes: 3000)
        let entries = opened.recovered.entries + more
        try opened.log.write([write(more)])
        #expect(try openDirectory(disk, segmentBytes: GoldenTests.segmentBytes).recovered.entries == entries)
    }

    /// It has no bytes that tell whether it was written to its end.
    @Test func `a last group of version 1 that does not verify is doubtful, wherever it is bad`() throws {
        let disk = SimulatedDisk(seed: 1)
        for offset in 0..<156 {
            disk.restore(golden(version: 1))
            disk.flipBit(3, ofByte: offset, in: GoldenTests.second)
            let recovered = try openDirectory(disk, segmentBytes: GoldenTests.segmentBytes).recovered
            #expect(recovered.hardState.doubt != nil && recovered.entries.count == 2, "byte \(offset)")
        }
    }

    @Test func `a directory is written as version 2 byte by byte`() throws {
        let disk = SimulatedDisk(seed: 1)
        var opened = try DataDirectory.open(
            disk, newMember: record.id, name: "north", segmentBytes: GoldenTests.segmentBytes)
        try opened.member.write(record)
        for write in writes { try opened.log.write([write]) }
        #expect(disk.durableSnapshot() == golden(version: 2))
    }

    @Test func `a whole record of an unknown kind is refused and not cut off`() throws {
        let disk = SimulatedDisk(seed: 1)
        var files = golden(version: 1)
        var content = try #require(files[GoldenTests.second])
        content[148] = 9
        var sequence = ByteWriter()
        sequence.write(UInt64(2))
        let header = CRC32C.checksum(content, in: 0..<108)
        let seed = CRC32C.checksum(sequence.bytes, seed: header)
        let checksum = CRC32C.checksum(content, in: 116..<156, seed: seed)
        for byte in 0..<4 { content[112 + byte] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * byte)) }
        files[GoldenTests.second] = content
        disk.restore(files)
        #expect(throws: StorageError.unreadableRecord(file: GoldenTests.second, offset: 0)) {
            _ = try openDirectory(disk)
        }
        #expect(disk.durableSnapshot() == files)
    }
}
