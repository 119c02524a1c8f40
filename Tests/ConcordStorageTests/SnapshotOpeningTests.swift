import ConcordRaft
import ConcordSimulator
import ConcordStorage
import Testing

/// A group of two entries fills a block; a segment has three blocks.
private let segmentBytes = 3 * block

private func open(_ disk: SimulatedDisk) throws(StorageError) -> DataDirectory<SimulatedDisk> {
    try openDirectory(disk, segmentBytes: segmentBytes)
}

/// Groups of two entries of term 1 up to `last`.
private func logged(_ last: UInt64) throws(StorageError) -> SimulatedDisk {
    let disk = SimulatedDisk(seed: 1)
    var opened = try open(disk)
    try opened.log.write([write(HardState(term: Term(1), votedFor: MemberID(7)), [])])
    for first in stride(from: 1, to: last, by: 2) {
        try opened.log.write([write(entries(first...first + 1, term: 1))])
    }
    return disk
}

private func damage(_ group: UInt64, of disk: SimulatedDisk) {
    disk.flipBit(0, ofByte: Int(group % 3) * block + 120, in: logFile(group / 3 + 1))
}

private func expectRefusal(_ disk: SimulatedDisk, file: String, _ context: String) {
    let before = disk.allContents()
    do throws(StorageError) {
        _ = try open(disk)
        Issue.record("\(context): opened")
    } catch {
        guard case .damaged(file, _, _) = error else {
            Issue.record("\(context): \(error)")
            return
        }
    }
    #expect(disk.allContents() == before, "\(context): a refusal changed something")
}

/// What a log becomes beside a snapshot that came before it was told of it.
@Suite struct SnapshotOpeningTests {
    @Test func `a log that ends before the snapshot goes on behind it`() throws {
        for (index, term) in [(9, 1), (30, 1), (30, 4)] as [(UInt64, UInt64)] {
            let disk = try logged(8)
            _ = try writeSnapshot(index, term: term, on: disk)
            var opened = try open(disk)
            #expect(opened.recovered.released == position(index, term: term))
            #expect(opened.recovered.entries.isEmpty)
            #expect(opened.recovered.notes == [.logReset(base: LogIndex(index))])
            let vote = term == 1 ? MemberID(7) : nil
            #expect(opened.recovered.hardState == HardState(term: Term(term), votedFor: vote))
            try opened.log.write([write(entries(index + 1...index + 3, term: term))])
            disk.cutPower()
            disk.restart()
            opened = try open(disk)
            #expect(opened.recovered.notes.isEmpty)
            #expect(opened.recovered.released == position(index, term: term))
            #expect(opened.recovered.entries == entries(index + 1...index + 3, term: term))
            #expect(opened.recovered.hardState == HardState(term: Term(term), votedFor: vote))
        }
    }

    @Test func `a log of another history is dropped for the snapshot`() throws {
        for index: UInt64 in 1...8 {
            let disk = try logged(8)
            _ = try writeSnapshot(index, term: 2, on: disk)
            for notes: [RecoveryNote] in [[.logReset(base: LogIndex(index))], []] {
                let recovered = try open(disk).recovered
                #expect(recovered.released == position(index, term: 2) && recovered.entries.isEmpty)
                #expect(recovered.hardState == HardState(term: Term(2), votedFor: nil))
                #expect(recovered.notes == notes)
            }
        }
    }

    @Test func `a log that contains the snapshot's entry stays as it is`() throws {
        let disk = try logged(8)
        let before = disk.contents(of: logFile(1))
        for index: UInt64 in 1...8 {
            _ = try writeSnapshot(index, term: 1, on: disk)
            let recovered = try open(disk).recovered
            #expect(recovered.released == .start && recovered.entries == entries(1...8, term: 1))
            #expect(recovered.hardState == HardState(term: Term(1), votedFor: MemberID(7)))
            #expect(recovered.notes.isEmpty)
        }
        #expect(disk.contents(of: logFile(1)) == before)
    }

    @Test func `a snapshot and an entry of one term with two clocks are refused`() throws {
        let disk = try logged(8)
        var strange = header(5, term: 1)
        strange.base.position.clock += 1
        _ = try writeSnapshot(strange, [], on: disk)
        expectRefusal(disk, file: "snapshot-0000000000000005-0000000000000001", "two clocks")
    }

    @Test func `if the newest snapshot rots the one before it serves when the log reaches back to it`() throws {
        let disk = try logged(14)
        let older = try writeSnapshot(6, term: 1, on: disk)
        let newer = try writeSnapshot(12, term: 1, on: disk)
        var opened = try open(disk)
        try opened.log.release(upTo: LogIndex(6))
        opened = try open(disk)
        #expect(opened.snapshot == newer && opened.snapshots.kept == [newer, older])
        disk.flipBit(2, ofByte: 140, in: "snapshot-000000000000000c-0000000000000001")
        opened = try open(disk)
        #expect(opened.snapshot == older && opened.snapshots.kept == [older])
        #expect(opened.recovered.released == position(6, term: 1))
        #expect(opened.recovered.entries == entries(7...14, term: 1))
        guard case .snapshotUnusable("snapshot-000000000000000c-0000000000000001", _, _)? = opened.recovered.notes.first
        else {
            Issue.record("\(opened.recovered.notes)")
            return
        }
        try opened.log.release(upTo: LogIndex(12))
        expectRefusal(disk, file: logFile(3), "the log was released up to the newer one")
    }

