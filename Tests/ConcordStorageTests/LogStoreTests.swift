import ConcordRaft
import ConcordSimulator
import ConcordStorage
import Testing

@Suite struct LogStoreTests {
    @Test func `a new directory holds an empty log of term zero`() throws {
        let disk = SimulatedDisk(seed: 1)
        let opened = try DataDirectory.open(disk, newMember: MemberID(7), name: "a", segmentBytes: smallSegment)
        #expect(opened.recovered.entries.isEmpty)
        #expect(opened.recovered.hardState == HardState(term: .zero, votedFor: nil))
        #expect(opened.recovered.notes.isEmpty)
        #expect(opened.member.record == MemberRecord(id: MemberID(7), name: "a", boot: 1))
    }

    @Test func `what was written is there after a restart`() throws {
        let disk = SimulatedDisk(seed: 1)
        var log = try openDirectory(disk).log
        let state = HardState(term: Term(3), votedFor: MemberID(9))
        try log.write([write(state, entries(1...5, term: 3))])
        try log.write([write(nil, entries(6...6, term: 3, bytes: 9000)), write(nil, entries(7...8, term: 3))])
        disk.cutPower()
        disk.restart()
        let recovered = try openDirectory(disk).recovered
        #expect(recovered.hardState == state)
        #expect(recovered.entries.map(\.index.rawValue) == Array(1...8))
        #expect(recovered.notes.isEmpty)
    }
}
