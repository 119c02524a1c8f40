import ConcordBytes
import ConcordRaft
import ConcordSimulator
import ConcordStorage
import Testing

@Suite struct SnapshotFileTests {
    /// A snapshot of format version 1, byte by byte, with checksums that another program worked out. docs/formats.md
    private static let golden = [
        "43534e50010000007100000000102030405060708090a0b0c0d0e0f009000000",
        "0000000004000000000000005a00000000000000010000000000000000010000",
        "00100f0e0d0c0b0a09080706050403020101050000006e6f7274680e00000031",
        "32372e302e302e313a373430311124c66803000000554f651201020328000000",
        "57dd0d5eabababababababababababababababababababababababababababab",
        "abababababababababababab0000000002000000000000002b00000000000000",
        "7c939a8a",
    ].joined()
    private static let name = "snapshot-0000000000000009-0000000000000004"
    private static let content: [[UInt8]] = [[1, 2, 3], [UInt8](repeating: 0xAB, count: 40)]

    private var bytes: [UInt8] {
        let digits = SnapshotFileTests.golden.utf8.map { $0 < 0x3A ? $0 - 0x30 : $0 - 0x61 + 10 }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    private var disk: SimulatedDisk {
        let disk = SimulatedDisk(seed: 1)
        disk.replaceContents(of: SnapshotFileTests.name, with: bytes)
        return disk
    }

    /// What a start finds, and whether it left the file alone.
    private func open(_ disk: SimulatedDisk) throws(StorageError) -> (kept: [StoredSnapshot], notes: [RecoveryNote]) {
        let before = disk.allContents()
        let (store, notes) = try SnapshotStore.open(disk)
        #expect(disk.allContents() == before, "opening changed something")
        return (store.kept, notes)
    }

    @Test func `a snapshot is written as version 1 byte by byte`() throws {
        let disk = SimulatedDisk(seed: 1)
        let stored = try writeSnapshot(header(9, term: 4), SnapshotFileTests.content, on: disk)
        #expect(disk.durableSnapshot() == [SnapshotFileTests.name: bytes])
        #expect(
            stored.identity
                == SnapshotIdentity(index: LogIndex(9), term: Term(4), bytes: 196, checksum: 0x8A9A_937C))
        #expect(stored.header == header(9, term: 4))
    }

    @Test func `a snapshot of version 1 is read`() throws {
        let disk = disk
        let found = try open(disk)
        #expect(found.notes.isEmpty)
        #expect(found.kept.map(\.header) == [header(9, term: 4)])
        #expect(try readPieces(found.kept[0], on: disk) == SnapshotFileTests.content)
    }

    @Test func `a snapshot with any bit flipped is left, not used, and told of`() throws {
        let disk = disk
        let snapshot = try open(disk).kept[0]
        for offset in bytes.indices {
            for bit in 0..<8 {
                disk.flipBit(bit, ofByte: offset, in: SnapshotFileTests.name)
                let found = try open(disk)
                #expect(found.kept.isEmpty, "bit \(bit) of byte \(offset)")
                guard case .snapshotUnusable(SnapshotFileTests.name, _, _)? = found.notes.first else {
                    Issue.record("bit \(bit) of byte \(offset): \(found.notes)")
                    continue
                }
                expectDamage("bit \(bit) of byte \(offset)") { () throws(StorageError) in
                    _ = try readPieces(snapshot, on: disk)
                }
                disk.flipBit(bit, ofByte: offset, in: SnapshotFileTests.name)
            }
        }
    }

    private func expectDamage(_ context: String, _ body: () throws(StorageError) -> Void) {
        do throws(StorageError) {
            try body()
            Issue.record("\(context): read")
        } catch {
            guard case .damaged(SnapshotFileTests.name, _, _) = error else {
                Issue.record("\(context): \(error)")
                return
            }
        }
    }

    @Test func `a snapshot that was cut anywhere, or goes on, is not used`() throws {
        let disk = disk
        let whole = bytes
        let snapshot = try open(disk).kept[0]
        for length in 0..<whole.count {
            disk.replaceContents(of: SnapshotFileTests.name, with: Array(whole[..<length]))
            #expect(try open(disk).kept.isEmpty, "cut to \(length)")
            expectDamage("cut to \(length)") { () throws(StorageError) in _ = try readPieces(snapshot, on: disk) }
        }
        for more: [UInt8] in [[0], whole] {
            disk.replaceContents(of: SnapshotFileTests.name, with: whole + more)
            #expect(try open(disk).kept.isEmpty)
        }
    }

