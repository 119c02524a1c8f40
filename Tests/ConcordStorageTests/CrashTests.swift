import ConcordBytes
import ConcordRaft
import ConcordSimulator
import ConcordStorage
import Testing

/// A member's life on a disk that fails, and what its disk must hold afterwards.
private struct Life {
    let disk: SimulatedDisk
    let segmentBytes: Int
    var random: SeededRandom
    var log: LogStore<SimulatedDisk>?
    /// What was answered to have become durable.
    var acknowledged = PlainLog()
    /// What was asked for and not answered yet.
    var asked: [LogWrite] = []
    var record: MemberRecord?
    var starts: UInt128 = 0

    init(seed: UInt64, segmentBytes: Int = smallSegment) {
        disk = SimulatedDisk(seed: seed &* 31 &+ 5)
        self.segmentBytes = segmentBytes
        random = SeededRandom(seed: seed)
    }

    /// Opens the directory, and checks what it holds against what was asked for and answered.
    mutating func start(_ context: String) throws(StorageError) {
        log = nil
        starts += 1
        let opened = try DataDirectory.open(
            disk, newMember: MemberID(starts), name: "m", segmentBytes: segmentBytes)
        let found = PlainLog(opened.recovered)
        #expect(found.hardState.doubt == nil, "\(context): a crash is no reason to doubt what was durable")
        let isLegal = acknowledged.mayBecome(found, writing: asked)
        #expect(isLegal, "\(context): \(acknowledged) became \(found)")
        if let record {
            #expect(opened.member.record.id == record.id, "\(context)")
            #expect(opened.member.record.boot > record.boot, "\(context)")
        }
        record = opened.member.record
        acknowledged = found
        asked = []
        log = opened.log
    }

    mutating func writeSomething() throws(StorageError) {
        asked = acknowledged.randomWrites(using: &random, segmentBytes: segmentBytes)
        try log?.write(asked)
        acknowledged = acknowledged.applying(asked)
        asked = []
    }

    /// A whole run without restarts.
    mutating func run(steps: Int, _ context: String = "") throws(StorageError) {
        try start(context)
        for _ in 0..<steps { try writeSomething() }
    }

    /// After a crash: the log opens, opens again the same, also after a second power cut, and can be written.
    mutating func recover(_ context: String) throws(StorageError) {
        disk.restart()
        try start(context)
        try start(context + ", second start")
        disk.cutPower()
        disk.restart()
        try start(context + ", start after a power cut at rest")
        try writeSomething()
        disk.cutPower()
        disk.restart()
        try start(context + ", last start")
    }
}

@Suite struct CrashTests {
    /// Runs a life once for every operation of it, and lets that operation meet the fault.
    private func crashEverywhere(_ seed: UInt64, fault: SimulatedDisk.Fault, steps: Int = thoroughness > 1 ? 8 : 3) {
        var rehearsal = Life(seed: seed)
        #expect(throws: Never.self) { try rehearsal.run(steps: steps) }
        for operation in 1...rehearsal.disk.operations {
            let context = "seed \(seed), \(fault) at operation \(operation)"
            var life = Life(seed: seed)
            life.disk.arm(fault, at: operation)
            #expect(throws: StorageError.self, "\(context)") { try life.run(steps: steps, context) }
            #expect(life.disk.operations == operation, "\(context): something was done after the fault")
            if !life.disk.isOff { life.disk.kill() }
            #expect(throws: Never.self, "\(context)") { try life.recover(context) }
        }
    }

    @Test(arguments: 1...thoroughness)
    func `no power cut before any operation loses what was acknowledged`(seed: UInt64) {
        crashEverywhere(seed, fault: .powerCut(.before))
    }

    /// etcd#6378 and #14098: what was not synchronised is reordered and torn.
    @Test(arguments: 1...thoroughness)
    func `no power cut in any operation loses what was acknowledged`(seed: UInt64) {
        crashEverywhere(seed, fault: .powerCut(.during))
    }

    /// etcd#14370, #6368: what was answered is durable, names included.
    @Test(arguments: 1...thoroughness)
    func `no power cut after any operation loses what was acknowledged`(seed: UInt64) {
        crashEverywhere(seed, fault: .powerCut(.after))
    }

    /// What a restart tells its peers must survive a power cut that follows.
    @Test(arguments: 1...thoroughness)
    func `what a killed process had not synchronised is durable before a restart tells of it`(seed: UInt64) {
        crashEverywhere(seed, fault: .kill)
    }

    /// fsyncgate (Rebello et al., USENIX ATC 2020): the second fsync succeeds and the data is gone.
    @Test(arguments: 1...thoroughness)
    func `a failed write or fsync is never retried, and the next start does not believe the cache`(seed: UInt64) {
        crashEverywhere(seed, fault: .ioError)
    }

    /// etcd#5518: a file half made for want of space must not stop the next start.
    /// Only in a start can it be borne: the next segment is made later.
    @Test(arguments: 1...thoroughness)
    func `a full disk at any operation ends the process and loses nothing`(seed: UInt64) {
        var rehearsal = Life(seed: seed)
        #expect(throws: Never.self) { try rehearsal.run(steps: 3) }
        var borne = 0
        for operation in 1...rehearsal.disk.operations {
            let context = "seed \(seed), full at operation \(operation)"
            var life = Life(seed: seed)
            life.disk.arm(.full, at: operation)
            do throws(StorageError) {
                try life.start(context)
                if life.disk.fullErrorsMet > 0 { borne += 1 }
                for _ in 0..<3 { try life.writeSomething() }
            } catch {
                #expect(life.disk.operations == operation, "\(context): something was done after the fault")
            }
            life.disk.kill()
            #expect(throws: Never.self, "\(context)") { try life.recover(context) }
        }
        #expect(borne >= 3, "the making, writing and renaming of the second segment")
    }

    @Test(arguments: 1...3 * thoroughness)
    func `power cuts one after the other, in recovery too, lose nothing and invent nothing`(seed: UInt64) throws {
        var life = Life(seed: seed &* 1000)
        for crash in 0..<12 {
            let context = "seed \(seed), crash \(crash)"
            let moment = SimulatedDisk.Moment.allCases[Int(life.random.below(3))]
            life.disk.arm(.powerCut(moment), at: life.disk.operations + 1 + Int(life.random.below(60)))
            do throws(StorageError) {
                try life.start(context)
                while true { try life.writeSomething() }
            } catch {
                #expect(life.disk.isOff, "\(context): \(error)")
            }
            life.disk.disarm()
            life.disk.restart()
        }
        try life.start("seed \(seed), at the end")
    }

    @Test func `after a power cut in the making of a directory the next start makes it`() throws {
        let rehearsal = SimulatedDisk(seed: 1)
        _ = try openDirectory(rehearsal)
        for operation in 1...rehearsal.operations {
            for (number, moment) in SimulatedDisk.Moment.allCases.enumerated() {
                for seed in 0..<thoroughness {
                    let disk = SimulatedDisk(seed: seed * 3 + UInt64(number))
                    disk.arm(.powerCut(moment), at: operation)
                    #expect(throws: StorageError.self) { _ = try openDirectory(disk) }
                    disk.restart()
                    let opened = try DataDirectory.open(
                        disk, newMember: MemberID(8), name: "b", segmentBytes: smallSegment)
                    let isFirst = opened.member.record.id == ownID
                    #expect(opened.member.record.boot == (isFirst ? 2 : 1))
                    #expect(PlainLog(opened.recovered) == PlainLog())
                    #expect(opened.recovered.notes.isEmpty)
                }
            }
        }
    }
}
