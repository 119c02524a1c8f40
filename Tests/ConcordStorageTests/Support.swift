import ConcordRaft
import ConcordSimulator
import ConcordStorage

/// Eight blocks: a few groups fill it.
let smallSegment = 8 * StorageLimits.blockBytes

/// Opens the directory of member 7.
func openDirectory(
    _ disk: SimulatedDisk, segmentBytes: Int = smallSegment
) throws(StorageError) -> DataDirectory<SimulatedDisk> {
    try DataDirectory.open(disk, newMember: MemberID(7), name: "a", segmentBytes: segmentBytes)
}

/// Entries whose payloads tell index and term.
func entries(_ indices: ClosedRange<UInt64>, term: UInt64, bytes: Int = 20) -> [Entry] {
    indices.map { index in
        let payload = (0..<bytes).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ Int(index) &* 7 &+ Int(term)) }
        return Entry(index: LogIndex(index), term: Term(term), clock: index * 10, kind: .commands, payload: payload)
    }
}

func write(_ hardState: HardState?, _ entries: [Entry]) -> LogWrite {
    LogWrite(sequence: .zero, hardState: hardState, entries: entries)
}
