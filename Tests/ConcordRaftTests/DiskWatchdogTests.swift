import ConcordRaft
import Testing

/// A leader whose disk hangs while its heartbeats go on.
struct DiskWatchdogTests {
    /// A leader of term 1 whose disk hangs from now on, with entry 2 waiting for it.
    private static func hungLeader(of members: Int = 3) -> Seat {
        var seat = Seat(1, of: members)
        seat.win(by: 2)
        if members > 3 { seat.receive(message(3, 1, 1, voteResponse(1, true))) }
        seat.diskIsHeld = true
        seat.turn { _ = $0.propose([1]) }
        return seat
    }

    /// Lets rounds go by in which everyone in `answering` answers, and those in `persisting` have all entries durable.
    @discardableResult
    private static func goOn(
        _ seat: inout Seat, until time: UInt64, answering: [UInt128], persisting: [UInt128]
    ) -> [Message] {
        var left: [Message] = []
        while seat.now < time, seat.role == .leader {
            left = seat.turn(at: min(time, seat.now + 50))
            guard seat.role == .leader else { break }
            for follower in answering {
                let round = left.to(follower).newestRound
                seat.receive(message(follower, 1, 1, .heartbeatResponse(.init(round: round))))
            }
            let last = seat.raft.lastIndex.rawValue
            for follower in persisting { seat.receive(message(follower, 1, 1, matched(last))) }
        }
        return left
    }

    @Test func `A leader whose disk hangs for two seconds while the others' work steps down and says so`() {
        var seat = Self.hungLeader()
        let start = seat.now
        Self.goOn(&seat, until: start + 1999, answering: [2, 3], persisting: [2, 3])
        #expect(seat.role == .leader)
        let left = seat.turn(at: start + 2000)
        #expect(seat.role == .follower && seat.term == 1 && seat.leader == nil)
        #expect(left == [message(1, 2, 1, .leaderResigned), message(1, 3, 1, .leaderResigned)])
        #expect(seat.hungWrites == [2000])
        #expect(seat.raft.commitIndex == LogIndex(2), "the others' disks were enough for what waits here")
    }

    @Test func `One follower that has persisted more is enough: it may be kept from another one that it could elect`() {
        var seat = Self.hungLeader()
        Self.goOn(&seat, until: seat.now + 2000, answering: [2], persisting: [2])
        #expect(seat.role == .follower && seat.raft.commitIndex < LogIndex(2))
    }

    @Test func `Where no other disk has done more, a leader stays: nobody could do better`() {
        var seat = Self.hungLeader()
        Self.goOn(&seat, until: seat.now + 10_000, answering: [2, 3], persisting: [])
        #expect(seat.role == .leader)
    }

    @Test func `A learner that has persisted more does not count, for it cannot lead`() {
        var members = voters(3).members
        members[1].role = .learner
        var seat = Seat(1, configuration: Configuration(members: members))
        seat.win(by: 3)
        seat.diskIsHeld = true
        seat.turn { _ = $0.propose([1]) }
        Self.goOn(&seat, until: seat.now + 3000, answering: [2, 3], persisting: [2])
        #expect(seat.role == .leader)
        Self.goOn(&seat, until: seat.now + 100, answering: [2, 3], persisting: [3])
        #expect(seat.role == .follower)
    }

    @Test func `A slow disk that ends each write in time costs nobody the leadership`() {
        var seat = Self.hungLeader()
        for _ in 0..<20 {
            Self.goOn(&seat, until: seat.now + 1900, answering: [2, 3], persisting: [2, 3])
            seat.turn { _ = $0.propose([2]) }
            _ = seat.finishWrites(1)
        }
        #expect(seat.role == .leader && seat.hungWrites.isEmpty)
    }

    @Test func `It does not stand, and takes no order to, until the write that hung is done`() {
        var seat = Self.hungLeader()
        Self.goOn(&seat, until: seat.now + 2000, answering: [2, 3], persisting: [2, 3])
        #expect(seat.role == .follower)
        for _ in 0..<20 {
            #expect(seat.passDeadline().isEmpty)
            #expect(seat.role == .follower, "it asks nobody for anything")
        }
        #expect(seat.receive(message(2, 1, 1, heartbeat())).count == 1)
        #expect(seat.receive(message(2, 1, 1, timeoutNow(2))).isEmpty && seat.role == .follower)
        _ = seat.finishWrites()
        seat.passDeadline()
        #expect(seat.role == .preCandidate)
    }

    @Test func `With a longer election timeout the patience is four of them`() {
        #expect(RaftSettings().diskPatienceMilliseconds == 2000)
        #expect(RaftSettings(electionTimeoutMilliseconds: 500).diskPatienceMilliseconds == 2000)
        #expect(RaftSettings(electionTimeoutMilliseconds: 1500).diskPatienceMilliseconds == 6000)
    }
}
