import ConcordBytes
import ConcordRaft
import ConcordSimulator
import ConcordStorage
import Testing

@Suite struct VoteFileTests {
    private let state = HardState(term: Term(5), votedFor: MemberID(1 << 127 | 3))

    private func voted() throws -> SimulatedDisk {
        let disk = SimulatedDisk(seed: 2)
        var opened = try openDirectory(disk)
        try opened.log.write([write(HardState(term: Term(4), votedFor: nil), [])])
        try opened.log.write([write(state, [])])
        return disk
    }

    @Test func `a doubt is told again as it was written, and a flipped bit anywhere changes none`() throws {
        let claim = LastEntry(term: Term(6), index: LogIndex(90))
        let doubts = [
            Doubt(term: Term(7), claim: nil, isDamage: false), Doubt(term: Term(7), claim: claim, isDamage: false),
            Doubt(term: Term(7), claim: claim, isDamage: true),
        ]
        for doubt in doubts {
            let disk = SimulatedDisk(seed: 2)
            var opened = try openDirectory(disk)
            let doubtful = HardState(term: Term(7), votedFor: MemberID(3), doubt: doubt)
            try opened.log.write([write(doubtful, [])])
            let contents = disk.allContents()
            for offset in stride(from: 0, to: 2 * block, by: step) {
                disk.flipBit(offset, ofByte: offset, in: "vote")
                #expect(try openDirectory(disk).recovered.hardState == doubtful, "byte \(offset)")
                disk.restore(contents)
            }
            var again = try openDirectory(disk)
            try again.log.write([write(HardState(term: Term(8), votedFor: nil), [])])
            #expect(try openDirectory(disk).recovered.hardState == HardState(term: Term(8), votedFor: nil))
        }
    }

    @Test func `a flipped bit anywhere in the vote file changes no vote and is repaired`() throws {
        let disk = try voted()
        let contents = disk.allContents()
        for offset in stride(from: 0, to: 2 * block, by: step) {
            disk.flipBit(offset, ofByte: offset, in: "vote")
            let recovered = try openDirectory(disk).recovered
            #expect(recovered.hardState == state, "byte \(offset)")
            let isCovered = offset % block < 64
            #expect(recovered.notes == (isCovered ? [.voteSlotRepaired(slot: offset / block)] : []), "byte \(offset)")
            if isCovered {
                // The repaired slot now stands for the other one.
                disk.flipBit(0, ofByte: block - offset / block * block + 20, in: "vote")
                #expect(try openDirectory(disk).recovered.hardState == state, "byte \(offset)")
            }
            disk.restore(contents)
        }
    }

    @Test func `with both slots bad a member does not start and is told how to be replaced`() throws {
        let disk = try voted()
        let contents = disk.allContents()
        for first in 0..<64 {
            for second in [0, 7, 8, 20, 40, 63, (first * 5) % 64] {
                disk.flipBit(first, ofByte: first, in: "vote")
                disk.flipBit(second, ofByte: block + second, in: "vote")
                let damaged = disk.allContents()
                #expect(throws: StorageError.bothVoteSlotsBad) { _ = try openDirectory(disk) }
                #expect(disk.allContents() == damaged)
                disk.restore(contents)
            }
        }
        #expect(StorageError.bothVoteSlotsBad.description.contains("replace this member by a new id"))
    }

    @Test func `a vote file cut at any byte keeps its vote in the first slot or refuses`() throws {
        let disk = try voted()
        let contents = disk.allContents()
        for length in stride(from: 0, to: 2 * block, by: step) {
            disk.replaceContents(of: "vote", with: Array((contents["vote"] ?? [])[..<length]))
            if length < block {
                #expect(throws: StorageError.bothVoteSlotsBad) { _ = try openDirectory(disk) }
            } else {
                let recovered = try openDirectory(disk).recovered
                #expect(recovered.hardState == state, "cut to \(length)")
                #expect(recovered.notes == [.voteSlotRepaired(slot: 1)])
            }
            disk.restore(contents)
        }
        disk.discard("vote")
        #expect(throws: StorageError.damaged(file: "vote", offset: 0, what: "the file is missing")) {
            _ = try openDirectory(disk)
        }
    }

    @Test func `of two good slots the greater counter counts, not the greater term or place`() throws {
        let disk = try voted()
        let old = disk.contents(of: "vote") ?? []
        let newer = HardState(term: Term(5), votedFor: MemberID(1 << 127 | 3))
        var opened = try openDirectory(disk)
        try opened.log.write([write(HardState(term: Term(6), votedFor: nil), [])])
        let new = disk.contents(of: "vote") ?? []
        for slot in 0..<2 {
            var mixed = old
            mixed.replaceSubrange(slot * block..<(slot + 1) * block, with: new[slot * block..<(slot + 1) * block])
            disk.replaceContents(of: "vote", with: mixed)
            let recovered = try openDirectory(disk).recovered
            #expect(recovered.hardState == HardState(term: Term(6), votedFor: nil))
            #expect(recovered.notes == [.voteSlotRepaired(slot: 1 - slot)])
        }
        disk.replaceContents(of: "vote", with: old)
        #expect(try openDirectory(disk).recovered.hardState == newer)
        // A slot in the other's place is no slot.
        disk.replaceContents(of: "vote", with: Array(new[block...] + new[..<block]))
        #expect(throws: StorageError.bothVoteSlotsBad) { _ = try openDirectory(disk) }
    }

    @Test func `a vote that does not change is not written again`() throws {
        let disk = try voted()
        disk.keepsHistory = true
        var opened = try openDirectory(disk)
        let before = disk.history.count
        try opened.log.write([write(state, entries(1...1, term: 5))])
        #expect(disk.history[before...] == ["write log-0000000000000001", "synchronize log-0000000000000001"])
    }

    @Test func `a new vote is durable in both slots before an entry is written`() throws {
        let disk = try voted()
        disk.keepsHistory = true
        var opened = try openDirectory(disk)
        let before = disk.history.count
        let later = HardState(term: Term(9), votedFor: MemberID(2))
        try opened.log.write([
            write(HardState(term: Term(8), votedFor: nil), entries(1...1, term: 8)), write(entries(2...2, term: 8)),
            write(later, entries(2...3, term: 9)),
        ])
        let expected = [
            "write vote", "synchronize vote", "write vote", "synchronize vote",
            "write log-0000000000000001", "synchronize log-0000000000000001",
        ]
        #expect(Array(disk.history[before...]) == expected)
        let recovered = try openDirectory(disk).recovered
        #expect(recovered.hardState == later)
        #expect(recovered.entries == entries(1...1, term: 8) + entries(2...3, term: 9))
    }
}

