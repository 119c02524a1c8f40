import ConcordBytes
import ConcordRaft
import ConcordSimulator
import ConcordStorage
import Testing

@Suite struct SnapshotReceiverTests {
    private let sent: (identity: SnapshotIdentity, bytes: [UInt8])
    private let incoming = "snapshot-incoming.new"

    init() throws {
        sent = try sentSnapshot(9, term: 4)
    }

    @Test func `what was received in any portions is the sender's snapshot`() throws {
        for portion in [1, 7, 100, 4096] {
            let disk = SimulatedDisk(seed: 1)
            let received = try #require(try receive(sent, on: disk, portion: portion))
            #expect(received.identity == sent.identity && received.header == header(9, term: 4))
            #expect(disk.durableSnapshot() == ["snapshot-0000000000000009-0000000000000004": sent.bytes])
            #expect(try readPieces(received, on: disk) == pieces(9))
            let (store, notes) = try SnapshotStore.open(disk)
            #expect(store.kept == [received] && notes.isEmpty)
        }
    }

    @Test func `it tells where the next bytes belong`() throws {
        var receiver = try SnapshotReceiver(sent.identity, on: SimulatedDisk(seed: 1))
        #expect(receiver.received == 0)
        try receiver.append(Array(sent.bytes[..<100]))
        #expect(receiver.received == 100)
        try receiver.append([])
        try receiver.append(Array(sent.bytes[100..<101]))
        #expect(receiver.received == 101)
    }

    private func expectRefusal(
        _ identity: SnapshotIdentity, _ bytes: [UInt8], cluster: ClusterID = cluster, _ context: String
    ) throws {
        let disk = SimulatedDisk(seed: 1)
        var receiver = try SnapshotReceiver(identity, on: disk)
        try receiver.append(bytes)
        #expect(try receiver.finish(cluster: cluster) == nil, "\(context)")
        #expect(disk.contents(of: incoming) == nil, "\(context)")
        disk.cutPower()
        disk.restart()
        #expect(try SnapshotStore.open(disk).0.kept.isEmpty, "\(context)")
        #expect(try disk.list().isEmpty, "\(context)")
    }

    @Test func `bytes that are not the snapshot of that identity are refused and gone`() throws {
        for offset in stride(from: 0, to: sent.bytes.count, by: 1) {
            var bytes = sent.bytes
            bytes[offset] ^= 1 << UInt8(offset % 8)
            try expectRefusal(sent.identity, bytes, "byte \(offset)")
        }
        for length in stride(from: 0, to: sent.bytes.count, by: 7) {
            try expectRefusal(sent.identity, Array(sent.bytes[..<length]), "cut to \(length)")
        }
        try expectRefusal(sent.identity, sent.bytes + [0], "a byte too many")
        try expectRefusal(sent.identity, sent.bytes, cluster: ClusterID(1), "another cluster")
        var other = sent.identity
        other.index = LogIndex(10)
        try expectRefusal(other, sent.bytes, "another index")
        other = sent.identity
        other.term = Term(5)
        try expectRefusal(other, sent.bytes, "another term")
        other = sent.identity
        other.checksum ^= 1
        try expectRefusal(other, sent.bytes, "another checksum")
        other = sent.identity
        other.bytes += 1
        try expectRefusal(other, sent.bytes, "a byte too few")
        try expectRefusal(other, sent.bytes + [0], "a byte behind the trailer")
        let another = try sentSnapshot(9, term: 4, pieces: pieces(8))
        try expectRefusal(sent.identity, another.bytes, "another content")
    }

    @Test func `an identity of any numbers is refused without a trap`() throws {
        for number in [0, 1, UInt64(Int64.max), UInt64.max] {
            let identity = SnapshotIdentity(
                index: LogIndex(number), term: Term(number), bytes: number, checksum: UInt32.max)
            try expectRefusal(identity, sent.bytes, "\(number)")
            try expectRefusal(identity, [], "\(number) and nothing")
        }
    }

    @Test func `a newer format is no failure of this member`() throws {
        var bytes = sent.bytes
        bytes[4] = 2
        SnapshotForger.seal(&bytes)
        var identity = sent.identity
        identity.checksum = bytes.suffix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
        try expectRefusal(identity, bytes, "version 2")
    }

    @Test func `more than was told of takes no space`() throws {
        let disk = SimulatedDisk(seed: 1)
        var receiver = try SnapshotReceiver(sent.identity, on: disk)
        for _ in 0..<1000 { try receiver.append([UInt8](repeating: 0, count: 1000)) }
        #expect(try #require(disk.contents(of: incoming)).count <= sent.bytes.count)
        #expect(try receiver.finish(cluster: cluster) == nil)
    }

