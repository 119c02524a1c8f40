internal import ConcordBackup
internal import ConcordLinux
internal import ConcordReplica

/// The thread that makes the bytes of backups: a part whenever a client has taken the one before, so a copy of the state
/// costs the event loop nothing but to hand it over, and a client that reads slowly holds back nobody but itself.
final class BackupThread: Sendable {
    /// What a client is to be sent next.
    struct Part: Sendable {
        var id: UInt64
        var bytes: [UInt8]
        var isLast: Bool
    }

    private enum Job: Sendable {
        case begin(UInt64, BackupSource)
        case next(UInt64)
        case end(UInt64)
    }

    private let jobs: Mailbox<Job>
    private let parts: Mailbox<Part>

    init(waking wakeup: Wakeup) throws(SystemError) {
        let jobs = Mailbox<Job>(waking: try Wakeup())
        let parts = Mailbox<Part>(waking: wakeup)
        self.jobs = jobs
        self.parts = parts
        _ = try Thread.start(name: "backups") {
            var streams: [UInt64: BackupStream] = [:]
            while true {
                for job in jobs.waitAll() {
                    switch job {
                    case .begin(let id, let source): streams[id] = BackupStream(source)
                    case .end(let id): streams[id] = nil
                    case .next(let id):
                        guard let (bytes, isLast) = streams[id]?.next() else { continue }
                        if isLast { streams[id] = nil }
                        parts.post(Part(id: id, bytes: bytes, isLast: isLast))
                    }
                }
            }
        }
    }

    /// - Parameter id: never used before.
    func begin(_ id: UInt64, _ source: BackupSource) {
        jobs.post(.begin(id, source))
    }

    /// Asks for the next part of a backup that was not ended.
    func next(_ id: UInt64) {
        jobs.post(.next(id))
    }

    /// Nobody wants the rest: its copy of the state goes.
    func end(_ id: UInt64) {
        jobs.post(.end(id))
    }

    func takeParts() -> [Part] {
        parts.takeAll()
    }
}
