import ConcordBytes
import ConcordRaft
import ConcordSimulator
import ConcordStorage
import Testing

/// A small log, and where its groups lie:
///
///     log 1   0: 1...3                one block
///             1: 4...6                two blocks, superseded by the next
///     log 2   0: 4...5 of term 2      one block
///             1: 6...6 of term 2      one block, the last group
///             2: zero
///     log 3      zero
private struct SmallLog {
    static let segmentBytes = 3 * block
    static let first = "log-0000000000000001"
    static let second = "log-0000000000000002"
    static let third = "log-0000000000000003"

    let disk = SimulatedDisk(seed: 1)
    let contents: [String: [UInt8]]
    let log: PlainLog
    /// Without its last group.
    let shorter: PlainLog

    init() throws {
        var opened = try openDirectory(disk, segmentBytes: SmallLog.segmentBytes)
        let writes = [
            [write(HardState(term: Term(1), votedFor: MemberID(7)), entries(1...3, term: 1))],
            [write(entries(4...6, term: 1, bytes: 1400))],
            [write(HardState(term: Term(2), votedFor: MemberID(9)), entries(4...5, term: 2))],
        ]
        for write in writes { try opened.log.write(write) }
        shorter = writes.reduce(PlainLog()) { $0.applying($1) }
        let last = [write(entries(6...6, term: 2))]
        try opened.log.write(last)
        log = shorter.applying(last)
        let again = try openDirectory(disk, segmentBytes: SmallLog.segmentBytes)
        #expect(PlainLog(again.recovered) == log)
        contents = disk.allContents()
        #expect(contents.keys.sorted() == [SmallLog.first, SmallLog.second, SmallLog.third, "member", "vote"])
        #expect(contents[SmallLog.first]?.count == SmallLog.segmentBytes)
    }

    /// Opens what is on the disk twice, and once more after a power cut; a refusal must change nothing.
    func open() throws(StorageError) -> RecoveredLog {
        let before = disk.allContents()
        do throws(StorageError) {
            let recovered = try openDirectory(disk, segmentBytes: SmallLog.segmentBytes).recovered
            disk.cutPower()
            disk.restart()
            let again = try openDirectory(disk, segmentBytes: SmallLog.segmentBytes).recovered
            #expect(PlainLog(again) == PlainLog(recovered), "the second start tells something else")
            return recovered
        } catch {
            #expect(disk.allContents() == before, "a refusal changed something: \(error)")
            throw error
        }
    }
}

@Suite struct DamageTests {
    /// etcd#11488: a checksum that fails before the end is not a torn tail.
    @Test func `a flipped bit in a durable group before the last is refused by file and offset`() throws {
        let small = try SmallLog()
        let firstGroup = 0..<112 + 3 * (12 + 29 + 20)
        for offset in firstGroup {
            small.disk.flipBit(offset, ofByte: offset, in: SmallLog.first)
            expectDamage(small, SmallLog.first, offset: 0, "byte \(offset)")
        }
        let thirdGroup = 0..<112 + 2 * (12 + 29 + 20)
        for offset in thirdGroup {
            small.disk.flipBit(offset, ofByte: offset, in: SmallLog.second)
            expectDamage(small, SmallLog.second, offset: 0, "byte \(offset)")
        }
    }

    private func expectDamage(_ small: SmallLog, _ file: String, offset: Int, _ context: String) {
        defer { small.disk.restore(small.contents) }
        do throws(StorageError) {
            _ = try small.open()
            Issue.record("\(context): opened")
        } catch {
            guard case .damaged(file, offset, _) = error else {
                Issue.record("\(context): \(error)")
                return
            }
            #expect(error.description.contains("\(file) is damaged at offset \(offset)"), "\(context)")
        }
    }