    @Test func `a transfer can be given up and begun again`() throws {
        let disk = SimulatedDisk(seed: 1)
        var receiver = try SnapshotReceiver(sent.identity, on: disk)
        try receiver.append(Array(sent.bytes[..<100]))
        try receiver.discard()
        #expect(disk.contents(of: incoming) == nil)
        // And once more without a word.
        receiver = try SnapshotReceiver(sent.identity, on: disk)
        try receiver.append(Array(sent.bytes[..<200]))
        #expect(try receive(sent, on: disk)?.identity == sent.identity)
    }

    /// The bytes that count are those that the medium holds (fsyncgate: Rebello et al., USENIX ATC 2020).
    @Test func `a bit that rots before the end is found`() throws {
        let disk = SimulatedDisk(seed: 1)
        var receiver = try SnapshotReceiver(sent.identity, on: disk)
        try receiver.append(sent.bytes)
        disk.flipBit(3, ofByte: 300, in: incoming)
        #expect(try receiver.finish(cluster: cluster) == nil)
    }

    @Test func `the same entry's snapshot takes the place of the one before`() throws {
        let disk = SimulatedDisk(seed: 1)
        let own = try writeSnapshot(header(9, term: 4), pieces(1), on: disk)
        var (store, _) = try SnapshotStore.open(disk)
        #expect(store.kept == [own])
        let received = try #require(try receive(sent, on: disk))
        store.add(received)
        #expect(store.kept == [received])
        #expect(try SnapshotStore.open(disk).0.kept == [received])
        // The one that is gone is not taken for the other.
        #expect(throws: StorageError.self) { _ = try readPieces(own, on: disk) }
    }
}

@Suite struct SnapshotStoreTests {
    @Test func `the newest two stay, and those that someone reads`() throws {
        let disk = SimulatedDisk(seed: 1)
        var (store, _) = try SnapshotStore.open(disk)
        var all: [StoredSnapshot] = []
        for index: UInt64 in [3, 1, 5, 2, 4] {
            let snapshot = try writeSnapshot(index, term: 1, on: disk)
            all.append(snapshot)
            store.add(snapshot)
        }
        func indices(_ snapshots: [StoredSnapshot]) -> [UInt64] { snapshots.map(\.identity.index.rawValue) }
        #expect(indices(store.kept) == [5, 4, 3, 2, 1])
        #expect(indices(try SnapshotStore.open(disk).0.kept) == [5, 4, 3, 2, 1])
        try store.prune(pinned: [all[1].identity, all[3].identity])
        #expect(indices(store.kept) == [5, 4, 2, 1])
        disk.cutPower()
        disk.restart()
        #expect(indices(try SnapshotStore.open(disk).0.kept) == [5, 4, 2, 1])
        try store.prune(pinned: [])
        #expect(indices(store.kept) == [5, 4])
        disk.cutPower()
        disk.restart()
        #expect(indices(try SnapshotStore.open(disk).0.kept) == [5, 4])
    }

    @Test func `what was not finished goes, and other files stay`() throws {
        let disk = SimulatedDisk(seed: 1)
        _ = try openDirectory(disk)
        let snapshot = try writeSnapshot(1, term: 1, on: disk)
        for name in ["snapshot-0000000000000009-0000000000000004.new", "snapshot-incoming.new", "snapshot-x.new"] {
            disk.replaceContents(of: name, with: [1, 2, 3])
        }
        let opened = try openDirectory(disk)
        #expect(opened.snapshot == snapshot && opened.snapshots.kept == [snapshot])
        let names = disk.allContents().keys.filter { $0.hasPrefix("snapshot") }.sorted()
        #expect(names == ["snapshot-0000000000000001-0000000000000001", "snapshot-x.new"])
    }

    @Test func `a directory with a snapshot and without a record is refused`() throws {
        let disk = SimulatedDisk(seed: 1)
        _ = try writeSnapshot(1, term: 1, on: disk)
        let before = disk.allContents()
        #expect(throws: StorageError.memberRecordMissing(file: "snapshot-0000000000000001-0000000000000001")) {
            _ = try openDirectory(disk)
        }
        #expect(disk.allContents() == before)
    }

    @Test func `another cluster's snapshot is not used`() throws {
        let disk = SimulatedDisk(seed: 1)
        var opened = try openDirectory(disk)
        try opened.log.write([write(HardState(term: Term(1), votedFor: nil), entries(1...1, term: 1))])
        let own = try writeSnapshot(1, term: 1, on: disk)
        for (id, isOwn) in [(cluster, true), (ClusterID(5), false)] {
            var record = opened.member.record
            record.clusterID = id
            try opened.member.write(record)
            opened = try openDirectory(disk)
            #expect(opened.snapshot == (isOwn ? own : nil))
            let isTold = opened.recovered.notes.contains { if case .snapshotUnusable = $0 { true } else { false } }
            #expect(isTold != isOwn)
            #expect(opened.recovered.entries == entries(1...1, term: 1))
        }
    }
}
