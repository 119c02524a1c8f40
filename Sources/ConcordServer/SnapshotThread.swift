internal import ConcordLinux
internal import ConcordReplica
internal import ConcordStorage

/// The thread that makes, reads, receives and restores snapshots: beside the loop, and beside the log's writes.
///
/// A failed write ends the program, as one of the log does.
final class SnapshotThread: Sendable {
    private let jobs: Mailbox<SnapshotJob>
    private let results: Mailbox<SnapshotResult>

    init(
        _ store: SnapshotStore<FileDisk>, on disk: FileDisk, waking wakeup: Wakeup, log: Log
    ) throws(SystemError) {
        let jobs = Mailbox<SnapshotJob>(waking: try Wakeup())
        let results = Mailbox<SnapshotResult>(waking: wakeup)
        self.jobs = jobs
        self.results = results
        _ = try Thread.start(name: "snapshots") {
            var worker = SnapshotWorker(store, on: disk)
            while true {
                for job in worker.isBusy ? jobs.takeAll() : jobs.waitAll() { worker.add(job) }
                StorageThread.orDie(log) { () throws(StorageError) in
                    for result in try worker.step() { results.post(result) }
                }
            }
        }
    }

    func add(_ job: SnapshotJob) {
        jobs.post(job)
    }

    func takeResults() -> [SnapshotResult] {
        results.takeAll()
    }
}
