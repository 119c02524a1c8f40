import ConcordRaft
import ConcordSimulator
import ConcordStorage
import Testing

/// A member of three whose log has lost something opens, and remembers how far the log went.
///
///     log 1   0: 1...3 of term 1         one block
///             1: 4...9 of term 1         three blocks
///             4: 10...11 of term 2       one block
///             5: 12 of term 2            one block, the last group
private struct Member {
    static let file = "log-0000000000000001"
    static let groups: [(blocks: Range<Int>, first: UInt64)] = [(0..<1, 1), (1..<4, 4), (4..<5, 10), (5..<6, 12)]

    let disk = SimulatedDisk(seed: 3)
    let contents: [String: [UInt8]]
    let entries: [Entry]

    /// - Parameter own: which of them it is; none of them: a learner that does not know that it is one yet.
    init(members: Int = 3, own: Int = 0) throws {
        var opened = try openDirectory(disk)
        var record = opened.member.record
        record.clusterID = ClusterID(5)
        record.initialConfiguration = Configuration(
            members: (0..<members).map { (number: Int) in
                Configuration.Member(
                    id: number == own ? ownID : MemberID(UInt128(number) + 1), name: "m\(number)",
                    peerAddress: "m\(number):1")
            })
        try opened.member.write(record)
        let groups = [
            ConcordStorageTests.entries(1...3, term: 1), ConcordStorageTests.entries(4...9, term: 1, bytes: 1500),
            ConcordStorageTests.entries(10...11, term: 2), ConcordStorageTests.entries(12...12, term: 2),
        ]
        try opened.log.write([write(HardState(term: Term(2), votedFor: MemberID(2)), [])])
        for group in groups { try opened.log.write([write(group)]) }
        entries = groups.flatMap { $0 }
        contents = disk.allContents()
    }

    func flip(byte: Int) { disk.flipBit(byte, ofByte: byte, in: Member.file) }

    func open() throws(StorageError) -> RecoveredLog { try openDirectory(disk).recovered }

    func doubt(claim: Bool, isDamage: Bool, term: UInt64 = 3) -> HardState {
        let last = LastEntry(term: Term(2), index: LogIndex(12))
        let doubt = Doubt(term: Term(term), claim: claim ? last : nil, isDamage: isDamage)
        return HardState(term: Term(term), votedFor: nil, doubt: doubt)
    }
}

