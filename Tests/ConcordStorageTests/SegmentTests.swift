import ConcordBytes
import ConcordRaft
import ConcordSimulator
import ConcordStorage
import Testing

@Suite struct SegmentTests {
    private func sizes(_ disk: SimulatedDisk) -> [Int] {
        disk.allContents().filter { $0.key.hasPrefix("log-") }.sorted { $0.key < $1.key }.map(\.value.count)
    }

    /// An entry whose group takes exactly `blocks` blocks with no byte to spare, or one byte more.
    private func entryFilling(_ blocks: Int, index: UInt64, plus excess: Int = 0) -> [Entry] {
        entries(index...index, term: 1, bytes: blocks * (block - 23) - 104 - 12 - 29 + excess)
    }

    @Test func `the next segment is there before the log is opened and whenever one is full`() throws {
        let disk = SimulatedDisk(seed: 1)
        var log = try openDirectory(disk, segmentBytes: 2 * block).log
        #expect(sizes(disk) == [2 * block, 2 * block])
        try log.write([write(entryFilling(1, index: 1))])
        #expect(sizes(disk).count == 2)
        try log.write([write(entryFilling(1, index: 2))])
        #expect(sizes(disk).count == 2)
        // A group that fills the second segment to its end needs the third one's first block behind it.
        try log.write([write(entryFilling(2, index: 3))])
        #expect(sizes(disk) == [2 * block, 2 * block, 2 * block])
        #expect(try openDirectory(disk, segmentBytes: 2 * block).recovered.entries.count == 3)
    }

    @Test func `a group of a byte more than a segment gets a segment made to measure`() throws {
        for excess in [0, 1] {
            let disk = SimulatedDisk(seed: 1)
            var log = try openDirectory(disk, segmentBytes: 2 * block).log
            try log.write([write(entryFilling(2, index: 1, plus: excess))])
            try log.write([write(entries(2...2, term: 1))])
            let expected = excess == 0 ? [2 * block, 2 * block] : [2 * block, 4 * block]
            #expect(Array(sizes(disk).prefix(2)) == expected)
            disk.cutPower()
            disk.restart()
            #expect(try openDirectory(disk, segmentBytes: 2 * block).recovered.entries.count == 2)
        }
    }

    /// Segments differ in length, so the offset where the log ends in one can be the length of the next: that one is
    /// not full because of it.
    @Test func `after a cut the log goes on directly behind its last good group`() throws {
        let disk = SimulatedDisk(seed: 1)
        func name(_ sequence: Int) -> String { "log-000000000000000\(sequence)" }
        func openAfterCut(of file: String) throws -> DataDirectory<SimulatedDisk> {
            disk.flipBit(0, ofByte: 20, in: file)
            let opened = try openDirectory(disk, segmentBytes: 3 * block)
            #expect(opened.recovered.notes.count == 1)
            return opened
        }
        var log = try openDirectory(disk, segmentBytes: 3 * block).log
        try log.write([write(entryFilling(4, index: 1))])
        log = try openAfterCut(of: name(2)).log
        // Two blocks in the first segment, three of the five in the second, and all of the third.
        for (index, blocks) in [2, 2, 1, 3].enumerated() {
            try log.write([write(entryFilling(blocks, index: UInt64(index + 1)))])
        }
        #expect(sizes(disk) == [3 * block, 5 * block, 3 * block, 3 * block])
        log = try openAfterCut(of: name(3)).log
        try log.write([write(entryFilling(1, index: 4))])
        #expect(disk.contents(of: name(2))?[3 * block..<4 * block].contains { $0 != 0 } == true)
        #expect(disk.contents(of: name(4))?.allSatisfy { $0 == 0 } == true)
        #expect(try openDirectory(disk, segmentBytes: 3 * block).recovered.entries.count == 4)
    }

    @Test func `many entries in one call go in as few groups as segments allow`() throws {
        let disk = SimulatedDisk(seed: 1)
        disk.keepsHistory = true
        var log = try openDirectory(disk, segmentBytes: 4 * block).log
        let all = entries(1...40, term: 1, bytes: 1000)
        let before = disk.history.count
        try log.write(all.map { write([$0]) })
        let logWrites = disk.history[before...].filter { $0.hasPrefix("write log") && !$0.hasSuffix(".new") }
        #expect(logWrites.count == 3)
        #expect(try openDirectory(disk, segmentBytes: 4 * block).recovered.entries == all)
    }

