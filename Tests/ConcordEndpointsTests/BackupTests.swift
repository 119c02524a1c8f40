import ConcordAPI
import ConcordBytes
import ConcordEndpoints
import ConcordHTTP
import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordState
import ConcordStorage
import Testing

@Suite struct BackupTests {
    private let desk = Desk()

    private var source: BackupSource {
        let position = LogPosition(index: LogIndex(91), term: Term(5), clock: 7)
        let base = LogBase(position: position, configuration: Configuration(members: []))
        return BackupSource(
            header: SnapshotHeader(cluster: ClusterID(0xCD), base: base), state: StateMachine())
    }

    /// How fresh the backup must be; `nil` when the replica is not asked for one.
    private func asked(_ line: String) -> (ReadConsistency, UInt64)? {
        guard case .backup(let consistency, let minimum)? = desk.ask(line)?.body else { return nil }
        return (consistency, minimum.rawValue)
    }

    @Test func aBackupIsAReadLikeAnyOther() {
        #expect(asked("GET /v1/snapshot").map { $0 == (.linearizable, 0) } == true)
        #expect(asked("HEAD /v1/snapshot").map { $0 == (.linearizable, 0) } == true)
        #expect(asked("GET /v1/snapshot?consistency=local&min_revision=70").map { $0 == (.local, 70) } == true)
        #expect(desk.ask("GET /v1/snapshot?timeout=250ms")?.timeoutMilliseconds == 250)
    }

    @Test func whatABackupDoesNotTakeIsRefused() {
        #expect(desk.answer("GET /v1/snapshot?revision=3")?.status == 400)
        #expect(desk.answer("GET /v1/snapshot?raw")?.status == 400)
        #expect(desk.answer("GET /v1/snapshot", body: "x")?.status == 400)
        #expect(desk.answer("GET /v1/snapshots")?.status == 404)
        #expect(desk.answer("POST /v1/snapshot")?.header("allow") == "GET, HEAD")
        let old = desk.answer(raw: "GET /v1/snapshot HTTP/1.0\r\nHost: localhost\r\n\r\n")
        #expect(old?.status == 400 && old?.problem?.detail.contains("HTTP/1.1") == true)
    }

    @Test func aMemberThatSendsEnoughOfThemSaysSoAtOnce() throws {
        var busy = desk
        busy.facts.isBusyWithBackups = true
        let answer = try #require(busy.answer("GET /v1/snapshot"))
        #expect(answer.status == 429 && answer.problem?.code == .overloaded && answer.keepAlive)
        #expect(answer.problem?.retryable == true && answer.problem?.retryAfterMilliseconds == 2000)
        #expect(busy.ask("GET /v1/kv/a") != nil)
        busy.facts.refresh(status: Desk.status(), readiness: .ready)
        #expect(busy.facts.isBusyWithBackups, "a turn of the loop does not forget it")
    }

    @Test func theHeadTellsWhatIsSentAndChunksFollow() throws {
        for method in ["GET", "HEAD"] {
            let question = try #require(desk.ask("\(method) /v1/snapshot"))
            #expect(question.pending.isHead == (method == "HEAD"))
            let reply = ReplicaReply(
                id: RequestID(1), result: .backup(source), revision: Revision(71), epoch: Epoch(5))
            var output = ByteQueue()
            desk.endpoints.write(reply, for: question.pending, facts: desk.facts, into: &output)
            if method == "GET" {
                output.write { $0.writeChunk([1, 2, 3]) }
                output.write { $0.endChunkedBody() }
            }
            let answer = try #require(Desk.read(output, answersHead: method == "HEAD"))
            #expect(answer.status == 200 && answer.body == (method == "GET" ? [1, 2, 3] : []))
            #expect(answer.header("content-type") == "application/octet-stream")
            #expect(answer.header("concord-cluster") == "000000000000000000000000000000cd")
            #expect(answer.header("concord-index") == "91" && answer.header("concord-revision") == "71")
            #expect(answer.header("content-disposition") == "attachment; filename=\"concord-71.snapshot\"")
            #expect(answer.header("transfer-encoding") == "chunked")
        }
    }

    @Test func noBackupIsAnError() {
        #expect(desk.answer("GET /v1/snapshot", when: .failed(.recovering))?.status == 503)
        #expect(desk.answer("GET /v1/snapshot", when: .failed(.timeout))?.status == 408)
    }
}
