import ConcordBackup
import ConcordBytes
import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordSimulator
import ConcordState
import ConcordStorage

/// From one byte to the next where every byte of a whole file is tried; every one with optimisation.
#if DEBUG
    let step = 37
#else
    let step = 1
#endif

let block = StorageLimits.blockBytes
let smallSegment = 8 * block

let oldCluster = ClusterID(0xC0FFEE)
let oldMembers = [
    Configuration.Member(id: MemberID(0xA1), name: "north", peerAddress: "10.0.0.1:7401"),
    Configuration.Member(id: MemberID(0xA2), name: "south", peerAddress: "10.0.0.2:7401"),
    Configuration.Member(id: MemberID(0xA3), name: "east", peerAddress: "10.0.0.3:7401"),
]

func put(
    _ key: String, _ value: String?, retry: RetryIdentity = .none, origin: Origin? = nil,
    condition: Condition = .none
) -> Command {
    let put = PutOperation(
        key: Key(text: key), value: value.map { [UInt8]($0.utf8) }, condition: condition, createsParents: true)
    return Command(operation: .put(put), origin: origin, retry: retry, wallMilliseconds: 1_700_000_000_000)
}

let oldOrigin = Origin(member: 0xA1, boot: 2, sequence: 4, done: 3)
let oldKey = [UInt8]("before".utf8)
let oldCall = ClientCall(client: 77, sequence: 1, done: 0)

/// A state with every kind of record, after entry 40 of term 6.
func story() -> StateMachine {
    var state = StateMachine()
    state.configure(oldMembers.map(\.applied))
    state.beginEntry(epoch: Epoch(6), clock: 5000)
    for round in 0..<4 {
        _ = state.apply(put("/a/b/c", "value \(round)"))
        _ = state.apply(put("/a/none", nil))
    }
    _ = state.apply(put("/kept", "by origin", origin: oldOrigin))
    _ = state.apply(put("/by-key", "1", retry: .key(oldKey)))
    _ = state.apply(put("/by-client", "1", retry: .client(oldCall)))
    let settings = [SettingValue(.valueBytesMax, 4321)]
    _ = state.apply(Command(operation: .changeSettings(settings), wallMilliseconds: 1))
    let delete = DeleteOperation(key: Key(text: "/a/none"))
    _ = state.apply(Command(operation: .delete(delete), wallMilliseconds: 1))
    return state
}

func source(_ state: StateMachine = story()) -> BackupSource {
    let position = LogPosition(index: LogIndex(40), term: Term(state.epoch.rawValue), clock: state.clock)
    let base = LogBase(position: position, configuration: Configuration(members: oldMembers))
    return BackupSource(header: SnapshotHeader(cluster: oldCluster, base: base), state: state)
}

func backup(_ source: BackupSource = source()) -> [UInt8] {
    var stream = BackupStream(source)
    var bytes: [UInt8] = []
    while let part = stream.next() { bytes += part.bytes }
    return bytes
}

/// The file as a snapshot of these pieces.
func file(_ pieces: [[UInt8]]) -> [UInt8] {
    var encoder = SnapshotEncoder(source().header)
    return encoder.head + pieces.flatMap { encoder.encode($0) } + encoder.trailer.bytes
}

/// Reads a file in portions.
func read(
    _ bytes: [UInt8], portion: Int = 1 << 20, _ depth: BackupReader.Depth = .state
) throws(BackupFault) -> BackupContent {
    var reader = BackupReader(depth)
    var rest = bytes[...]
    while !rest.isEmpty {
        try reader.take([UInt8](rest.prefix(portion)))
        rest = rest.dropFirst(portion)
    }
    return try reader.finish()
}

/// Why a file is none; `nil` when it is one.
func fault(_ bytes: [UInt8], _ depth: BackupReader.Depth = .state) -> BackupFault? {
    do throws(BackupFault) {
        _ = try read(bytes, depth)
        return nil
    } catch {
        return error
    }
}

extension StateMachine {
    func value(_ key: String, at revision: UInt64? = nil) -> String? {
        guard case .node(let node) = answer(.node(NodeQuery(key: Key(text: key), at: revision.map { Revision($0) }))),
            let value = node.value
        else { return nil }
        return String(decoding: value, as: UTF8.self)
    }
}