    @Test func `pieces that changed their places do not verify`() throws {
        let disk = SimulatedDisk(seed: 1)
        let snapshot = try writeSnapshot(9, term: 4, on: disk)
        let name = SnapshotFileTests.name
        var whole = try #require(disk.contents(of: name))
        let first = 113..<113 + 308
        let second = first.upperBound..<first.upperBound + 308
        let (one, other) = (Array(whole[first]), Array(whole[second]))
        whole.replaceSubrange(first, with: other)
        whole.replaceSubrange(second, with: one)
        disk.replaceContents(of: name, with: whole)
        #expect(try open(disk).kept.isEmpty)
        expectDamage("swapped") { () throws(StorageError) in _ = try readPieces(snapshot, on: disk) }
    }

    @Test func `a file under another snapshot's name is not used`() throws {
        let disk = SimulatedDisk(seed: 1)
        for name in [
            "snapshot-000000000000000a-0000000000000004", "snapshot-0000000000000009-0000000000000005",
        ] {
            disk.replaceContents(of: name, with: bytes)
        }
        let found = try open(disk)
        #expect(found.kept.isEmpty)
        #expect(found.notes.count == 2)
    }

    @Test func `files that are called something like a snapshot are left alone`() throws {
        let disk = SimulatedDisk(seed: 1)
        for name in [
            "snapshot-9-4", "snapshot-0000000000000009", "snapshot-0000000000000009-0000000000000004.old",
            "snapshot-000000000000000A-0000000000000004", "snapshot--", "snapshot-", "snapshot-incoming",
            "snapshot-0000000000000009-0000000000000004-0000000000000004",
        ] {
            disk.replaceContents(of: name, with: bytes)
        }
        let found = try open(disk)
        #expect(found.kept.isEmpty && found.notes.isEmpty)
    }

