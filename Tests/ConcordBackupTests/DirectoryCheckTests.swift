import ConcordBackup
import ConcordBytes
import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordSimulator
import ConcordState
import ConcordStorage
import Testing

/// A directory is checked to its last byte and not changed in any.
@Suite struct DirectoryCheckTests {
    private static let initial = Configuration(members: [oldMembers[0]])

    private static func entry(_ index: UInt64, _ commands: [Command]) -> Entry {
        var batch = CommandBatch()
        for command in commands { batch.append(command) }
        return Entry(
            index: LogIndex(index), term: Term(2), clock: index * 10, kind: .commands, payload: batch.payload())
    }

    private static func value(_ index: UInt64) -> Entry {
        entry(index, [put("/k\(index % 3)", "value \(index)")])
    }

    /// A member with a vote, a snapshot of entry 6 and a log to entry 9.
    /// - Parameter last: in place of entry 9.
    private static func directory(last: Entry = value(9)) throws -> (disk: SimulatedDisk, state: StateMachine) {
        let disk = SimulatedDisk(seed: 1)
        var opened = try DataDirectory.open(disk, newMember: MemberID(0xA1), name: "north", segmentBytes: smallSegment)
        var record = opened.member.record
        (record.clusterID, record.initialConfiguration) = (oldCluster, initial)
        try opened.member.write(record)
        var state = StateMachine()
        state.configure(initial.members.map(\.applied))
        func append(_ entry: Entry, _ hardState: HardState? = nil) throws {
            try opened.log.write([LogWrite(sequence: .zero, hardState: hardState, entries: [entry])])
            state.beginEntry(epoch: Epoch(2), clock: entry.clock)
            for command in try CommandBatch.decode(entry.payload) { _ = state.apply(command) }
        }
        try append(value(1), HardState(term: Term(2), votedFor: MemberID(0xA1)))
        for index: UInt64 in 2...6 { try append(value(index)) }
        let position = LogPosition(index: LogIndex(6), term: Term(2), clock: 60)
        let header = SnapshotHeader(
            cluster: oldCluster, base: LogBase(position: position, configuration: initial))
        var writer = try SnapshotWriter(header, on: disk)
        var image = StateImageWriter(state)
        while let piece = image.next(bytes: 100) { try writer.append(piece) }
        _ = try writer.finish()
        for index: UInt64 in 7...8 { try append(value(index)) }
        try append(last)
        return (disk, state)
    }

    @Test func `a whole directory is told whole, with the state at its snapshot and at its end`() throws {
        let (disk, state) = try DirectoryCheckTests.directory()
        let before = disk.durableSnapshot()
        let check = try DirectoryCheck(disk)
        #expect(check.findings.isEmpty && !check.isDamaged)
        #expect(check.snapshot?.index == 6 && check.snapshot?.revision == 6 && check.committedIndex == 6)
        #expect(check.end?.index == 9 && check.end?.revision == 9)
        let digits = String(state.stateHash, radix: 16)
        #expect(check.end?.hash == String(repeating: "0", count: 32 - digits.count) + digits)
        #expect(check.inspection.entries.map(\.index.rawValue) == Array(1...9))
        #expect(check.inspection.hardState == HardState(term: Term(2), votedFor: MemberID(0xA1)))
        #expect(disk.durableSnapshot() == before)
    }

    @Test func `a new member's directory and an empty one are told apart`() throws {
        let empty = SimulatedDisk(seed: 1)
        let nobody = try DirectoryCheck(empty)
        #expect(nobody.isDamaged && nobody.findings.map(\.file) == ["member"])
        #expect(nobody.findings.first?.what.contains("no member has ever lived here") == true)
        let disk = SimulatedDisk(seed: 2)
        _ = try DataDirectory.open(disk, newMember: MemberID(7), name: "a", segmentBytes: smallSegment)
        let fresh = try DirectoryCheck(disk)
        #expect(!fresh.isDamaged && fresh.findings.isEmpty && fresh.end == nil && fresh.inspection.entries.isEmpty)
    }

