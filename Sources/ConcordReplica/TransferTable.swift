import ConcordModel
package import ConcordRaft

/// Why leadership was not moved; in each case the leader leads on.
package enum TransferRefusal: UInt8, Error, CaseIterable {
    /// The asked member does not lead: ask again.
    case notLeader = 1
    /// Leadership is on its way to another member.
    case busy = 2
    /// No member has this id or name.
    case unknownMember = 3
    /// Several members have this name.
    case ambiguousName = 4
    case notVoter = 5
    /// Nobody was named, and no other member votes.
    case noCandidate = 6
    /// The leader has not heard of the member for a while, or of any that votes.
    case unresponsive = 7
    /// It was begun and given up: the member did not take over in time.
    case abandoned = 8
}

/// What a leader says to the wish that another member lead.
package enum TransferAnswer: Equatable, Sendable {
    /// Leadership is on its way to this member.
    case underWay(MemberID)
    /// The one who answers is the member that was named, and leads this term already.
    case leads(Term)
    case refused(TransferRefusal)
}

/// A client's wish that another member lead, not answered yet.
struct PendingTransfer {
    var id: UInt64
    var request: RequestID
    var deadline: UInt64
    /// An id of 32 hexadecimal digits or a name; `nil` leaves the choice to the leader.
    var target: String?
    /// The leader that was asked, its term, and when; `nil` as long as nobody was.
    var asked: (leader: MemberID, term: Term, at: UInt64)?
    /// Whom the asked leader has in mind.
    var chosen: MemberID?
    /// Not asked before this time.
    var notBefore: UInt64 = 0
}

/// Transfers that clients of this member wait for, and those whom a leader must tell if nothing comes of one.
struct TransferTable {
    struct Waiter {
        var member: MemberID
        var id: UInt64
    }

    /// In the order in which they came.
    private(set) var pending: [PendingTransfer] = []
    /// Asked this member, as the leader, for the transfer that is under way.
    private(set) var waiters: [Waiter] = []
    /// This member hands over because it is about to end.
    var isStepping = false
    private var lastID: UInt64

    /// - Parameter boot: an answer to a question of an earlier boot must not pass for one of this boot.
    init(boot: UInt64) {
        lastID = boot << 32
    }

    var count: Int { pending.count }

    /// The earliest time, after `now`, at which one may be asked for that waits for it.
    func nextAsk(after now: UInt64) -> UInt64? {
        pending.filter { $0.asked == nil && $0.notBefore > now }.map(\.notBefore).min()
    }

    mutating func append(request: RequestID, deadline: UInt64, target: String?) {
        lastID += 1
        pending.append(PendingTransfer(id: lastID, request: request, deadline: deadline, target: target))
    }

    subscript(id: UInt64) -> PendingTransfer? {
        get { pending.first { $0.id == id } }
        set {
            guard let position = pending.firstIndex(where: { $0.id == id }) else { return }
            if let newValue { pending[position] = newValue } else { pending.remove(at: position) }
        }
    }

    mutating func abandon(_ request: RequestID) {
        pending.removeAll { $0.request == request }
    }

    mutating func tellLater(_ waiter: Waiter) {
        guard waiters.count < ReplicaLimits.waitingRequestsMax else { return }
        waiters.append(waiter)
    }

    mutating func takeWaiters() -> [Waiter] {
        defer { waiters = [] }
        return waiters
    }
}