    @Test func `a newer format is refused by its name`() throws {
        let disk = disk
        var newer = bytes
        newer[4] = 2
        newer.replaceSubrange(109..<113, with: littleEndian(UInt64(CRC32C.checksum(newer, in: 0..<109)), bytes: 4))
        disk.replaceContents(of: SnapshotFileTests.name, with: newer)
        #expect(throws: StorageError.newerFormat(file: SnapshotFileTests.name, found: 2, known: 1)) {
            _ = try SnapshotStore.open(disk)
        }
    }

    @Test func `any numbers under true checksums are read without a trap`() throws {
        var random = SeededRandom(seed: 11)
        let disk = disk
        for round in 0..<400 * thoroughness {
            var forged = bytes
            for _ in 0...random.below(3) {
                let field = Int(random.below(UInt64(forged.count - 8)))
                let greatest = UInt64.max - random.below(3)
                let value = random.chance(percent: 50) ? random.next() >> random.below(64) : greatest
                forged.replaceSubrange(field..<field + 8, with: littleEndian(value, bytes: 8))
            }
            SnapshotForger.seal(&forged)
            disk.replaceContents(of: SnapshotFileTests.name, with: forged)
            guard let found = try? SnapshotStore.open(disk).0.kept.first else { continue }
            #expect(throws: Never.self, "round \(round)") { _ = try readPieces(found, on: disk) }
        }
    }

    /// Nobody writes 10 MiB at once: an fsync must never be long.
    @Test func `a snapshot is synchronised every few megabytes`() throws {
        let disk = SimulatedDisk(seed: 1)
        disk.keepsHistory = true
        let bytes = 5 * StorageLimits.snapshotSyncBytes / 4
        let content = (0..<2).map { [UInt8](repeating: UInt8($0), count: bytes) }
        let stored = try writeSnapshot(header(9, term: 4), content, on: disk)
        let last = Array(disk.history.suffix(3))
        let temporary = SnapshotFileTests.name + ".new"
        #expect(last == ["synchronize \(temporary)", "rename \(temporary)", "synchronize directory"])
        #expect(disk.history.count { $0.hasPrefix("synchronize snapshot") } == 3)
        #expect(try readPieces(stored, on: disk) == content)
    }

    @Test func `the largest piece is read, and an empty snapshot too`() throws {
        let disk = SimulatedDisk(seed: 1)
        let largest = [[UInt8](repeating: 7, count: StorageLimits.snapshotPieceBytesMax), [1]]
        #expect(try readPieces(try writeSnapshot(header(9, term: 4), largest, on: disk), on: disk) == largest)
        #expect(try readPieces(try writeSnapshot(header(10, term: 4), [], on: disk), on: disk) == [])
        #expect(try SnapshotStore.open(disk).0.kept.map(\.identity.index.rawValue) == [10, 9])
    }

    @Test func `pieces that no reader takes, and an entry that no log holds, are our bugs`() async {
        await #expect(processExitsWith: .failure) {
            var writer = try SnapshotWriter(header(9, term: 4), on: SimulatedDisk(seed: 1))
            try writer.append([])
        }
        await #expect(processExitsWith: .failure) {
            var writer = try SnapshotWriter(header(9, term: 4), on: SimulatedDisk(seed: 1))
            try writer.append([UInt8](repeating: 0, count: StorageLimits.snapshotPieceBytesMax + 1))
        }
        await #expect(processExitsWith: .failure) {
            _ = try SnapshotWriter(header(0, term: 4), on: SimulatedDisk(seed: 1))
        }
        await #expect(processExitsWith: .failure) {
            var writer = try SnapshotWriter(header(9, term: 4), on: SimulatedDisk(seed: 1))
            _ = try writer.finish()
            try writer.append([1])
        }
    }

    @Test func `bytes are told from anywhere, and none from where there are none`() throws {
        let disk = disk
        let whole = bytes
        var reader = try SnapshotReader(try open(disk).kept[0], on: disk)
        #expect(try reader.bytes(at: 0, count: 1 << 30) == whole)
        #expect(try reader.bytes(at: 100, count: 7) == Array(whole[100..<107]))
        #expect(try reader.bytes(at: 195, count: 7) == [whole[195]])
        for (offset, count) in [(196, 1), (UInt64.max, 9), (0, 0), (5, -3), (UInt64.max, Int.min)] {
            #expect(try reader.bytes(at: offset, count: count) == [])
        }
        // Looking elsewhere does not disturb the pieces.
        #expect(try reader.next() == SnapshotFileTests.content[0])
        _ = try reader.bytes(at: 3, count: 50)
        #expect(try reader.next() == SnapshotFileTests.content[1])
        #expect(try reader.next() == nil)
        #expect(try reader.next() == nil)
        reader.close()
    }
}

/// Puts the checksums of a snapshot's file right, as far as its lengths lead.
enum SnapshotForger {
    static func seal(_ bytes: inout [UInt8]) {
        guard bytes.count >= 12 else { return }
        let headerBytes = Int(number(at: 8, in: bytes))
        guard headerBytes >= 16, headerBytes <= bytes.count else { return }
        var checksum = CRC32C.checksum(bytes, in: 0..<headerBytes - 4)
        put(checksum, at: headerBytes - 4, in: &bytes)
        var position = headerBytes
        while position + 8 <= bytes.count {
            let length = Int(number(at: position, in: bytes))
            if length == 0 {
                guard position + 24 <= bytes.count else { return }
                put(CRC32C.checksum(bytes, in: position..<position + 20, seed: checksum), at: position + 20, in: &bytes)
                return
            }
            guard length <= bytes.count - position - 8 else { return }
            let seed = CRC32C.checksum(bytes, in: position..<position + 4, seed: checksum)
            checksum = CRC32C.checksum(bytes, in: position + 8..<position + 8 + length, seed: seed)
            put(checksum, at: position + 4, in: &bytes)
            position += 8 + length
        }
    }

    private static func number(at place: Int, in bytes: [UInt8]) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }
    }

    private static func put(_ value: UInt32, at place: Int, in bytes: inout [UInt8]) {
        bytes.replaceSubrange(place..<place + 4, with: littleEndian(UInt64(value), bytes: 4))
    }
}
