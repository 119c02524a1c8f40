// Reads without log entries: a barrier is an index that was committed when the barrier began, and the proof by
// a quorum that nobody could have committed more by then (dissertation §6.4).

/// The barriers that a follower has asked its leader for.
struct FollowerBarriers: Sendable {
    struct Asked: Sendable {
        var id: UInt64
        var at: UInt64
    }

    /// In order of time.
    private(set) var asked: [Asked] = []

    var isFull: Bool { asked.count >= RaftLimits.barriersMax }
    var oldestAskedAt: UInt64? { asked.first?.at }

    mutating func add(_ id: UInt64, now: UInt64) {
        asked.append(Asked(id: id, at: now))
    }

    /// - Returns: whether `id` was waiting.
    mutating func remove(_ id: UInt64) -> Bool {
        guard let position = asked.firstIndex(where: { $0.id == id }) else { return false }
        asked.remove(at: position)
        return true
    }

    mutating func takeOlder(than time: UInt64) -> [UInt64] {
        let older = asked.prefix { $0.at <= time }.map(\.id)
        asked.removeFirst(older.count)
        return older
    }

    mutating func takeAll() -> [UInt64] {
        defer { asked = [] }
        return asked.map(\.id)
    }
}

extension Raft {
    mutating func addBarrier(_ barrier: UInt64, requester: MemberID) {
        guard !leadership.barriers.isFull else {
            refuseBarrier(barrier, requester: requester)
            return
        }
        leadership.barriers.add(id: barrier, requester: requester)
    }

    private mutating func refuseBarrier(_ barrier: UInt64, requester: MemberID) {
        if requester == id {
            output.lostBarriers.append(barrier)
        } else {
            send(.barrierResponse(.init(id: barrier, index: nil)), to: requester)
        }
    }

    mutating func askLeader(_ barrier: UInt64) {
        guard let leader, !askedBarriers.isFull else {
            output.lostBarriers.append(barrier)
            return
        }
        askedBarriers.add(barrier, now: now)
        send(.barrierRequest(.init(id: barrier)), to: leader)
    }

    mutating func receiveBarrierRequest(from member: MemberID, id barrier: UInt64) {
        guard role == .leader else {
            refuseBarrier(barrier, requester: member)
            return
        }
        addBarrier(barrier, requester: member)
    }

    mutating func receiveBarrierResponse(from member: MemberID, _ response: Message.BarrierResponse) {
        guard member == leader, askedBarriers.remove(response.id) else { return }
        if let index = response.index {
            output.readyBarriers.append(ReadyBarrier(id: response.id, index: index))
        } else {
            output.lostBarriers.append(response.id)
        }
    }

    /// A request or its answer may have been lost on the way; after T it counts as lost.
    mutating func expireAskedBarriers() {
        guard now >= settings.electionTimeoutMilliseconds, askedBarriers.oldestAskedAt != nil else { return }
        let lost = askedBarriers.takeOlder(than: now - settings.electionTimeoutMilliseconds)
        output.lostBarriers.append(contentsOf: lost)
    }

    /// Answers every barrier whose round a quorum has answered.
    mutating func answerConfirmedBarriers() {
        guard !leadership.barriers.begun.isEmpty else { return }
        let confirmed = log.configuration.quorumValue { member in
            if member == id { return leadership.round }
            return leadership.position(of: member).map { leadership.peers[$0].confirmedRound }
        }
        for barrier in leadership.barriers.takeConfirmed(by: confirmed ?? 0) {
            if barrier.waiting.requester == id {
                output.readyBarriers.append(ReadyBarrier(id: barrier.waiting.id, index: barrier.index))
            } else {
                send(
                    .barrierResponse(.init(id: barrier.waiting.id, index: barrier.index)),
                    to: barrier.waiting.requester)
            }
        }
    }
}
