import ConcordBytes
import ConcordRaft
import ConcordSimulator
import ConcordStorage

/// How many times more cases a build with optimisation tries; without, they take a hundred times as long.
#if DEBUG
    let thoroughness: UInt64 = 1
#else
    let thoroughness: UInt64 = 12
#endif

/// From one byte to the next where every byte of a whole file is tried; every one with optimisation.
let step = thoroughness > 1 ? 1 : 19

let block = StorageLimits.blockBytes
/// Eight blocks: a few groups fill it.
let smallSegment = 8 * block

/// The member whose directory `openDirectory` makes.
let ownID = MemberID(0x0102_0304_0506_0708_090A_0B0C_0D0E_0F10)

/// Opens the directory of that member.
func openDirectory(
    _ disk: SimulatedDisk, segmentBytes: Int = smallSegment
) throws(StorageError) -> DataDirectory<SimulatedDisk> {
    try DataDirectory.open(disk, newMember: ownID, name: "a", segmentBytes: segmentBytes)
}

/// Entries whose payloads tell index and term.
func entries(_ indices: ClosedRange<UInt64>, term: UInt64, bytes: Int = 20) -> [Entry] {
    indices.map { index in
        let first = UInt8(truncatingIfNeeded: index &* 7 &+ term &* 13)
        let payload = (0..<bytes).map { first &+ UInt8(truncatingIfNeeded: $0 &* 31) }
        return Entry(index: LogIndex(index), term: Term(term), clock: index * 10, kind: .commands, payload: payload)
    }
}

func write(_ entries: [Entry]) -> LogWrite {
    write(nil, entries)
}

func write(_ hardState: HardState?, _ entries: [Entry]) -> LogWrite {
    LogWrite(sequence: .zero, hardState: hardState, entries: entries)
}

/// What a log should hold, as plain values.
struct PlainLog: Equatable, CustomStringConvertible {
    var hardState = HardState(term: .zero, votedFor: nil)
    var entries: [Entry] = []

    init() {}

    init(_ recovered: RecoveredLog) {
        hardState = recovered.hardState
        entries = recovered.entries
    }

    var description: String {
        let terms = entries.map { "\($0.term.rawValue)" }.joined(separator: " ")
        return "term \(hardState.term.rawValue), vote \(hardState.votedFor?.description ?? "none"), terms [\(terms)]"
    }

    func applying(_ writes: [LogWrite]) -> PlainLog {
        var result = self
        for write in writes {
            if let hardState = write.hardState { result.hardState = hardState }
            guard let first = write.entries.first else { continue }
            result.entries.removeLast(result.entries.count - Int(first.index.rawValue) + 1)
            result.entries.append(contentsOf: write.entries)
        }
        return result
    }

    /// Whether a log that held this, and was then told to write `writes` and did not answer, may hold `found`.
    func mayBecome(_ found: PlainLog, writing writes: [LogWrite]) -> Bool {
        let after = applying(writes)
        if found.entries == entries {
            return found.hardState == hardState || found.hardState == after.hardState
        }
        guard let first = writes.compactMap({ $0.entries.first?.index.rawValue }).min() else { return false }
        return found.hardState == after.hardState && found.entries.count >= Int(first)
            && found.entries == Array(after.entries.prefix(found.entries.count))
    }

    /// Writes that a member could come to want: new terms and votes, entries appended and replaced, from
    /// empty payloads to such as no segment holds.
    func randomWrites(using random: inout SeededRandom, segmentBytes: Int) -> [LogWrite] {
        var state = self
        var writes: [LogWrite] = []
        for _ in 0...random.below(3) {
            var hardState: HardState?
            if random.chance(percent: 30) {
                hardState = HardState(
                    term: state.hardState.term.next,
                    votedFor: random.chance(percent: 50) ? MemberID(UInt128(random.below(3))) : nil)
            }
            var new: [Entry] = []
            if random.chance(percent: 80) {
                let last = UInt64(state.entries.count)
                let first = random.chance(percent: 75) ? last + 1 : last + 1 - random.below(min(last, 6) + 1)
                if first <= last { hardState = HardState(term: state.hardState.term.next, votedFor: nil) }
                let term = (hardState ?? state.hardState).term.rawValue
                let bytes =
                    switch random.below(20) {
                    case 0: Int(random.below(UInt64(segmentBytes) * 2))
                    case 1...4: Int(random.below(3 * UInt64(block)))
                    default: Int(random.below(200))
                    }
                new = ConcordStorageTests.entries(
                    first...first + (bytes > 4 * block ? 0 : random.below(5)), term: term, bytes: bytes)
            }
            let write = LogWrite(sequence: .zero, hardState: hardState, entries: new)
            state = state.applying([write])
            writes.append(write)
        }
        return writes
    }
}

extension SimulatedDisk {
    /// All files as they are.
    func allContents() -> [String: [UInt8]] {
        durableSnapshot()
    }

    /// Makes all files what they were.
    func restore(_ contents: [String: [UInt8]]) {
        for name in durableSnapshot().keys where contents[name] == nil { discard(name) }
        for (name, bytes) in contents { replaceContents(of: name, with: bytes) }
        restart()
    }
}
