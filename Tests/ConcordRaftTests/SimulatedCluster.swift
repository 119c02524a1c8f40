import ConcordBytes
import ConcordRaft

/// A whole cluster in virtual time from one seed: members, their disks and the network between them.
final class SimulatedCluster {
    struct Weather {
        var lossPercent: UInt64 = 0
        var duplicatePercent: UInt64 = 0
        /// A few messages come much later than all others.
        var straggleMilliseconds: UInt64 = 0
        var delay: ClosedRange<UInt64> = 0...2
        var diskDelay: ClosedRange<UInt64> = 0...3
        /// Messages of one link keep their order.
        var isOrdered = true
        /// Sends every message through its encoding.
        var encodes = false
    }

    enum Event {
        case wake(member: Int, boot: Int)
        case deliver(Message)
        case written(member: Int, boot: Int)
    }

    struct Member {
        let id: MemberID
        var raft: Raft?
        var boot = 0
        var disk = Disk()
        var writes: [LogWrite] = []
        var durable = WriteSequence.zero
        /// How many of `writes` the sync under way covers; the next one takes all that have come by then.
        var syncing = 0
        var held: [OutboundMessage] = []
        var delivered: UInt64 = 0
        var wakeAt = UInt64.max
        /// What was committed anywhere when the barrier was asked.
        var barriers: [UInt64: Int] = [:]
        var barriersReady = 0
    }

    let configuration: Configuration
    let settings: RaftSettings
    var weather: Weather
    private(set) var now: UInt64 = 0
    private(set) var members: [Member]
    private(set) var historian = Historian()
    var random: SeededRandom
    /// Links that deliver, by (from, to).
    var links: [Bool]
    private var arrivals: [UInt64]
    private var queue = EventQueue<Event>()
    private var nextBarrier: UInt64 = 1
    private var nextCommand: UInt64 = 1

    init(
        _ count: Int, seed: UInt64, weather: Weather = Weather(), configuration: Configuration? = nil,
        settings: RaftSettings = RaftSettings()
    ) {
        self.configuration = configuration ?? voters(count)
        self.settings = settings
        self.weather = weather
        random = SeededRandom(seed: seed)
        links = Array(repeating: true, count: count * count)
        arrivals = Array(repeating: 0, count: count * count)
        members = (1...count).map { Member(id: MemberID(UInt128($0))) }
        for member in members.indices { start(member) }
    }

    var electionTimeout: UInt64 { settings.electionTimeoutMilliseconds }
    var violations: [String] { historian.violations }
    var committedCount: Int { historian.committed.count }

    func isLeader(_ member: Int) -> Bool { members[member].raft?.standing.role == .leader }

    /// The leader of the highest term.
    var leader: Int? {
        members.indices.filter(isLeader).max { term(of: $0) < term(of: $1) }
    }

    func term(of member: Int) -> UInt64 { members[member].raft?.standing.term.rawValue ?? 0 }

    // MARK: What can be done to it

    func start(_ member: Int) {
        precondition(members[member].raft == nil, "a running member cannot be started")
        members[member].boot += 1
        let restored = RestoredLog(
            hardState: members[member].disk.hardState, initialConfiguration: configuration,
            entries: members[member].disk.entries)
        members[member].raft = Raft(
            id: members[member].id, settings: settings, restored: restored, seed: random.next(), now: now)
        turn(member)
    }

    /// Loses what is not durable. Of the sync under way all, nothing, or a first part may have got through.
    func crash(_ member: Int) {
        guard members[member].raft != nil else { return }
        for write in members[member].writes.prefix(members[member].syncing) {
            if random.chance(percent: 50) {
                members[member].disk.apply(write)
                continue
            }
            if random.chance(percent: 50) {
                members[member].disk.apply(write, entriesCount: Int(random.below(UInt64(write.entries.count) + 1)))
            }
            break
        }
        members[member].raft = nil
        members[member].writes = []
        members[member].held = []
        members[member].durable = .zero
        members[member].syncing = 0
        members[member].delivered = 0
        members[member].wakeAt = .max
        members[member].barriers = [:]
    }

    /// The kernel of `member` closes its connections: the others notice within some milliseconds.
    func reportLost(_ member: Int) {
        let id = members[member].id
        for other in members.indices where other != member { turn(other) { $0.leaderConnectionLost(id) } }
    }

    func propose(at member: Int, bytes: Int = 8) {
        var writer = ByteWriter()
        writer.write(nextCommand)
        writer.writeRaw([UInt8](repeating: 7, count: max(0, bytes - 8)))
        nextCommand += 1
        turn(member) { _ = $0.propose(writer.bytes) }
    }

    func readBarrier(at member: Int) {
        guard members[member].raft != nil else { return }
        let barrier = nextBarrier
        nextBarrier += 1
        members[member].barriers[barrier] = committedCount
        turn(member) { $0.readBarrier(id: barrier) }
    }