    /// Only one of two headers could be cut off, and the other would stand in the way of the next group.
    @Test func `a group's first block that a disk also wrote over its second is refused`() throws {
        let disk = SimulatedDisk(seed: 1)
        var opened = try openDirectory(disk, segmentBytes: 2 * block)
        try opened.log.write([write(entries(1...3, term: 1))])
        try opened.log.write([write(entries(4...4, term: 1, bytes: block))])
        let bytes = try #require(disk.contents(of: SmallLog.second))
        disk.replaceContents(of: SmallLog.second, with: Array(bytes[..<block] + bytes[..<block]))
        let before = disk.allContents()
        do throws(StorageError) {
            _ = try openDirectory(disk, segmentBytes: 2 * block)
            Issue.record("opened")
        } catch {
            guard case .damaged(SmallLog.second, block, _) = error else {
                Issue.record("\(error)")
                return
            }
        }
        #expect(disk.allContents() == before)
    }

    @Test func `a flipped bit in superseded records is no damage`() throws {
        let small = try SmallLog()
        let superseded = block..<3 * block
        for offset in stride(from: superseded.lowerBound, to: superseded.upperBound, by: step) {
            small.disk.flipBit(offset, ofByte: offset, in: SmallLog.first)
            let recovered = try small.open()
            #expect(PlainLog(recovered) == small.log, "byte \(offset)")
            if isCovered(offset - superseded.lowerBound, streamBytes: 112 - 8 + 3 * (12 + 29 + 1400)) {
                guard case .supersededDamage(SmallLog.first, block, _)? = recovered.notes.first else {
                    Issue.record("byte \(offset): \(recovered.notes)")
                    continue
                }
            }
            small.disk.restore(small.contents)
        }
    }

    /// Whether a byte of a group is one of a mark or of its stream.
    private func isCovered(_ offset: Int, streamBytes: Int) -> Bool {
        let (place, sector) = (offset % 512, offset / 512)
        if sector % 8 == 0, place < 8 { return true }
        guard place < 511, place > 0 || sector % 8 == 0 else { return false }
        let before = sector / 8 * 4073 + max(0, sector % 8 * 510 - 7)
        return before + (sector % 8 == 0 ? place - 8 : place - 1) < streamBytes
    }

    /// etcd#5230, #16596: a torn tail must not keep a member from starting.
    @Test func `a flipped bit in the last group makes it doubtful and it alone is cut off`() throws {
        let small = try SmallLog()
        let covered = block..<block + 112 + 12 + 29 + 20
        for offset in stride(from: block, to: 2 * block, by: step) {
            small.disk.flipBit(offset, ofByte: offset, in: SmallLog.second)
            let recovered = try small.open()
            if covered.contains(offset) {
                #expect(recovered.entries == small.shorter.entries, "byte \(offset)")
                guard case .doubtfulGroupCut(let group)? = recovered.notes.first else {
                    Issue.record("byte \(offset): \(recovered.notes)")
                    continue
                }
                #expect(group.file == SmallLog.second && group.offset == block)
                // Behind the header the claim is readable, and names the entry that was lost.
                let claim = DoubtfulGroup.Claim(firstIndex: LogIndex(6), lastIndex: LogIndex(6), lastTerm: Term(2))
                #expect(group.claim == (offset < block + 112 ? nil : claim), "byte \(offset)")
                // It may have been acknowledged, and is not forgotten.
                let last = group.claim.map { LastEntry(term: $0.lastTerm, index: $0.lastIndex) }
                let doubt = Doubt(term: Term(3), claim: last, isDamage: false)
                let expected = HardState(term: Term(3), votedFor: nil, doubt: doubt)
                #expect(recovered.hardState == expected, "byte \(offset)")
            } else {
                #expect(PlainLog(recovered) == small.log, "byte \(offset)")
            }
            small.disk.restore(small.contents)
        }
    }

    @Test func `a flipped bit where nothing was written loses nothing`() throws {
        let small = try SmallLog()
        let empty = [(SmallLog.second, 2 * block..<3 * block), (SmallLog.third, 0..<3 * block)]
        for (file, range) in empty {
            for offset in stride(from: range.lowerBound, to: range.upperBound, by: step) {
                small.disk.flipBit(offset, ofByte: offset, in: file)
                #expect(PlainLog(try small.open()) == small.log, "\(file), byte \(offset)")
                small.disk.restore(small.contents)
            }
        }
    }

