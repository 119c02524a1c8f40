internal import ConcordEndpoints
internal import ConcordLinux
internal import ConcordModel
internal import ConcordRaft
internal import ConcordReplica
internal import ConcordStorage

/// The event loop of a member: where values meet the kernel. One thread owns sockets, HTTP and the replica.
///
/// A turn: wait; take in what the disk, the peers and the clients have said; let the replica act on all of it at
/// once; hand its log writes, messages and replies over; send, once per connection.
final class ServerLoop {
    let poller: Poller
    let log: Log
    let storage: StorageThread
    let snapshots: SnapshotThread
    let peers: PeerNetwork
    let clients: ClientConnections
    private let signals: StopSignals
    private let clientListener: Listener
    private let peerListener: Listener
    /// `nil` once this member is counted.
    private var join: JoinThread?
    private(set) var replica: Replica
    private let scratch = ScratchBuffer()
    private var ready: [ReadyDescriptor] = []
    /// The first of `ready` that was not looked at: the last turn took too long.
    private var nextReady = 0
    var turns = TurnTimes()
    private var throttle = LogThrottle(intervalMilliseconds: 10_000)
    private var stop = PlannedStop()
    var exit: ServerExit?
    private var wasReady = false
    private var now: UInt64

    struct Parts {
        var poller: Poller
        var log: Log
        var storage: StorageThread
        var snapshots: SnapshotThread
        var peers: PeerNetwork
        var clients: ClientConnections
        var clientListener: Listener
        var peerListener: Listener
        var join: JoinThread?
        var replica: Replica
    }

    init(_ parts: Parts, signals: StopSignals, now: UInt64) throws(SystemError) {
        poller = parts.poller
        log = parts.log
        storage = parts.storage
        snapshots = parts.snapshots
        peers = parts.peers
        clients = parts.clients
        clientListener = parts.clientListener
        peerListener = parts.peerListener
        join = parts.join
        replica = parts.replica
        self.now = now
        try parts.poller.loop.watch(
            signals.source.descriptor.number, token: Token(.signals).rawValue, interest: .readable)
        self.signals = signals
        signals.handOver()
    }

    /// Runs until the member is to end.
    func run() throws(SystemError) -> ServerExit {
        peers.setTargets(replica.targets, now: now)
        carryOut(replica.takeEffects())
        while exit == nil {
            try turn()
        }
        for backup in clients.cutBackups(now: now) { report(backup, cutBy: "this member ended before it was sent") }
        return exit ?? .failed
    }

    private func turn() throws(SystemError) {
        if nextReady == ready.count {
            try poller.loop.wait(until: clients.hasWork ? 0 : nextDeadline, into: &ready)
            nextReady = 0
        }
        let start = SystemClock.monotonicNanoseconds()
        now = start / 1_000_000
        replica.step(.tick(now: now, wallMilliseconds: SystemClock.wallMilliseconds()))
        takeCompletions()
        takeTimers()
        let end = start + ServerLimits.turnNanoseconds
        clients.runWaiting(now: now, untilNanoseconds: end)
        while nextReady < ready.count {
            handle(ready[nextReady])
            nextReady += 1
            if SystemClock.monotonicNanoseconds() > end { break }
        }
        feedReplica()
        carryOut(replica.takeEffects())
        peers.flush(now: now)
        clients.flush(now: now)
        for backup in clients.endedBackups { report(backup) }
        clients.endedBackups.removeAll()
        if stop.isUnderWay { continueStop() }
        let ended = SystemClock.monotonicNanoseconds()
        noteTurn(from: start, to: ended)
        complainAboutSlowTurn(milliseconds: (ended - start) / 1_000_000)
    }

    private var nextDeadline: UInt64 {
        var deadline = min(replica.nextDeadline, peers.nextDeadline, clients.nextDeadline)
        if let at = clientListener.resumesAt { deadline = min(deadline, at) }
        if let at = peerListener.resumesAt { deadline = min(deadline, at) }
        return min(deadline, stop.nextDeadline)
    }

    // MARK: Taking in

    private func takeCompletions() {
        for completion in storage.takeCompletions() {
            switch completion {
            case .logDurable(let sequence): replica.step(.logDurable(sequence))
            case .memberRecordDurable:
                replica.step(.memberRecordDurable)
                peers.credentials.identity.clusterID = replica.record.clusterID
            case .diskSpace(let isFull):
                reportSpace(isFull: isFull)
                replica.step(.diskSpace(isFull: isFull))
            }
        }
        if let end = join?.end() { halt(end) }
        for result in snapshots.takeResults() {
            note(result)
            replica.step(.snapshot(result))
        }
        for part in clients.backups.takeParts() { clients.deliver(part, now: now) }
    }

