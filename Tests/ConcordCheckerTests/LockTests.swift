import ConcordChecker
import Testing

@Suite struct LockTests {
    @Test func aLockThatKeepsItsPromisesIsValid() {
        for seed in 0..<400 {
            #expect(LockChecker.check(LockStory(seed: seed, fault: nil).operations) == .valid, "seed \(seed)")
        }
    }

    @Test(arguments: LockStory.Fault.allCases)
    func eachBrokenPromiseIsFound(_ fault: LockStory.Fault) {
        var planted = 0
        for seed in 0..<600 {
            let story = LockStory(seed: seed, fault: fault)
            guard story.isPlanted else { continue }
            planted += 1
            let violation = LockChecker.check(story.operations).violation
            #expect(violation != nil, "\(fault), seed \(seed)")
            guard let violation else { continue }
            #expect(fault.words.contains { violation.explanation.contains($0) }, "\(fault): \(violation.explanation)")
            #expect(violation.operations.count <= 4 && !violation.operations.isEmpty)
        }
        #expect(planted >= 100, "\(fault) was planted \(planted) times")
    }

    @Test func anOldTokenMayBeTakenBeforeTheNewOneHasWritten() {
        var recorder = StoryRecorder()
        func write(_ token: Int, _ result: HistoryValue) {
            recorder.run("fenced-write", .fields(["token": .number(token)]), key: .text("r"), result)
        }
        write(5, .null)
        write(4, .fields(["refused": .text("stale_token")]))
        write(7, .null)
        #expect(LockChecker.check(recorder.operations) == .valid)
        write(5, .null)
        #expect(LockChecker.check(recorder.operations).violation?.operations.count == 2)
    }

    @Test func sharersMayHoldOneToken() {
        var recorder = StoryRecorder()
        for lease in ["a", "b"] {
            recorder.run(
                "acquire", .fields(["lease": .text(lease), "shared": .bool(true)]), key: .text("l"),
                .fields(["token": .number(5)]), revision: 5)
        }
        #expect(LockChecker.check(recorder.operations) == .valid)
    }

    @Test func aGrantWithoutATokenIsNeverAPass() {
        var recorder = StoryRecorder()
        recorder.run("acquire", .fields(["lease": .text("a")]), key: .text("l"), .fields([:]), revision: 5)
        guard case .unknown = LockChecker.check(recorder.operations) else {
            Issue.record("it was judged")
            return
        }
    }
}

/// Four clients with leases that last, one lock and one fenced resource. With a fault, it happens at most once.
struct LockStory {
    enum Fault: CaseIterable {
        case grantsATokenTwice, tokenFalls, grantsWhileHeld, passesOverAWaiter, forgetsAWaiter, takesAStaleToken
        case grantsToTheDead, showsTwoHolders, showsAnOldHolder

        var words: [String] {
            switch self {
            case .grantsATokenTwice: ["was granted to"]
            case .tokenFalls: ["after token"]
            case .grantsWhileHeld: ["with a lease alive"]
            case .passesOverAWaiter: ["stood before"]
            case .forgetsAWaiter: ["waited in vain"]
            case .takesAStaleToken: ["was taken after"]
            case .grantsToTheDead: ["was dead at revision"]
            case .showsTwoHolders: ["2 holders"]
            case .showsAnOldHolder: ["had been granted"]
            }
        }
    }

    private enum Client {
        case idle
        case asking(Int)
        case waiting(Int)
        case granted(Int, token: Int)
        case holding(token: Int)
        case releasing(Int, token: Int)
        case released(Int, revision: Int)
    }

    private var recorder = StoryRecorder()
    private(set) var isPlanted = false
    private let fault: Fault?
    private var dice: StoryDice
    private var clients = [Client](repeating: .idle, count: 4)
    private var queue: [Int] = []
    private var holder: (client: Int, token: Int)?
    private var revision = 10
    private var tokens: [Int] = []
    /// Tokens that were answered.
    private var known: [Int] = []
    private var resource = 0
    private var previous: (client: Int, token: Int)?

    var operations: [RecordedOperation] { recorder.operations }

    init(seed: Int, fault: Fault?) {
        dice = StoryDice(seed)
        self.fault = fault
        for client in 0..<4 {
            let answer = HistoryValue.fields(["lease": lease(client), "ttl_ms": .number(1_000_000)])
            recorder.run("lease-grant", .null, answer, revision: client + 1)
        }
        for _ in 0..<(100 + dice.below(200)) { turn(dice.below(4), isEnding: false) }
        for _ in 0..<60 {
            for client in 0..<4 { turn(client, isEnding: true) }
        }
    }

    private func lease(_ client: Int) -> HistoryValue { .text("lease-\(client)") }

    private mutating func plants(_ wanted: Fault, when isPossible: Bool = true) -> Bool {
        guard fault == wanted, !isPlanted, isPossible, dice.chance(40) else { return false }
        isPlanted = true
        return true
    }

