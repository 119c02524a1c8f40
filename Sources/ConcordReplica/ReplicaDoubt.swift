import ConcordRaft

// A member whose log lacks something that it had: what a person should know of it.

extension Replica {
    /// Whether this member may have lost what it had acknowledged.
    package var isDoubtful: Bool { raft?.isDoubtful ?? false }

    mutating func noticeDoubt() {
        guard let raft, raft.isDoubtful else {
            if wasDoubtful { effects.notices.append(.doubtOver) }
            wasDoubtful = false
            return
        }
        wasDoubtful = true
        guard !knowsOfLoss, raft.isLossBeyondRepair else { return }
        knowsOfLoss = true
        effects.notices.append(.lostEverywhere)
    }
}
