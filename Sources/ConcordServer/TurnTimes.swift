internal import ConcordLinux
internal import ConcordRaft
internal import ConcordReplica
internal import ConcordStorage

/// How long the turns of the loop took: while one goes on, everything else waits, the heartbeats too.
struct TurnTimes {
    /// Of all turns so far, in nanoseconds.
    private(set) var longest: UInt64 = 0
    /// While a snapshot is being made.
    private var making: Making?
    /// Became durable in this turn; the next one may begin in the same.
    private var written: (identity: SnapshotIdentity, span: Making)?

    /// Since when, in nanoseconds, and the longest turn so far.
    struct Making {
        var beganAt: UInt64
        var longest: UInt64 = 0
    }

    mutating func beginSnapshot(nanoseconds now: UInt64) { making = Making(beganAt: now) }

    mutating func dropSnapshot() { making = nil }

    mutating func endSnapshot(_ identity: SnapshotIdentity) {
        guard let span = making.take() else { return }
        written = (identity, span)
    }

    mutating func add(turn nanoseconds: UInt64) {
        longest = max(longest, nanoseconds)
        making?.longest.raise(to: nanoseconds)
        written?.span.longest.raise(to: nanoseconds)
    }

    /// The snapshot that became durable in the turn that is over, which counts: letting go of the log is a part of it.
    mutating func takeWritten() -> (identity: SnapshotIdentity, span: Making)? { written.take() }
}

extension UInt64 {
    fileprivate mutating func raise(to other: UInt64) { self = Swift.max(self, other) }
}

extension ServerLoop {
    func add(_ job: SnapshotJob) {
        if case .write = job { turns.beginSnapshot(nanoseconds: SystemClock.monotonicNanoseconds()) }
        snapshots.add(job)
    }

    func note(_ result: SnapshotResult) {
        switch result {
        case .written(let snapshot): turns.endSnapshot(snapshot.identity)
        case .noRoomToWrite, .unsound: turns.dropSnapshot()
        case .read, .gone, .verified, .unusable, .received, .installed, .refused, .unsupported, .noRoomToReceive,
            .distrusted, .trusted:
            break
        }
    }

    /// - Parameters:
    ///   - start: of the turn that is over, in nanoseconds.
    ///   - end: of the same.
    func noteTurn(from start: UInt64, to end: UInt64) {
        turns.add(turn: end - start)
        guard let (identity, span) = turns.takeWritten() else { return }
        log.info(
            "snapshot_written",
            [
                ("index", .number(identity.index.rawValue)), ("bytes", .number(identity.bytes)),
                ("milliseconds", .number((end - span.beganAt) / 1_000_000)),
                ("longest_turn_us", .number(span.longest / 1000)),
            ])
    }
}
