import ConcordBytes
import ConcordRaft
import ConcordStorage

// Bits that change at rest: the directory is refused, or shows what it held; or it lost something of its log, shows what
// was there before and doubts the rest; or it goes on from the snapshot before the newest.

extension StorageTrial {
    /// A bit of a slot, of both slots, of what is superseded, of the newest snapshot, or of anything.
    mutating func rot() {
        guard pendingBase == nil else { return restart() }
        disk.kill()
        let slots = [0, StorageTrial.slotBytes]
        var (mustBeRefused, mustBeOpened) = (false, false)
        var snapshot: TrialSnapshot?
        switch random.below(13) {
        case 0:
            for slot in slots { rotVote(at: slot) }
            mustBeRefused = true
        case 1, 2:
            rotVote(at: slots[Int(random.below(2))])
            mustBeOpened = true
        case 3, 4, 5, 6:
            guard !hasDamage, let place = supersededPlace else { return open(mayBeUnfinished: false) }
            disk.flipBit(
                Int(random.below(8)), ofByte: place.bytes.lowerBound + Int(random.below(UInt64(place.bytes.count))),
                in: place.file)
            return open(mayBeUnfinished: false)
        case 7, 8:
            guard let newest = content.snapshots.first else { return open(mayBeUnfinished: false) }
            disk.flipBit(
                Int(random.below(8)), ofByte: Int(random.below(UInt64(newest.bytes.count))), in: newest.file)
            snapshot = newest
        case 9:
            guard let place = places.dropLast().last(where: { _ in random.chance(percent: 30) }) else {
                return open(mayBeUnfinished: false)
            }
            let byte = place.bytes.lowerBound + Int(random.below(UInt64(place.bytes.count)))
            disk.flipBit(Int(random.below(8)), ofByte: byte, in: place.file)
        case 10:
            guard disk.rotEnd(of: "log-", using: &random) != nil else { return open(mayBeUnfinished: false) }
        default:
            guard let place = disk.rot(using: &random) else { return open(mayBeUnfinished: false) }
            snapshot = content.snapshots.first { $0.file == place.file }
        }
        disk.restart()
        if let snapshot { return openWithout(snapshot) }
        do throws(StorageError) {
            let opened = try openOnce()
            if mustBeRefused { return problem("a directory without a vote that can be verified was opened") }
            check(opened, mayBeUnfinished: false, mayDoubt: true, [])
        } catch {
            if mustBeOpened { return problem("one vote slot rotted, and it cannot be opened: \(error)") }
            refused(error)
        }
    }

    /// Something rotted that the log needs: it ends before that, and the member remembers how far it went.
    mutating func takeLoss(_ opened: DataDirectory<SimulatedDisk>) {
        let (whole, found) = (content, opened.recovered)
        var isCut = false
        for note in found.notes {
            switch note {
            case .doubtfulGroupCut:
                isCut = true
                counts.groupsDoubted += 1
            case .damageCut(_, _, _, let index):
                isCut = true
                counts.damageCut += 1
                if configuration.members.count == 1 { problem("damage was cut off which nobody else can mend") }
                rememberDamage(from: index)
            default: break
            }
        }
        guard isCut else { return }
        if let doubt = found.hardState.doubt, doubt.term == whole.hardState.term.next {
            content.hardState = found.hardState
            checkClaim(doubt, of: whole)
        }
        if !content.matches(opened, on: disk) { goBack(to: opened) }
        // Which log comes back after two bad places that depend on each other is not known here; but it was there once.
        if hadDamage, !content.matches(opened, on: disk), content.hardState.doubt != nil,
            logs.contains(where: { $0.begins(with: found.entries, behind: found.released) })
        {
            content.log = TrialLog(base: found.released, entries: found.entries)
        }
        let isLess = content.opened.log != whole.opened.log
        if isLess, content.hardState == whole.hardState { problem("it lost \(whole.brief) and knows nothing of it") }
        if isLess, configuration.members.count == 1 { problem("it lost \(whole.brief), and nobody else has that") }
    }

