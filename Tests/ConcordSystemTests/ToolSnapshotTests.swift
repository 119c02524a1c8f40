import ConcordClient
import ConcordCommandLine
import ConcordLinux
import Foundation
import Synchronization
import Testing

/// Sends a backup that it was given, and lets the test do something when half of it is sent.
private struct Recorded: ConcordTransport {
    let bytes: [UInt8]
    var inTheMiddle: @Sendable () async -> Void = {}

    func send(
        _ request: TransportRequest, to endpoint: ConcordEndpoint, timeout: Duration
    ) async throws(TransportFailure) -> TransportReply {
        throw .notSent("only a snapshot is sent")
    }

    func download(
        _ request: TransportRequest, to endpoint: ConcordEndpoint, patience: Duration,
        _ take: @escaping @Sendable (DownloadPart) -> Bool
    ) async throws(TransportFailure) -> TransportReply {
        let head = TransportReply(status: 200, headers: [(name: "Concord-Revision", value: "1")])
        guard take(.head(head)), take(.bytes(Array(bytes[..<(bytes.count / 2)]))) else { throw .cancelled }
        await inTheMiddle()
        guard take(.bytes(Array(bytes[(bytes.count / 2)...]))) else { throw .cancelled }
        return head
    }

    func close() {}
}

/// Looks at a name over and over.
private final class Watch: Sendable {
    let isOver = Atomic<Bool>(false)
    let missing = Atomic<Int>(0)
    let looks = Atomic<Int>(0)
}

@Suite("The file of a snapshot", .serialized)
struct ToolSnapshotTests {
    /// Two backups of one member, the second with more in it.
    private func backups() async throws -> ([UInt8], [UInt8]) {
        let scratch = try ScratchDirectory()
        let server = try LoneServer("a", in: scratch)
        try server.start()
        var found: [[UInt8]] = []
        for round in 0..<2 {
            let body = "\(round) " + String(repeating: "x", count: 5000)
            #expect(try server.client().request("PUT", "/v1/kv/n\(round)", body: body).status == 201)
            found.append(try BackupReading(port: server.ports[0]).finish().body)
        }
        return (found[0], found[1])
    }

    private func save(_ file: String, _ more: [String] = [], on transport: Recorded) async -> ToolRun {
        await ToolRun.run(["--endpoints", "http://a:1", "snapshot", "save", file] + more, on: transport)
    }

    @Test("two saves to one name do not meet: each is whole, and only --force replaces the other's")
    func twoAtOnce() async throws {
        let (first, second) = try await backups()
        let scratch = try TemporaryDirectory()
        let file = "\(scratch.path)/file"
        let inner = Mutex<[ToolRun]>([])
        let slow = Recorded(bytes: first) {
            let run = await save(file, ["--force"], on: Recorded(bytes: second))
            inner.withLock { $0.append(run) }
        }
        let refused = await save(file, on: slow)
        #expect(refused.code == .failure && refused.complaints.contains("exists already"), "\(refused.complaints)")
        #expect(try scratch.contents() == ["file": second])
        let forced = await save(file, ["--force"], on: slow)
        #expect(forced.code == .success, "\(forced.complaints)")
        #expect(try scratch.contents() == ["file": first])
        #expect(inner.withLock { $0.map(\.code) } == [.success, .success])
    }

    @Test("of two files that come at one moment to a name that was free, one gets it")
    func oneName() throws {
        let scratch = try TemporaryDirectory()
        let files = try (0..<2).map { number in
            let file = try NewFile(for: "\(scratch.path)/file")
            try file.append([UInt8(number)])
            return file
        }
        try files[0].place(replacing: false)
        #expect(throws: NewFile.Failure.self) { try files[1].place(replacing: false) }
        files[1].discard()
        #expect(try scratch.contents() == ["file": [0]])
    }

    @Test("a name that is replaced is there at every moment")
    func neverMissing() async throws {
        let (first, second) = try await backups()
        let scratch = try TemporaryDirectory()
        let file = "\(scratch.path)/file"
        #expect(await save(file, on: Recorded(bytes: first)).code == .success)
        let watch = Watch()
        // A thread of its own: it never waits, and would keep a task's thread for itself.
        let watcher = Thread {
            while !watch.isOver.load(ordering: .relaxed) {
                if NewFile.kind(of: file) != .regular { watch.missing.add(1, ordering: .relaxed) }
                watch.looks.add(1, ordering: .relaxed)
            }
        }
        watcher.start()
        defer { watch.isOver.store(true, ordering: .relaxed) }
        while watch.looks.load(ordering: .relaxed) == 0 { try await Task.sleep(for: .milliseconds(1)) }
        for round in 0..<100 {
            let run = await save(file, ["--force"], on: Recorded(bytes: round % 2 == 0 ? second : first))
            #expect(run.code == .success, "\(run.complaints)")
        }
        #expect(watch.missing.load(ordering: .relaxed) == 0)
        #expect(try scratch.contents() == ["file": first])
    }

    @Test("nothing but a regular file is replaced, and what stands in the way stays")
    func onlyRegularFiles() async throws {
        let (first, _) = try await backups()
        let scratch = try TemporaryDirectory()
        try scratch.write("target", "kept")
        try scratch.write("directory/inside", "kept")
        try scratch.link("link", to: "target")
        try scratch.link("nowhere", to: "missing")
        let making = try ChildProcess(path: "/usr/bin/mkfifo", arguments: ["\(scratch.path)/pipe"])
        #expect(making.wait(milliseconds: 10_000) == .exited(code: 0))
        let before = try Directory(scratch.path).list()
        let expected = [
            ("link", "is a symbolic link"), ("nowhere", "is a symbolic link"), ("directory", "is a directory"),
            ("pipe", "is no regular file"),
        ]
        for (name, sentence) in expected {
            for flags in [[], ["--force"]] {
                let run = await save("\(scratch.path)/\(name)", flags, on: Recorded(bytes: first))
                #expect(run.code == .failure && run.complaints.contains(sentence), "\(name): \(run.complaints)")
            }
        }
        // The same when it appears only while the snapshot is on its way.
        let late = "\(scratch.path)/late"
        let run = await save(
            late, ["--force"],
            on: Recorded(bytes: first) {
                try? FileManager.default.createSymbolicLink(atPath: late, withDestinationPath: "target")
            })
        #expect(run.code == .failure && run.complaints.contains("is a symbolic link"), "\(run.complaints)")
        #expect(try Directory(scratch.path).list() == (before + ["late"]).sorted())
        #expect(try Data(contentsOf: URL(fileURLWithPath: "\(scratch.path)/target")) == Data("kept".utf8))
    }
}