    @Test func `what is replaced within a call never reaches the disk`() throws {
        let disk = SimulatedDisk(seed: 1)
        var log = try openDirectory(disk).log
        try log.write([write(entries(1...3, term: 1))])
        try log.write([
            write(entries(4...6, term: 1)), write(entries(5...7, term: 2)), write(entries(3...3, term: 3)),
            write(entries(4...4, term: 3)),
        ])
        let recovered = try openDirectory(disk).recovered
        #expect(recovered.entries == entries(1...2, term: 1) + entries(3...4, term: 3))
        #expect(disk.contents(of: "log-0000000000000001")?[2 * block..<3 * block].allSatisfy { $0 == 0 } == true)
    }

    @Test func `an empty call writes nothing`() throws {
        let disk = SimulatedDisk(seed: 1)
        var log = try openDirectory(disk).log
        let before = disk.operations
        try log.write([])
        try log.write([write([]), write(HardState(term: .zero, votedFor: nil), [])])
        #expect(disk.operations == before)
    }

    @Test func `a segment can be prepared beside the writes`() throws {
        let disk = SimulatedDisk(seed: 1)
        var log = try openDirectory(disk, segmentBytes: 4 * block).log
        #expect(log.nextPreparation() == nil, "the second segment is there from the start")
        var last: UInt64 = 0
        var prepared = 0
        var pending: SegmentPreparation?
        var random = SeededRandom(seed: 3)
        disk.keepsHistory = true
        for _ in 0..<300 {
            let count = 1 + random.below(4)
            let writes = [write(entries(last + 1...last + count, term: 1, bytes: Int(random.below(2000))))]
            var waiting = writes
            while !waiting.isEmpty {
                let before = disk.history.count
                let unwritten = try log.write(waiting)
                #expect(disk.history[before...].allSatisfy { !$0.hasPrefix("create") }, "a segment was made in a write")
                waiting = unwritten.map { [$0.rest] } ?? []
                if pending == nil { pending = log.nextPreparation() }
                #expect(pending == nil || log.nextPreparation() == nil, "a preparation was handed out twice")
                guard let preparation = pending, unwritten != nil || random.chance(percent: 20) else { continue }
                var other = disk
                try preparation.run(on: &other)
                log.prepared(preparation)
                pending = nil
                prepared += 1
            }
            last += count
        }
        #expect(prepared > 10)
        disk.cutPower()
        disk.restart()
        #expect(try openDirectory(disk, segmentBytes: 4 * block).recovered.entries.count == Int(last))
    }

    @Test func `a name that a killed process left unsynchronised is durable before the log goes on`() throws {
        for seed in 0..<UInt64(20) {
            let disk = SimulatedDisk(seed: seed)
            disk.keepsHistory = true
            var log = try openDirectory(disk, segmentBytes: 2 * block).log
            try log.write([write(entryFilling(2, index: 1))])
            // The group that would fill the second segment needs the third one: created, written, synchronised,
            // renamed, and the process dies in the fsync of the directory.
            disk.arm(.kill, at: disk.operations + 5)
            #expect(throws: StorageError.self) { try log.write([write(entryFilling(2, index: 2))]) }
            #expect(disk.history.last == "synchronize directory")
            disk.restart()
            log = try LogStore.open(disk, snapshot: nil, segmentBytes: 2 * block).0
            try log.write([write(entryFilling(2, index: 2))])
            try log.write([write(entries(3...3, term: 1))])
            disk.cutPower()
            disk.restart()
            #expect(try openDirectory(disk, segmentBytes: 2 * block).recovered.entries.count == 3, "seed \(seed)")
        }
    }

