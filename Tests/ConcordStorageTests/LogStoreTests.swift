import ConcordRaft
import ConcordSimulator
import ConcordStorage
import Testing

@Suite struct LogStoreTests {
    @Test func `a new directory holds an empty log of term zero`() throws {
        let disk = SimulatedDisk(seed: 1)
        let opened = try openDirectory(disk)
        #expect(PlainLog(opened.recovered) == PlainLog())
        #expect(opened.recovered.notes.isEmpty)
        #expect(opened.member.record == MemberRecord(id: ownID, name: "a", boot: 1))
    }

    @Test func `what was written is there after a power cut`() throws {
        let disk = SimulatedDisk(seed: 1)
        var log = try openDirectory(disk).log
        let state = HardState(term: Term(3), votedFor: MemberID(9))
        try log.write([write(state, entries(1...5, term: 3))])
        try log.write([write(entries(6...6, term: 3, bytes: 9000)), write(entries(7...8, term: 3))])
        disk.cutPower()
        disk.restart()
        let recovered = try openDirectory(disk).recovered
        #expect(recovered.hardState == state)
        #expect(recovered.entries.map(\.index.rawValue) == Array(1...8))
        #expect(recovered.notes.isEmpty)
    }

    @Test func `a group is one write and one fsync, with a zero block behind it`() throws {
        let disk = SimulatedDisk(seed: 1)
        disk.keepsHistory = true
        var log = try openDirectory(disk).log
        // Something behind the end that is not zero, as in a file that was used before.
        var bytes = disk.contents(of: "log-0000000000000001") ?? []
        for offset in block..<bytes.count { bytes[offset] = 0x55 }
        disk.replaceContents(of: "log-0000000000000001", with: bytes)
        let before = disk.history.count
        try log.write([write(entries(1...2, term: 0)), write(entries(3...3, term: 0))])
        #expect(Array(disk.history[before...]) == ["write log-0000000000000001", "synchronize log-0000000000000001"])
        let after = try #require(disk.contents(of: "log-0000000000000001"))
        #expect(after[block..<2 * block].allSatisfy { $0 == 0 })
        #expect(after[2 * block] == 0x55)
    }

    @Test func `the first failure of a write is the last thing that the log does`() throws {
        for (fault, kind) in [
            (SimulatedDisk.Fault.ioError, DiskError.Kind.failed(errno: 5)), (.full, .full),
        ] {
            for operation in 1...6 {
                let disk = SimulatedDisk(seed: 1)
                var log = try openDirectory(disk).log
                disk.arm(fault, at: disk.operations + operation)
                let expected = disk.operations + operation
                do throws(StorageError) {
                    try log.write([write(HardState(term: Term(1), votedFor: nil), entries(1...1, term: 1))])
                    Issue.record("written")
                } catch {
                    guard case .disk(let told) = error, told.kind == kind else {
                        Issue.record("\(error)")
                        continue
                    }
                }
                #expect(disk.operations == expected)
            }
        }
    }

    @Test func `a log that failed once cannot be used again`() async {
        await #expect(processExitsWith: .failure) {
            let disk = SimulatedDisk(seed: 1)
            var log = try openDirectory(disk).log
            disk.arm(.ioError, at: disk.operations + 1)
            _ = try? log.write([write(entries(1...1, term: 1))])
            try log.write([])
        }
    }

    @Test func `a hole, a term that goes back and a changed vote are our bugs`() async {
        await #expect(processExitsWith: .failure) {
            var log = try openDirectory(SimulatedDisk(seed: 1)).log
            try log.write([write(entries(2...2, term: 1))])
        }
        await #expect(processExitsWith: .failure) {
            var log = try openDirectory(SimulatedDisk(seed: 1)).log
            try log.write([write(HardState(term: Term(2), votedFor: nil), [])])
            try log.write([write(HardState(term: Term(1), votedFor: nil), [])])
        }
        await #expect(processExitsWith: .failure) {
            var log = try openDirectory(SimulatedDisk(seed: 1)).log
            try log.write([write(HardState(term: Term(2), votedFor: MemberID(1)), [])])
            try log.write([write(HardState(term: Term(2), votedFor: MemberID(2)), [])])
        }
    }

    @Test func `every note says where and what`() {
        let group = DoubtfulGroup(
            file: "f", offset: 12, what: "why",
            claim: DoubtfulGroup.Claim(firstIndex: LogIndex(3), lastIndex: LogIndex(5), lastTerm: Term(2)))
        let notes: [(RecoveryNote, [String])] = [
            (.doubtfulGroupCut(group), ["f at offset 12: why", "entries 3 to 5", "term 2", "Check the disk"]),
            (.unfinishedGroupCut(group), ["f at offset 12", "nothing is lost"]),
            (.damageCut(file: "f", offset: 12, what: "why", from: LogIndex(3)), ["offset 12 (why)", "entries from 3"]),
            (.supersededDamage(file: "f", offset: 12, what: "why"), ["f is damaged at offset 12 (why)", "nothing is"]),
            (.voteSlotRepaired(slot: 1), ["slot 1 of vote"]),
            (.snapshotUnusable(file: "f", offset: 12, what: "why"), ["f cannot be used", "offset 12: why"]),
            (.logReset(base: LogIndex(9)), ["entry 9"]),
            (.stateDistrusted(upTo: LogIndex(9)), ["wrong", "entry 9 or a later one", "remove the file distrusted"]),
        ]
        for (note, parts) in notes {
            for part in parts { #expect(note.description.contains(part), "\(note)") }
        }
    }

    @Test func `every error says where and what to do`() {
        let errors: [(StorageError, [String])] = [
            (.disk(DiskError(.full, operation: "write x")), ["write x: no space", "start it again"]),
            (.full(DiskError(.full, operation: "create x")), ["create x: no space", "Nothing", "start this member"]),
            (.damaged(file: "f", offset: 12, what: "why"), ["f is damaged at offset 12: why", "new id"]),
            (.newerFormat(file: "f", found: 9, known: 1), ["f has format 9", "newer version"]),
            (.unreadableRecord(file: "f", offset: 12), ["f holds at offset 12", "newer version"]),
            (.bothVoteSlotsBad, ["vote", "offsets 0 and 4096", "new id"]),
            (.memberRecordMissing(file: "f"), ["member is missing", "f has content", "new id"]),
        ]
        for (error, parts) in errors {
            for part in parts { #expect(error.description.contains(part), "\(error)") }
        }
    }
}