    private mutating func rememberDamage(from index: LogIndex) {
        let kept = max(0, Int(index.rawValue) - Int(content.log.base.index.rawValue) - 1)
        content.log.entries.removeLast(max(0, content.log.entries.count - kept))
        (before, places) = ([], [])
    }

    /// What was promised before counts as well while it is not here again.
    private mutating func checkClaim(_ doubt: Doubt, of whole: TrialContent) {
        guard let claim = doubt.claim else { return }
        let last = whole.log.position(at: whole.log.lastIndex) ?? .start
        var truth = LastEntry(term: last.term, index: last.index)
        if let earlier = whole.hardState.doubt?.claim { truth = max(truth, earlier) }
        // What an earlier loss claimed may be claimed once more; and after superseded damage, also what was dropped.
        let most = hadDamage ? nil : max(truth, claimed ?? truth)
        claimed = max(claim, claimed ?? claim)
        if claim < truth || claim.term > whole.hardState.term || most.map({ claim > $0 }) == true {
            problem("it lost \(whole.brief), and claims \(claim)")
        }
    }

    private mutating func refused(_ error: StorageError) {
        if error.isOfDisk { return problem("a rotten directory met an error that no disk made: \(error)") }
        beginAnew()
    }

    /// A snapshot rotted. If it was the newest, the one before it serves, provided that the log reaches back to it.
    private mutating func openWithout(_ snapshot: TrialSnapshot) {
        let isNewest = snapshot == content.snapshots.first
        var next = content
        next.snapshots.removeAll { $0 == snapshot }
        let position = next.snapshots.first?.position ?? .start
        let isReached = releasedTo <= position.index && content.log.position(at: position.index) == position
        do throws(StorageError) {
            let opened = try openOnce()
            guard content.log.base.index <= position.index || !isNewest else {
                return problem("a log was opened that follows a snapshot which cannot be read")
            }
            if isNewest { counts.olderSnapshots += 1 }
            content = next
            // What the snapshot stood for may have been damaged meanwhile.
            check(opened, mayBeUnfinished: false, mayDoubt: hadDamage, [])
            // Somebody takes it away.
            disk.discard(snapshot.file)
        } catch {
            if isReached && !hadDamage || !isNewest {
                return problem("a snapshot rotted that is not needed, and it cannot be opened: \(error)")
            }
            refused(error)
        }
    }

    /// A write whose entries were all replaced by one write after it, or that the newest snapshot stands for while the
    /// log goes on behind it: nothing of it is needed any more.
    private var supersededPlace: Place? {
        let snapshot = content.snapshots.first?.position.index ?? .zero
        return places.indices.dropLast().last { position in
            places[(position + 1)...].contains { later in
                later.firstIndex <= places[position].firstIndex
                    || places[position].lastIndex <= snapshot && later.firstIndex <= snapshot.next
            }
        }.map { places[$0] }
    }

    /// The last group is gone, if `found` is what was there before it.
    private mutating func goBack(to found: DataDirectory<SimulatedDisk>) {
        guard let logs = before.popLast() else { return }
        var earlier = content
        let reached = logs.lastIndex { log in
            earlier = content
            earlier.log = log
            earlier = earlier.opened
            return earlier.matches(found, on: disk)
        }
        guard let reached else { return }
        content = earlier
        places = []
        remember(Array(logs[..<reached]), before: logs[reached])
    }

    private mutating func rotVote(at slot: Int) {
        disk.flipBit(Int(random.below(8)), ofByte: slot + Int(random.below(60)), in: "vote")
    }

    private static let slotBytes = 4096

    /// As a new member.
    private mutating func beginAnew() {
        disk = SimulatedDisk(seed: random.next())
        (content, before, releasedTo) = (TrialContent(), [], .zero)
        (places, hasDamage, hadDamage) = ([], false, false)
        (logs, claimed) = ([TrialLog()], nil)
        open(mayBeUnfinished: false)
    }
}
