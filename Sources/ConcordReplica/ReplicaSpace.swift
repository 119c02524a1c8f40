import ConcordModel
import ConcordRaft
import ConcordStorage

// Full disks. A member learns that its disk is full when the next segment of its log cannot be made; what it needs
// until then it has: the rest of its current segment, and the slots for its vote. So there is time to do better than to
// fail: a leader hands over to a member that has room, and while no quorum has any, only what needs no room is taken on.

/// What a member knows of the room on disks: its own, and as a leader the others'.
struct SpaceKeeping: Sendable {
    var isFull = false
    /// When to tell the leader that this disk is full.
    private(set) var reportDueAt = UInt64.max
    /// When each member was last heard to say that its disk is full.
    private var fullSince: [MemberID: UInt64] = [:]
    var handover = HandoverTurns()

    var nextDeadline: UInt64 { reportDueAt }

    /// Whether anybody may be without room.
    var mayBeShort: Bool { isFull || !fullSince.isEmpty }

    /// Another leader, or none: it must be told. Who leads now waits for what it is told: else members that are all
    /// full would hand over to each other without end.
    mutating func follow(_ standing: Standing, now: UInt64) {
        handover = HandoverTurns(notBefore: now + ReplicaLimits.fullDiskReportMilliseconds)
        reportDueAt = isFull && standing.role == .follower && standing.leader != nil ? 0 : .max
    }

    mutating func reportAgain(at time: UInt64) { reportDueAt = time }

    mutating func reported(by member: MemberID, isFull: Bool, now: UInt64) {
        fullSince[member] = isFull ? now : nil
    }

    func isFull(_ member: MemberID, now: UInt64) -> Bool {
        guard let heardAt = fullSince[member] else { return false }
        return now < heardAt + ReplicaLimits.fullDiskBeliefMilliseconds
    }
}

/// Why a leader did not append a write.
enum HandoverRefusal {
    /// It does not lead, or not for long; another one may.
    case notAppended
    case overloaded
    case noSpace

    /// What the client is told; `nil` where the write is tried again.
    var failure: RequestFailure? {
        switch self {
        case .notAppended: nil
        case .overloaded: .overloaded
        case .noSpace: .noSpace
        }
    }
}

extension Replica {
    /// The own disk has filled up, or has room again.
    mutating func diskSpace(isFull: Bool) {
        guard isFull != space.isFull else { return }
        space.isFull = isFull
        guard let leader = standing.leader, leader != record.id else { return }
        send(.diskSpace(isFull: isFull), to: leader)
        space.reportAgain(at: isFull ? now + ReplicaLimits.fullDiskReportMilliseconds : .max)
    }

    /// The end of a turn: tells the leader, or hands over as one.
    mutating func followSpace() {
        guard space.isFull, let leader = standing.leader else { return }
        if leader == record.id {
            handOverForSpace()
        } else if now >= space.reportDueAt {
            send(.diskSpace(isFull: true), to: leader)
            space.reportAgain(at: now + ReplicaLimits.fullDiskReportMilliseconds)
        }
    }

    /// Leads on where nobody has more room, and tries again later when nothing came of it.
    private mutating func handOverForSpace() {
        guard let raft, raft.transferTarget == nil else { return }
        // Nor to one whose state is wrong: that one would hand back.
        let candidates = successors {
            !space.isFull($0, now: now) && scrutiny.reports[$0]?.isDistrusted != true
        }
        let pause = ReplicaLimits.fullDiskHandOverMilliseconds
        guard let target = space.handover.next(of: candidates, now: now, pause: pause) else { return }
        _ = self.raft?.transferLeadership(to: target)
    }

    /// Whether some disks are full, and those that are not and answer are no quorum: then only what needs no room is
    /// proposed.
    var isWithoutQuorumOfSpace: Bool {
        guard space.mayBeShort, let raft, raft.standing.role == .leader else { return false }
        let live = liveMembers
        let isAnyFull = live.contains { isFull($0.id) }
        return isAnyFull
            && !raft.configuration.hasQuorum { member in
                !isFull(member) && live.contains { $0.id == member }
            }
    }

    private func isFull(_ member: MemberID) -> Bool {
        member == record.id ? space.isFull : space.isFull(member, now: now)
    }
}

extension Operation {
    /// Whether it may leave more behind than it finds. What remains is allowed as far as the room of the current segments
    /// goes: deletions, and what an operator does to end the shortage.
    var needsRoom: Bool {
        switch self {
        case .put, .createSequential, .increment: true
        case .delete, .changeSettings, .raiseFeatureLevel, .changeMembers, .cancelMemberChange, .memberInfo: false
        }
    }
}