    @Test func `a file cut at any byte is refused by its name, or held nothing`() throws {
        let small = try SmallLog()
        for file in [SmallLog.first, SmallLog.second, SmallLog.third] {
            let whole = small.contents[file] ?? []
            for length in stride(from: 0, to: whole.count, by: step) {
                small.disk.replaceContents(of: file, with: Array(whole[..<length]))
                do throws(StorageError) {
                    let recovered = try small.open()
                    #expect(PlainLog(recovered) == small.log, "\(file) cut to \(length)")
                    #expect(file == SmallLog.third && length % block == 0 && length > 0, "\(file) cut to \(length)")
                } catch {
                    guard case .damaged(file, length, _) = error else {
                        Issue.record("\(file) cut to \(length): \(error)")
                        continue
                    }
                }
                small.disk.restore(small.contents)
            }
        }
    }

    @Test func `a whole block of a durable group that reads as zeros is damage, not a clean end`() throws {
        let small = try SmallLog()
        for (file, offset) in [(SmallLog.first, 0), (SmallLog.second, 0)] {
            var bytes = small.contents[file] ?? []
            bytes.replaceSubrange(offset..<offset + block, with: repeatElement(0, count: block))
            small.disk.replaceContents(of: file, with: bytes)
            expectDamage(small, file, offset: offset, "\(file) at \(offset)")
        }
        // The superseded group leaves no trace at all, and the next one says where it began.
        var bytes = small.contents[SmallLog.first] ?? []
        bytes.replaceSubrange(block..<3 * block, with: repeatElement(0, count: 2 * block))
        small.disk.replaceContents(of: SmallLog.first, with: bytes)
        let recovered = try small.open()
        #expect(PlainLog(recovered) == small.log)
        guard case .supersededDamage(SmallLog.first, block, _)? = recovered.notes.first else {
            Issue.record("\(recovered.notes)")
            return
        }
    }

    @Test func `two superseded groups that are unreadable hide where they began, so that is damage`() throws {
        let disk = SimulatedDisk(seed: 1)
        var opened = try openDirectory(disk)
        for write in [write(entries(1...2, term: 1)), write(entries(3...3, term: 1)), write(entries(4...4, term: 1))] {
            try opened.log.write([write])
        }
        try opened.log.write([write(HardState(term: Term(2), votedFor: nil), entries(3...5, term: 2))])
        let name = SmallLog.first
        for offset in [block, 2 * block] { disk.flipBit(0, ofByte: offset, in: name) }
        #expect(throws: StorageError.self) { _ = try openDirectory(disk) }
        // With one of the two headers readable it is known.
        disk.flipBit(0, ofByte: block, in: name)
        #expect(try openDirectory(disk).recovered.entries.map(\.term.rawValue) == [1, 1, 2, 2, 2])
    }

    /// ClickHouse#31150, etcd#5518.
    @Test func `an empty file, a missing one and a misplaced one are refused`() throws {
        let small = try SmallLog()
        for file in [SmallLog.first, SmallLog.second, SmallLog.third] {
            small.disk.replaceContents(of: file, with: [])
            expectDamage(small, file, offset: 0, "empty \(file)")
        }
        small.disk.discard(SmallLog.first)
        expectDamage(small, SmallLog.first, offset: 0, "no first segment")
        small.disk.discard(SmallLog.second)
        expectDamage(small, SmallLog.second, offset: 0, "no second segment")
        small.disk.discard(SmallLog.second)
        small.disk.discard(SmallLog.third)
        expectDamage(small, SmallLog.second, offset: 0, "a full segment without a successor")
        small.disk.replaceContents(of: SmallLog.third, with: small.contents[SmallLog.first] ?? [])
        expectDamage(small, SmallLog.third, offset: 0, "the first segment again as the third")
        small.disk.replaceContents(of: "log-00000000000000ff", with: small.contents[SmallLog.third] ?? [])
        expectDamage(small, "log-0000000000000004", offset: 0, "a segment far away")
    }

    @Test func `of two places that cannot be read the earlier one is damage`() throws {
        let small = try SmallLog()
        // The third segment's first block was zero until the second segment's last group was durable.
        for offset in [block, 2 * block] {
            small.disk.flipBit(0, ofByte: offset, in: SmallLog.second)
            small.disk.flipBit(0, ofByte: 0, in: SmallLog.third)
            expectDamage(small, SmallLog.second, offset: offset, "\(offset)")
        }
    }

