import ConcordRaft
import Testing

/// Writes that finish late: what may be said, and what counts.
struct DurabilityTests {
    @Test func `A follower acknowledges entries only when they are durable`() {
        var seat = Seat(1, term: 1)
        seat.diskIsHeld = true
        #expect(seat.receive(message(2, 1, 1, append(after: 0, 0, [1, 1]))).isEmpty)
        #expect(seat.receive(message(2, 1, 1, append(after: 0, 0, [1]))).isEmpty, "repeated while it is being written")
        #expect(seat.receive(message(2, 1, 1, heartbeat(round: 3))).count == 1, "heartbeats wait for no entries")
        #expect(seat.finishWrites().appendResults == [.matched(LogIndex(2)), .matched(LogIndex(1))])
    }

    @Test func `Nothing of a new term is said before the term is durable`() {
        var seat = Seat(1, term: 1)
        seat.diskIsHeld = true
        #expect(seat.receive(message(2, 1, 2, heartbeat())).isEmpty)
        #expect(seat.receive(message(3, 1, 1, heartbeat())).isEmpty)
        #expect(seat.finishWrites().map(\.term) == [Term(2), Term(2)])
    }

    @Test func `A follower delivers what is committed before its own disk has it`() {
        var seat = Seat(1, term: 1)
        seat.diskIsHeld = true
        seat.receive(message(2, 1, 1, append(after: 0, 0, [1, 1], commit: 2)))
        #expect(seat.committed.count == 2 && seat.raft.durableIndex == .zero)
    }

    @Test func `The leader's disk works beside its followers' and counts only for what it has finished`() {
        var leader = Seat(1)
        leader.win(by: 2)
        leader.receive(message(2, 1, 1, matched(1)), message(3, 1, 1, matched(1)))
        leader.diskIsHeld = true
        #expect(leader.turn { _ = $0.propose([1]) }.appends.count == 2, "sent before it is durable here")
        leader.receive(message(2, 1, 1, matched(2)))
        #expect(leader.raft.commitIndex == LogIndex(1))
        _ = leader.finishWrites()
        #expect(leader.raft.commitIndex == LogIndex(2))
        leader.turn { _ = $0.propose([2]) }
        leader.receive(message(2, 1, 1, matched(3)), message(3, 1, 1, matched(3)))
        #expect(leader.raft.commitIndex == LogIndex(3), "two followers are a majority without the leader's disk")
    }

    @Test func `The durable index goes back when entries are replaced`() {
        var seat = Seat(1, term: 1, log: entries([1, 1, 1]))
        #expect(seat.raft.durableIndex == LogIndex(3))
        seat.diskIsHeld = true
        #expect(seat.receive(message(2, 1, 2, append(after: 1, 1, [2, 2]))).isEmpty)
        #expect(seat.raft.durableIndex == LogIndex(1))
        #expect(seat.finishWrites().appendResults == [.matched(LogIndex(3))])
        #expect(seat.raft.durableIndex == LogIndex(3))
    }

    /// A write of entry 2 is under way; entry 2 is replaced, and then replaced by one that looks like the first.
    /// The first write's end must not vouch for the third.
    @Test func `A late write does not vouch for an entry that took its place`() {
        var seat = Seat(1, term: 1, log: entries([1]))
        seat.diskIsHeld = true
        seat.receive(message(2, 1, 2, append(after: 1, 1, [2, 2])))
        seat.receive(message(3, 1, 3, append(after: 1, 1, [3])))
        seat.receive(message(2, 1, 4, append(after: 1, 1, [4, 4])))
        #expect(seat.writes.count == 3)
        _ = seat.finishWrites(1)
        #expect(seat.raft.durableIndex == LogIndex(1))
        let second = seat.finishWrites(1)
        #expect(seat.raft.durableIndex == LogIndex(1))
        #expect(!second.contains { $0.term == Term(4) })
        let third = seat.finishWrites(1)
        #expect(seat.raft.durableIndex == LogIndex(3))
        #expect(third.to(2).appendResults == [.matched(LogIndex(3))])
    }

    @Test func `A replaced leader's late write does not let its successor's entries count`() {
        var seat = Seat(1)
        seat.win(by: 2)
        seat.diskIsHeld = true
        seat.turn { _ = $0.propose([1]) }
        seat.receive(message(3, 1, 2, append(after: 1, 1, [2])))
        let first = seat.finishWrites(1)
        #expect(first.isEmpty && seat.raft.durableIndex == LogIndex(1))
        #expect(seat.finishWrites(1).appendResults == [.matched(LogIndex(2))])
    }

    @Test func `A turn's inputs are one write`() {
        var seat = Seat(1, of: 1)
        seat.turn()
        let before = seat.allWrites.count
        seat.turn { raft in
            for number in UInt8(0)..<10 {
                #expect(raft.propose([number]) == .accepted(index: LogIndex(UInt64(number) + 2), term: Term(1)))
            }
        }
        #expect(seat.allWrites.count == before + 1 && seat.allWrites.last?.entries.count == 10)
        #expect(seat.allWrites.last?.hardState == nil)
        #expect(seat.allWrites.map(\.sequence.rawValue) == [1, 2, 3])
    }

    @Test func `After a restart nothing is committed until a leader says so`() {
        var seat = Seat(1, term: 3, log: entries([1, 2, 3]))
        #expect(seat.raft.commitIndex == .zero && seat.committed.isEmpty)
        seat.receive(message(2, 1, 3, append(after: 3, 3, [], commit: 2)))
        #expect(seat.committed.map(\.index.rawValue) == [1, 2])
    }
}
