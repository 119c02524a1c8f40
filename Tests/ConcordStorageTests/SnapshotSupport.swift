import ConcordBytes
import ConcordRaft
import ConcordSimulator
import ConcordStorage
import Testing

let cluster = ClusterID(0xF0E0_D0C0_B0A0_9080_7060_5040_3020_1000)

/// The position of an entry that `entries` makes.
func position(_ index: UInt64, term: UInt64) -> LogPosition {
    LogPosition(index: LogIndex(index), term: Term(term), clock: index * 10)
}

func header(_ index: UInt64, term: UInt64, voters: Int = 1) -> SnapshotHeader {
    let members = (0..<voters).map { number in
        Configuration.Member(
            id: MemberID(ownID.rawValue + UInt128(number)), name: "north", peerAddress: "127.0.0.1:7401")
    }
    let base = LogBase(position: position(index, term: term), configuration: Configuration(members: members))
    return SnapshotHeader(cluster: cluster, base: base)
}

/// Pieces that tell the snapshot, so that no two are alike.
func pieces(_ index: UInt64, count: Int = 3, bytes: Int = 300) -> [[UInt8]] {
    (0..<count).map { number in
        (0..<bytes).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ number &* 31 &+ Int(index) &* 101) }
    }
}

func writeSnapshot(
    _ header: SnapshotHeader, _ pieces: [[UInt8]], on disk: SimulatedDisk
) throws(StorageError) -> StoredSnapshot {
    var writer = try SnapshotWriter(header, on: disk)
    for piece in pieces { try writer.append(piece) }
    return try writer.finish()
}

/// A snapshot whose content tells its index.
func writeSnapshot(
    _ index: UInt64, term: UInt64, voters: Int = 1, on disk: SimulatedDisk
) throws(StorageError) -> StoredSnapshot {
    try writeSnapshot(header(index, term: term, voters: voters), pieces(index), on: disk)
}

func readPieces(_ snapshot: StoredSnapshot, on disk: SimulatedDisk) throws(StorageError) -> [[UInt8]] {
    var reader = try SnapshotReader(snapshot, on: disk)
    defer { reader.close() }
    var found: [[UInt8]] = []
    while let piece = try reader.next() { found.append(piece) }
    return found
}

/// The bytes of a snapshot that another member sends, and its identity.
func sentSnapshot(
    _ index: UInt64, term: UInt64, pieces: [[UInt8]]? = nil
) throws(StorageError) -> (identity: SnapshotIdentity, bytes: [UInt8]) {
    let disk = SimulatedDisk(seed: 1)
    let content = pieces ?? ConcordStorageTests.pieces(index)
    let sent = try writeSnapshot(header(index, term: term), content, on: disk)
    let reader = try SnapshotReader(sent, on: disk)
    return (sent.identity, try reader.bytes(at: 0, count: Int(sent.identity.bytes)))
}

func receive(
    _ sent: (identity: SnapshotIdentity, bytes: [UInt8]), on disk: SimulatedDisk, portion: Int = 100
) throws(StorageError) -> StoredSnapshot? {
    var receiver = try SnapshotReceiver(sent.identity, on: disk)
    var rest = sent.bytes[...]
    while !rest.isEmpty {
        try receiver.append([UInt8](rest.prefix(portion)))
        rest = rest.dropFirst(portion)
    }
    return try receiver.finish(cluster: cluster)
}

func littleEndian(_ value: UInt64, bytes: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
}
