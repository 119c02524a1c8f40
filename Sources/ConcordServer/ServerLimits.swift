internal import ConcordRaft

package enum ServerLimits {
    /// How often a member whose disk is full looks whether there is room again.
    static let fullDiskRetryMilliseconds: Int32 = 500
    /// Connections of clients; more are answered with a closed connection.
    package static let clientConnectionsMax = 10_000
    /// Connections of one client address are not limited: many clients stand behind one address.
    /// Accepted peer connections that have not proved who they are.
    package static let unprovenPeersMax = 64
    /// Accepted peer connections in all: each member has one, and for a moment two.
    package static let peerConnectionsMax = 256
    package static let handshakeMilliseconds: UInt64 = 5000
    package static let handshakeFrameBytesMax = 4096
    /// A frame holds one message: one entry of the largest size behind nearly a full batch of smaller ones.
    package static let peerFrameBytesMax = RaftLimits.payloadBytesMax + 2 * RaftLimits.appendBytesMax
    /// Bytes that wait to be sent to one peer. Beyond it the connection is dropped: Raft sends again what counts.
    package static let peerQueueBytesMax = 64 << 20
    package static let connectMilliseconds: UInt64 = 1000
    package static let redialMillisecondsMin: UInt64 = 20
    package static let redialMillisecondsMax: UInt64 = 1000
    /// Threads that look names up: one for each name in all clusters but the largest.
    package static let lookupThreadsMax = 16
    /// Names whose threads are remembered; beyond it they are handed out anew.
    package static let lookupNamesMax = 256
    /// Attempts to learn whether a peer is gone that may be taken and closed unanswered, and the pause between two.
    package static let probeAttemptsMax = 5
    package static let probePauseMilliseconds: UInt64 = 2
    /// What such an attempt waits for an answer, doubled for each that had none; together about one election timeout.
    package static let probeConnectMilliseconds: UInt64 = 20
    package static let probeUnansweredMax = 4
    /// Bytes taken from one socket in one turn, so that one sender does not keep the others waiting.
    package static let receiveBytesPerTurn = 1 << 20

    /// From the first byte of a request to the end of its head.
    package static let headMilliseconds: UInt64 = 5000
    /// A connection on which nothing is asked.
    package static let idleMilliseconds: UInt64 = 60_000
    /// A body may take this long, and longer only as fast as `bodyBytesPerSecondMin`.
    package static let bodyMilliseconds: UInt64 = 5000
    package static let bodyBytesPerSecondMin: UInt64 = 16 << 10
    /// Without any progress in taking an answer.
    package static let sendMilliseconds: UInt64 = 10_000
    /// Input beyond one request is not read while that request waits for its answer.
    package static let inputBytesMax = 1 << 17
    /// Answers that wait on one connection: the next request waits until there is room.
    package static let outputBytesMax = 1 << 20

    /// Backups asked for or on their way at once. Each holds a copy of the state: what changes meanwhile is there twice.
    package static let backupsMax = 2
    /// A part of a backup is made when no more than this waits to be sent.
    package static let backupOutputBytes = 256 << 10
    /// A client that reads a backup more slowly is cut off, so that no copy of the state is held for long: one of 4 GiB
    /// is out in less than five hours.
    package static let backupBytesPerSecondMin: UInt64 = 256 << 10

    /// What one turn of the loop may take before everybody else gets a chance.
    package static let turnNanoseconds: UInt64 = 2_000_000
    /// A stop that was asked for.
    package static let stopMilliseconds: UInt64 = 4500
    /// A second signal after this time means at once; an earlier one is the same request told twice.
    package static let impatienceMilliseconds: UInt64 = 500
}
