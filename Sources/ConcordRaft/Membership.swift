// Changes of membership by joint consensus (dissertation §4.3), with learners that catch up first (§4.2.1).

extension Configuration {
    /// Whether `next` may stand directly behind this configuration: voters change only through a joint one, whose
    /// halves are the voters before and after (dissertation §4.3). Learners come and go as they like, for nobody
    /// counts them.
    package func mayBeFollowed(by next: Configuration) -> Bool {
        if isJoint { return !next.isJoint && next.votersBefore == votersAfter }
        return next.votersBefore == votersBefore
    }

    /// Who votes in the old half; in a configuration that is not joint, who votes.
    private var votersBefore: [MemberID] {
        members.filter { $0.role == .voter || $0.role == .outgoing }.map(\.id)
    }

    /// Who votes in the new half.
    private var votersAfter: [MemberID] {
        members.filter { $0.role == .voter || $0.role == .incoming }.map(\.id)
    }
}

/// How a learner catches up: in rounds, each of which brings it what its leader held when the round began. A round
/// that lasted less than an election timeout shows that the learner, once counted, will not hold commits up for longer
/// than an election would (dissertation §4.2.1).
struct CatchUp: Sendable {
    /// What the round brings: caught up once all of it is durable there in time.
    private(set) var target: LogIndex
    private(set) var beganAt: UInt64
    private(set) var isDone = false

    init(target: LogIndex, now: UInt64) {
        self.target = target
        beganAt = now
    }

    /// - Parameters:
    ///   - match: everything up to here is durable there.
    ///   - last: the end of the leader's log, where the next round begins.
    ///   - timeout: the election timeout in milliseconds.
    mutating func reached(_ match: LogIndex, last: LogIndex, now: UInt64, timeout: UInt64) {
        guard !isDone, match >= target else { return }
        if now < beganAt + timeout {
            isDone = true
        } else {
            (target, beganAt) = (last, now)
        }
    }
}

/// That a peer is no member any more: it is sent on what it lacks until it knows (dissertation §4.2.2 leaves it to find
/// out by itself), but not for ever, since it may be dead.
struct Departure: Sendable {
    /// The configuration that names it no more.
    let index: LogIndex
    let until: UInt64
    /// Once it was told that the configuration is committed: an answer to this round shows that it has heard.
    private(set) var knownByRound: UInt64?

    init(index: LogIndex, until: UInt64) {
        self.index = index
        self.until = until
    }

    mutating func toldCommit(_ commit: LogIndex, match: LogIndex, round: UInt64) {
        guard knownByRound == nil, min(commit, match) >= index else { return }
        knownByRound = round + 1
    }

    func isOver(confirmedRound: UInt64, now: UInt64) -> Bool {
        if now >= until { return true }
        guard let knownByRound else { return false }
        return confirmedRound >= knownByRound
    }
}

extension Leadership {
    /// Election timeouts for which a former member is still sent what it lacks.
    static let departureTimeouts: UInt64 = 10

    /// Takes up members that a new configuration names. Those that it does not name stay for a while, uncounted.
    /// - Parameters:
    ///   - index: of the configuration; for a new leader, of what it appends first.
    ///   - timeout: the election timeout in milliseconds.
    mutating func follow(
        _ configuration: Configuration, leader: MemberID, at index: LogIndex, now: UInt64, timeout: UInt64
    ) {
        var left = peers.filter { configuration.member($0.id) == nil }
        for position in left.indices where left[position].departure == nil {
            left[position].departure = Departure(index: index, until: now + Leadership.departureTimeouts * timeout)
        }
        let staying = configuration.members.compactMap { member -> Progress? in
            guard member.id != leader else { return nil }
            var peer = peers.first { $0.id == member.id } ?? Progress(id: member.id, next: index, now: now)
            if member.role == .learner, peer.catchUp == nil { peer.catchUp = CatchUp(target: index, now: now) }
            return peer
        }
        peers = staying + left
    }

    /// Lets go of former members that know, or cannot be told.
    mutating func dropDeparted(now: UInt64) {
        guard peers.contains(where: { $0.departure != nil }) else { return }
        for position in peers.indices {
            let peer = peers[position]
            peers[position].departure?.toldCommit(peer.commitTold, match: peer.match, round: round)
        }
        peers.removeAll { $0.departure?.isOver(confirmedRound: $0.confirmedRound, now: now) == true }
    }
}

extension Raft {
    /// Whom a new leader takes up: the members, and those that only an entry which is not committed yet has removed.
    mutating func followConfigurationsInDoubt() {
        let timeout = settings.electionTimeoutMilliseconds
        let next = log.lastIndex.next
        let current = log.marks.lastIndex { $0.index <= commitIndex } ?? 0
        for mark in log.marks[current...].dropLast() {
            leadership.follow(mark.configuration, leader: id, at: next, now: now, timeout: timeout)
        }
        leadership.follow(log.configuration, leader: id, at: next, now: now, timeout: timeout)
    }

    /// Whether this member leads without being a voter of the final configuration that is committed. It managed the
    /// change until here, without counting itself, and ends its leadership now (dissertation §4.2.2).
    var leadsFromOutside: Bool {
        guard role == .leader, configurationIndex <= commitIndex else { return false }
        return !log.configuration.isJoint && !log.configuration.isVoter(id)
    }

    /// The index of the latest configuration in the log, committed or not.
    package var configurationIndex: LogIndex { log.marks[log.marks.count - 1].index }

    /// The entry that this leadership began with. No configuration may be appended before it is committed: two leaders
    /// could else commit changes of voters whose quorums do not overlap (D. Ongaro, raft-dev, July 2015).
    package var leadershipStart: LogIndex? { role == .leader ? leadership.firstIndex : nil }

    /// Appends a configuration if this member leads. It holds from now on, committed or not (dissertation §4.1).
    package mutating func propose(_ configuration: Configuration) -> ProposeResult {
        guard role == .leader else { return .notLeader }
        precondition(
            commitIndex >= leadership.firstIndex, "a configuration before the first entry of its term is committed")
        precondition(configurationIndex <= commitIndex, "a configuration behind one that is not committed")
        precondition(
            log.configuration.mayBeFollowed(by: configuration), "a configuration changes voters without a joint one")
        return propose(configuration.payload, kind: .configuration)
    }

    /// Whether a learner has what it needs to be counted, and was heard of within an election timeout.
    package func isCaughtUp(_ member: MemberID) -> Bool {
        guard role == .leader, let position = leadership.position(of: member) else { return false }
        let peer = leadership.peers[position]
        return peer.catchUp?.isDone == true && wasHeard(peer)
    }

    /// Whether a quorum of both halves of `configuration` was heard of within an election timeout.
    package func hasLiveQuorum(of configuration: Configuration) -> Bool {
        configuration.hasQuorum { member in
            if member == id { return true }
            return leadership.position(of: member).map { wasHeard(leadership.peers[$0]) } ?? false
        }
    }

    private func wasHeard(_ peer: Progress) -> Bool {
        now < peer.heardAt + settings.electionTimeoutMilliseconds
    }
}