    private func takeTimers() {
        peers.tick(now: now)
        clients.tick(now: now)
        clientListener.tick(now: now)
        peerListener.tick(now: now)
    }

    private func handle(_ event: ReadyDescriptor) {
        switch Token(rawValue: event.token).kind {
        case .clientListener: accept(clientListener) { clients.accept($0, now: now) }
        case .peerListener: accept(peerListener) { peers.accept($0, now: now) }
        case .client: clients.handle(event, scratch: scratch, now: now)
        case .dial: peers.handleDial(event, scratch: scratch, now: now)
        case .accepted: peers.handleAccepted(event, scratch: scratch, now: now)
        case .signals: takeSignals()
        case nil: preconditionFailure("an event came for a token that was never given")
        }
    }

    private func accept(_ listener: Listener, _ take: (consuming StreamSocket) -> Void) {
        guard let error = listener.acceptAll(now: now, take) else { return }
        guard throttle.admit("accept", now: now) != nil else { return }
        log.warning(
            "accept_failed",
            [
                ("reason", "\(error)"),
                ("advice", "raise the limit of open files (ulimit -n), or find out who holds so many connections"),
            ])
    }

    private func feedReplica() {
        for event in peers.events {
            switch event {
            case .connected(let peer): replica.step(.peerConnected(peer))
            case .message(let sender, let message): replica.step(.peerMessage(from: sender, message))
            case .lost(let peer): replica.step(.peerLost(peer))
            }
        }
        peers.events.removeAll(keepingCapacity: true)
        for request in clients.abandoned { replica.step(.abandon(request)) }
        clients.abandoned.removeAll(keepingCapacity: true)
        for request in clients.submitted { replica.step(.request(request)) }
        clients.submitted.removeAll(keepingCapacity: true)
    }

    // MARK: Carrying out

    private func carryOut(_ effects: ReplicaEffects) {
        if !effects.logWrites.isEmpty { storage.write(effects.logWrites) }
        if let record = effects.memberRecord { storage.write(record) }
        if let index = effects.releasedLog { storage.release(upTo: index) }
        for job in effects.snapshotJobs { add(job) }
        for (member, message) in effects.messages { peers.send(message, to: member, now: now) }
        refreshFacts()
        for reply in effects.replies { clients.deliver(reply, now: now) }
        if let targets = effects.targets { peers.setTargets(targets, now: now) }
        for notice in effects.notices { report(notice) }
        if let reason = effects.halt { halt(reason) }
        if let thread = join, replica.isVoter {
            log.info("joined", [("name", .text(replica.record.name))])
            thread.stop()
            join = nil
        }
    }

    private func refreshFacts() {
        let status = replica.status
        clients.facts.refresh(status: status, readiness: status.readiness)
        let isReady = status.readiness == .ready
        if isReady && !wasReady { log.info("ready", [("revision", .number(status.revision.rawValue))]) }
        wasReady = isReady
    }

    private func report(_ notice: Notice) {
        switch notice {
        case .formed(let cluster):
            log.info("formed", [("cluster", "\(cluster)")])
        case .standing(let standing):
            log.info(
                "standing",
                [
                    ("role", "\(standing.role)"), ("term", .number(standing.term.rawValue)),
                    ("leader", .text(standing.leader.map { name(of: $0) } ?? "")),
                ])
        case .transferAbandoned(let transfer):
            log.warning(
                "leadership_stays",
                [("to", .text(name(of: transfer.target))), ("reason", "\(transfer.reason)")])
        case .diskHangs(let milliseconds):
            log.warning(
                "disk_hangs",
                [
                    ("waiting_ms", .number(milliseconds)),
                    ("advice", "this member led and leaves that to others until its disk answers: look at the disk"),
                ])
        case .snapshotPostponed(let milliseconds):
            log.warning(
                "snapshot_postponed",
                [
                    ("retry_after_ms", .number(milliseconds)), ("reason", "no space is left for it; nothing of it is"),
                    ("advice", "make room on the disk of --data: without snapshots the log grows"),
                ])
        case .listDiffers(let peer):
            guard throttle.admit("list \(peer)", now: now) != nil else { return }
            log.warning(
                "cluster_list_differs",
                [
                    ("peer", .text(name(of: peer))),
                    ("advice", "give every member the same --cluster, with the same names and addresses"),
                ])
        case .snapshotInstalled(let index):
            log.info("snapshot_installed", [("index", .number(index.rawValue))])
        case .doubtOver:
            log.info("doubt_over", [("meaning", "the others have sent what the disk had lost")])
        case .lostEverywhere:
            log.error(
                "entries_lost_everywhere",
                [
                    ("meaning", "the disk lost entries that may have been acknowledged, and no member has them"),
                    ("advice", "bring back the disk of a member that has them, or restore a backup"),
                ])
        case .snapshotRefused(let identity):
            log.warning(
                "snapshot_refused",
                [
                    ("index", .number(identity.index.rawValue)),
                    ("advice", "what the leader sent is no snapshot; it is sent again"),
                ])
        case .stateDistrusted, .statesDivided, .statesAgreeAgain, .snapshotUnusable: reportState(notice)
        }
    }

