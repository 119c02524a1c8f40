import ConcordLinux
import ConcordRaft
import ConcordServer
import ConcordStorage
import Testing

@Suite("A real directory as a disk")
struct FileDiskTests {
    @Test("keeps a member's data directory from one life to the next")
    func lives() throws {
        try withScratchDirectory { path in
            let id = MemberID(7)
            let entries = [Entry(index: LogIndex(1), term: Term(2), clock: 3, kind: .noop, payload: [1, 2, 3])]
            var first = try DataDirectory.open(FileDisk(path: path), newMember: id, name: "a", segmentBytes: 1 << 16)
            #expect(first.member.record.boot == 1)
            let state = HardState(term: Term(2), votedFor: id)
            try first.log.write([LogWrite(sequence: WriteSequence(1), hardState: state, entries: entries)])

            let second = try DataDirectory.open(
                FileDisk(path: path), newMember: MemberID(8), name: "b", segmentBytes: 1 << 16)
            #expect(second.member.record.id == id)
            #expect(second.member.record.name == "a")
            #expect(second.member.record.boot == 2)
            #expect(second.recovered.hardState == state)
            #expect(second.recovered.entries == entries)
        }
    }

    @Test("keeps snapshots, and lets go of what they stand for")
    func snapshots() throws {
        try withScratchDirectory { path in
            let disk = try FileDisk(path: path)
            var opened = try DataDirectory.open(disk, newMember: MemberID(7), name: "a", segmentBytes: 1 << 13)
            var positions: [LogPosition] = []
            for index: UInt64 in 1...9 {
                let entry = Entry(index: LogIndex(index), term: Term(1), clock: index, kind: .commands, payload: [7])
                let state = HardState(term: Term(1), votedFor: nil)
                try opened.log.write([LogWrite(sequence: WriteSequence(index), hardState: state, entries: [entry])])
                positions.append(LogPosition(index: entry.index, term: entry.term, clock: entry.clock))
            }
            let pieces = [[UInt8](repeating: 1, count: 3 << 20), [2], [UInt8](repeating: 3, count: 2 << 20)]
            let configuration = Configuration(members: [])
            let base = LogBase(position: positions[4], configuration: configuration)
            var writer = try SnapshotWriter(SnapshotHeader(cluster: ClusterID(5), base: base), on: disk)
            for piece in pieces { try writer.append(piece) }
            let written = try writer.finish()
            opened.snapshots.add(written)
            try opened.log.release(upTo: LogIndex(5))

            opened = try DataDirectory.open(disk, newMember: MemberID(8), name: "b", segmentBytes: 1 << 13)
            #expect(opened.snapshot == written && opened.recovered.notes.isEmpty)
            #expect(opened.recovered.released == positions[4])
            #expect(opened.recovered.entries.map(\.index.rawValue) == [6, 7, 8, 9])

            // The same once more, as it comes from another member.
            var reader = try SnapshotReader(written, on: disk)
            var receiver = try SnapshotReceiver(written.identity, on: disk)
            while receiver.received < written.identity.bytes {
                try receiver.append(try reader.bytes(at: receiver.received, count: 1_000_000))
            }
            #expect(try receiver.finish(cluster: ClusterID(5)) == written)
            for piece in pieces { #expect(try reader.next() == piece) }
            #expect(try reader.next() == nil)
            reader.close()
        }
    }

    @Test("tells a missing file from every other error")
    func errors() throws {
        try withScratchDirectory { path in
            var disk = try FileDisk(path: path)
            #expect {
                _ = try disk.open("member", creating: false)
            } throws: { error in
                (error as? DiskError)?.kind == .notFound
            }
            #expect {
                _ = try disk.open("no/such", creating: true)
            } throws: { error in
                (error as? DiskError)?.kind == .notFound
            }
            #expect {
                _ = try FileDisk(path: path + "/missing")
            } throws: { error in
                (error as? DiskError)?.operation.contains("missing") == true
            }
        }
    }

    @Test("reads no further than a file goes, whatever it is asked for")
    func reading() throws {
        try withScratchDirectory { path in
            var disk = try FileDisk(path: path)
            let file = try disk.open("x", creating: true)
            try disk.write([1, 2, 3], to: file, at: 0)
            #expect(try disk.read(file, at: 1, count: 1 << 40) == [2, 3])
            #expect(try disk.read(file, at: 100, count: 1 << 40) == [])
            disk.close(file)
            let other = try disk.open("y", creating: true)
            #expect(other == file, "a closed file's number is used again")
            #expect(try disk.size(of: other) == 0)
            try disk.rename("x", to: "y")
            try disk.remove("y")
            #expect(try disk.list() == [])
        }
    }
}

func withScratchDirectory(_ body: (String) throws -> Void) throws {
    let path = "/tmp/concord-server-tests-\(SystemRandom.uint64())"
    _ = try Directory.create(path)
    defer {
        let removal = try? ChildProcess(path: "/bin/rm", arguments: ["-rf", path])
        _ = removal?.wait(milliseconds: 10_000)
    }
    try body(path)
}