@Suite struct LossTests {
    @Test func `a bad byte anywhere in the log is refused, or costs what stood behind it and is remembered`() throws {
        let member = try Member()
        for (number, group) in Member.groups.enumerated() {
            let isLast = number == 3
            for offset in group.blocks.lowerBound * block..<group.blocks.upperBound * block {
                member.flip(byte: offset)
                let recovered = try member.open()
                if recovered.entries != member.entries {
                    #expect(recovered.entries == Array(member.entries.prefix(Int(group.first) - 1)), "byte \(offset)")
                    let isKnown = recovered.hardState.doubt?.claim != nil
                    #expect(isKnown || isLast && offset % block < 112, "byte \(offset)")
                    #expect(
                        recovered.hardState == member.doubt(claim: isKnown, isDamage: !isLast), "byte \(offset)")
                } else {
                    #expect(recovered.hardState.doubt == nil, "byte \(offset)")
                    #expect(offset % block >= 112, "byte \(offset): a header was taken that does not verify")
                }
                member.disk.cutPower()
                member.disk.restart()
                let again = try member.open()
                #expect(again.entries == recovered.entries && again.hardState == recovered.hardState, "byte \(offset)")
                member.disk.restore(member.contents)
            }
        }
    }

    @Test func `what a member alone has lost for certain is refused, and nothing is changed`() throws {
        let member = try Member(members: 1)
        for offset in [0, 50, 130, block, 2 * block + 77, 4 * block + 120] {
            member.flip(byte: offset)
            let before = member.disk.allContents()
            do throws(StorageError) {
                _ = try member.open()
                Issue.record("byte \(offset): opened")
            } catch {
                #expect(error.description.contains("are lost"), "byte \(offset): \(error)")
            }
            #expect(member.disk.allContents() == before)
            member.disk.restore(member.contents)
        }
    }

    /// Nothing was begun behind it, but its sectors show that it was written to its end.
    @Test func `a last group that rotted at a member alone is refused, and nothing is changed`() throws {
        let member = try Member(members: 1)
        for offset in 5 * block..<5 * block + 112 + 12 + 29 {
            member.flip(byte: offset)
            let before = member.disk.allContents()
            do throws(StorageError) {
                _ = try member.open()
                Issue.record("byte \(offset): opened")
            } catch {
                #expect(error.description.contains("no other member has it"), "byte \(offset): \(error)")
            }
            #expect(member.disk.allContents() == before)
            member.disk.restore(member.contents)
        }
    }

    /// It was taken in when only another one voted, and has learnt nothing of the configurations since.
    @Test func `what a member lost whom another one may have told is no reason to refuse`() throws {
        let member = try Member(members: 1, own: 1)
        for (group, offset) in [(1, block), (2, 4 * block), (3, 5 * block)] {
            member.flip(byte: offset)
            let recovered = try member.open()
            #expect(recovered.entries.count == Int(Member.groups[group].first) - 1)
            #expect(recovered.hardState.doubt != nil)
            member.disk.restore(member.contents)
        }
    }

    @Test func `a sector that never reached the disk is no reason to doubt`() throws {
        let member = try Member()
        let whole = try #require(member.contents[Member.file])
        for sector in 0..<8 {
            var bytes = whole
            let start = 5 * block + sector * 512
            bytes.replaceSubrange(start..<start + 512, with: repeatElement(0, count: 512))
            member.disk.replaceContents(of: Member.file, with: bytes)
            let recovered = try member.open()
            // The group has one sector.
            #expect(recovered.entries.count == (sector == 0 ? 11 : 12))
            #expect(recovered.hardState.doubt == nil)
            member.disk.restore(member.contents)
        }
        var bytes = Array(whole[..<(4 * block)]) + [UInt8](repeating: 0, count: 4 * block)
        for sector in 8..<32 {
            let part = sector * 512..<(sector + 1) * 512
            let old = Array(bytes[part])
            for torn in [part.lowerBound..<part.lowerBound + 100, part.lowerBound + 100..<part.upperBound, part] {
                bytes.replaceSubrange(torn, with: repeatElement(0, count: torn.count))
                member.disk.replaceContents(of: Member.file, with: bytes)
                let recovered = try member.open()
                #expect(recovered.hardState.doubt == nil, "sector \(sector)")
                #expect(recovered.entries.count == 3 || !old.contains { $0 != 0 }, "sector \(sector)")
                bytes.replaceSubrange(part, with: old)
                member.disk.restore(member.contents)
            }
        }
    }

    /// Seed 22205 of the simulator: a crash kept a sector of zeros from the disk, the records verified without it, and
    /// were acknowledged; when a bit of them rotted, they were taken for a write that was never finished.
    @Test func `a group lacks a sector also where that would hold nothing but zeros`() throws {
        let member = try Member()
        var opened = try openDirectory(member.disk)
        let payload = [UInt8](repeating: 0, count: 3000)
        try opened.log.write([
            write([Entry(index: LogIndex(13), term: Term(2), clock: 130, kind: .commands, payload: payload)])
        ])
        var bytes = try #require(member.disk.durableSnapshot()[Member.file])
        let sectors = (6 * 8..<7 * 8).filter { sector in
            let part = bytes[sector * 512..<(sector + 1) * 512]
            return part.first == 0xFF && part.last == 0xFF && part.dropFirst().dropLast().allSatisfy { $0 == 0 }
        }
        #expect(sectors.count > 3)
        let whole = bytes
        for sector in sectors {
            for place in [sector * 512, sector * 512 + 511] { bytes[place] = 0 }
            member.disk.replaceContents(of: Member.file, with: bytes)
            let recovered = try member.open()
            #expect(recovered.entries == member.entries, "sector \(sector)")
            #expect(recovered.hardState.doubt == nil)
            bytes = whole
        }
    }

    @Test func `what was left of an unfinished group is gone before something is written there`() throws {
        let member = try Member()
        var bytes = try #require(member.contents[Member.file])
        // Its first block and its last never came.
        let end = 6 * block
        for offset in [end + block, end + block + 700] { bytes[offset] = 7 }
        member.disk.replaceContents(of: Member.file, with: bytes)
        #expect(try member.open().entries == member.entries)
        let after = try #require(member.disk.durableSnapshot()[Member.file])
        #expect(after[end...].allSatisfy { $0 == 0 })
    }

    /// The order is what counts: who forgets before it remembers votes for less than it acknowledged.
    @Test(arguments: [130, 2 * block + 77, 5 * block + 20, 5 * block + 120])
    func `nothing is cut off before the doubt is durable, wherever the power is cut`(byte: Int) throws {
        let member = try Member()
        member.flip(byte: byte)
        let rotten = member.disk.allContents()
        let whole = try member.open()
        #expect(whole.entries.count < 12)
        for operation in 1...200 {
            for moment in SimulatedDisk.Moment.allCases {
                member.disk.restore(rotten)
                member.disk.disarm()
                let last = member.disk.operations + operation
                member.disk.arm(.powerCut(moment), at: last)
                let first = try? member.open()
                if member.disk.operations < last { return #expect(operation > 6) }
                member.disk.restart()
                let recovered = try member.open()
                #expect(recovered.hardState.doubt?.isDamage == whole.hardState.doubt?.isDamage, "\(operation)")
                #expect(recovered.entries == whole.entries, "operation \(operation) \(moment)")
                #expect(first == nil || recovered.hardState.term == first?.hardState.term, "\(operation)")
            }
        }
        Issue.record("an opening never ended")
    }

    @Test func `a log that lost something goes on, and loses again`() throws {
        let member = try Member()
        member.flip(byte: 4 * block + 120)
        var opened = try openDirectory(member.disk)
        #expect(opened.recovered.entries.count == 9)
        // A group of one record, type 3, that ends the log before entry 10.
        let end = try #require(member.disk.durableSnapshot()[Member.file])[(6 * block)...].prefix(132)
        #expect(end.dropFirst(112 + 4) == [8, 0, 0, 0, 3, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0])
        let first = entries(10...10, term: 2)
        try opened.log.write([write(first)])
        var recovered = try member.open()
        #expect(recovered.entries == Array(member.entries.prefix(9)) + first)
        #expect(recovered.hardState == member.doubt(claim: true, isDamage: true))
        // Again, and it is not over: both are remembered.
        let before = try #require(member.disk.durableSnapshot()[Member.file])
        let last = try #require(before.lastIndex { $0 != 0 })
        member.flip(byte: last / block * block + 130)
        recovered = try member.open()
        #expect(recovered.hardState == member.doubt(claim: true, isDamage: true, term: 4))
        opened = try openDirectory(member.disk)
        try opened.log.write([write(HardState(term: Term(5), votedFor: nil), entries(10...14, term: 5))])
        recovered = try member.open()
        #expect(recovered.entries.count == 14 && recovered.hardState.term == Term(5))
        #expect(recovered.entries.prefix(9) == member.entries.prefix(9))
    }

    /// The end of a group is where its header says, whatever became of its records.
    @Test func `of two bad groups at the end the last one's claim is not taken for known`() throws {
        let member = try Member()
        member.flip(byte: 4 * block + 130)
        member.flip(byte: 5 * block + 20)
        let recovered = try member.open()
        #expect(recovered.entries.count == 9)
        #expect(recovered.hardState == member.doubt(claim: false, isDamage: true))
    }

    @Test func `of two bad groups the log ends before the first`() throws {
        let member = try Member()
        let places = [
            (130, 2 * block, 0), (130, 4 * block + 9, 0), (block + 50, 5 * block + 9, 3),
            (4 * block + 130, 5 * block + 130, 9),
        ]
        for (early, late, count) in places {
            member.flip(byte: early)
            member.flip(byte: late)
            let recovered = try member.open()
            #expect(recovered.entries.count == count, "\(early) and \(late)")
            #expect(recovered.hardState.doubt?.isDamage == true)
            #expect(try member.open().entries == recovered.entries)
            member.disk.restore(member.contents)
        }
    }
}