    /// The log may have been dropped for the newer one, or never have held what it stands for.
    @Test func `beside a newer snapshot that rotted no log is reset to an older one`() throws {
        for (index, term) in [(20, 1), (5, 2)] as [(UInt64, UInt64)] {
            let disk = try logged(8)
            _ = try writeSnapshot(index, term: term, on: disk)
            _ = try writeSnapshot(30, term: 3, on: disk)
            disk.flipBit(2, ofByte: 140, in: "snapshot-000000000000001e-0000000000000003")
            expectRefusal(disk, file: "snapshot-000000000000001e-0000000000000003", "\(index)")
            // An older one that rotted is no such reason.
            disk.discard("snapshot-000000000000001e-0000000000000003")
            disk.replaceContents(of: "snapshot-0000000000000001-0000000000000001", with: [1, 2, 3])
            #expect(try open(disk).recovered.released == position(index, term: term))
        }
    }

    @Test func `damage that a snapshot stands for is told of and harmless`() throws {
        // Groups 0 to 6 hold entries 1 to 14. A later one is always there, so each is damage.
        for group: UInt64 in 0..<6 {
            let last = 2 * group + 2
            for index: UInt64 in 1...14 {
                let disk = try logged(14)
                _ = try writeSnapshot(index, term: 1, on: disk)
                damage(group, of: disk)
                guard index >= last else {
                    expectRefusal(disk, file: logFile(group / 3 + 1), "group \(group), snapshot \(index)")
                    continue
                }
                let recovered = try open(disk).recovered
                let released = max(last, min(index, last + 1))
                #expect(recovered.released == position(released, term: 1), "group \(group), snapshot \(index)")
                #expect(recovered.entries == entries(released + 1...14, term: 1), "group \(group), snapshot \(index)")
                #expect(recovered.notes.count == 1)
            }
        }
    }

    @Test func `damage in a released log's first group is judged by the snapshot alone`() throws {
        for index: UInt64 in 7...13 {
            let disk = try logged(14)
            _ = try writeSnapshot(index, term: 1, on: disk)
            var opened = try open(disk)
            try opened.log.release(upTo: LogIndex(6))
            damage(3, of: disk)
            guard index >= 8 else {
                expectRefusal(disk, file: logFile(2), "snapshot \(index)")
                continue
            }
            opened = try open(disk)
            #expect(opened.recovered.entries.last == entries(14...14, term: 1).last)
            #expect(opened.recovered.released.index >= LogIndex(8) && opened.recovered.notes.count == 1)
        }
    }

    @Test func `a released log whose only group is doubtful goes on from the snapshot`() throws {
        for byte in [20, 120] {
            let alone = try logged(8)
            _ = try writeSnapshot(6, term: 1, on: alone)
            var opened = try open(alone)
            try opened.log.release(upTo: LogIndex(6))
            alone.flipBit(0, ofByte: byte, in: logFile(2))
            expectRefusal(alone, file: logFile(2), "no other member has entry 8")
            let disk = try logged(8)
            _ = try writeSnapshot(6, term: 1, voters: 3, on: disk)
            opened = try open(disk)
            try opened.log.release(upTo: LogIndex(6))
            #expect(logFiles(disk) == [logFile(2), logFile(3)])
            disk.flipBit(0, ofByte: byte, in: logFile(2))
            opened = try open(disk)
            #expect(opened.recovered.released == position(6, term: 1) && opened.recovered.entries.isEmpty)
            #expect(opened.recovered.notes.count == 2)
            for first: UInt64 in stride(from: 7, to: 20, by: 2) {
                try opened.log.write([write(entries(first...first + 1, term: 1))])
            }
            opened = try open(disk)
            #expect(opened.recovered.released == position(6, term: 1))
            #expect(opened.recovered.entries == entries(7...20, term: 1) && opened.recovered.notes.isEmpty)
        }
    }

    /// The header says what stood before the group, and no snapshot that is left reaches it.
    @Test func `a doubtful group alone behind an older snapshot is refused`() throws {
        let disk = try logged(8)
        _ = try writeSnapshot(5, term: 1, on: disk)
        var opened = try open(disk)
        try opened.log.release(upTo: LogIndex(6))
        disk.flipBit(0, ofByte: 120, in: logFile(2))
        expectRefusal(disk, file: logFile(2), "entry 6 is nowhere")
    }

    @Test func `a base that rotted before later groups is superseded by its snapshot`() throws {
        let disk = try logged(4)
        _ = try writeSnapshot(20, term: 2, on: disk)
        var opened = try open(disk)
        try opened.log.write([write(entries(21...22, term: 2))])
        disk.flipBit(0, ofByte: 2 * block + 120, in: logFile(1))
        opened = try open(disk)
        #expect(opened.recovered.released == position(20, term: 2))
        #expect(opened.recovered.entries == entries(21...22, term: 2))
        #expect(opened.recovered.notes.count == 1)
    }

    @Test func `a base that rotted as the last group is written again`() throws {
        let disk = try logged(4)
        _ = try writeSnapshot(20, term: 2, on: disk)
        _ = try open(disk)
        disk.flipBit(0, ofByte: 2 * block + 120, in: logFile(1))
        for count in [2, 0] {
            let recovered = try open(disk).recovered
            #expect(recovered.released == position(20, term: 2) && recovered.entries.isEmpty)
            #expect(recovered.notes.count == count)
        }
    }
}
