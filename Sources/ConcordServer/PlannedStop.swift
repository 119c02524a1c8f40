/// The order of a stop that was asked for (SIGTERM): a leader hands over already, or failing that resigns; requests
/// are answered until one of them leads, then the connections on which nothing is asked are closed, and the member
/// ends when the last request was answered.
package struct PlannedStop {
    package enum Step: Equatable, Sendable {
        case closeIdle
        case end
    }

    private enum Stage: Equatable {
        case running
        case draining
        case closing
        case ended
    }

    /// How long a new leader is waited for before connections without requests are closed.
    private static let leaderMilliseconds: UInt64 = 1000

    private var stage = Stage.running
    private var start: UInt64 = 0
    /// This member led, so another one has to be found.
    private var needsLeader = false

    package init() {}

    package var isUnderWay: Bool { stage != .running }

    package var nextDeadline: UInt64 {
        switch stage {
        case .running, .ended: .max
        case .draining: start + PlannedStop.leaderMilliseconds
        case .closing: start + ServerLimits.stopMilliseconds
        }
    }

    package func elapsed(now: UInt64) -> UInt64 { now - start }

    package mutating func begin(now: UInt64, leads: Bool) {
        start = now
        needsLeader = leads
        stage = .draining
    }

    /// What to do now, at the end of a turn.
    package mutating func advance(now: UInt64, hasLeader: Bool, isBusy: Bool) -> [Step] {
        var steps: [Step] = []
        if stage == .draining, !needsLeader || hasLeader || now >= start + PlannedStop.leaderMilliseconds {
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
