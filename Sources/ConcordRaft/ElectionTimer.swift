import ConcordBytes

/// When a member without a leader acts, and how long it stands by the leader that it has.
struct ElectionTimer: Sendable {
    /// Between two tries of a fast election.
    static let fastRetryMilliseconds: UInt64 = 10

    /// The next thing to do without a leader.
    private(set) var deadline: UInt64 = 0
    /// Until then a follower refuses to help another one to the leader's place (dissertation §4.2.3).
    private(set) var loyalUntil: UInt64 = 0
    private var fastUntil: UInt64 = 0
    private var fastCandidacies: UInt64 = 0
    private var hasYielded = false
    private var quietUntil: UInt64 = 0
    private var random: SeededRandom
    private let timeout: UInt64

    init(timeout: UInt64, seed: UInt64) {
        self.timeout = timeout
        random = SeededRandom(seed: seed)
    }

    private mutating func anywhere(from low: UInt64, to high: UInt64) -> UInt64 {
        low + random.below(high - low + 1)
    }

    private mutating func set(_ time: UInt64) {
        deadline = max(time, quietUntil)
    }

    /// A full wait: between T and 2T.
    mutating func restart(now: UInt64) {
        set(now + anywhere(from: timeout, to: 2 * timeout))
    }

    /// Nobody else can vote: waiting protects no one.
    mutating func startAtOnce(now: UInt64) {
        set(now)
    }

    /// The leader spoke.
    mutating func heardLeader(now: UInt64) {
        fastUntil = 0
        loyalUntil = now + timeout
        restart(now: now)
    }

    /// This member's vote went to another: it gets the time to win.
    mutating func votedForOther(now: UInt64) {
        fastUntil = 0
        restart(now: now)
    }

    mutating func forgetLeader() {
        loyalUntil = 0
    }

    /// The leader is known to be gone, and so it is to the others: ask after 0 to 10 ms, and for one T again
    /// every 10 ms, since not all of them learn it at once.
    mutating func leaderIsGone(now: UInt64) {
        loyalUntil = 0
        fastUntil = now + timeout
        fastCandidacies = 0
        hasYielded = false
        set(now + anywhere(from: 0, to: ElectionTimer.fastRetryMilliseconds))
    }

    /// The leader asked this member to take its place: no other one goes first, and what goes wrong is repeated soon.
    mutating func orderedToStand(now: UInt64) {
        loyalUntil = 0
        fastUntil = now + timeout
        fastCandidacies = 0
        hasYielded = true
        quietUntil = 0
    }

    /// Whether to let another one go first in a fast election: once only, since that one may be unable to win.
    mutating func yieldsOnce(now: UInt64) -> Bool {
        guard now < fastUntil, !hasYielded else { return false }
        hasYielded = true
        set(now + ElectionTimer.fastRetryMilliseconds)
        return true
    }

    /// A pre-vote was begun. It changes nothing anywhere, so it may be repeated soon; not in step with others.
    mutating func preVoteBegan(now: UInt64) {
        if now < fastUntil {
            set(now + ElectionTimer.fastRetryMilliseconds)
        } else {
            set(now + anywhere(from: timeout / 2, to: timeout))
        }
    }

    /// A candidacy was begun. After a fast start the votes may be split: the wait is short at first and
    /// doubles, in case not the split but a slow disk holds the votes back.
    mutating func candidacyBegan(now: UInt64) {
        guard now < fastUntil else {
            restart(now: now)
            return
        }
        let retry = ElectionTimer.fastRetryMilliseconds
        let wait = anywhere(from: retry, to: 3 * retry) << min(fastCandidacies, 16)
        fastCandidacies += 1
        set(now + min(wait, anywhere(from: timeout, to: 2 * timeout)))
    }

    /// Leadership was given up on purpose: the others go first.
    mutating func resigned(now: UInt64) {
        loyalUntil = 0
        fastUntil = 0
        quietUntil = now + 2 * timeout
        restart(now: now + timeout)
    }
}
