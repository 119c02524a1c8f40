import ConcordBytes
import ConcordRaft
import ConcordStorage

/// The storage of one member alone, driven harder than a cluster drives it: entries of many blocks, tails that are
/// replaced again and again, a crash in every third write, and rot where it hurts.
///
/// It knows what was written, and what a directory may show when it is opened again.
package struct StorageTrial {
    package private(set) var problems: [String] = []
    package private(set) var hash: UInt64 = 0

    private var random: SeededRandom
    private var disk: SimulatedDisk
    private let segmentBytes: Int
    private var data: DataDirectory<SimulatedDisk>?
    /// Handed out and not made yet.
    private var preparation: SegmentPreparation?
    private var sequence: UInt64 = 0
    private var clock: UInt64 = 0

    /// What is durable.
    private var hardState = HardState(term: .zero, votedFor: nil)
    private var entries: [Entry] = []
    /// For each write that left groups: what the log may have been before each of these, oldest first. If the last
    /// group rots, one of the last of these comes back.
    private var before: [[[Entry]]] = []
    /// Where on the disk the groups of each write lie, oldest first.
    private var places: [Place] = []
    /// A group rotted that was replaced. Of two such next to each other nothing would be known.
    private var hasDamage = false

    private struct Place {
        var file: String
        var bytes: Range<Int>
        var firstIndex: LogIndex
    }

    package init(seed: UInt64) {
        random = SeededRandom(seed: seed ^ 0x5354_4F52_4147)
        disk = SimulatedDisk(seed: random.next())
        segmentBytes = [16 << 10, 32 << 10, 64 << 10][Int(random.below(3))]
    }

    package mutating func run() {
        open(mayDoubt: false)
        for _ in 0..<(40 + random.below(40)) where problems.isEmpty {
            switch random.below(20) {
            case ..<14: write()
            case ..<17: restart()
            default: rot()
            }
        }
    }

    private mutating func problem(_ what: String) {
        problems.append("storage alone: \(what)")
    }

    // MARK: Opening

    /// Of what the last write would have made, one state for each group that may have become durable.
    private struct Attempt {
        var hardState: HardState?
        var logs: [[Entry]] = []
    }

    private mutating func open(mayDoubt: Bool, attempt: Attempt = Attempt()) {
        for _ in 0..<4 {
            disk.restart()
            if random.chance(percent: 20) { armSoon(within: 12) }
            let id = MemberID(UInt128(random.next()) << 64 | 1)
            do throws(StorageError) {
                let opened = try DataDirectory.open(disk, newMember: id, name: "alone", segmentBytes: segmentBytes)
                disk.disarm()
                return check(opened, mayDoubt: mayDoubt, attempt)
            } catch {
                disk.disarm()
                guard case .disk = error else { return problem("it cannot be opened: \(error)") }
                if random.chance(percent: 50) { disk.cutPower() } else { disk.kill() }
            }
        }
        disk.restart()
        do throws(StorageError) {
            check(
                try DataDirectory.open(disk, newMember: MemberID(1), name: "alone", segmentBytes: segmentBytes),
                mayDoubt: mayDoubt, attempt)
        } catch {
            problem("it cannot be opened: \(error)")
        }
    }

    private mutating func check(_ opened: DataDirectory<SimulatedDisk>, mayDoubt: Bool, _ attempt: Attempt) {
        let found = opened.recovered
        for case .doubtfulGroupCut(let group) in found.notes where !mayDoubt {
            problem("a group is doubtful that nobody was writing: \(group)")
        }
        for case .supersededDamage in found.notes { hasDamage = true }
        let isNew = attempt.hardState != nil && found.hardState == attempt.hardState
        if found.hardState != hardState, !isNew { problem("\(hardState) came back as \(found.hardState)") }
        if found.entries == entries {
            // Nothing of the last write is there, or there was none.
        } else if let reached = attempt.logs.firstIndex(of: found.entries) {
            if attempt.hardState != nil, !isNew { problem("entries are durable and not the term before them") }
            before.append([entries] + attempt.logs[..<reached])
            // Where its groups lie was not seen: perhaps behind another one, in bytes that this one wrote zeros over.
            places = []
        } else {
            problem("\(brief(entries)) came back as \(brief(found.entries)), of \(attempt.logs.map(brief))")
        }
        hardState = found.hardState
        entries = found.entries
        data = opened
        preparation = nil
        hash = (hash ^ UInt64(entries.count) ^ hardState.term.rawValue << 32) &* 0x9E37_79B9_7F4A_7C15
    }

    private func brief(_ entries: [Entry]) -> String {
        "\(entries.count) entries (\(entries.suffix(4).map { "\($0.term.rawValue)" }.joined(separator: " ")))"
    }

    /// Ends the process, with or without the power, when nothing is under way.
    private mutating func restart() {
        if random.chance(percent: 50) { disk.cutPower() } else { disk.kill() }
        open(mayDoubt: false)
    }

    // MARK: Writing

    private mutating func write() {
        if preparation == nil { preparation = data?.log.nextPreparation() }
        let writes = drawWrites()
        let mustPrepare = data?.log.mayNeedNextSegment(for: writes) == true
        if random.chance(percent: 35) { armSoon(within: 6) }
        do throws(StorageError) {
            if let work = preparation, mustPrepare || random.chance(percent: 60) {
                try work.run(on: &disk)
                data?.log.prepared(work)
                preparation = nil
            }
        } catch {
            return crashed(error, mayDoubt: false, Attempt())
        }
        let attempt = outcome(of: writes)
        let old = segments
        do throws(StorageError) {
            try data?.log.write(writes)
        } catch {
            return crashed(error, mayDoubt: true, attempt)
        }
        disk.disarm()
        hardState = attempt.hardState ?? hardState
        guard let last = attempt.logs.last else { return }
        before.append([entries] + attempt.logs.dropLast())
        entries = last
        remember(since: old, from: LogIndex(UInt64(attempt.logs[0].count)))
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
            new.append(Place(file: file, bytes: start..<end + 1, firstIndex: first))
        }
        // Where the next segment was begun with another group nobody here knows.
        if new.count == 1 { places += new }
    }

    /// A write whose entries were all replaced by one write after it: nothing of it is needed any more.
    private var replacedPlace: Place? {
        places.indices.dropLast().last { position in
            places[(position + 1)...].contains { $0.firstIndex <= places[position].firstIndex }
        }.map { places[$0] }
    }

    private mutating func crashed(_ error: StorageError, mayDoubt: Bool, _ attempt: Attempt) {
        disk.disarm()
        guard case .disk = error else { return problem("it cannot be written: \(error)") }
        if !disk.isOff { random.chance(percent: 50) ? disk.cutPower() : disk.kill() }
        open(mayDoubt: mayDoubt, attempt: attempt)
    }

    private mutating func armSoon(within operations: UInt64) {
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

    /// One to three writes of one call: new entries, in place of the last ones too, new terms and votes.
    private mutating func drawWrites() -> [LogWrite] {
        var writes: [LogWrite] = []
        var (state, log) = (hardState, entries)
        for _ in 0...random.below(3) {
            var isNewTerm = false
            if state.term == .zero || random.chance(percent: 40) {
                isNewTerm = true
                let vote = random.chance(percent: 60) ? MemberID(UInt128(1 + random.below(5))) : nil
                state = HardState(term: Term(state.term.rawValue + 1 + random.below(2)), votedFor: vote)
            }
            var added: [Entry] = []
            if random.chance(percent: 85) {
                // A leader of a later term may replace what is there; one of the same term only adds.
                if isNewTerm, random.chance(percent: 60) { log.removeLast(min(log.count, Int(random.below(6)))) }
                for _ in 0...random.below(4) { added.append(drawEntry(behind: log + added, term: state.term)) }
                log += added
            }
            guard isNewTerm || !added.isEmpty else { continue }
            sequence += 1
            writes.append(
                LogWrite(sequence: WriteSequence(sequence), hardState: isNewTerm ? state : nil, entries: added))
        }
        return writes
    }

    private mutating func drawEntry(behind log: [Entry], term: Term) -> Entry {
        clock += random.below(20)
        let count = random.chance(percent: 30) ? 3000 + random.below(9000) : random.below(300)
        let seed = UInt8(truncatingIfNeeded: random.next())
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0) &+ seed }
        return Entry(
            index: (log.last?.index ?? .zero).next, term: term, clock: clock, kind: .commands, payload: payload)
    }

    /// The logs that each number of durable groups could leave: any first part of what is written in the end.
    private func outcome(of writes: [LogWrite]) -> Attempt {
        var attempt = Attempt(hardState: writes.compactMap(\.hardState).last)
        var (first, log) = (entries.count, entries)
        for write in writes {
            guard let index = write.entries.first?.index else { continue }
            let keep = Int(index.rawValue) - 1
            first = min(first, keep)
            log = log.prefix(keep) + write.entries
        }
        guard log.count > first else { return attempt }
        for count in (first + 1)...log.count { attempt.logs.append(Array(log.prefix(count))) }
        return attempt
    }

    // MARK: Rot

    /// A bit of a slot, of both slots, or of anything; the directory is refused, or shows what it held, or doubts its
    /// last group and shows what was there before.
    private mutating func rot() {
        disk.kill()
        let slots = [0, StorageTrial.slotBytes]
        var (mustBeRefused, mustBeOpened) = (false, false)
        switch random.below(10) {
        case 0:
            for slot in slots { rotVote(at: slot) }
            mustBeRefused = true
        case 1, 2:
            rotVote(at: slots[Int(random.below(2))])
            mustBeOpened = true
        case 3, 4, 5:
            guard !hasDamage, let place = replacedPlace else { return open(mayDoubt: false) }
            hasDamage = true
            disk.flipBit(
                Int(random.below(8)), ofByte: place.bytes.lowerBound + Int(random.below(UInt64(place.bytes.count))),
                in: place.file)
            return open(mayDoubt: false)
        default:
            guard disk.rot(using: &random) != nil else { return open(mayDoubt: false) }
        }
        disk.restart()
        do throws(StorageError) {
            let opened = try DataDirectory.open(disk, newMember: MemberID(1), name: "alone", segmentBytes: segmentBytes)
            if mustBeRefused { return problem("a directory without a vote that can be verified was opened") }
            let isCut = opened.recovered.notes.contains { if case .doubtfulGroupCut = $0 { true } else { false } }
            if isCut, opened.recovered.entries != entries { goBack(to: opened.recovered.entries) }
            check(opened, mayDoubt: true, Attempt())
        } catch {
            if mustBeOpened { return problem("one vote slot rotted, and it cannot be opened: \(error)") }
            if case .disk = error { return problem("a rotten directory met an error that no disk made: \(error)") }
            beginAnew()
        }
    }

    /// The last group is gone, if `found` is what was there before it.
    private mutating func goBack(to found: [Entry]) {
        guard let states = before.popLast(), let state = states.lastIndex(of: found) else { return }
        entries = found
        places = []
        if state > 0 { before.append(Array(states[..<state])) }
    }

    private mutating func rotVote(at slot: Int) {
        disk.flipBit(Int(random.below(8)), ofByte: slot + Int(random.below(60)), in: "vote")
    }

    private static let slotBytes = 4096

    /// As a new member.
    private mutating func beginAnew() {
        disk = SimulatedDisk(seed: random.next())
        (hardState, entries, before) = (HardState(term: .zero, votedFor: nil), [], [])
        (places, hasDamage) = ([], false)
        open(mayDoubt: false)
    }
}