    private mutating func turn(_ client: Int, isEnding: Bool) {
        switch clients[client] {
        case .idle:
            if isEnding { return }
            let argument = HistoryValue.fields(["lease": lease(client), "wait_ms": .number(1_000)])
            clients[client] = .asking(recorder.begin("acquire", argument, key: .text("l"), process: .number(client)))
        case .asking(let operation):
            clients[client] = .waiting(operation)
            queue.append(client)
            serve()
        case .waiting(let operation): wait(client, operation, isEnding: isEnding)
        case .granted(let operation, let token):
            recorder.end(operation, .fields(["token": .number(token)]), revision: token)
            clients[client] = .holding(token: token)
            known.append(token)
        case .holding(let token): hold(client, token, isEnding: isEnding)
        case .releasing(let operation, let token):
            if holder?.token == token { release() }
            clients[client] = .released(operation, revision: revision)
            if plants(.forgetsAWaiter, when: !queue.isEmpty && holder == nil) { return forget() }
            serve()
        case .released(let operation, let revision):
            recorder.end(operation, revision: revision)
            clients[client] = .idle
        }
    }

    /// The lock becomes free.
    private mutating func release() {
        revision += 1
        previous = holder
        holder = nil
    }

    /// Grants to the first in the queue.
    private mutating func serve() {
        guard let first = queue.first else { return }
        let isHeld = holder.map { if case .holding = clients[$0.client] { true } else { false } } ?? false
        let isSecond = plants(.grantsWhileHeld, when: isHeld)
        guard holder == nil || isSecond else { return }
        var next = first
        if queue.count > 1, plants(.passesOverAWaiter) {
            show()
            next = queue[1]
        }
        if plants(.grantsToTheDead) {
            revision += 1
            recorder.deliver("lease-expired", .null, key: lease(next), process: .text("watch"), revision: revision)
        }
        queue.removeAll { $0 == next }
        revision += 1
        var token = revision
        if let last = known.last, last == tokens.last {
            if holder == nil, previous?.client != next, plants(.grantsATokenTwice) { token = last }
            if holder == nil, last > 11, isAskedLate(next), plants(.tokenFalls) { token = last - 1 }
        }
        tokens.append(token)
        holder = (next, token)
        if case .waiting(let operation) = clients[next] { clients[next] = .granted(operation, token: token) }
        // Told before the first can begin to release.
        if isSecond { turn(next, isEnding: false) }
    }

    /// Whether its acquire began when the last token was known.
    private func isAskedLate(_ client: Int) -> Bool {
        guard case .waiting(let operation) = clients[client] else { return false }
        let began = recorder.operations[operation].invoked
        return recorder.operations.contains {
            $0.function == "acquire" && $0.result["token"] == .number(known.last ?? 0) && $0.returned < began
        }
    }

    /// The first in the queue is not told that the lock is free.
    private mutating func forget() {
        let client = queue.removeFirst()
        guard case .waiting(let operation) = clients[client] else { return }
        recorder.end(operation, .fields(["refused": .text("lock_timeout")]), revision: revision)
        clients[client] = .idle
        serve()
    }

    private mutating func wait(_ client: Int, _ operation: Int, isEnding: Bool) {
        if dice.chance(4), holder != nil, !isEnding {
            queue.removeAll { $0 == client }
            recorder.end(operation, .fields(["refused": .text("lock_timeout")]), revision: revision)
            clients[client] = .idle
        } else if dice.chance(20) {
            show()
        }
    }

    private mutating func hold(_ client: Int, _ token: Int, isEnding: Bool) {
        if dice.chance(40) {
            write(token)
        } else if dice.chance(20), let old = tokens.dropLast().last {
            // A process that was frozen while it held the lock.
            write(old)
        } else if isEnding || dice.chance(40) {
            let argument = HistoryValue.fields(["token": .number(token)])
            clients[client] = .releasing(recorder.begin("release", argument, key: .text("l")), token: token)
        }
    }

    private mutating func write(_ token: Int) {
        let isStale = token < resource
        let isTaken = !isStale || plants(.takesAStaleToken)
        resource = max(resource, token)
        recorder.run(
            "fenced-write", .fields(["token": .number(token)]), key: .text("r"),
            isTaken ? .null : .fields(["refused": .text("stale_token")]))
    }

    /// Somebody reads the lock.
    private mutating func show() {
        var holders = [holder].compactMap { $0 }
        if let previous, let holder, known.contains(holder.token), previous.token < holder.token {
            if plants(.showsTwoHolders) {
                holders.append(previous)
            } else if plants(.showsAnOldHolder) {
                holders = [previous]
            }
        }
        let answer = HistoryValue.fields([
            "holders": .list(holders.map { .fields(["token": .number($0.token), "lease": lease($0.client)]) }),
            "queue": .list(queue.map { .fields(["lease": lease($0)]) }),
        ])
        recorder.run("lock", .null, key: .text("l"), answer, revision: revision)
    }
}
