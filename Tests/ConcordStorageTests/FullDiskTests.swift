import ConcordRaft
import ConcordSimulator
import ConcordStorage
import Testing

/// A disk without room for anything new: what was allocated before serves on.
@Suite struct FullDiskTests {
    private let bytes = 4 * block

    private func names(_ disk: SimulatedDisk) throws -> [String] { try disk.list().filter { $0.hasPrefix("log-") } }

    private func numbered(_ number: UInt64, _ entries: [Entry]) -> LogWrite {
        LogWrite(sequence: WriteSequence(number), hardState: nil, entries: entries)
    }

    /// A log whose current segment is the second one, with a helper that has been asked for the third.
    private func logInSecondSegment(
        _ disk: SimulatedDisk
    ) throws -> (opened: DataDirectory<SimulatedDisk>, next: SegmentPreparation) {
        var opened = try openDirectory(disk, segmentBytes: bytes)
        let isThere = opened.log.nextPreparation() == nil
        #expect(isThere)
        for index in UInt64(1)...5 { #expect(try opened.log.write([write(entries(index...index, term: 0))]) == nil) }
        let next = opened.log.nextPreparation()
        return (opened, try #require(next))
    }

    @Test func `the log goes on to the end of its segment, then tells what found no room`() throws {
        let disk = SimulatedDisk(seed: 1)
        var (opened, next) = try logInSecondSegment(disk)
        disk.fill(leaving: 0)
        var other = disk
        #expect(throws: StorageError.full(DiskError(.full, operation: "write log-0000000000000003.new"))) {
            try next.run(on: &other)
        }
        try next.discard(on: &other)
        // Two groups of one block more; the last one of a segment needs the next segment behind it.
        #expect(try opened.log.write([numbered(6, entries(6...6, term: 0))]) == nil)
        #expect(try opened.log.write([numbered(7, entries(7...7, term: 0))]) == nil)
        let vote = HardState(term: Term(3), votedFor: MemberID(9))
        let before = disk.operations
        let unwritten = try opened.log.write([
            numbered(8, []), numbered(9, entries(8...8, term: 0)),
            LogWrite(sequence: WriteSequence(10), hardState: vote, entries: entries(9...9, term: 3)),
        ])
        #expect(unwritten?.finished == WriteSequence(8))
        #expect(unwritten?.rest == numbered(10, entries(8...8, term: 0) + entries(9...9, term: 3)))
        #expect(disk.operations == before + 4, "the vote has its room, and nothing else was touched")
        disk.capacityBytes = nil
        try next.run(on: &other)
        opened.log.prepared(next)
        #expect(try opened.log.write([try #require(unwritten).rest]) == nil)
        disk.cutPower()
        disk.restart()
        let recovered = try openDirectory(disk, segmentBytes: bytes).recovered
        #expect(recovered.entries.count == 9 && recovered.hardState == vote)
    }

    @Test func `what is done of several writes is told as far as all of it is durable`() throws {
        let disk = SimulatedDisk(seed: 1)
        var opened = try openDirectory(disk, segmentBytes: bytes)
        let isThere = opened.log.nextPreparation() == nil
        #expect(isThere)
        // One of these takes three of the four blocks of a segment, so two segments have room for two.
        let large = { (index: UInt64, term: UInt64) in entries(index...index, term: term, bytes: 9000) }
        let unwritten = try opened.log.write([
            numbered(1, large(1, 0)), numbered(2, large(2, 0)), numbered(3, large(2, 1)), numbered(4, large(3, 1)),
            numbered(5, []),
        ])
        #expect(unwritten?.finished == WriteSequence(3))
        let rest = try #require(unwritten?.rest)
        #expect(rest == numbered(5, large(3, 1)))
        let preparation = opened.log.nextPreparation()
        let next = try #require(preparation)
        var other = disk
        try next.run(on: &other)
        opened.log.prepared(next)
        // A later write replaces what waited.
        #expect(try opened.log.write([rest, numbered(6, large(3, 2))]) == nil)
        let recovered = try openDirectory(disk, segmentBytes: bytes).recovered
        #expect(recovered.entries == large(1, 0) + large(2, 1) + large(3, 2))
    }

    @Test(arguments: 1...5)
    func `a segment that finds no room at any operation leaves nothing behind, and is made later`(operation: Int) throws
    {
        let disk = SimulatedDisk(seed: 1)
        var (opened, next) = try logInSecondSegment(disk)
        let before = try names(disk)
        disk.keepsHistory = true
        disk.arm(.full, at: disk.operations + operation)
        var other = disk
        do throws(StorageError) {
            try next.run(on: &other)
        } catch {
            if disk.history.last == "synchronize directory" {
                guard case .disk = error else {
                    Issue.record("a name in doubt passes for mere want of room")
                    return
                }
                return
            }
            guard case .full = error else {
                Issue.record("\(error)")
                return
            }
            try next.discard(on: &other)
            #expect(try names(disk) == before)
            try next.run(on: &other)
        }
        opened.log.prepared(next)
        #expect(try opened.log.write([write(entries(6...9, term: 0, bytes: 2000))]) == nil)
    }

    @Test func `a directory on a full disk is opened, votes, and goes on to the end of its segment`() throws {
        let disk = SimulatedDisk(seed: 1)
        _ = try logInSecondSegment(disk)
        disk.kill()
        disk.restart()
        // As much as the record of the member needs, and far from a segment.
        disk.fill(leaving: block)
        var opened = try openDirectory(disk, segmentBytes: bytes)
        #expect(opened.recovered.entries.count == 5 && opened.recovered.notes.isEmpty)
        #expect(try names(disk).allSatisfy { !$0.hasSuffix(".new") })
        let isMissing = opened.log.nextPreparation() != nil
        #expect(isMissing)
        let vote = HardState(term: Term(2), votedFor: MemberID(4))
        #expect(try opened.log.write([write(vote, entries(6...6, term: 2))]) == nil)
        #expect(try opened.log.write([write(entries(7...60, term: 2, bytes: 2000))]) != nil)
    }

    @Test func `a snapshot that finds no room at any operation is thrown away, and the next one is good`() throws {
        let rehearsal = SimulatedDisk(seed: 1)
        _ = try writeSnapshot(4, term: 1, on: rehearsal)
        for operation in 1...rehearsal.operations {
            let disk = SimulatedDisk(seed: 1)
            disk.keepsHistory = true
            disk.arm(.full, at: operation)
            do throws(StorageError) {
                var writer = try SnapshotWriter(header(4, term: 1), on: disk)
                do throws(StorageError) {
                    for piece in pieces(4) { try writer.append(piece) }
                    _ = try writer.finish()
                    Issue.record("operation \(operation) did not meet the full disk")
                } catch {
                    guard case .full = error else { throw error }
                    try writer.discard()
                }
            } catch {
                if case .disk = error {
                    #expect(disk.history[operation - 1] == "synchronize directory", "operation \(operation)")
                    continue
                }
            }
            #expect(try disk.list().isEmpty, "operation \(operation)")
            let stored = try writeSnapshot(4, term: 1, on: disk)
            #expect(try readPieces(stored, on: disk) == pieces(4))
        }
    }
}
