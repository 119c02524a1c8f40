import ConcordRaft
import ConcordSimulator
import ConcordStorage
import Testing

/// The mark of a state that is wrong: it outlives every crash, and goes last.
@Suite struct DistrustTests {
    /// Version 1, byte by byte, for index 0x0102, with a checksum that another program worked out. docs/formats.md
    private static let golden: [UInt8] = [
        0x43, 0x44, 0x53, 0x54, 1, 0, 0, 0, 24, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0x7F, 0xB5, 0xD9, 0xA3,
    ]

    /// A directory's disk with two snapshots of its own.
    private func diskWithSnapshots() throws -> SimulatedDisk {
        let disk = SimulatedDisk(seed: 1)
        _ = try writeSnapshot(header(9, term: 4), [[1, 2, 3]], on: disk)
        _ = try writeSnapshot(header(12, term: 4), [[4, 5]], on: disk)
        return disk
    }

    private func open(_ disk: SimulatedDisk) throws(StorageError) -> SnapshotStore<SimulatedDisk> {
        try SnapshotStore.open(disk).0
    }

    @Test func `the mark is written as version 1 byte by byte, and read again`() throws {
        let disk = try diskWithSnapshots()
        var store = try open(disk)
        #expect(store.distrusted == nil)
        try store.distrust(upTo: LogIndex(0x0102))
        #expect(disk.durableSnapshot()["distrusted"] == DistrustTests.golden)
        let (again, notes) = try SnapshotStore.open(disk)
        #expect(again.distrusted == LogIndex(0x0102))
        #expect(notes == [.stateDistrusted(upTo: LogIndex(0x0102))])
        #expect(again.kept.count == 2, "the log still goes on from them")
        try store.distrust(upTo: LogIndex(0x0203))
        #expect(try open(disk).distrusted == LogIndex(0x0203))
    }

    @Test func `a mark that is damaged anywhere says as much`() throws {
        let disk = try diskWithSnapshots()
        var spoiled = (0..<DistrustTests.golden.count * 8).map { bit in
            var bytes = DistrustTests.golden
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            return bytes
        }
        for end in 0..<DistrustTests.golden.count { spoiled.append(Array(DistrustTests.golden[..<end])) }
        spoiled.append(DistrustTests.golden + [0])
        for bytes in spoiled {
            disk.replaceContents(of: "distrusted", with: bytes)
            #expect(try open(disk).distrusted == LogIndex(12), "\(bytes)")
        }
    }

    @Test func `a mark of a newer version is refused`() throws {
        let disk = try diskWithSnapshots()
        var bytes = DistrustTests.golden
        bytes[4] = 2
        bytes.replaceSubrange(20..., with: [0x8C, 0xD5, 0x21, 0xB0])
        disk.replaceContents(of: "distrusted", with: bytes)
        #expect(throws: StorageError.newerFormat(file: "distrusted", found: 2, known: 1)) { try open(disk) }
    }

    /// Ends the process or its power at each operation of the disk: never is there a snapshot of its own and no mark.
    @Test func `no crash forgets the mark as long as a snapshot of the wrong state is there`() throws {
        for moment in SimulatedDisk.Moment.allCases.map({ SimulatedDisk.Fault.powerCut($0) }) + [.kill] {
            var number = 1
            var isOver = false
            while !isOver {
                let disk = try diskWithSnapshots()
                var store = try open(disk)
                try store.distrust(upTo: LogIndex(12))
                let received = try writeSnapshot(header(20, term: 5), [[6]], on: disk)
                store.add(received)
                disk.arm(moment, at: disk.operations + number)
                do {
                    try store.trustOnly(received.identity)
                    isOver = true
                } catch {
                    #expect(disk.isOff, "\(error)")
                }
                disk.disarm()
                disk.restart()
                let found = try open(disk)
                #expect(
                    found.distrusted == LogIndex(12) || found.kept == [received], "\(moment) at operation \(number)")
                #expect(found.kept.contains(received))
                if isOver { #expect(found.distrusted == nil) }
                number += 1
            }
            #expect(number > 4)
        }
    }

    @Test func `a mark that was not finished is none`() throws {
        var number = 1
        var isOver = false
        while !isOver {
            let disk = try diskWithSnapshots()
            var store = try open(disk)
            disk.arm(.kill, at: disk.operations + number)
            do {
                try store.distrust(upTo: LogIndex(12))
                isOver = true
            } catch {
                #expect(disk.isOff, "\(error)")
            }
            disk.disarm()
            disk.restart()
            let found = try open(disk)
            #expect(found.distrusted == nil || found.distrusted == LogIndex(12))
            if isOver { #expect(found.distrusted == LogIndex(12)) }
            #expect(disk.durableSnapshot()["distrusted.new"] == nil || !isOver)
            number += 1
        }
        #expect(number > 4)
    }
}
