import ConcordChecker

/// Of a lock that clients take in turn, and of a resource that its tokens fence.
enum FencingViolation: ViolationKind {
    /// Two grants have one token.
    case tokenGrantedTwice
    /// A grant that began when another was known has the lower token.
    case tokenThatFalls
    /// The lock is granted while its holder's lease is alive and the holder has not begun to release.
    case grantWhileHeld
    /// The lock is granted to a lease that ended at an earlier revision.
    case grantToTheDead
    /// Of two that were seen in the queue, the second is granted first.
    case waiterPassedOver
    /// Who asks for a free lock and waits is told that it waited too long.
    case waitInVain
    /// Two hold an exclusive lock.
    case twoHolders
    /// A former holder is told when another had been granted at an earlier revision.
    case formerHolder
    /// The resource takes a write after it took one with a higher token.
    case staleTokenTaken

    func verdict(_ operations: [RecordedOperation]) -> Verdict { LockChecker.check(operations) }

    func planted(_ dice: inout StoryDice) -> Planted? {
        var twin = dice
        return Planted(
            truth: FencedLock.history(lying: nil, &dice), lie: FencedLock.history(lying: self, &twin))
    }
}

/// One holder after the other: each begins to ask while the one before holds the lock.
struct FencedLock {
    struct Hold {
        var client: Int
        var asked = 0
        var answered = 0
        var token = 0
        var releaseBegan = 0
        var releaseEnded = 0
        var releaseRevision = 0
    }

    private static let lock = HistoryValue.text("lock")

    private var holds: [Hold] = []
    private var lines = TimedLines()
    private var end = 0
    private var revision = 100

    static func history(lying kind: FencingViolation?, _ dice: inout StoryDice) -> [RecordedOperation] {
        var lock = FencedLock(&dice)
        // Neither of the first nor of the last.
        let victim = 1 + dice.below(lock.holds.count - 3)
        if let kind { lock.lie(kind, victim) }
        lock.write()
        return lock.lines.operations
    }

    private init(_ dice: inout StoryDice) {
        var time = 100
        for client in 0..<(5 + dice.below(8)) {
            var hold = Hold(client: client)
            // Two ask during the time of the one before them, so that one waits behind the other.
            hold.asked = client == 0 ? time : holds[client - 1].answered + 3 + dice.below(5)
            if client > 1, client % 2 == 0, dice.chance(60) { hold.asked = holds[client - 1].asked + 1 + dice.below(3) }
            hold.answered = max(time, hold.asked) + 5 + dice.below(20)
            hold.token = revision + 1
            hold.releaseBegan = hold.answered + 60 + dice.below(60)
            hold.releaseRevision = revision + 2
            hold.releaseEnded = hold.releaseBegan + 5 + dice.below(10)
            revision += 2 + dice.below(2)
            time = hold.releaseBegan + 1
            holds.append(hold)
        }
        end = (holds.last?.releaseEnded ?? 0) + 50
    }

    private static func lease(_ client: Int) -> HistoryValue { .text("lease \(client)") }

    private func holder(_ hold: Hold) -> HistoryValue {
        .fields(["token": .number(hold.token), "lease": FencedLock.lease(hold.client)])
    }

    private mutating func show(_ holders: [Hold], waiting: [Hold] = [], at time: Int, revision: Int) {
        let answer = HistoryValue.fields([
            "holders": .list(holders.map(holder)),
            "queue": .list(waiting.map { .fields(["lease": FencedLock.lease($0.client)]) }),
        ])
        lines.call("lock", key: FencedLock.lock, answer, from: time, to: time + 1, revision: revision)
    }

    private mutating func use(_ hold: Hold, at time: Int) {
        lines.call(
            "fenced-write", .fields(["token": .number(hold.token)]), key: .text("resource"), from: time, to: time + 1)
    }

    private mutating func lie(_ kind: FencingViolation, _ victim: Int) {
        let (one, next) = (holds[victim], holds[victim + 1])
        switch kind {
        case .tokenGrantedTwice: holds[victim + 1].token = one.token
        case .tokenThatFalls:
            holds[victim + 1].asked = max(next.asked, one.answered + 1)
            holds[victim + 1].token = one.token - 1
        case .grantWhileHeld:
            holds[victim + 1].asked = one.answered + 2
            holds[victim + 1].answered = one.releaseBegan - 5
        case .grantToTheDead:
            lines.deliver("lease-expired", key: FencedLock.lease(next.client), at: one.answered, revision: one.token)
        case .waiterPassedOver:
            // Both are seen to wait while one is held by a third.
            let third = holds[victim - 1]
            holds[victim].asked = third.answered + 3
            holds[victim + 1].asked = third.answered + 5
            show([third], waiting: [one, next], at: third.answered + 20, revision: third.token)
            (holds[victim].client, holds[victim + 1].client) = (next.client, one.client)
            (holds[victim].asked, holds[victim + 1].asked) = (holds[victim + 1].asked, holds[victim].asked)
        case .waitInVain:
            let argument = HistoryValue.fields(["lease": FencedLock.lease(99), "wait_ms": .number(1_000)])
            lines.call("lease-grant", .null, grant(99), from: 1, to: 2, revision: 2)
            lines.call(
                "acquire", argument, key: FencedLock.lock, .fields(["refused": .text("lock_timeout")]), from: end,
                to: end + 1_100, revision: revision)
        case .twoHolders: show([one, next], at: next.answered + 45, revision: next.token)
        case .formerHolder: show([one], at: next.answered + 45, revision: next.token)
        case .staleTokenTaken: use(one, at: next.answered + 45)
        }
    }

    private func grant(_ client: Int) -> HistoryValue {
        .fields(["lease": FencedLock.lease(client), "ttl_ms": .number(1_000_000)])
    }

    private mutating func write() {
        for hold in holds {
            lines.call("lease-grant", .null, grant(hold.client), from: 1, to: 2, revision: 3 + hold.client)
            let argument = HistoryValue.fields(["lease": FencedLock.lease(hold.client), "wait_ms": .number(10_000)])
            let process = HistoryValue.text("client \(hold.client)")
            lines.call(
                "acquire", argument, key: FencedLock.lock, .fields(["token": .number(hold.token)]), from: hold.asked,
                to: hold.answered, revision: hold.token, process: process)
            for time in [hold.answered + 10, hold.answered + 40] { use(hold, at: time) }
            let waiting = holds.filter { $0.asked < hold.answered && $0.client > hold.client }
            show([hold], waiting: waiting, at: hold.answered + 1, revision: hold.token)
            lines.call(
                "release", .fields(["token": .number(hold.token)]), key: FencedLock.lock, from: hold.releaseBegan,
                to: hold.releaseEnded, revision: hold.releaseRevision, process: process)
        }
    }
}
