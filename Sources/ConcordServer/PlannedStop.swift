/// The order of a stop that was asked for (SIGTERM). A leader hides from its peers for a moment, so that they
/// elect as fast as after a kill, then comes back as a follower to see the requests under way to their end.
struct PlannedStop {
    enum Step: Equatable {
        case hideFromPeers
        case showToPeers
        case closeIdle
        case end
    }

    private enum Stage: Equatable {
        case running
        case resigning
        case hidden(until: UInt64)
        case draining
        case closing
        case ended
    }

    /// Long enough for the others to dial, be refused, and vote.
    private static let hiddenMilliseconds: UInt64 = 100
    /// How long a new leader is waited for before connections without requests are closed.
    private static let leaderMilliseconds: UInt64 = 1000

    private var stage = Stage.running
    private var start: UInt64 = 0
    /// Nobody else will lead: this member did not, or is alone.
    private var needsLeader = false

    var isUnderWay: Bool { stage != .running }

    var nextDeadline: UInt64 {
        switch stage {
        case .running, .ended: .max
        case .resigning: start
        case .hidden(let until): until
        case .draining: start + PlannedStop.leaderMilliseconds
        case .closing: start + ServerLimits.stopMilliseconds
        }
    }

    func elapsed(now: UInt64) -> UInt64 { now - start }

    mutating func begin(now: UInt64, leads: Bool) {
        start = now
        needsLeader = leads
        stage = leads ? .resigning : .draining
    }

    /// What to do now, at the end of a turn.
    mutating func advance(now: UInt64, hasLeader: Bool, isBusy: Bool) -> [Step] {
        var steps: [Step] = []
        if case .resigning = stage {
            // The turn that resigned has sent what it had to say.
            stage = .hidden(until: now + PlannedStop.hiddenMilliseconds)
            steps.append(.hideFromPeers)
        }
        if case .hidden(let until) = stage, until <= now {
            stage = .draining
            steps.append(.showToPeers)
        }
        if stage == .draining,
            !needsLeader || hasLeader || now >= start + PlannedStop.leaderMilliseconds
        {
            stage = .closing
            steps.append(.closeIdle)
        }
        if stage == .closing, !isBusy || now >= start + ServerLimits.stopMilliseconds {
            stage = .ended
            steps.append(.end)
        }
        return steps
    }
}
