internal import ConcordAPI
internal import ConcordBytes
internal import ConcordEndpoints
internal import ConcordHTTP
internal import ConcordLinux
internal import ConcordReplica

/// All connections of clients: requests go out as values, replies come in as values.
///
/// Requests of one connection are taken up one after the other, each when the reply to the one before is in the
/// output, so that they take effect in the order in which they were sent.
final class ClientConnections {
    /// Requests that came in since they were taken last, and those that nobody waits for any more.
    var submitted: [ReplicaRequest] = []
    var abandoned: [RequestID] = []
    /// What replies and local endpoints show of this member.
    var facts: MemberFacts
    /// Every answer ends its connection: the member is about to stop.
    var isStopping = false
    let backups: BackupThread
    /// Backups asked for or on their way, and those that ended since they were taken last.
    var backupsCount = 0
    var endedBackups: [EndedBackup] = []

    private let poller: Poller
    private let endpoints: Endpoints
    private(set) var connections = SlotTable<Connection>()
    private var lastRequest: UInt64 = 0
    private var dirty: [Connection] = []
    private var runnable: [Connection] = []
    private var wheel: DeadlineWheel

    /// Requests answered at once that one connection may have in one turn.
    private static let requestsPerTurn = 32

    init(poller: Poller, endpoints: Endpoints, backups: BackupThread, facts: MemberFacts, now: UInt64) {
        self.poller = poller
        self.backups = backups
        self.endpoints = endpoints
        self.facts = facts
        wheel = DeadlineWheel(now: now)
    }

    var count: Int { connections.count }
    var isFull: Bool { connections.count >= ServerLimits.clientConnectionsMax }
    /// Whether there is more to do without any news from outside.
    var hasWork: Bool { !runnable.isEmpty }
    /// Whether a client still waits for an answer.
    var isBusy: Bool { connections.elements.contains { !$0.isIdle && $0.stage != .lingering } }

    // MARK: Events

    /// Takes over a connection; one too many gets a short refusal and is closed.
    func accept(_ socket: consuming StreamSocket, now: UInt64) {
        if isFull {
            var refusal = ByteQueue()
            let problem = Problem(.overloaded, "this member has too many connections; use fewer, or another member")
            endpoints.write(problem, keepAlive: false, facts: facts, into: &refusal)
            _ = socket.send(from: &refusal)
            return
        }
        let place = connections.reserve()
        do throws(SystemError) {
            let connection = try Connection(socket, place: place, poller: poller, now: now)
            connections.fill(place, with: connection)
            watch(connection, now: now)
        } catch {
            connections.remove(place)
        }
    }

    func handle(_ event: ReadyDescriptor, scratch: borrowing ScratchBuffer, now: UInt64) {
        guard let connection = connections[Token(rawValue: event.token).place] else { return }
        if event.isClosed && !connection.interest.contains(.readable) { return drop(connection, now: now) }
        if event.isReadable && connection.interest.contains(.readable) {
            var taken = 0
            while taken < ServerLimits.receiveBytesPerTurn / 4 {
                guard let count = connection.receive(scratch: scratch, now: now) else {
                    connection.peerEnded = true
                    break
                }
                taken += count
                if connection.stage == .open { advance(connection, now: now) }
                // A short read has emptied the socket.
                if count < scratch.count || connection.isAnswering { break }
                if connection.isRunnable || connection.isHeldBack { break }
            }
        }
        markDirty(connection)
    }

    /// Takes up what arrived earlier and could not be looked at then; as much as the turn has time for.
    func runWaiting(now: UInt64, untilNanoseconds end: UInt64) {
        let waiting = runnable
        runnable.removeAll(keepingCapacity: true)
        for (position, connection) in waiting.enumerated() {
            if position % 16 == 15, SystemClock.monotonicNanoseconds() > end {
                runnable.append(contentsOf: waiting[position...])
                return
            }
            connection.isRunnable = false
            guard connections[connection.token.place] === connection else { continue }
            advance(connection, now: now)
            markDirty(connection)
        }
    }

    func deliver(_ reply: ReplicaReply, now: UInt64) {
        guard let connection = connections[index: Int(SlotTable<Connection>.index(of: reply.id.rawValue))],
            connection.pending?.id == reply.id, var pending = connection.pending?.reply
        else { return }
        connection.pending = nil
        if isStopping { pending.keepAlive = false }
        endpoints.write(reply, for: pending, facts: facts, into: &connection.output)
        markDirty(connection)
        if case .backup(let source) = reply.result, !pending.isHead {
            beginBackup(source, on: connection, id: reply.id, keepAlive: pending.keepAlive, now: now)
            return
        }
        releaseBackup(of: connection, isWhole: false, now: now)
        finishAnswer(on: connection, keepAlive: pending.keepAlive, now: now)
    }