    @Test func `another segment length after a restart is no obstacle`() throws {
        let disk = SimulatedDisk(seed: 1)
        var last: UInt64 = 0
        for blocks in [8, 2, 16, 3, 5, 2] {
            var opened = try openDirectory(disk, segmentBytes: blocks * block)
            #expect(opened.recovered.entries.count == Int(last))
            for bytes in [100, 5000, 30_000, 10] {
                try opened.log.write([write(entries(last + 1...last + 2, term: 1, bytes: bytes))])
                last += 2
            }
        }
        #expect(try openDirectory(disk).recovered.entries.count == Int(last))
    }

    @Test func `a segment made of an old one's file never shows what it held`() throws {
        for seed in 1...3 * thoroughness {
            let disk = SimulatedDisk(seed: seed)
            var random = SeededRandom(seed: seed)
            var expected = PlainLog()
            var opened = try openDirectory(disk, segmentBytes: 4 * block)
            for step in 0..<30 {
                if let preparation = opened.log.nextPreparation() {
                    try recycle(for: preparation, on: disk, using: &random)
                    opened.log.prepared(preparation)
                }
                let writes = expected.randomWrites(using: &random, segmentBytes: 4 * block)
                disk.arm(.powerCut(.during), at: disk.operations + 1 + Int(random.below(12)))
                do throws(StorageError) {
                    var unwritten = try opened.log.write(writes)
                    while let rest = unwritten?.rest {
                        let preparation = opened.log.nextPreparation()
                        var other = disk
                        if let preparation {
                            try preparation.run(on: &other)
                            opened.log.prepared(preparation)
                        }
                        unwritten = try opened.log.write([rest])
                    }
                    expected = expected.applying(writes)
                    disk.disarm()
                    disk.cutPower()
                    disk.restart()
                    opened = try openDirectory(disk, segmentBytes: 4 * block)
                    #expect(PlainLog(opened.recovered) == expected, "seed \(seed), step \(step)")
                    #expect(opened.recovered.notes.isEmpty, "seed \(seed), step \(step)")
                } catch {
                    disk.disarm()
                    disk.restart()
                    opened = try openDirectory(disk, segmentBytes: 4 * block)
                    let found = PlainLog(opened.recovered)
                    let isLegal = expected.mayBecome(found, writing: writes)
                    #expect(isLegal, "seed \(seed), step \(step): \(expected) became \(found)")
                    expected = found
                }
            }
        }
    }

    /// Prepares a segment from the content of an older one: its first block zeroed and synchronised, then renamed.
    private func recycle(
        for preparation: SegmentPreparation, on disk: SimulatedDisk, using random: inout SeededRandom
    ) throws {
        let olds = try disk.list().filter { $0.hasPrefix("log-") && !$0.hasSuffix(".new") }
        let old = disk.contents(of: olds[Int(random.below(UInt64(olds.count)))]) ?? []
        let name = "log-00000000000000" + String(preparation.sequence + 0x100, radix: 16).suffix(2)
        let file = try disk.open("recycled", creating: true)
        try disk.write([UInt8](repeating: 0, count: block) + old[block...], to: file, at: 0)
        try disk.synchronize(file)
        disk.close(file)
        try disk.rename("recycled", to: name)
        try disk.synchronizeDirectory()
    }
}

@Suite struct ModelTests {
    @Test(arguments: 1...3 * thoroughness)
    func `appending, replacing and reopening at random is what an array does`(seed: UInt64) throws {
        let disk = SimulatedDisk(seed: seed)
        var random = SeededRandom(seed: seed &* 77)
        let segmentBytes = Int(2 + random.below(8)) * block
        var expected = PlainLog()
        var opened = try openDirectory(disk, segmentBytes: segmentBytes)
        for step in 0..<60 {
            let writes = expected.randomWrites(using: &random, segmentBytes: segmentBytes)
            try opened.log.write(writes)
            expected = expected.applying(writes)
            guard random.chance(percent: 25) else { continue }
            if random.chance(percent: 50) { disk.cutPower() } else { disk.kill() }
            disk.restart()
            opened = try openDirectory(disk, segmentBytes: segmentBytes)
            let found = PlainLog(opened.recovered)
            #expect(found == expected, "seed \(seed), step \(step): \(expected) became \(found)")
            #expect(opened.recovered.notes.isEmpty, "seed \(seed), step \(step)")
        }
    }
}