    private func reportSpace(isFull: Bool) {
        guard isFull else { return log.info("disk_has_space", []) }
        log.error(
            "disk_full",
            [
                ("reason", "there is no room for the next segment of the log"),
                (
                    "advice",
                    .text(
                        "make room on the disk of --data: this member goes on for as long as its current segment lasts, "
                            + "and leads no more while another one can")
                ),
            ])
    }

    private func name(of member: MemberID) -> String {
        if member == replica.record.id { return replica.record.name }
        return replica.name(of: member) ?? "\(member)"
    }

    func halt(_ reason: HaltReason) {
        switch reason {
        case .notAMember(let peer):
            log.error(
                "not_a_member",
                [
                    ("peer", .text(peer.name)), ("peer_url", .text(peer.clientURL)), ("id", "\(replica.record.id)"),
                    ("reason", "\(peer.name) belongs to a cluster that was formed without this member's id"),
                    (
                        "advice",
                        .text(
                            "this data directory is new or was wiped: restore the one that this member had, or "
                                + "remove the lost member and let a new one take its place, with an empty data "
                                + "directory: 'concord member remove \(replica.record.name)' and 'concordd serve "
                                + "--name \(replica.record.name) --join \(peer.clientURL)'")
                    ),
                ])
            exit = .configuration
        case .buildTooOld(let level):
            log.error(
                "build_too_old",
                [
                    ("feature_level", .number(UInt64(level))), ("reason", .text(FeatureLevelAdvice.reason(level))),
                    ("advice", .text(FeatureLevelAdvice.advice)),
                ])
            exit = .configuration
        case .unreadableEntry(let index):
            log.error(
                "unreadable_entry",
                [
                    ("index", .number(index.rawValue)),
                    ("advice", "a newer version has written this entry: start that version"),
                ])
            exit = .configuration
        case .removed(let index):
            log.warning(
                "removed",
                [
                    ("id", "\(replica.record.id)"), ("index", .number(index.rawValue)),
                    ("reason", "this member was removed from its cluster, and its id is never used again"),
                    (
                        "advice",
                        .text(
                            "take its data directory away; to let this machine be a member again, start it with an "
                                + "empty one and --join")
                    ),
                ])
            exit = .removed
        case .unsoundState:
            haltUnsound()
            exit = .failed
        }
    }

    private func complainAboutSlowTurn(milliseconds: UInt64) {
        guard milliseconds >= 100, let repeated = throttle.admit("turn", now: now) else { return }
        log.warning("slow_turn", [("milliseconds", .number(milliseconds)), ("repeated", .number(repeated))])
    }

    // MARK: Ending

    private func takeSignals() {
        while let signal = try? signals.source.next() {
            if stop.isUnderWay {
                if stop.elapsed(now: now) >= ServerLimits.impatienceMilliseconds { exit = .success }
            } else {
                log.info("stopping", [("signal", "\(signal)")])
                beginStop()
            }
        }
    }

    private func beginStop() {
        let leads = replica.status.standing.role == .leader && replica.votersCount > 1
        stop.begin(now: now, leads: leads)
        clients.isStopping = true
        clientListener.close()
        if leads { replica.step(.stepDown) }
    }

    private func continueStop() {
        for step in stop.advance(now: now, hasLeader: hasOtherLeader, isBusy: clients.isBusy) {
            switch step {
            case .closeIdle: clients.closeIdle(now: now)
            case .end:
                log.info(
                    "stopped",
                    [
                        ("after_ms", .number(stop.elapsed(now: now))),
                        ("longest_turn_us", .number(turns.longest / 1000)),
                    ])
                exit = .success
            }
        }
    }

    private var hasOtherLeader: Bool {
        guard let leader = replica.status.standing.leader else { return false }
        return leader != replica.record.id
    }
}
