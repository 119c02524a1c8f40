import ConcordBytes
import ConcordRaft
import ConcordStorage

/// The storage of one member alone, driven harder than a cluster drives it: entries of many blocks, tails that are
/// replaced again and again, snapshots and what follows them, a crash in every third step, and rot where it hurts.
///
/// It knows what was written, and what a directory may show when it is opened again.
package struct StorageTrial {
    /// How often it came to what it is for.
    package struct Counts: Equatable, Sendable {
        package var snapshots = 0
        package var installed = 0
        package var pruned = 0
        package var segmentsReleased = 0
        package var logsReset = 0
        package var olderSnapshots = 0
        package var groupsDoubted = 0
        package var damageCut = 0

        package init() {}
    }

    package internal(set) var problems: [String] = []
    package private(set) var hash: UInt64 = 0
    package internal(set) var counts = Counts()

    var random: SeededRandom
    var disk: SimulatedDisk
    let segmentBytes: Int
    var data: DataDirectory<SimulatedDisk>?
    /// Handed out and not made yet.
    private var preparation: SegmentPreparation?
    private var sequence: UInt64 = 0
    var clock: UInt64 = 0
    /// Of the cluster that the member is in: alone, or with others that may have what it loses.
    private(set) var configuration: Configuration

    /// What is durable.
    var content = TrialContent() {
        didSet { if content.log != oldValue.log { logs.append(content.log) } }
    }
    /// All logs that it ever had.
    var logs = [TrialLog()]
    /// The furthest that it claimed to have had when something was lost.
    var claimed: LastEntry?
    /// A snapshot was installed, and the log does not follow it yet.
    var pendingBase: LogPosition?
    /// Up to where the log's beginning may be gone.
    var releasedTo = LogIndex.zero
    /// For each write that left groups: what the log may have been before each of these, oldest first. If the last
    /// group rots, one of the last of these comes back.
    var before: [[TrialLog]] = []
    /// Where on the disk the groups of each write lie, oldest first.
    var places: [Place] = []
    /// A group rotted that was superseded. Of two such next to each other nothing would be known.
    var hasDamage = false
    /// One did, some time ago: what only an older snapshot would need may be lost.
    var hadDamage = false

    struct Place {
        var file: String
        var bytes: Range<Int>
        var firstIndex: LogIndex
        var lastIndex: LogIndex
    }

    package init(seed: UInt64) {
        random = SeededRandom(seed: seed ^ 0x5354_4F52_4147)
        disk = SimulatedDisk(seed: random.next())
        segmentBytes = [16 << 10, 32 << 10, 64 << 10][Int(random.below(3))]
        let members = (1...(random.chance(percent: 30) ? 1 : 3)).map { (number: Int) in
            Configuration.Member(id: MemberID(UInt128(number)), name: "m\(number)", peerAddress: "m\(number):1")
        }
        configuration = Configuration(members: members)
    }

    package mutating func run() {
        open(mayBeUnfinished: false)
        for _ in 0..<(50 + random.below(50)) where problems.isEmpty {
            if pendingBase != nil, random.chance(percent: 80) {
                write()
                continue
            }
            switch random.below(30) {
            case ..<15: write()
            case ..<18: restart()
            case ..<21: rot()
            case ..<24: makeSnapshot()
            case ..<26: installSnapshot()
            case ..<28: prune()
            default: release()
            }
        }
    }

    mutating func problem(_ what: String) {
        problems.append("storage alone: \(what)")
    }

    // MARK: Opening

    /// Opens the directory, with more crashes on the way. `stages`: what the last step may have left, from nothing of
    /// it to all of it. `mayBeUnfinished`: whether a group was being written.
    mutating func open(mayBeUnfinished: Bool, stages: [TrialContent] = []) {
        // To write a base record is a part of some openings, and it can be cut short like any other group.
        let mayBeReset = pendingBase != nil || stages.contains { $0.opened.log != $0.log }
        for attempt in 0..<5 {
            disk.restart()
            if attempt < 4, random.chance(percent: 20) { armSoon(within: 16) }
            do throws(StorageError) {
                let opened = try openOnce()
                disk.disarm()
                let mayBeUnfinished = mayBeUnfinished || mayBeReset && attempt > 0
                return check(opened, mayBeUnfinished: mayBeUnfinished, mayDoubt: mayBeReset && attempt > 1, stages)
            } catch {
                disk.disarm()
                guard error.isOfDisk, attempt < 4 else { return problem("it cannot be opened: \(error)") }
                if random.chance(percent: 50) { disk.cutPower() } else { disk.kill() }
            }
        }
    }

    mutating func openOnce() throws(StorageError) -> DataDirectory<SimulatedDisk> {
        let id = MemberID(UInt128(random.next()) << 64 | 1)
        var opened = try DataDirectory.open(disk, newMember: id, name: "alone", segmentBytes: segmentBytes)
        if opened.member.record.clusterID == nil {
            var record = opened.member.record
            var members = configuration.members
            members[0].id = record.id
            configuration = Configuration(members: members)
            (record.clusterID, record.initialConfiguration) = (StorageTrial.cluster, configuration)
            try opened.member.write(record)
        }
        return opened
    }

    static let cluster = ClusterID(5)

    /// - Parameters:
    ///   - mayBeUnfinished: whether a group was being written.
    ///   - mayDoubt: whether something may have rotted.
    mutating func check(
        _ opened: DataDirectory<SimulatedDisk>, mayBeUnfinished: Bool, mayDoubt: Bool, _ stages: [TrialContent]
    ) {
        let notes = opened.recovered.notes
        for note in notes {
            switch note {
            case .unfinishedGroupCut where !mayBeUnfinished && !mayDoubt: problem("nobody was writing, and \(note)")
            case .doubtfulGroupCut where !mayDoubt, .damageCut where !mayDoubt: problem("nothing rots, and \(note)")
            default: break
            }
        }
        // A base record over a group that was never finished, cut short itself: too rare to be told from rot.
        if mayDoubt { takeLoss(opened) }
        hasDamage = notes.contains { if case .supersededDamage = $0 { true } else { false } }
        hadDamage = hadDamage || hasDamage
        let stages = (stages.isEmpty ? [content] : stages).map(\.opened)
        if let reached = stages.firstIndex(where: { $0.matches(opened, on: disk) }) {
            if stages[reached].log != content.log, reached > 0 {
                remember(stages[..<reached].map(\.log), before: stages[reached].log)
                // Where its groups lie was not seen: perhaps behind another one, in bytes that this one wrote zeros over.
                places = []
            }
            content = stages[reached]
        } else {
            let found = opened.recovered
            problem(
                "\(content.brief) came back as \(found.hardState), \(found.entries.count) entries "
                    + "behind \(found.released.index.rawValue), snapshots "
                    + "\(opened.snapshots.kept.map(\.identity.index.rawValue)), of \(stages.map(\.brief))")
        }
        for case .logReset(let base) in notes {
            counts.logsReset += 1
            dropLog(upTo: base)
        }
        data = opened
        (preparation, pendingBase) = (nil, nil)
        let mixed = hash ^ content.log.lastIndex.rawValue ^ content.hardState.term.rawValue << 32
        hash = (mixed ^ UInt64(content.snapshots.count) << 48) &* 0x9E37_79B9_7F4A_7C15
    }

    /// A base record was written: what stood before it is not there any more.
    private mutating func dropLog(upTo base: LogIndex) {
        places = []
        guard base > content.log.base.index, let position = content.log.position(at: base) else { return }
        let count = Int(base.rawValue - content.log.base.index.rawValue)
        content.log = TrialLog(base: position, entries: Array(content.log.entries.dropFirst(count)))
    }

    /// Ends the process, with or without the power, when nothing is under way.
    mutating func restart() {
        if random.chance(percent: 50) { disk.cutPower() } else { disk.kill() }
        open(mayBeUnfinished: false)
    }

    // MARK: Writing

    private mutating func write() {
        if preparation == nil { preparation = data?.log.nextPreparation() }
        let writes = drawWrites()
        if random.chance(percent: 35) { armSoon(within: 6) }
        do throws(StorageError) {
            if random.chance(percent: 60) { try prepare() }
        } catch {
            return crashed(error, mayBeUnfinished: false, [])
        }
        let stages = content.stages(writing: writes)
        let old = segments
        do throws(StorageError) {
            var unwritten = try data?.log.write(writes) ?? nil
            while let rest = unwritten?.rest {
                if preparation == nil { preparation = data?.log.nextPreparation() }
                try prepare()
                unwritten = try data?.log.write([rest]) ?? nil
            }
        } catch {
            return crashed(error, mayBeUnfinished: true, stages)
        }
        disk.disarm()
        let (last, base) = (content.log, pendingBase)
        pendingBase = nil
        guard let end = stages.last else { return }
        content = end
        if base != nil { places = [] }
        guard end.log != last else { return }
        remember(stages.dropLast().map(\.log), before: end.log)
        let first = writes.compactMap { $0.entries.first?.index }.min() ?? end.log.lastIndex
        if base == nil { remember(since: old, from: first) }
    }

    private mutating func prepare() throws(StorageError) {
        guard let work = preparation else { return }
        try work.run(on: &disk)
        data?.log.prepared(work)
        preparation = nil
    }

    /// Each of these differs from the next by a group, and the last one from `log`.
    mutating func remember(_ earlier: [TrialLog], before log: TrialLog) {
        var distinct: [TrialLog] = []
        for state in earlier where state != distinct.last && state != log { distinct.append(state) }
        if !distinct.isEmpty { before.append(distinct) }
        logs += distinct
    }

    private var segments: [String: [UInt8]] {
        disk.durableSnapshot().filter { $0.key.hasPrefix("log-") && !$0.key.hasSuffix(".new") }
    }

    /// The write's groups are where the files differ now. What lay there before was cut off.
    private mutating func remember(since old: [String: [UInt8]], from first: LogIndex) {
        var new: [Place] = []
        for (file, bytes) in segments.sorted(by: { $0.key < $1.key }) {
            let was = old[file] ?? []
            guard bytes != was else { continue }
            func isChanged(_ offset: Int) -> Bool {
                offset < was.count ? was[offset] != bytes[offset] : bytes[offset] != 0
            }
            guard let start = bytes.indices.first(where: isChanged), let end = bytes.indices.last(where: isChanged)
            else { continue }
            places.removeAll { $0.file == file && $0.bytes.upperBound > start }
            new.append(
                Place(file: file, bytes: start..<end + 1, firstIndex: first, lastIndex: content.log.lastIndex))
        }
        // Where the next segment was begun with another group nobody here knows.
        if new.count == 1 { places += new }
    }

    /// The process ends with an error that the disk was told to make.
    mutating func crashed(_ error: StorageError, mayBeUnfinished: Bool, _ stages: [TrialContent]) {
        disk.disarm()
        guard error.isOfDisk else { return problem("it cannot be written: \(error)") }
        if !disk.isOff { random.chance(percent: 50) ? disk.cutPower() : disk.kill() }
        open(mayBeUnfinished: mayBeUnfinished, stages: stages)
    }

    mutating func armSoon(within operations: UInt64) {
        let moments = SimulatedDisk.Moment.allCases
        let fault: SimulatedDisk.Fault =
            switch random.below(8) {
            case 0: .kill
            case 1: .ioError
            case 2: .full
            default: .powerCut(moments[Int(random.below(UInt64(moments.count)))])
            }
        disk.arm(fault, at: disk.operations + 1 + Int(random.below(operations)))
    }

    /// One to three writes of one call: new entries, in place of the last ones too, new terms and votes; first of all
    /// the base that a snapshot asks for.
    private mutating func drawWrites() -> [LogWrite] {
        var writes: [LogWrite] = []
        var (state, log) = (content.hardState, content.log)
        if let base = pendingBase {
            sequence += 1
            log = TrialLog(base: base)
            writes.append(
                LogWrite(sequence: WriteSequence(sequence), hardState: state, base: base, entries: []))
        }
        let committed = max(log.base.index, content.snapshots.first?.position.index ?? .zero)
        for _ in 0...random.below(3) {
            var isNewTerm = false
            if state.term == .zero || random.chance(percent: 40) {
                isNewTerm = true
                let vote = random.chance(percent: 60) ? MemberID(UInt128(1 + random.below(5))) : nil
                state = HardState(term: Term(state.term.rawValue + 1 + random.below(2)), votedFor: vote)
            }
            var added: [Entry] = []
            if random.chance(percent: 85) {
                // A leader of a later term may replace what is there and not committed; one of the same term only adds.
                if isNewTerm, random.chance(percent: 60) {
                    let most = log.lastIndex.rawValue - committed.rawValue
                    log.entries.removeLast(Int(min(most, random.below(6))))
                }
                for _ in 0...random.below(4) {
                    let entry = drawEntry(at: log.lastIndex.next, term: state.term)
                    added.append(entry)
                    log.entries.append(entry)
                }
            }
            guard isNewTerm || !added.isEmpty else { continue }
            sequence += 1
            writes.append(
                LogWrite(sequence: WriteSequence(sequence), hardState: isNewTerm ? state : nil, entries: added))
        }
        return writes
    }

    private mutating func drawEntry(at index: LogIndex, term: Term) -> Entry {
        clock += random.below(20)
        let count = random.chance(percent: 30) ? 3000 + random.below(9000) : random.below(300)
        let seed = UInt8(truncatingIfNeeded: random.next())
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0) &+ seed }
        return Entry(index: index, term: term, clock: clock, kind: .commands, payload: payload)
    }
}
