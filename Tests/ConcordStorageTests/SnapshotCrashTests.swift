import ConcordBytes
import ConcordRaft
import ConcordSimulator
import ConcordStorage
import Testing

/// A member's life with snapshots on a disk that fails, and what its disk must hold afterwards.
private struct SnapshotLife {
    /// Log and snapshots that an opening may find.
    struct Possible: Equatable {
        var log = ReleasedLog()
        /// The newest first, those that were pruned included.
        var snapshots: [StoredSnapshot] = []

        func matches(_ opened: DataDirectory<SimulatedDisk>) -> Bool {
            let newest = snapshots.prefix(StorageLimits.snapshotsKept)
            return opened.snapshot == snapshots.first && opened.snapshots.kept.starts(with: newest)
                && log.matches(opened.recovered)
                && opened.recovered.released.index <= opened.snapshot?.identity.index ?? .zero
        }
    }

    enum Step {
        case write([LogWrite])
        case snapshot(UInt64, term: UInt64)
        case receive(UInt64, term: UInt64)
        case prune
        case release(UInt64)
    }

    /// Own snapshots, then one of another history that takes the log's place, and so on. Everything that changes the
    /// disk is in it; the segments hold two or three groups.
    static let script: [Step] = [
        .write([write(HardState(term: Term(1), votedFor: MemberID(7)), entries(1...4, term: 1))]),
        .write([write(entries(5...6, term: 1))]),
        .snapshot(4, term: 1),
        .write([write(entries(7...14, term: 1, bytes: 2000))]),
        .release(4),
        .snapshot(9, term: 1),
        .prune,
        .release(4),
        .write([write(HardState(term: Term(2), votedFor: nil), entries(12...17, term: 2, bytes: 2000))]),
        .snapshot(13, term: 2),
        .prune,
        .release(9),
        .receive(40, term: 4),
        .write([
            write(HardState(term: Term(5), votedFor: MemberID(8)), []),
            LogWrite(
                sequence: .zero, hardState: nil, base: position(40, term: 4),
                entries: entries(41...46, term: 4, bytes: 2000)),
        ]),
        .prune,
        .release(40),
        .write([write(entries(47...48, term: 5))]),
        .snapshot(46, term: 4),
        .prune,
        .release(40),
        .receive(60, term: 5),
        .write([LogWrite(sequence: .zero, hardState: nil, base: position(60, term: 5), entries: [])]),
        .release(60),
        .write([write(entries(61...61, term: 5))]),
    ]

    let disk: SimulatedDisk
    var opened: DataDirectory<SimulatedDisk>?
    var possible = [Possible()]

    init(seed: UInt64) {
        disk = SimulatedDisk(seed: seed)
    }

    mutating func start(_ context: String) throws(StorageError) {
        opened = nil
        let found = try openDirectory(disk, segmentBytes: 3 * block)
        let match = possible.first { $0.matches(found) }
        let snapshot = found.snapshot?.identity.index.rawValue ?? 0
        #expect(
            match != nil,
            "\(context): snapshot \(snapshot), released \(found.recovered.released), \(PlainLog(found.recovered))")
        for kept in found.snapshots.kept {
            #expect(try readPieces(kept, on: disk) == pieces(kept.identity.index.rawValue), "\(context)")
        }
        for note in found.recovered.notes {
            switch note {
            case .unfinishedGroupCut, .voteSlotRepaired, .logReset: break
            case .doubtfulGroupCut, .damageCut, .supersededDamage, .snapshotUnusable, .stateDistrusted:
                Issue.record("\(context): \(note)")
            }
        }
        let leftovers = disk.allContents().keys.filter { $0.hasPrefix("snapshot") && $0.hasSuffix(".new") }
        let seen = try onDisk { () throws(DiskError) in try disk.list() }
        #expect(leftovers.allSatisfy { !seen.contains($0) }, "\(context): \(leftovers)")
        opened = found
        if let match { possible = [match] }
    }

    private func onDisk(_ body: () throws(DiskError) -> [String]) throws(StorageError) -> [String] {
        do throws(DiskError) { return try body() } catch { throw .disk(error) }
    }

    mutating func perform(_ step: Step) throws(StorageError) {
        var next = possible[0]
        switch step {
        case .write(let writes):
            possible = next.log.stages(writing: writes).map { Possible(log: $0, snapshots: next.snapshots) }
            try opened?.log.write(writes)
            next.log = next.log.applying(writes)
        case .snapshot(let index, let term):
            let stored = StoredSnapshot(
                header: header(index, term: term), identity: try sentSnapshot(index, term: term).identity)
            next.snapshots.insert(stored, at: 0)
            possible.append(next)
            opened?.snapshots.add(try writeSnapshot(index, term: term, on: disk))
        case .receive(let index, let term):
            let sent = try sentSnapshot(index, term: term)
            next.snapshots.insert(StoredSnapshot(header: header(index, term: term), identity: sent.identity), at: 0)
            next.log = next.log.reset(to: position(index, term: term))
            possible.append(next)
            guard let received = try receive(sent, on: disk) else {
                Issue.record("a good snapshot was refused")
                return
            }
            opened?.snapshots.add(received)
        case .prune:
            try opened?.snapshots.prune(pinned: [])
        case .release(let index):
            try opened?.log.release(upTo: LogIndex(index))
        }
        possible = [next]
    }

    mutating func run(_ context: String = "") throws(StorageError) {
        try start(context)
        for step in SnapshotLife.script { try perform(step) }
    }

    /// After a crash: it opens, opens again the same, also after a power cut at rest, and goes on.
    mutating func recover(_ context: String) throws(StorageError) {
        disk.restart()
        try start(context)
        try start(context + ", second start")
        disk.cutPower()
        disk.restart()
        try start(context + ", start after a power cut at rest")
        let (last, term) = (possible[0].log.lastIndex, possible[0].log.hardState.term.rawValue)
        try perform(.write([write(entries(last + 1...last + 3, term: term, bytes: 900))]))
        try perform(.snapshot(last + 2, term: term))
        try perform(.prune)
        try perform(.release(last + 1))
        disk.cutPower()
        disk.restart()
        try start(context + ", last start")
    }
}

