import ConcordBytes
import ConcordModel
import ConcordRaft
import ConcordReplica
import ConcordState

/// Three whole members in one thread, on a virtual clock, with a faulty network and disk, from one seed: the
/// same seed is the same run.
///
/// Clients write down what they see; the run ends in a phase in which everything is healed and progress is
/// demanded. What is wrong is in `problems`.
package final class ClusterSimulation {
    package struct Settings: Sendable {
        package var members = 3
        /// Drawn from the seed unless it is given.
        package var workload: ClientWorkload?
        /// How long there are faults, in virtual microseconds.
        package var faultyMicroseconds: UInt64 = 6_000_000
        /// How long the healed cluster has to show progress.
        package var healedMicroseconds: UInt64 = 10_000_000

        package init() {}
    }

    enum Event {
        case turn(SimulatedMember, boot: UInt64)
        case tick(SimulatedMember, boot: UInt64)
        case deliver(PeerMessage, from: MemberID, to: SimulatedMember, boot: UInt64)
        case connect(SimulatedMember, SimulatedMember)
        case lost(MemberID, at: SimulatedMember, boot: UInt64)
        case diskDone(SimulatedMember, boot: UInt64)
        case restart(SimulatedMember)
        case client(Int)
        case fault
        case heal
    }

    package let seed: UInt64
    package let settings: Settings
    package var network: SimulatedNetwork
    package let workload: ClientWorkload
    package internal(set) var seen: SeenByClients
    package internal(set) var problems: [String] = []
    package internal(set) var counts: [String: Int] = [:]
    /// Of everything that happened, in order.
    package private(set) var eventHash: UInt64 = 0

    var random: SeededRandom
    var events = EventQueue<Event>()
    var now: UInt64 = 0
    let members: [SimulatedMember]
    var clients: [SimulatedClient] = []
    var lastRequest: UInt64 = 0
    var isHealed = false
    /// Operations that each client began after healing.
    var finalRounds: [Int] = []
    var healedOperations = 0
    var hashes: [LogIndex: UInt128] = [:]
    var leaders: [Term: MemberID] = [:]

    package init(seed: UInt64, settings: Settings = Settings()) {
        self.seed = seed
        self.settings = settings
        var random = SeededRandom(seed: seed)
        network = SimulatedNetwork(weather: .drawn(from: &random), seed: random.next())
        var members: [SimulatedMember] = []
        for position in 0..<settings.members {
            let disk = SimulatedDisk(seed: random.next())
            members.append(SimulatedMember(position: position, disk: disk, clockOffset: random.below(1_000_000)))
        }
        self.members = members
        workload = settings.workload ?? .drawn(from: &random)
        clients = SimulatedClient.all(of: workload, random: &random)
        seen = SeenByClients(membersCount: settings.members)
        self.random = random
        finalRounds = Array(repeating: 0, count: clients.count)
        for member in members { events.schedule(.restart(member), at: self.random.below(200_000)) }
        for client in clients { events.schedule(.client(client.number), at: self.random.below(500_000)) }
        events.schedule(.fault, at: self.random.below(1_000_000))
        events.schedule(.heal, at: settings.faultyMicroseconds)
    }

    /// Runs to the end and checks what the clients saw.
    package func run() {
        let end = settings.faultyMicroseconds + settings.healedMicroseconds
        while problems.isEmpty, !isQuiet, let (time, event) = events.next(), time <= end {
            now = time
            handle(event)
        }
        guard problems.isEmpty else { return }
        checkTheEnd()
    }

    func count(_ what: String) {
        counts[what, default: 0] += 1
    }

    func problem(_ what: String) {
        problems.append("seed \(seed), at \(now) µs: \(what)")
    }

    func note(_ number: UInt64) {
        eventHash = (eventHash ^ number) &* 0x9E37_79B9_7F4A_7C15
        eventHash ^= eventHash >> 29
    }

    private func handle(_ event: Event) {
        note(now)
        switch event {
        case .turn(let member, let boot): if member.boot == boot { endTurn(of: member) }
        case .tick(let member, let boot): if member.boot == boot { tick(member) }
        case .deliver(let message, let sender, let member, let boot):
            if member.boot == boot { step(member, .peerMessage(from: sender, message)) }
        case .connect(let dialer, let acceptor): connect(dialer, acceptor)
        case .lost(let peer, let member, let boot): if member.boot == boot { step(member, .peerLost(peer)) }
        case .diskDone(let member, let boot): if member.boot == boot { finishDiskWork(of: member) }
        case .restart(let member): restart(member)
        case .client(let number): act(number)
        case .fault: drawFault()
        case .heal: heal()
        }
    }

    // MARK: A member's turns

    func step(_ member: SimulatedMember, _ input: ReplicaInput) {
        guard member.isUp else { return }
        member.replica?.step(.tick(now: member.milliseconds(now), wallMilliseconds: now / 1000))
        member.replica?.step(input)
        scheduleTurn(of: member)
    }

    /// Inputs that arrive close to each other share a turn, as in the server's loop.
    private func scheduleTurn(of member: SimulatedMember) {
        guard !member.turnIsScheduled else { return }
        member.turnIsScheduled = true
        events.schedule(.turn(member, boot: member.boot), at: now + random.below(200))
    }

    private func tick(_ member: SimulatedMember) {
        member.tickAt = nil
        member.replica?.step(.tick(now: member.milliseconds(now), wallMilliseconds: now / 1000))
        endTurn(of: member)
    }

    func endTurn(of member: SimulatedMember) {
        member.turnIsScheduled = false
        guard let effects = member.replica?.takeEffects(), let id = member.id else { return }
        if let halt = effects.halt { problem("\(member.name) halted: \(halt)") }
        member.writesQueued.append(contentsOf: effects.logWrites)
        if let record = effects.memberRecord { member.recordQueued = record }
        beginDiskWork(of: member)
        for (peer, message) in effects.messages { send(message, from: id, to: peer) }
        for reply in effects.replies { deliver(reply, from: member) }
        for notice in effects.notices { observe(notice, of: member) }
        checkHash(of: member)
        scheduleTick(of: member)
    }

    private func scheduleTick(of member: SimulatedMember) {
        guard let deadline = member.replica?.nextDeadline, deadline < UInt64.max else { return }
        let offset = member.clockOffset
        let at = max(now + 1, (max(deadline, offset) - offset) * 1000)
        if let scheduled = member.tickAt, scheduled <= at { return }
        member.tickAt = at
        events.schedule(.tick(member, boot: member.boot), at: at)
    }

    private func send(_ message: PeerMessage, from sender: MemberID, to receiver: MemberID) {
        guard let member = members.first(where: { $0.id == receiver }) else { return }
        var writer = ByteWriter()
        message.encode(into: &writer)
        var reader = ByteReader(writer.bytes)
        guard let decoded = try? PeerMessage(decoding: &reader), decoded == message else {
            return problem("a message did not survive its encoding: \(message)")
        }
        for time in network.deliveries(of: message, from: sender, to: receiver, now: now) {
            events.schedule(.deliver(decoded, from: sender, to: member, boot: member.boot), at: time)
        }
    }

    // MARK: Invariants

    private func observe(_ notice: Notice, of member: SimulatedMember) {
        switch notice {
        case .formed: count("formed")
        case .listDiffers: break
        case .standing(let standing):
            guard standing.role == .leader, let id = member.id else { return }
            count("elections")
            if let other = leaders[standing.term], other != id {
                problem("two leaders in term \(standing.term.rawValue): \(other) and \(id)")
            }
            leaders[standing.term] = id
        }
    }

    private func checkHash(of member: SimulatedMember) {
        guard let replica = member.replica, replica.appliedIndex > .zero else { return }
        let hash = replica.state.stateHash
        if let other = hashes[replica.appliedIndex], other != hash {
            problem("\(member.name) has another state than others at index \(replica.appliedIndex.rawValue)")
        }
        hashes[replica.appliedIndex] = hash
        note(UInt64(truncatingIfNeeded: hash))
    }
}
