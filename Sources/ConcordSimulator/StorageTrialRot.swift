import ConcordBytes
import ConcordRaft
import ConcordStorage

// Bits that change at rest: the directory is refused, or shows what it held; or it doubts its last group and shows what
// was there before; or it goes on from the snapshot before the newest.

extension StorageTrial {
    /// A bit of a slot, of both slots, of what is superseded, of the newest snapshot, or of anything.
    mutating func rot() {
        guard pendingBase == nil else { return restart() }
        disk.kill()
        let slots = [0, StorageTrial.slotBytes]
        var (mustBeRefused, mustBeOpened) = (false, false)
        var snapshot: TrialSnapshot?
        switch random.below(12) {
        case 0:
            for slot in slots { rotVote(at: slot) }
            mustBeRefused = true
        case 1, 2:
            rotVote(at: slots[Int(random.below(2))])
            mustBeOpened = true
        case 3, 4, 5, 6:
            guard !hasDamage, let place = supersededPlace else { return open(mayDoubt: false) }
            disk.flipBit(
                Int(random.below(8)), ofByte: place.bytes.lowerBound + Int(random.below(UInt64(place.bytes.count))),
                in: place.file)
            return open(mayDoubt: false)
        case 7, 8:
            guard let newest = content.snapshots.first else { return open(mayDoubt: false) }
            disk.flipBit(
                Int(random.below(8)), ofByte: Int(random.below(UInt64(newest.bytes.count))), in: newest.file)
            snapshot = newest
        default:
            guard let place = disk.rot(using: &random) else { return open(mayDoubt: false) }
            snapshot = content.snapshots.first { $0.file == place.file }
        }
        disk.restart()
        if let snapshot { return openWithout(snapshot) }
        do throws(StorageError) {
            let opened = try openOnce()
            if mustBeRefused { return problem("a directory without a vote that can be verified was opened") }
            let isCut = opened.recovered.notes.contains { if case .doubtfulGroupCut = $0 { true } else { false } }
            if isCut, !content.matches(opened, on: disk) { goBack(to: opened) }
            check(opened, mayDoubt: true, [])
        } catch {
            if mustBeOpened { return problem("one vote slot rotted, and it cannot be opened: \(error)") }
            refused(error)
        }
    }

    private mutating func refused(_ error: StorageError) {
        if case .disk = error { return problem("a rotten directory met an error that no disk made: \(error)") }
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
            check(opened, mayDoubt: false, [])
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
        open(mayDoubt: false)
    }
}