@Suite struct SnapshotCrashTests {
    private func crashEverywhere(_ seed: UInt64, _ fault: SimulatedDisk.Fault) {
        var rehearsal = SnapshotLife(seed: seed)
        #expect(throws: Never.self) {
            try rehearsal.run()
            try rehearsal.start("without a fault")
        }
        rehearsal = SnapshotLife(seed: seed)
        #expect(throws: Never.self) { try rehearsal.run() }
        for operation in 1...rehearsal.disk.operations {
            let context = "seed \(seed), \(fault) at operation \(operation)"
            var life = SnapshotLife(seed: seed)
            life.disk.arm(fault, at: operation)
            do throws(StorageError) {
                try life.run(context)
                #expect(fault == .full, "\(context)")
            } catch {
                // A snapshot without room is thrown away at once, and a start goes on without the next segment.
                let isAtRest = fault == .full || life.disk.operations == operation
                #expect(isAtRest, "\(context): something was done after the fault")
            }
            if !life.disk.isOff { life.disk.kill() }
            #expect(throws: Never.self, "\(context)") { try life.recover(context) }
        }
    }

    @Test(arguments: 1...thoroughness)
    func `no power cut before any operation loses a snapshot or its log`(seed: UInt64) {
        crashEverywhere(seed, .powerCut(.before))
    }

    @Test(arguments: 1...thoroughness)
    func `no power cut in any operation loses a snapshot or its log`(seed: UInt64) {
        crashEverywhere(seed, .powerCut(.during))
    }

    @Test(arguments: 1...thoroughness)
    func `no power cut after any operation loses a snapshot or its log`(seed: UInt64) {
        crashEverywhere(seed, .powerCut(.after))
    }

    @Test(arguments: 1...thoroughness)
    func `no kill in any operation loses a snapshot or its log, nor does a power cut after it`(seed: UInt64) {
        crashEverywhere(seed, .kill)
    }

    @Test(arguments: 1...thoroughness)
    func `no error of the disk in any operation loses a snapshot or its log`(seed: UInt64) {
        crashEverywhere(seed, .ioError)
    }

    @Test(arguments: 1...thoroughness)
    func `a full disk at any operation loses no snapshot and no log`(seed: UInt64) {
        crashEverywhere(seed, .full)
    }

    /// A start changes the log, too: base record, term, segments.
    @Test(arguments: 1...thoroughness)
    func `power cuts one after the other while a log is reset lose nothing`(seed: UInt64) throws {
        for (index, term) in [(9, 1), (3, 4), (30, 4)] as [(UInt64, UInt64)] {
            var random = SeededRandom(seed: seed)
            var life = SnapshotLife(seed: seed)
            try life.start("")
            for step in SnapshotLife.script.prefix(2) { try life.perform(step) }
            try life.perform(.receive(index, term: term))
            for crash in 0..<10 {
                let moment = SimulatedDisk.Moment.allCases[Int(random.below(3))]
                life.disk.arm(.powerCut(moment), at: life.disk.operations + 1 + Int(random.below(14)))
                try? life.start("seed \(seed), snapshot \(index), start \(crash)")
                life.disk.disarm()
                life.disk.cutPower()
                life.disk.restart()
            }
            try life.recover("seed \(seed), snapshot \(index), at the end")
        }
    }
}