    func turn(_ member: Int, _ inputs: (inout Raft) -> Void = { _ in }) {
        guard members[member].raft != nil else { return }
        let before = members[member].raft?.standing
        members[member].raft?.tick(now: now)
        if members[member].raft != nil { inputs(&members[member].raft!) }
        guard let output = members[member].raft?.takeOutput(), let raft = members[member].raft else { return }
        take(output, member, raft)
        if raft.standing != before, raft.standing.role == .leader { historian.leads(raft) }
        if raft.contradictionsCount > 0 { historian.note("\(raft.id) met a contradiction") }
        let wake = max(now, raft.nextDeadline)
        if wake < members[member].wakeAt || members[member].wakeAt < now {
            members[member].wakeAt = wake
            queue.add(.wake(member: member, boot: members[member].boot), at: wake)
        }
    }

    /// Lets `milliseconds` pass; `each` is called before every event.
    func run(_ milliseconds: UInt64, until isDone: () -> Bool = { false }) {
        let end = now + milliseconds
        while let time = queue.nextTime, time <= end {
            now = max(now, time)
            if let event = queue.next() { handle(event) }
            if isDone() { return }
        }
        now = end
    }

    // MARK: What happens in it

    private func handle(_ event: Event) {
        switch event {
        case .wake(let member, let boot):
            guard members[member].boot == boot else { return }
            members[member].wakeAt = .max
            turn(member)
        case .deliver(let message):
            let to = Int(message.to.rawValue) - 1
            guard links[(Int(message.from.rawValue) - 1) * members.count + to] else { return }
            turn(to) { $0.receive(message) }
        case .written(let member, let boot):
            guard members[member].boot == boot else { return }
            finishSync(member)
        }
    }

    private func startSync(_ member: Int) {
        guard members[member].syncing == 0, !members[member].writes.isEmpty else { return }
        members[member].syncing = members[member].writes.count
        queue.add(.written(member: member, boot: members[member].boot), at: now + range(weather.diskDelay))
    }

    private func finishSync(_ member: Int) {
        let finished = members[member].writes.prefix(members[member].syncing)
        members[member].writes.removeFirst(finished.count)
        members[member].syncing = 0
        startSync(member)
        for write in finished { members[member].disk.apply(write) }
        guard let last = finished.last else { return }
        members[member].durable = last.sequence
        release(member)
        turn(member) { $0.persisted(last.sequence) }
    }

    private func take(_ output: Output, _ member: Int, _ raft: Raft) {
        if let write = output.write {
            if let first = write.entries.first {
                let previous = LogIndex(first.index.rawValue - 1)
                historian.writes(write.entries, previousTerm: raft.term(at: previous) ?? .zero)
            }
            members[member].writes.append(write)
            startSync(member)
        }
        members[member].held += output.messages
        release(member)
        if !output.committed.isEmpty { deliver(output.committed, member, raft) }
        for barrier in output.readyBarriers { ready(barrier, member) }
        for barrier in output.lostBarriers where members[member].barriers.removeValue(forKey: barrier) == nil {
            historian.note("barrier \(barrier) ended twice")
        }
    }

    private func deliver(_ entries: [Entry], _ member: Int, _ raft: Raft) {
        let disks = Dictionary(uniqueKeysWithValues: members.map { ($0.id, $0.disk) })
        for entry in entries {
            members[member].delivered += 1
            if entry.index.rawValue != members[member].delivered {
                historian.note("\(raft.id) delivered index \(entry.index.rawValue) out of order")
            }
            historian.delivers(entry, by: raft, disks: disks)
        }
    }

    private func ready(_ barrier: ReadyBarrier, _ member: Int) {
        guard let known = members[member].barriers.removeValue(forKey: barrier.id) else {
            historian.note("barrier \(barrier.id) ended twice")
            return
        }
        members[member].barriersReady += 1
        if barrier.index.rawValue < UInt64(known) {
            historian.note("barrier \(barrier.id) gave \(barrier.index.rawValue), but \(known) was committed before")
        }
    }

    private func release(_ member: Int) {
        let durable = members[member].durable
        for outbound in members[member].held where outbound.after <= durable {
            historian.sends(outbound.message, disk: members[member].disk)
            transmit(outbound.message)
        }
        members[member].held.removeAll { $0.after <= durable }
    }

    private func transmit(_ original: Message) {
        let link = (Int(original.from.rawValue) - 1) * members.count + Int(original.to.rawValue) - 1
        guard links[link], !random.chance(percent: weather.lossPercent) else { return }
        let message = weather.encodes ? throughBytes(original) : original
        var copies = 1
        while copies < 4, random.chance(percent: weather.duplicatePercent) { copies += 1 }
        for _ in 0..<copies {
            var time = now + range(weather.delay)
            if weather.straggleMilliseconds > 0, random.chance(percent: 2) {
                time += random.below(weather.straggleMilliseconds)
            }
            if weather.isOrdered {
                time = max(time, arrivals[link])
                arrivals[link] = time
            }
            queue.add(.deliver(message), at: time)
        }
    }

    private func throughBytes(_ message: Message) -> Message {
        var writer = ByteWriter()
        message.encode(into: &writer)
        var reader = ByteReader(writer.bytes)
        guard let decoded = try? Message(decoding: &reader), decoded == message, reader.remaining == 0 else {
            historian.note("a message did not survive its encoding: \(message)")
            return message
        }
        return decoded
    }

    private func range(_ range: ClosedRange<UInt64>) -> UInt64 {
        range.lowerBound + random.below(range.upperBound - range.lowerBound + 1)
    }
}
