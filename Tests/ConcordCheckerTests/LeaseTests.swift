import ConcordChecker
import Testing

@Suite struct LeaseTests {
    private let bounds = LeaseBounds(rate: 0.01, lateNanosecondsMax: 100_000_000)

    @Test func leasesThatKeepTheirPromisesAreValid() {
        for seed in 0..<400 {
            let story = LeaseStory(seed: seed, fault: nil)
            #expect(LeaseChecker.check(story.operations, bounds: bounds) == .valid, "seed \(seed)")
        }
    }

    @Test(arguments: LeaseStory.Fault.allCases)
    func eachBrokenPromiseIsFound(_ fault: LeaseStory.Fault) {
        var planted = 0
        for seed in 0..<600 {
            let story = LeaseStory(seed: seed, fault: fault)
            guard story.isPlanted else { continue }
            planted += 1
            let violation = LeaseChecker.check(story.operations, bounds: bounds).violation
            #expect(violation != nil, "\(fault), seed \(seed)")
            guard let violation else { continue }
            #expect(fault.words.contains { violation.explanation.contains($0) }, "\(fault): \(violation.explanation)")
            #expect(violation.operations.count <= 4 && !violation.operations.isEmpty)
        }
        #expect(planted >= 100, "\(fault) was planted \(planted) times")
    }

    @Test func theTimeToLiveCountsFromTheBeginningOfAKeepAlive() {
        /// Granted at 0 for 100 ms, kept alive from 50 ms on; the expiry is seen at `seen` ms.
        func verdict(seenAt seen: Int64) -> Verdict {
            var grant = RecordedOperation(
                process: .number(0), function: "lease-grant", outcome: .ok, invoked: 0, returned: 1, invokedTime: 0,
                returnedTime: 40_000_000, revision: 1)
            grant.result = .fields(["lease": .text("l"), "ttl_ms": .number(100)])
            let alive = RecordedOperation(
                process: .number(0), function: "lease-keepalive", key: .text("l"), outcome: .ok, invoked: 2,
                returned: 3, invokedTime: 50_000_000, returnedTime: 90_000_000)
            let expiry = RecordedOperation.delivery(
                process: .number(1), "lease-expired", key: .text("l"), at: 4, time: seen * 1_000_000, revision: 2)
            return LeaseChecker.check([grant, alive, expiry], bounds: bounds)
        }
        #expect(verdict(seenAt: 150) == .valid)
        #expect(verdict(seenAt: 149).violation != nil)
    }

    @Test func aLeaseWithoutTimesIsNeverAPass() {
        let grant = RecordedOperation(
            process: .number(0), function: "lease-grant",
            result: .fields(["lease": .text("l"), "ttl_ms": .number(100)]), outcome: .ok, invoked: 0, returned: 1)
        guard case .unknown = LeaseChecker.check([grant], bounds: bounds) else {
            Issue.record("it was judged")
            return
        }
    }
}

/// Leases of 300 ms, each line of the history 10 ms after the one before. With a fault, it happens at most once.
struct LeaseStory {
    enum Fault: CaseIterable {
        case expiresEarly, neverExpires, keepsANode, losesANode, keepsTheDeadAlive, writesForTheDead

        var words: [String] {
            switch self {
            case .expiresEarly, .losesANode: ["too early"]
            case .neverExpires: ["had to expire by"]
            case .keepsANode: ["was dead at revision", "was known to be dead"]
            case .keepsTheDeadAlive: ["was known to be dead, and lease-keepalive"]
            case .writesForTheDead: ["was known to be dead, and put", "put with it succeeded"]
            }
        }
    }

    private struct Lease {
        var name: HistoryValue
        /// When the server lets it expire, and until when the client knows it alive.
        var expires: Int64
        var sureUntil: Int64
        var nodes: [HistoryValue] = []
        var isDead = false
        var isImmortal = false
        var mayBeRenewed = false
        var isRevoked = false
    }

    private static let ttl: Int64 = 300_000_000

    private(set) var isPlanted = false
    private var recorder = StoryRecorder()
    private var dice: StoryDice
    private let fault: Fault?
    private var leases: [Lease] = []
    private var tree: Set<HistoryValue> = []
    private var revision = 1
    private var nodes = 0

    var operations: [RecordedOperation] { recorder.operations }

    init(seed: Int, fault: Fault?) {
        dice = StoryDice(seed)
        self.fault = fault
        for _ in 0..<(60 + dice.below(100)) {
            expire()
            turn()
        }
        if fault == .neverExpires, let index = leases.firstIndex(where: { $0.isImmortal && !$0.mayBeRenewed }) {
            recorder.wait(80)
            isPlanted = !leases[index].nodes.isEmpty
            look(index)
        }
    }

