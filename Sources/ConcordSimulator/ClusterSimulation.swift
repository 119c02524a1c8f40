import ConcordBytes
import ConcordChecker
import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordState

/// A whole cluster in one thread, on a virtual clock, with a faulty network, disks, clocks and processes, from
/// one seed: the same plan is the same run.
///
/// Members are the production replica and storage. Clients write down what they see. The run ends in a phase in
/// which a quorum is healed and the rest stays broken, and progress is demanded. What is wrong is in `problems`.
package final class ClusterSimulation {
    enum Event {
        case turn(SimulatedMember, process: UInt64)
        case tick(SimulatedMember, process: UInt64)
        case deliver(PeerMessage, from: Int, id: MemberID, to: SimulatedMember, process: UInt64, connection: UInt64)
        case connect(SimulatedMember, SimulatedMember)
        case lost(MemberID, at: SimulatedMember, process: UInt64)
        case diskDone(SimulatedMember, process: UInt64, work: UInt64)
        case segmentDone(SimulatedMember, process: UInt64, SegmentWork)
        case snapshotStep(SimulatedMember, process: UInt64)
        case restart(SimulatedMember)
        case resume(SimulatedMember, process: UInt64)
        case client(Int)
        case fault(PlannedFault)
        /// A fault that lasts for a while ends.
        case end(LastingFault)
        case stage(HealingStage)
    }

    package let plan: SimulationPlan
    package internal(set) var seen: SeenByClients
    package internal(set) var problems: [String] = []
    package internal(set) var coverage = Coverage()
    /// Of everything that happened, in order.
    package private(set) var eventHash: UInt64 = 0
    package private(set) var eventsCount: UInt64 = 0
    /// Told of every event, in words.
    package var trace: ((String) -> Void)?

    var events = EventQueue<Event>()
    package internal(set) var now: UInt64 = 0
    let members: [SimulatedMember]
    var network: SimulatedNetwork
    var invariants: ClusterInvariants
    var clients: [SimulatedClient] = []
    var clientRandom: [SeededRandom] = []
    var lastRequest: UInt64 = 0
    /// Requests of bursts that wait for an answer.
    var bursts: [RequestID: BurstRequest] = [:]
    var burstsEnded = 0
    /// Requests for another leader that wait for an answer.
    var transfers: [RequestID: TransferRequest] = [:]
    /// Backups that were asked for, with what was committed by then.
    var backups: [RequestID: LogIndex] = [:]
    var succession: Succession?
    /// Until then clients begin nothing.
    var quietUntil: UInt64 = 0
    /// Changes of membership that were asked for, by request.
    var changesAsked: [RequestID: AskedChange] = [:]
    /// Requests that failed though everyone was to be served, by the member that answered: a mistake unless that one
    /// was on its way out.
    var unserved: [(position: Int, what: String)] = []
    var upgrades = Upgrades()
    /// For what follows from a fault while the run goes on.
    var faultRandom: SeededRandom
    var operationsEnded = 0
    /// Leadership that moves with nothing else wrong.
    var move: UndisturbedMove?
    /// From here on every request must be answered.
    var servedFrom: UInt64?
    /// `nil` while there are faults.
    var healing: Healing?
    /// Members whose directory was emptied.
    var wasWiped: Set<Int> = []
    /// Members that have once run as part of a cluster.
    var formedOnce: Set<Int> = []
    var hashes: [LogIndex: UInt128] = [:]
    var highestTerm = Term.zero
    /// Appends and their answers.
    var replicationCount: UInt64 = 0
    var otherMessagesCount: UInt64 = 0

    package init(plan: SimulationPlan) {
        self.plan = plan
        var random = SeededRandom(seed: plan.seed)
        var weather = SimulatedNetwork.Weather.drawn(plan.classes, from: &random)
        if plan.isInStep, !plan.classes.contains(.delay) { weather.delayMicroseconds = 70...70 }
        let all = plan.members + plan.spares
        network = SimulatedNetwork(members: all, weather: weather, seed: random.next())
        invariants = ClusterInvariants(members: all)
        var members: [SimulatedMember] = []
        for position in 0..<all {
            let member = SimulatedMember(
                position: position, disk: SimulatedDisk(seed: random.next()),
                clockStart: random.below(1_000_000_000), random: SeededRandom(seed: random.next()))
            members.append(member)
        }
        self.members = members
        faultRandom = SeededRandom(seed: random.next())
        seen = SeenByClients(membersCount: plan.classes.contains(.membership) ? nil : plan.members)
        clients = SimulatedClient.all(of: plan.workload, random: &random)
        clientRandom = clients.map { _ in SeededRandom(seed: random.next()) }
        for client in clients { events.schedule(.client(client.number), at: random.below(500_000)) }
        if plan.classes.contains(.upgrade) { drawBuilds(&random) }
        for member in members {
            setRate(of: member, &random)
            events.schedule(.restart(member), at: random.below(200_000))
        }
        for fault in plan.faults { events.schedule(.fault(fault), at: fault.time) }
        events.schedule(.stage(.quorumHealed), at: plan.faultyMicroseconds)
    }

    package convenience init(seed: UInt64) {
        self.init(plan: SimulationPlan(seed: seed))
    }

    /// What the clients saw, as JSON lines.
    package var historyLines: String { HistoryWriter.lines(seen.history) }

    /// Runs to the end and checks what the clients saw.
    package func run() {
        while problems.isEmpty, !isAtRest, let (time, event) = events.next() {
            now = time
            eventsCount += 1
            handle(event)
            if eventsCount > ClusterSimulation.eventsMax { problem("no rest after \(eventsCount) events") }
        }
        if problems.isEmpty { checkTheEnd() }
        coverTheRun()
        tryPartsAlone()
    }

    private func tryPartsAlone() {
        var storage = StorageTrial(seed: plan.seed)
        storage.run()
        note(storage.hash)
        var retries = RetryTrial(seed: plan.seed)
        for what in storage.problems + retries.run() { problem(what) }
        note(UInt64(truncatingIfNeeded: retries.stateHash))
    }

    /// Far above what the longest run of a seed needs.
    private static let eventsMax: UInt64 = 20_000_000

    func problem(_ what: @autoclosure () -> String) {
        problems.append("seed \(plan.seed), at \(now) µs: \(what())")
    }

    func tell(_ what: @autoclosure () -> String) {
        guard let trace else { return }
        trace("\(now) \(what())")
    }

    func note(_ number: UInt64) {
        eventHash = (eventHash ^ number) &* 0x9E37_79B9_7F4A_7C15
        eventHash ^= eventHash >> 29
    }

    private func handle(_ event: Event) {
        note(now)
        switch event {
        case .turn(let member, let process):
            if let member = awake(member, process, event) { endTurn(of: member) }
        case .tick(let member, let process):
            // An earlier deadline that came up since has a tick of its own.
            if let member = awake(member, process, event), member.tickAt == now { tick(member) }
        case .deliver(let message, let from, let id, let member, let process, let connection):
            guard connection == network.connection(from: from, to: member.position),
                let member = awake(member, process, event)
            else { return }
            take(message, from: from, id, by: member)
        case .lost(let peer, let member, let process):
            guard let member = awake(member, process, event) else { return }
            if let heard = member.heard, members[heard.leader].id == peer { member.heard = nil }
            step(member, .peerLost(peer))
        case .diskDone(let member, let process, let work):
            if let member = awake(member, process, event) { finishDiskWork(of: member, work) }
        case .segmentDone(let member, let process, let work):
            if let member = awake(member, process, event) { finishSegment(of: member, work) }
        case .snapshotStep(let member, let process):
            if let member = awake(member, process, event) { workOnSnapshots(of: member) }
        case .connect(let dialer, let acceptor): connect(dialer, acceptor)
        case .restart(let member): restart(member)
        case .resume(let member, let process): if member.process == process { resume(member) }
        case .client(let number): act(number)
        case .fault(let fault): if healing == nil { strike(fault) }
        case .end(let fault): if healing == nil { end(fault) }
        case .stage(let stage): enter(stage)
        }
    }

    /// The member, if this process of it still runs; while it is paused the event waits.
    private func awake(_ member: SimulatedMember, _ process: UInt64, _ event: Event) -> SimulatedMember? {
        guard member.process == process, member.isUp else { return nil }
        guard member.isPaused else { return member }
        member.parked.append(event)
        return nil
    }

    // MARK: A member's turns

    /// By how much something that works may take longer than at best, in microseconds.
    func jitter(of member: SimulatedMember, below bound: UInt64) -> UInt64 {
        let drawn = member.random.below(bound)
        return plan.isInStep ? bound / 2 : drawn
    }

    func step(_ member: SimulatedMember, _ input: ReplicaInput) {
        guard member.isUp else { return }
        tellTime(to: member)
        member.running?.replica.step(input)
        scheduleTurn(of: member)
    }

    private func tellTime(to member: SimulatedMember) {
        member.running?.replica.step(
            .tick(now: member.clock.milliseconds(now), wallMilliseconds: member.clock.wallMilliseconds(now)))
    }

    /// Inputs that arrive close to each other share a turn, as in the server's loop.
    private func scheduleTurn(of member: SimulatedMember) {
        guard !member.turnIsScheduled else { return }
        member.turnIsScheduled = true
        events.schedule(.turn(member, process: member.process), at: now + jitter(of: member, below: 200))
    }

    private func tick(_ member: SimulatedMember) {
        member.tickAt = nil
        tellTime(to: member)
        endTurn(of: member)
    }

    func endTurn(of member: SimulatedMember) {
        member.turnIsScheduled = false
        guard let effects = member.running?.replica.takeEffects(), let id = member.id else { return }
        if let targets = effects.targets { retarget(member, targets) }
        if let halt = effects.halt {
            if case .removed = halt { lastWords(of: member, id, effects) }
            return halted(member, halt)
        }
        if !effects.logWrites.isEmpty {
            member.queue(effects.logWrites, milliseconds: member.clock.milliseconds(now))
            invariants.handedOver(effects.logWrites, by: member.position)
            if !invariants.configurations.unchecked.isEmpty { appendedConfiguration(member) }
        }
        if let record = effects.memberRecord { member.recordQueued = record }
        beginDiskWork(of: member)
        for notice in effects.notices { observe(notice, of: member) }
        for (peer, message) in effects.messages { send(message, from: member, id, to: peer) }
        checkState(of: member)
        takeSnapshotEffects(effects, of: member)
        checkTransfer(of: member)
        for reply in effects.replies { deliver(reply, from: member) }
        scheduleTick(of: member)
        for violation in invariants.violations { problem(violation) }
    }

    private func scheduleTick(of member: SimulatedMember) {
        guard let deadline = member.running?.look({ $0.nextDeadline }), deadline < UInt64.max else { return }
        let at = max(now + 1, member.clock.time(ofMilliseconds: deadline))
        if let scheduled = member.tickAt, scheduled <= at { return }
        member.tickAt = at
        events.schedule(.tick(member, process: member.process), at: at)
    }

    /// After a clock changed: what was scheduled by its old rate comes at another time.
    func rescheduleTick(of member: SimulatedMember) {
        member.tickAt = nil
        scheduleTick(of: member)
    }

    func send(_ message: PeerMessage, from sender: SimulatedMember, _ id: MemberID, to receiver: MemberID) {
        if message.isReplication { replicationCount += 1 } else { otherMessagesCount += 1 }
        let target = members.first { $0.id == receiver }
        if case .raft(let inner) = message {
            invariants.sends(inner, from: sender.position, to: target?.position)
            checkLoyalty(of: sender, inner)
        }
        if case .announce = message { sender.hasAnnounced = true }
        if case .forward = message { coverage.count(.changedByFollowers) }
        guard let member = target, sender.targets.contains(member.address) else { return }
        let delivered = plan.encodesMessages ? coded(message) : message
        let times = network.deliveries(of: message, from: sender.position, to: member.position, now: now)
        count(times, message)
        for case let time? in [times.0, times.1] {
            events.schedule(
                .deliver(
                    delivered, from: sender.position, id: id, to: member, process: member.process,
                    connection: network.connection(from: sender.position, to: member.position)), at: time)
        }
    }

    private func count(_ times: (UInt64?, UInt64?), _ message: PeerMessage) {
        guard let first = times.0 else { return coverage.count(.lostMessages) }
        if times.1 != nil { coverage.count(.doubledMessages) }
        if first > now + 10_000 { coverage.count(.overtakenMessages) }
    }

    private func coded(_ message: PeerMessage) -> PeerMessage {
        var writer = ByteWriter()
        message.encode(into: &writer)
        var reader = ByteReader(writer.bytes)
        guard let decoded = try? PeerMessage(decoding: &reader), decoded == message else {
            problem("a message did not survive its encoding: \(message)")
            return message
        }
        return decoded
    }

    // MARK: Invariants

    func observe(_ notice: Notice, of member: SimulatedMember) {
        switch notice {
        case .formed(let cluster):
            tell("\(member.name) formed \(cluster)")
            formedOnce.insert(member.position)
            tellInvariants(of: member)
            // It was emptied before there was a cluster, and is a member like any other.
            wasWiped.remove(member.position)
        case .listDiffers, .transferAbandoned, .snapshotPostponed, .statesAgreeAgain, .snapshotUnusable: break
        case .diskHangs: coverage.reached(.hungLeaderWent)
        case .doubtOver, .lostEverywhere: observeDoubt(notice, of: member)
        case .stateDistrusted(_, let cause): distrusts(member, cause)
        case .statesDivided: divides(member)
        case .snapshotInstalled(let index):
            tell("\(member.name) takes over a snapshot up to \(index.rawValue)")
            coverage.count(.installedSnapshots)
            seen.leaptAt[member.position] = now
            tookOver(member)
        case .snapshotRefused(let identity):
            problem("\(member.name) was sent a snapshot that is none: \(identity)")
        case .standing(let standing):
            let leader = members.first { $0.id != nil && $0.id == standing.leader }?.name ?? "nobody"
            tell("\(member.name) is \(standing.role) in term \(standing.term.rawValue), led by \(leader)")
            highestTerm = max(highestTerm, standing.term)
            if servedFrom != nil, !plan.classes.contains(.membership), standing.role != .follower,
                healing?.quorum.contains(member.position) == true
            {
                problem("\(member.name) wants another leader than the one that all are served by")
            }
            if standing.role == .candidate { stands(member) }
            guard standing.role == .leader, let id = member.id else { return }
            if member.position >= plan.members { coverage.reached(.newMemberLeads) }
            if invariants.committedCount > 0 { coverage.count(.electionsAfterTheFirst) }
            invariants.leads(member.position, id: id, term: standing.term)
            won(member)
        }
    }

    func checkState(of member: SimulatedMember) {
        guard let running = member.running else { return }
        let (term, committed, applied) = running.look { ($0.raftTerm, $0.commitIndex, $0.appliedIndex) }
        invariants.commits(member.position, upTo: committed, term: term)
        invariants.checkNewConfigurations()
        checkWatchdog(of: member)
        guard applied > member.checkedIndex else { return }
        member.checkedIndex = applied
        if applied > committed { problem("\(member.name) applied what is not committed") }
        compare(member, running.look { $0.state.stateHash }, at: applied)
    }
}
