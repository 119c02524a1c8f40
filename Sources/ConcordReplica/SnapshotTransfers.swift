import ConcordRaft
import ConcordStorage

/// A leader's sending of snapshots to those that its log cannot bring on.
///
/// Each goes out in parts, as many as fit into a window of bytes that are not acknowledged. What a broken connection has
/// swallowed shows when nothing is heard for a while: then the receiver is asked how much it has, and the sending goes on
/// there. So it does after a change of leaders, if the next one has the same snapshot.
struct SnapshotTransfers: Sendable {
    struct Transfer: Sendable {
        let member: MemberID
        let identity: SnapshotIdentity
        /// What the receiver has.
        var acknowledged: UInt64 = 0
        /// What was read for it, or is being read.
        var asked: UInt64 = 0
        /// Whether the receiver has said how much it has.
        var isAnswered = false
        var askAgainAt: UInt64 = 0
    }

    enum Step: Equatable {
        case question(MemberID, SnapshotIdentity)
        case read(MemberID, SnapshotIdentity, offset: UInt64, count: Int)
    }

    /// In order of member.
    private(set) var all: [Transfer] = []
    /// To members that cannot be sent anything at present. Nothing is held for them: each goes on if its snapshot is
    /// still kept then.
    private var interrupted: [Transfer] = []
    /// Who has got a snapshot, and is being brought on by the log behind it.
    private(set) var following: [MemberID] = []

    /// Being read again.
    private var doubted: Set<SnapshotIdentity> = []

    var isIdle: Bool { all.isEmpty && interrupted.isEmpty && following.isEmpty }

    var identities: Set<SnapshotIdentity> { Set(all.map(\.identity)) }

    /// The log must reach back to this index, or who has its snapshot could not go on.
    var firstIndex: LogIndex? { all.map(\.identity.index).min() }

    var nextDeadline: UInt64 { all.map(\.askAgainAt).min() ?? .max }

    /// Sends to exactly these members: to each what it is being sent already, or was before it had to wait, and else the
    /// newest.
    /// - Parameters:
    ///   - waiting: who needs a snapshot and cannot be sent one at present.
    ///   - kept: what can be sent, the newest first.
    /// - Returns: whether a transfer ended.
    mutating func serve(_ members: [MemberID], waiting: Set<MemberID>, with kept: [SnapshotIdentity]) -> Bool {
        var going: [Transfer] = []
        for transfer in all {
            if members.contains(transfer.member) {
                going.append(transfer)
            } else if waiting.contains(transfer.member) {
                interrupted.append(transfer)
            } else {
                following.append(transfer.member)
            }
        }
        let ended = going.count < all.count
        interrupted.removeAll {
            !kept.contains($0.identity) || !members.contains($0.member) && !waiting.contains($0.member)
        }
        for member in members where !going.contains(where: { $0.member == member }) {
            let before = interrupted.first { $0.member == member }
            guard let identity = before?.identity ?? kept.first else { continue }
            going.append(Transfer(member: member, identity: identity))
        }
        interrupted.removeAll { members.contains($0.member) }
        following.removeAll { members.contains($0) || waiting.contains($0) }
        all = going.sorted { $0.member < $1.member }
        return ended
    }

    /// - Parameter isBehind: whether a member still needs the log that is held for it, and may be waited for.
    /// - Returns: whether somebody needs it no more.
    mutating func follow(_ isBehind: (MemberID) -> Bool) -> Bool {
        let before = following.count
        following.removeAll { !isBehind($0) }
        return following.count < before
    }

    /// What is left of the log does not reach back to these snapshots, so they would bring nobody on.
    /// - Parameter exempt: members whose own log does.
    /// - Returns: whether a transfer ended.
    mutating func end(below index: LogIndex, but exempt: (MemberID) -> Bool) -> Bool {
        let before = all.count
        all.removeAll { $0.identity.index < index && !exempt($0.member) }
        return all.count < before
    }

    /// What is to be done now.
    mutating func steps(now: UInt64, _ settings: SnapshotSettings) -> [Step] {
        var steps: [Step] = []
        for position in all.indices {
            if now >= all[position].askAgainAt {
                all[position].askAgainAt = now + ReplicaLimits.resendMilliseconds
                all[position].isAnswered = false
                steps.append(.question(all[position].member, all[position].identity))
            }
            while let step = nextRead(position, settings) { steps.append(step) }
        }
        return steps
    }

    private mutating func nextRead(_ position: Int, _ settings: SnapshotSettings) -> Step? {
        let transfer = all[position]
        guard transfer.isAnswered, transfer.asked < transfer.identity.bytes else { return nil }
        let left = transfer.identity.bytes - transfer.asked
        let count = min(left, UInt64(settings.chunkBytes))
        guard transfer.asked + count - transfer.acknowledged <= UInt64(settings.windowBytes) else { return nil }
        all[position].asked += count
        return .read(transfer.member, transfer.identity, offset: transfer.asked, count: Int(count))
    }

    /// - Returns: whether the snapshot is to be read again here: all of it has arrived, and the receiver has thrown it
    ///   away.
    mutating func heard(_ status: SnapshotStatus, from member: MemberID, now: UInt64) -> Bool {
        guard let position = position(of: member, status.identity) else { return false }
        let isDoubtful = status.received == 0 && all[position].acknowledged == status.identity.bytes
        all[position].askAgainAt = now + ReplicaLimits.resendMilliseconds
        if !all[position].isAnswered || status.received < all[position].acknowledged {
            all[position].asked = status.received
        }
        all[position].isAnswered = true
        all[position].acknowledged = status.received
        all[position].asked = max(all[position].asked, status.received)
        return isDoubtful && doubted.insert(status.identity).inserted
    }

    /// What was read again is what it was: whatever spoilt it did so on the way.
    mutating func verified(_ identity: SnapshotIdentity) {
        doubted.remove(identity)
    }

    /// Whether a part that was read is still wanted.
    func wants(_ identity: SnapshotIdentity, for member: MemberID) -> Bool {
        position(of: member, identity) != nil
    }

    /// The member needs a newer one than it is being sent.
    mutating func end(for member: MemberID, below index: LogIndex) {
        all.removeAll { $0.member == member && $0.identity.index < index }
    }

    /// The file is gone: the next one is taken.
    mutating func gone(_ identity: SnapshotIdentity) {
        doubted.remove(identity)
        all.removeAll { $0.identity == identity }
        interrupted.removeAll { $0.identity == identity }
    }

    private func position(of member: MemberID, _ identity: SnapshotIdentity) -> Int? {
        all.firstIndex { $0.member == member && $0.identity == identity }
    }
}