    private mutating func plants(_ wanted: Fault, when isPossible: Bool = true) -> Bool {
        guard fault == wanted, !isPlanted, isPossible, dice.chance(40) else { return false }
        isPlanted = true
        return true
    }

    private mutating func turn() {
        guard !leases.isEmpty, !dice.chance(10) else { return grant() }
        // Mostly of the youngest leases, which are alive.
        let index = dice.chance(70) ? leases.count - 1 - dice.below(min(3, leases.count)) : dice.below(leases.count)
        switch dice.below(10) {
        case 0..<4: keepAlive(index)
        case 4..<6: put(index)
        case 6..<9: look(index)
        default: if dice.chance(30) { revoke(index) }
        }
    }

    private mutating func grant() {
        let name = HistoryValue.text("lease-\(leases.count)")
        let began = recorder.time
        let operation = recorder.begin("lease-grant", .fields(["ttl_ms": .number(300)]))
        recorder.wait(dice.below(3))
        revision += 1
        leases.append(
            Lease(name: name, expires: recorder.time + LeaseStory.ttl / 100 * 102, sureUntil: began + LeaseStory.ttl))
        if fault == .neverExpires, dice.chance(30) { leases[leases.count - 1].isImmortal = true }
        recorder.end(operation, .fields(["lease": name, "ttl_ms": .number(300)]), revision: revision)
    }

    private mutating func expire() {
        for index in leases.indices where !leases[index].isDead {
            let isEarly = recorder.time + 20_000_000 < leases[index].sureUntil
            if !leases[index].isImmortal, recorder.time >= leases[index].expires {
                end(index)
            } else if isEarly, plants(.expiresEarly) {
                end(index)
            } else {
                continue
            }
            recorder.deliver("lease-expired", .null, key: leases[index].name, process: .text("w"), revision: revision)
        }
    }

    private mutating func end(_ index: Int) {
        leases[index].isDead = true
        revision += 1
        if fault == .keepsANode { return }
        tree.subtract(leases[index].nodes)
    }

    private mutating func keepAlive(_ index: Int) {
        if leases[index].isImmortal { return }
        let began = recorder.time
        let operation = recorder.begin("lease-keepalive", key: leases[index].name)
        recorder.wait(dice.below(3))
        let revives = !leases[index].isRevoked && leases[index].isDead && plants(.keepsTheDeadAlive)
        guard !leases[index].isDead || revives else {
            return recorder.end(operation, .fields(["refused": .text("lease_expired")]), revision: revision)
        }
        if !revives, dice.chance(5) {
            leases[index].mayBeRenewed = true
            if dice.chance(50) { leases[index].expires = recorder.time + LeaseStory.ttl / 100 * 102 }
            return
        }
        leases[index].expires = recorder.time + LeaseStory.ttl / 100 * 102
        leases[index].sureUntil = began + LeaseStory.ttl
        recorder.end(operation, .fields(["ttl_ms": .number(300)]), revision: revision)
    }

    private mutating func put(_ index: Int) {
        nodes += 1
        let key = HistoryValue.text("/n\(nodes)")
        let argument = HistoryValue.fields(["value": .text("v"), "lease": leases[index].name])
        let operation = recorder.begin("put", argument, key: key)
        guard !leases[index].isDead || plants(.writesForTheDead) else {
            return recorder.end(operation, .fields(["refused": .text("lease_expired")]), revision: revision)
        }
        revision += 1
        leases[index].nodes.append(key)
        tree.insert(key)
        recorder.end(operation, .fields(["modified": .number(revision)]), revision: revision)
    }

    private mutating func look(_ index: Int) {
        guard let key = leases[index].nodes.randomElement(using: &dice) else { return }
        let isThere = tree.contains(key)
        let isEarly = recorder.time + 20_000_000 < leases[index].sureUntil
        let operation = recorder.begin("get", key: key)
        if isThere, isEarly, !leases[index].isDead, plants(.losesANode) {
            return recorder.end(operation, .fields(["refused": .text("not_found")]), revision: revision)
        }
        guard isThere else {
            return recorder.end(operation, .fields(["refused": .text("not_found")]), revision: revision)
        }
        if leases[index].isDead, fault == .keepsANode { isPlanted = true }
        recorder.end(operation, .fields(["value": .text("v"), "lease": leases[index].name]), revision: revision)
    }

    private mutating func revoke(_ index: Int) {
        if leases[index].isDead || leases[index].isImmortal { return }
        let operation = recorder.begin("lease-revoke", key: leases[index].name)
        end(index)
        leases[index].isRevoked = true
        recorder.end(operation, revision: revision)
    }
}