@Suite struct MemberFileTests {
    private var record: MemberRecord {
        let members = (1...3).map {
            Configuration.Member(id: MemberID($0), name: "m\($0)", peerAddress: "10.0.0.\($0):7401")
        }
        return MemberRecord(
            id: ownID, name: "a", boot: 1, clusterID: ClusterID(1 << 100),
            initialConfiguration: Configuration(members: members))
    }

    @Test func `the record is told again as it was written, a boot later`() throws {
        let disk = SimulatedDisk(seed: 1)
        var opened = try openDirectory(disk)
        try opened.member.write(record)
        disk.cutPower()
        disk.restart()
        var expected = record
        for boot in 2...4 {
            expected.boot = UInt64(boot)
            #expect(try DataDirectory.open(disk, newMember: MemberID(8), name: "other").member.record == expected)
        }
    }

    @Test func `a member file with any bit flipped or cut anywhere is refused by its name`() throws {
        let disk = SimulatedDisk(seed: 1)
        var opened = try openDirectory(disk)
        try opened.member.write(record)
        let contents = disk.allContents()
        let bytes = contents["member"] ?? []
        for offset in bytes.indices {
            for bit in 0..<8 {
                disk.flipBit(bit, ofByte: offset, in: "member")
                expectDamagedMember(disk, "bit \(bit) of byte \(offset)")
                disk.restore(contents)
            }
            disk.replaceContents(of: "member", with: Array(bytes[..<offset]))
            expectDamagedMember(disk, "cut to \(offset)")
            disk.restore(contents)
        }
        disk.replaceContents(of: "member", with: bytes + [0])
        expectDamagedMember(disk, "a byte too many")
    }

    private func expectDamagedMember(_ disk: SimulatedDisk, _ context: String) {
        do throws(StorageError) {
            _ = try openDirectory(disk)
            Issue.record("\(context): opened")
        } catch {
            guard case .damaged("member", _, _) = error else {
                Issue.record("\(context): \(error)")
                return
            }
        }
    }

    @Test func `a record of a newer format is named`() throws {
        let disk = SimulatedDisk(seed: 1)
        _ = try openDirectory(disk)
        var bytes = disk.contents(of: "member") ?? []
        bytes[4] = 2
        let end = bytes.count - 4
        let checksum = CRC32C.checksum(bytes, in: 0..<end)
        for byte in 0..<4 { bytes[end + byte] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * byte)) }
        disk.replaceContents(of: "member", with: bytes)
        #expect(throws: StorageError.newerFormat(file: "member", found: 2, known: 1)) { _ = try openDirectory(disk) }
    }

    @Test func `a directory that lost its record is refused, not made anew`() throws {
        let disk = SimulatedDisk(seed: 1)
        var opened = try openDirectory(disk)
        try opened.log.write([write(entries(1...1, term: 0))])
        disk.discard("member")
        let before = disk.allContents()
        #expect(throws: StorageError.memberRecordMissing(file: "log-0000000000000001")) { _ = try openDirectory(disk) }
        try opened.log.write([write(HardState(term: Term(1), votedFor: nil), [])])
        #expect(throws: StorageError.memberRecordMissing(file: "vote")) { _ = try openDirectory(disk) }
        #expect(disk.allContents().keys == before.keys)
    }

    @Test func `what an unfinished making left is made anew`() throws {
        let disk = SimulatedDisk(seed: 1)
        disk.replaceContents(of: "vote", with: [UInt8](repeating: 0x55, count: 700))
        disk.replaceContents(of: "log-0000000000000001", with: [UInt8](repeating: 0, count: 2 * block))
        disk.replaceContents(of: "log-0000000000000002.new", with: [UInt8](repeating: 0x55, count: 3 * block))
        disk.replaceContents(of: "member.new", with: [UInt8](repeating: 0x55, count: 5000))
        let opened = try openDirectory(disk)
        #expect(opened.member.record.boot == 1)
        #expect(PlainLog(opened.recovered) == PlainLog())
        #expect(try openDirectory(disk).member.record.boot == 2)
    }
}