    /// The last byte of an answer is in the output: the next request may be taken up.
    func finishAnswer(on connection: Connection, keepAlive: Bool, now: UInt64) {
        connection.noteProgress(now: now, isNewRequest: true)
        if !keepAlive { connection.stage = .closing }
        markRunnable(connection)
    }

    /// Sends what was written in this turn, once per connection.
    func flush(now: UInt64) {
        let waiting = dirty
        dirty.removeAll(keepingCapacity: true)
        for connection in waiting {
            connection.isDirty = false
            guard connections[connection.token.place] === connection else { continue }
            guard connection.flush(now: now) else {
                drop(connection, now: now)
                continue
            }
            if connection.output.isEmpty {
                if connection.stage == .closing { connection.startLingering(now: now) }
                if connection.peerEnded && !connection.isAnswering && !connection.isRunnable {
                    drop(connection, now: now)
                    continue
                }
            }
            continueBackup(of: connection)
            if connection.isHeldBack && connection.output.count < ServerLimits.outputBytesMax {
                connection.isHeldBack = false
                markRunnable(connection)
            }
            if !connection.updateInterest() { drop(connection, now: now) }
        }
    }

    // MARK: Time

    var nextDeadline: UInt64 { wheel.nextDeadline ?? .max }

    func tick(now: UInt64) {
        for place in wheel.advance(to: now) {
            guard let connection = connections[place] else { continue }
            if connection.deadline > now {
                watch(connection, now: now)
            } else if connection.stage == .open && connection.isMidRequest && connection.output.isEmpty {
                let problem = Problem(.timeout, "the request came too slowly; send it in one go")
                endpoints.write(problem, keepAlive: false, facts: facts, into: &connection.output)
                connection.stage = .closing
                connection.noteProgress(now: now)
                watch(connection, now: now)
                markDirty(connection)
            } else {
                drop(connection, now: now)
            }
        }
    }

    /// A deadline can also move to an earlier time: when an idle connection begins a request. So each connection is
    /// asked once a second.
    private func watch(_ connection: Connection, now: UInt64) {
        wheel.insert(connection.token.place, deadline: min(connection.deadline, now + 1000))
    }

    /// Ends the connections on which nothing is asked.
    func closeIdle(now: UInt64) {
        for connection in connections.elements where connection.isIdle {
            connection.startLingering(now: now)
            if !connection.updateInterest() { drop(connection, now: now) }
        }
    }

    // MARK: Requests

    private func advance(_ connection: Connection, now: UInt64) {
        var answered = 0
        while connection.stage == .open && !connection.isAnswering {
            if connection.output.count >= ServerLimits.outputBytesMax {
                connection.isHeldBack = true
                break
            }
            if answered == ClientConnections.requestsPerTurn {
                markRunnable(connection)
                break
            }
            switch connection.parser.parse(&connection.input) {
            case .needMore:
                connection.noteProgress(now: now)
                return
            case .sendContinue:
                connection.output.write { $0.writeContinueResponse() }
            case .request(let request):
                answered += 1
                take(request, on: connection)
                connection.noteProgress(now: now, isNewRequest: true)
            case .failed(let failure):
                endpoints.write(failure, facts: facts, into: &connection.output)
                connection.stage = .closing
                connection.noteProgress(now: now)
            }
        }
    }

    private func take(_ request: HTTPRequest, on connection: Connection) {
        switch endpoints.decide(request, facts: facts) {
        case .respond(var reply):
            if isStopping { reply.keepAlive = false }
            endpoints.write(reply, facts: facts, into: &connection.output)
            if !reply.keepAlive { connection.stage = .closing }
        case .submit(let body, let timeoutMilliseconds, let reply):
            lastRequest += 1
            // The connection's index is part of the number, so that the reply finds it.
            let index = SlotTable<Connection>.index(of: connection.token.place)
            let id = RequestID(lastRequest << SlotTable<Connection>.indexBits | index)
            connection.pending = (id, reply)
            if case .backup = body { reserveBackup(on: connection) }
            submitted.append(ReplicaRequest(id: id, timeoutMilliseconds: timeoutMilliseconds, body: body))
        }
    }

    // MARK: Lists

    func markDirty(_ connection: Connection) {
        guard !connection.isDirty else { return }
        connection.isDirty = true
        dirty.append(connection)
    }

    private func markRunnable(_ connection: Connection) {
        guard !connection.isRunnable, connection.stage == .open, !connection.input.isEmpty else { return }
        connection.isRunnable = true
        runnable.append(connection)
    }

    private func drop(_ connection: Connection, now: UInt64) {
        if let pending = connection.pending {
            abandoned.append(pending.id)
        }
        releaseBackup(of: connection, isWhole: false, now: now)
        connections.remove(connection.token.place)
    }
}