    /// Bytes that no checksum covers are the zeros behind the slots, the groups and in headers.
    @Test func `a flipped bit in every byte that means something is found and changes nothing`() throws {
        let (disk, _) = try DirectoryCheckTests.directory()
        let contents = disk.durableSnapshot()
        var (found, silent) = (0, 0)
        for (name, bytes) in contents.sorted(by: { $0.key < $1.key }) {
            for offset in stride(from: 0, to: bytes.count, by: step * 3) where bytes[offset] != 0 {
                disk.flipBit(offset, ofByte: offset, in: name)
                let damaged = disk.durableSnapshot()
                let check = try DirectoryCheck(disk)
                if check.findings.isEmpty { silent += 1 } else { found += 1 }
                #expect(
                    !check.findings.isEmpty && check.findings.allSatisfy { $0.file == name || $0.file == "log" }
                        || name.hasPrefix("log-"), "byte \(offset) of \(name)")
                #expect(disk.durableSnapshot() == damaged)
                disk.replaceContents(of: name, with: bytes)
            }
        }
        #expect(found * step > 200 && silent == 0, "\(found) found, \(silent) not")
    }

    @Test func `a file that is cut or missing is named`() throws {
        let (disk, _) = try DirectoryCheckTests.directory()
        let files = disk.durableSnapshot().sorted { $0.key < $1.key }
        for (name, bytes) in files where bytes.contains(where: { $0 != 0 }) {
            disk.replaceContents(of: name, with: [UInt8](bytes.prefix(bytes.count / 2 + 1)))
            let cut = try DirectoryCheck(disk)
            #expect(cut.findings.contains { $0.file == name }, "\(name) was cut")
            disk.discard(name)
            let missing = try DirectoryCheck(disk)
            // A snapshot that is not there is missed by nobody as long as the log is.
            #expect(missing.isDamaged || name.hasPrefix("snapshot-"), "\(name) is missing")
            disk.replaceContents(of: name, with: bytes)
        }
        #expect(try DirectoryCheck(disk).findings.isEmpty)
    }

    @Test func `a torn last group is a remark, and is not cut off`() throws {
        let (disk, _) = try DirectoryCheckTests.directory()
        let name = "log-0000000000000002"
        let last = try #require(
            disk.durableSnapshot().filter { $0.key.hasPrefix("log-") && $0.value.contains { $0 != 0 } }
                .max { $0.key < $1.key })
        let end = try #require(last.value.lastIndex { $0 != 0 })
        disk.flipBit(1, ofByte: end, in: last.key)
        let before = disk.durableSnapshot()
        let check = try DirectoryCheck(disk)
        #expect(!check.isDamaged && check.findings.map(\.severity) == [.remark], "\(check.findings) \(name)")
        #expect(check.findings.first?.file == last.key && check.end?.index == 8)
        #expect(disk.durableSnapshot() == before)
    }

    @Test func `a state that was found to be wrong is told, with what the member needs`() throws {
        let (disk, _) = try DirectoryCheckTests.directory()
        var (snapshots, _) = try SnapshotStore.open(disk)
        try snapshots.distrust(upTo: LogIndex(7))
        let before = disk.durableSnapshot()
        let check = try DirectoryCheck(disk)
        #expect(check.isDamaged && check.findings.map(\.file) == ["distrusted"])
        #expect(check.findings.first?.what.hasSuffix("snapshot of entry 7 or a later one") == true)
        #expect(disk.durableSnapshot() == before)
    }

    @Test func `leftovers and a bad vote slot are remarks`() throws {
        let (disk, _) = try DirectoryCheckTests.directory()
        disk.replaceContents(of: "snapshot-incoming.new", with: [1, 2])
        disk.flipBit(0, ofByte: block + 20, in: "vote")
        let check = try DirectoryCheck(disk)
        #expect(!check.isDamaged && check.findings.map(\.file) == ["vote", "snapshot-incoming.new"])
        #expect(check.findings.first?.offset == block)
        disk.flipBit(0, ofByte: 20, in: "vote")
        #expect(try DirectoryCheck(disk).findings.contains { $0.file == "vote" && $0.severity == .damage })
    }

    @Test func `a snapshot that is whole and holds no state is damage`() throws {
        let (disk, _) = try DirectoryCheckTests.directory()
        let position = LogPosition(index: LogIndex(8), term: Term(2), clock: 80)
        let header = SnapshotHeader(
            cluster: oldCluster, base: LogBase(position: position, configuration: DirectoryCheckTests.initial))
        var writer = try SnapshotWriter(header, on: disk)
        try writer.append([9, 9, 9])
        let stored = try writer.finish()
        let check = try DirectoryCheck(disk)
        #expect(check.isDamaged && check.findings.map(\.file) == [stored.fileName])
        #expect(check.end == nil)
    }

    @Test func `an entry of a feature level beyond this build is named and not applied`() throws {
        let level = ModelLimits.featureLevel + 1
        let raise = DirectoryCheckTests.entry(9, [put("/x", "1"), Command(operation: .raiseFeatureLevel(level))])
        let (disk, _) = try DirectoryCheckTests.directory(last: raise)
        let check = try DirectoryCheck(disk)
        #expect(check.isDamaged && check.findings.map(\.file) == ["log"])
        #expect(check.findings.first?.what.contains("entry 9 is whole, and needs feature level \(level)") == true)
        #expect(check.end?.index == 8 && check.end?.revision == 8)
    }

    @Test func `a restored directory passes`() throws {
        let disk = SimulatedDisk(seed: 1)
        let restoration = Restoration(member: MemberID(0xB1), name: "new", peerAddress: "127.0.0.1:7401")
        let summary = try restoration.make(try read(backup()), on: disk, segmentBytes: smallSegment)
        let check = try DirectoryCheck(disk)
        #expect(check.findings.isEmpty && check.end == check.snapshot)
        #expect(check.end?.hash == summary.state?.hash && check.end?.revision == summary.state?.revision)
    }
}
