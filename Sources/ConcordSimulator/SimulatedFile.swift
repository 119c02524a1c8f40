import ConcordBytes

/// The content of a file twice: as programs see it, and as the medium holds it.
///
/// Between the two stand the sectors that were written and not synchronised. A power cut decides for each of
/// them by itself: as it was, as it was written (now or at an earlier write), or torn within.
final class SimulatedFile {
    static let sectorBytes = 512

    private(set) var seen: [UInt8] = []
    private(set) var durable: [UInt8] = []
    /// Written and not synchronised.
    private var dirty: Set<Int> = []
    /// What stood in a dirty sector between two unsynchronised writes.
    private var between: [Int: [[UInt8]]] = [:]
    /// Sectors whose write-back failed: seen as written, taken for clean, and not on the medium.
    private var lost: Set<Int> = []

    func write(_ bytes: ArraySlice<UInt8>, at offset: Int) {
        guard !bytes.isEmpty else { return }
        let end = offset + bytes.count
        let firstTouched = min(offset, seen.count) / SimulatedFile.sectorBytes
        for sector in firstTouched...(end - 1) / SimulatedFile.sectorBytes {
            if dirty.contains(sector) { between[sector, default: []].append(content(of: sector, in: seen)) }
            dirty.insert(sector)
            lost.remove(sector)
        }
        if seen.count < end { seen.append(contentsOf: repeatElement(0, count: end - seen.count)) }
        seen.replaceSubrange(offset..<end, with: bytes)
    }

    func synchronize() {
        durable.append(contentsOf: repeatElement(0, count: seen.count - durable.count))
        for sector in dirty { store(content(of: sector, in: seen), in: sector) }
        forgetDirty()
    }

    /// Synchronises some sectors, and not all of the length.
    func synchronizePartly(using random: inout SeededRandom) {
        for sector in dirty.sorted() where random.chance(percent: 50) {
            let end = min(seen.count, (sector + 1) * SimulatedFile.sectorBytes)
            if durable.count < end { durable.append(contentsOf: repeatElement(0, count: end - durable.count)) }
            store(content(of: sector, in: seen), in: sector)
            dirty.remove(sector)
            between[sector] = nil
        }
    }

    /// A failed fsync on Linux: the error is told once, and then the pages count as clean.
    func failSynchronization() {
        lost.formUnion(dirty)
        forgetDirty()
    }

    /// Shows lost sectors as the medium has them, like a cache that was dropped.
    func dropCache() {
        for sector in lost {
            let range = self.range(of: sector, in: seen)
            var old = content(of: sector, in: durable)
            old.append(contentsOf: repeatElement(0, count: range.count - old.count))
            seen.replaceSubrange(range, with: old)
        }
        lost = []
    }

    /// The power is cut: every unsynchronised sector meets its own fate, the length as well.
    func lose(using random: inout SeededRandom) -> SectorLosses {
        var losses = SectorLosses()
        let mood = random.below(4)
        let grown = seen.count - durable.count
        if grown > 0 {
            let kept =
                switch mood {
                case 0: 0
                case 1: grown
                default: random.chance(percent: 50) ? grown : Int(random.below(UInt64(grown) + 1))
                }
            durable.append(contentsOf: repeatElement(0, count: kept))
        }
        for sector in dirty.sorted() {
            let old = content(of: sector, in: durable)
            let versions = (between[sector] ?? []) + [content(of: sector, in: seen)]
            let version = versions[Int(random.below(UInt64(versions.count)))]
            switch mood {
            case 0: losses.lost += 1
            case 1: store(content(of: sector, in: seen), in: sector)
            default:
                switch random.below(5) {
                case 0, 1: losses.lost += 1
                case 2, 3:
                    // A later sector got through where an earlier one did not.
                    if losses.lost > 0 { losses.reordered += 1 }
                    store(version, in: sector)
                default:
                    losses.torn += 1
                    store(SimulatedFile.torn(old, version, using: &random), in: sector)
                }
            }
        }
        forgetDirty()
        lost = []
        seen = durable
        return losses
    }

    /// Replaces the content at rest.
    func replace(with bytes: [UInt8]) {
        seen = bytes
        durable = bytes
        forgetDirty()
        lost = []
    }

    private func forgetDirty() {
        dirty.removeAll(keepingCapacity: true)
        between.removeAll(keepingCapacity: true)
    }

    private func range(of sector: Int, in bytes: [UInt8]) -> Range<Int> {
        let start = min(bytes.count, sector * SimulatedFile.sectorBytes)
        return start..<min(bytes.count, start + SimulatedFile.sectorBytes)
    }

    private func content(of sector: Int, in bytes: [UInt8]) -> [UInt8] {
        [UInt8](bytes[range(of: sector, in: bytes)])
    }

    /// Puts as much of a sector's content on the medium as lies within the medium's length.
    private func store(_ content: [UInt8], in sector: Int) {
        let range = range(of: sector, in: durable)
        let kept = content.prefix(range.count)
        durable.replaceSubrange(range.lowerBound..<range.lowerBound + kept.count, with: kept)
    }

    private static func torn(_ old: [UInt8], _ new: [UInt8], using random: inout SeededRandom) -> [UInt8] {
        guard !new.isEmpty else { return old }
        let cut = Int(random.below(UInt64(new.count)))
        let padded = old + repeatElement(0, count: max(0, new.count - old.count))
        return random.chance(percent: 50)
            ? Array(new[..<cut]) + padded[cut...].prefix(new.count - cut)
            : Array(padded[..<cut]) + new[cut...]
    }
}

/// How many unsynchronised sectors met which fate.
package struct SectorLosses: Equatable, Sendable {
    package var lost = 0
    package var torn = 0
    package var reordered = 0

    mutating func add(_ other: SectorLosses) {
        lost += other.lost
        torn += other.torn
        reordered += other.reordered
    }
}