    @Test func `other files in the directory are left alone`() throws {
        let small = try SmallLog()
        for name in ["log-1", "log-000000000000000G", "lock", "log-0000000000000002.old", "notes.new"] {
            small.disk.replaceContents(of: name, with: [1, 2, 3])
        }
        small.disk.replaceContents(of: SmallLog.second + ".new", with: [1, 2, 3])
        #expect(PlainLog(try small.open()) == small.log)
        #expect(small.disk.contents(of: "notes.new") == [1, 2, 3])
        #expect(small.disk.contents(of: "log-1") == [1, 2, 3])
        #expect(small.disk.contents(of: SmallLog.second + ".new") == nil)
    }

    @Test func `a payload cannot pose as a group`() throws {
        let disk = SimulatedDisk(seed: 1)
        var opened = try openDirectory(disk, segmentBytes: 64 * block)
        try opened.log.write([write(entries(1...1, term: 1))])
        // Ten true copies of a group of this very segment, at the start of each block that the payload fills
        // (and where they would be if blocks had no marks).
        let group = Array((disk.contents(of: SmallLog.first) ?? [])[..<block])
        for shift in [block - 15 - 153, block - 15 - 153 - 8, 0] {
            var payload = [UInt8](repeating: 0, count: shift)
            for _ in 0..<10 { payload += group }
            try opened.log.write([
                write([Entry(index: LogIndex(2), term: Term(1), clock: 0, kind: .commands, payload: payload)])
            ])
            let end = disk.contents(of: SmallLog.first) ?? []
            let starts = stride(from: 0, to: end.count, by: block).filter {
                Array(end[$0..<$0 + 4]) == Array("CLGH".utf8)
            }
            let start = try #require(starts.last)
            disk.flipBit(3, ofByte: start + 20, in: SmallLog.first)
            opened = try openDirectory(disk, segmentBytes: 64 * block)
            #expect(opened.recovered.entries.count == 1)
            guard case .doubtfulGroupCut(let doubt)? = opened.recovered.notes.first else {
                Issue.record("\(opened.recovered.notes)")
                return
            }
            #expect(doubt.offset == start && doubt.claim == nil)
        }
    }

    @Test func `a header of any numbers under a true checksum is read without a trap`() throws {
        let small = try SmallLog()
        var random = SeededRandom(seed: 5)
        let heads = [(SmallLog.first, 0), (SmallLog.first, block), (SmallLog.second, 0), (SmallLog.second, block)]
        for round in 0..<200 * thoroughness {
            let (file, start) = heads[Int(random.below(4))]
            var bytes = small.contents[file] ?? []
            for _ in 0...random.below(3) {
                let field = start + 12 + 4 * Int(random.below(18))
                let greatest = UInt64.max - random.below(3)
                let value = random.chance(percent: 50) ? random.next() >> random.below(64) : greatest
                for byte in 0..<8 { bytes[field + byte] = UInt8(truncatingIfNeeded: value >> UInt64(8 * byte)) }
            }
            let checksum = CRC32C.checksum(bytes, in: start..<start + 108)
            for byte in 0..<4 { bytes[start + 108 + byte] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * byte)) }
            small.disk.replaceContents(of: file, with: bytes)
            if let found = try? small.open() {
                let isKnown = PlainLog(found) == small.log || found.entries == small.shorter.entries
                #expect(isKnown, "round \(round): \(PlainLog(found))")
            }
            small.disk.restore(small.contents)
        }
    }

    @Test func `a newer format is named, not taken for damage or doubt`() throws {
        let small = try SmallLog()
        for (file, offset) in [(SmallLog.first, 0), (SmallLog.second, block)] {
            var bytes = small.contents[file] ?? []
            bytes[offset + 8] = 3
            let checksum = CRC32C.checksum(bytes, in: offset..<offset + 108)
            for byte in 0..<4 { bytes[offset + 108 + byte] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * byte)) }
            small.disk.replaceContents(of: file, with: bytes)
            #expect(throws: StorageError.newerFormat(file: file, found: 3, known: 2)) { _ = try small.open() }
            small.disk.restore(small.contents)
        }
    }
}
