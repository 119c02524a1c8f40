internal import ConcordLinux
internal import ConcordRaft
internal import ConcordStorage

/// The thread that owns the data directory. It takes everything that is queued in one go, so that all writes of
/// several turns of the loop cost one fdatasync (group commit); segments are made ready by a helper beside it.
///
/// The first failed write or fsync ends the program: whether anything is durable after one is unknown, and trying
/// again would answer a question that the kernel has already forgotten (Rebello et al., USENIX ATC 2020).
final class StorageThread: Sendable {
    enum Completion: Sendable {
        case logDurable(WriteSequence)
        case memberRecordDurable
        /// Whether there is no room for the next segment of the log.
        case diskSpace(isFull: Bool)
    }

    private enum Job: Sendable {
        case log([LogWrite])
        case memberRecord(MemberRecord)
        case prepared(SegmentPreparation)
        case release(LogIndex)
    }

    private let jobs: Mailbox<Job>
    private let completions: Mailbox<Completion>

    init(
        _ directory: DataDirectory<FileDisk>, lock: DirectoryLock, helperDisk: FileDisk, waking wakeup: Wakeup, log: Log
    ) throws(SystemError) {
        let jobs = Mailbox<Job>(waking: try Wakeup())
        let completions = Mailbox<Completion>(waking: wakeup)
        let preparations = Mailbox<SegmentPreparation>(waking: try Wakeup())
        // Nobody wakes it.
        let pause = try Wakeup()
        self.jobs = jobs
        self.completions = completions
        _ = try Thread.start(name: "segments") {
            var disk = helperDisk
            while true {
                for preparation in preparations.waitAll() {
                    var isFull = false
                    while !StorageThread.prepare(preparation, on: &disk, log) {
                        if !isFull { completions.post(.diskSpace(isFull: true)) }
                        isFull = true
                        _ = pause.wait(milliseconds: ServerLimits.fullDiskRetryMilliseconds)
                    }
                    jobs.post(.prepared(preparation))
                    if isFull { completions.post(.diskSpace(isFull: false)) }
                }
            }
        }
        _ = try Thread.start(name: "storage") {
            var writer = Writer(directory, log: log, preparations: preparations, completions: completions)
            // The lock lives as long as somebody can write: until the process is gone.
            withExtendedLifetime(lock) {
                while true { writer.run(jobs.waitAll()) }
            }
        }
    }

    func write(_ writes: [LogWrite]) {
        jobs.post(.log(writes))
    }

    func write(_ record: MemberRecord) {
        jobs.post(.memberRecord(record))
    }

    /// The log up to this index serves nobody any more.
    func release(upTo index: LogIndex) {
        jobs.post(.release(index))
    }

    func takeCompletions() -> [Completion] {
        completions.takeAll()
    }

    /// - Returns: false when there is no room, which puts nothing in doubt; then nothing is left of it.
    private static func prepare(_ preparation: SegmentPreparation, on disk: inout FileDisk, _ log: Log) -> Bool {
        var isPrepared = true
        orDie(log) { () throws(StorageError) in
            do throws(StorageError) {
                try preparation.run(on: &disk)
            } catch {
                guard case .full = error else { throw error }
                try preparation.discard(on: &disk)
                isPrepared = false
            }
        }
        return isPrepared
    }

    static func orDie(_ log: Log, _ body: () throws(StorageError) -> Void) {
        do throws(StorageError) {
            try body()
        } catch {
            log.error("storage_failed", [("reason", "\(error)")])
            log.flush(milliseconds: 500)
            ProcessEnvironment.exitNow(code: ServerExit.storageFailed.rawValue)
        }
    }

    private struct Writer {
        private var directory: DataDirectory<FileDisk>
        private let log: Log
        private let preparations: Mailbox<SegmentPreparation>
        private let completions: Mailbox<Completion>
        /// Writes that were taken, or what is left of them, and wait for the next segment.
        private var pending: [LogWrite] = []

        init(
            _ directory: DataDirectory<FileDisk>, log: Log, preparations: Mailbox<SegmentPreparation>,
            completions: Mailbox<Completion>
        ) {
            self.directory = directory
            self.log = log
            self.preparations = preparations
            self.completions = completions
            prepareNext()
        }

        mutating func run(_ jobs: [Job]) {
            for job in jobs {
                switch job {
                case .log(let writes):
                    pending.append(contentsOf: writes)
                case .memberRecord(let record):
                    StorageThread.orDie(log) { () throws(StorageError) in try directory.member.write(record) }
                    completions.post(.memberRecordDurable)
                case .prepared(let preparation):
                    directory.log.prepared(preparation)
                case .release(let index):
                    StorageThread.orDie(log) { () throws(StorageError) in try directory.log.release(upTo: index) }
                }
            }
            writePending()
            prepareNext()
        }

        private mutating func writePending() {
            guard let last = pending.last else { return }
            let writes = pending
            pending = []
            var finished: WriteSequence? = last.sequence
            StorageThread.orDie(log) { () throws(StorageError) in
                guard let unwritten = try directory.log.write(writes) else { return }
                pending = [unwritten.rest]
                finished = unwritten.finished
            }
            if let finished { completions.post(.logDurable(finished)) }
        }

        private mutating func prepareNext() {
            if let preparation = directory.log.nextPreparation() { preparations.post(preparation) }
        }
    }
}

/// The lock of a data directory, while it lives: two processes that write one log would destroy it.
final class DirectoryLock: Sendable {
    static let name = "lock"

    let file: File

    init(file: consuming File) {
        self.file = file
    }
}
