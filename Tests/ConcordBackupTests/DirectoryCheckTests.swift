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
    /// - Parameters:
    ///   - last: in place of entry 9.
    ///   - doubt: written with it.
    private static func directory(
        last: Entry = value(9), doubt: Doubt? = nil
    ) throws -> (disk: SimulatedDisk, state: StateMachine) {
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
        try append(last, doubt.map { HardState(term: $0.term, votedFor: MemberID(0xA1), doubt: $0) })
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

    /// Where a sector's first or last byte only tells that the sector was written.
    private func isTooth(_ offset: Int) -> Bool { offset % 512 == 511 || offset % 512 == 0 && offset % block != 0 }

    /// Bytes that no checksum covers are the teeth, and the zeros behind the slots, the groups and in headers.
    @Test func `a flipped bit in every byte that means something is found and changes nothing`() throws {
        let (disk, _) = try DirectoryCheckTests.directory()
        let contents = disk.durableSnapshot()
        var (found, silent) = (0, 0)
        for (name, bytes) in contents.sorted(by: { $0.key < $1.key }) {
            for offset in stride(from: 0, to: bytes.count, by: step * 3)
            where bytes[offset] != 0 && !(name.hasPrefix("log-") && isTooth(offset)) {
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

    /// The last group of the log: its file, where it begins and its last byte.
    private static func lastGroup(_ disk: SimulatedDisk) throws -> (file: String, start: Int, end: Int) {
        let last = try #require(
            disk.durableSnapshot().filter { $0.key.hasPrefix("log-") && $0.value.contains { $0 != 0 } }
                .max { $0.key < $1.key })
        let end = try #require(last.value.lastIndex { $0 != 0 })
        return (last.key, end / block * block, end)
    }

    @Test func `a last group that was never written to its end is a remark, and is not cut off`() throws {
        let long = put("/long", String(repeating: "x", count: 700))
        let (disk, _) = try DirectoryCheckTests.directory(last: DirectoryCheckTests.entry(9, [long]))
        let last = try DirectoryCheckTests.lastGroup(disk)
        var bytes = try #require(disk.durableSnapshot()[last.file])
        let sector = last.end / 512 * 512
        bytes.replaceSubrange(sector..<sector + 512, with: [UInt8](repeating: 0, count: 512))
        disk.replaceContents(of: last.file, with: bytes)
        let before = disk.durableSnapshot()
        let check = try DirectoryCheck(disk)
        #expect(!check.isDamaged && check.findings.map(\.severity) == [.remark], "\(check.findings)")
        #expect(check.findings.first?.what.contains("never written to its end") == true && sector > last.start)
        #expect(check.end?.index == 8)
        #expect(disk.durableSnapshot() == before)
    }

    @Test func `a last group that was whole once is damage, and is not cut off`() throws {
        let (disk, _) = try DirectoryCheckTests.directory()
        let last = try DirectoryCheckTests.lastGroup(disk)
        disk.flipBit(1, ofByte: last.start + 120, in: last.file)
        let before = disk.durableSnapshot()
        let check = try DirectoryCheck(disk)
        #expect(check.findings.map(\.severity) == [.damage], "\(check.findings)")
        let finding = try #require(check.findings.first)
        #expect(finding.file == last.file && finding.offset == last.start)
        #expect(finding.what.hasSuffix("it says that it held the entries 9 to 9"), "\(finding.what)")
        #expect(check.end?.index == 8)
        #expect(disk.durableSnapshot() == before)
    }

    @Test func `damage within the log is told with what is lost, unless a snapshot stands for it`() throws {
        let (disk, _) = try DirectoryCheckTests.directory()
        let starts = disk.durableSnapshot().filter { $0.key.hasPrefix("log-") }.sorted { $0.key < $1.key }
            .flatMap { name, bytes in
                stride(from: 0, to: bytes.count, by: block).filter { bytes[$0] != 0 }.map { (name, $0) }
            }
        #expect(starts.count == 9, "each entry is a group of one block")
        // Entries 7 and 8 stand behind the snapshot, entry 4 before it.
        for (number, index) in [(7, UInt64(7)), (6, 7), (3, 9)] {
            let (file, offset) = starts[number]
            disk.flipBit(1, ofByte: offset + 120, in: file)
            let check = try DirectoryCheck(disk)
            let expected: [DirectoryFinding.Severity] = number > 5 ? [.damage] : [.remark]
            #expect(check.findings.map(\.severity) == expected, "\(check.findings)")
            #expect(check.findings.map(\.file) == [file] && check.findings.map(\.offset) == [offset])
            #expect(check.end?.index == (number == 7 ? 7 : number == 6 ? 6 : index))
            disk.flipBit(1, ofByte: offset + 120, in: file)
        }
    }

    @Test func `a member in doubt is told, with what it has lost`() throws {
        let claim = LastEntry(term: Term(2), index: LogIndex(12))
        let (disk, _) = try DirectoryCheckTests.directory(doubt: Doubt(term: Term(5), claim: claim, isDamage: true))
        let check = try DirectoryCheck(disk)
        #expect(!check.isDamaged && check.findings.map(\.file) == ["vote"])
        #expect(check.findings.first?.what.contains("up to 12 of term 2, and is in doubt") == true)
        let over = Doubt(term: Term(2), claim: claim, isDamage: true)
        #expect(try DirectoryCheck(DirectoryCheckTests.directory(doubt: over).disk).findings.isEmpty)
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
