internal import ConcordBytes
internal import ConcordEndpoints
internal import ConcordHTTP
internal import ConcordLinux
internal import ConcordReplica

/// One connection of a client: bytes in, bytes out, at most one request under way.
final class Connection {
    enum Stage: Equatable {
        case open
        /// No further request is read; what waits in the output is sent, then the connection ends.
        case closing
        /// Our side has ended; what the client still sends is thrown away for a moment, because closing a socket
        /// with unread bytes would destroy the answer on its way (RFC 9112 §9.6).
        case lingering
    }

    let socket: StreamSocket
    let token: Token
    var parser = HTTPRequestParser()
    var input = ByteQueue()
    var output = ByteQueue()
    var stage = Stage.open
    /// The request that the replica is asked, and how to write its answer.
    var pending: (id: RequestID, reply: PendingReply)?
    /// A backup was asked for on this connection: it counts among those that may be under way at once.
    var holdsBackup = false
    /// The backup whose file is being sent.
    var backup: BackupTransfer?
    /// The client sends nothing more.
    var peerEnded = false
    /// Stands in the list of those that have something to send, or to parse.
    var isDirty = false
    var isRunnable = false
    /// Nothing is parsed until there is room in the output again.
    var isHeldBack = false

    private(set) var interest: Interest = .readable
    private let poller: Poller
    /// When the phase began that the deadline is counted from.
    private var phaseStart: UInt64
    private var phase = HTTPParsePhase.idle
    private var bodyBytes: UInt64 = 0
    private var lastSent: UInt64
    private var isBlocked = false

    init(_ socket: consuming StreamSocket, place: UInt64, poller: Poller, now: UInt64) throws(SystemError) {
        token = Token(.client, place: place)
        phaseStart = now
        lastSent = now
        self.poller = poller
        try poller.loop.watch(socket.number, token: token.rawValue, interest: .readable)
        self.socket = socket
    }

    var isIdle: Bool { stage == .open && !isAnswering && output.isEmpty && input.isEmpty && parser.phase == .idle }

    /// Whether a request is under way: none after it is looked at.
    var isAnswering: Bool { pending != nil || backup != nil }

    /// - Returns: how many bytes came; `nil` at the end or failure of the connection.
    func receive(scratch: borrowing ScratchBuffer, now: UInt64) -> Int? {
        switch socket.receive(into: &input, scratch: scratch) {
        case .moved(let count):
            bodyBytes += UInt64(count)
            if stage == .lingering { input.consume(input.count) }
            return count
        case .blocked: return 0
        case .ended, .failed: return nil
        }
    }

    /// Sends what waits.
    /// - Returns: false when the connection is gone.
    func flush(now: UInt64) -> Bool {
        isBlocked = false
        while !output.isEmpty && !isBlocked {
            switch socket.send(from: &output) {
            case .moved(let count):
                lastSent = now
                backup?.sentBytes += UInt64(count)
            case .blocked, .ended: isBlocked = true
            case .failed: return false
            }
        }
        return true
    }

    /// Asks the kernel for exactly what this connection can take now.
    /// - Returns: false when the kernel refuses.
    func updateInterest() -> Bool {
        var wanted: Interest = isBlocked ? .writable : []
        // While requests wait in `input` for the loop's time or for the client to read, no more are taken in.
        let keepsUp = !isAnswering && !isRunnable && !isHeldBack
        let takesMore = keepsUp || input.count < ServerLimits.inputBytesMax
        if !peerEnded, stage != .closing, takesMore, output.count < ServerLimits.outputBytesMax {
            wanted.insert(.readable)
        }
        if wanted == interest { return true }
        do throws(SystemError) {
            try poller.loop.change(socket.number, token: token.rawValue, interest: wanted)
        } catch {
            return false
        }
        interest = wanted
        return true
    }

    // MARK: Time

    /// Notes where the parser stands: each phase of each request has a time of its own.
    func noteProgress(now: UInt64, isNewRequest: Bool = false) {
        let current: HTTPParsePhase = parser.phase == .idle && !input.isEmpty ? .readingHead : parser.phase
        if current != phase || isNewRequest {
            phase = current
            phaseStart = now
            bodyBytes = 0
        }
    }

    func startLingering(now: UInt64) {
        stage = .lingering
        phaseStart = now
        socket.finishSending()
    }

    /// When this connection has waited too long for its client.
    var deadline: UInt64 {
        if stage == .lingering { return phaseStart + 1000 }
        if !output.isEmpty { return min(lastSent + ServerLimits.sendMilliseconds, backup?.deadline ?? .max) }
        if isAnswering { return .max }
        switch phase {
        case .idle: return phaseStart + ServerLimits.idleMilliseconds
        case .readingHead: return phaseStart + ServerLimits.headMilliseconds
        case .readingBody:
            return phaseStart + ServerLimits.bodyMilliseconds
                + bodyBytes * 1000 / ServerLimits.bodyBytesPerSecondMin
        case .finished: return phaseStart + ServerLimits.headMilliseconds
        }
    }

    /// Whether the client has begun a request and not finished it.
    var isMidRequest: Bool { phase == .readingHead || phase == .readingBody }
}
