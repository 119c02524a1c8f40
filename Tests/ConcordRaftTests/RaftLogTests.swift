import ConcordBytes
import ConcordRaft
import Testing

/// The log in memory, also with a released prefix.
struct RaftLogTests {
    private func released(_ index: UInt64, term: UInt64, _ terms: [UInt64]) -> RaftLog {
        var log = RaftLog(
            base: LogBase(
                position: LogPosition(index: LogIndex(index), term: Term(term), clock: 0), configuration: voters(3)))
        for entry in entries(terms, from: index + 1) { log.append(entry) }
        return log
    }

    @Test func `A released prefix is known by its last term only`() {
        let log = released(10, term: 3, [3, 4])
        #expect(log.firstIndex == LogIndex(11) && log.lastIndex == LogIndex(12) && log.lastTerm == Term(4))
        #expect(log.term(at: LogIndex(9)) == nil && log.term(at: .zero) == nil)
        #expect(log.term(at: LogIndex(10)) == Term(3) && log.term(at: LogIndex(12)) == Term(4))
        #expect(log.term(at: LogIndex(13)) == nil)
        let empty = released(10, term: 3, [])
        #expect(empty.lastIndex == LogIndex(10) && empty.lastTerm == Term(3))
    }

    @Test func `A hint never points into the released prefix`() {
        let log = released(10, term: 3, [3, 4])
        #expect(log.lastIndex(atOrBelow: LogIndex(50), termAtMost: Term(9)) == LogIndex(12))
        #expect(log.lastIndex(atOrBelow: LogIndex(50), termAtMost: Term(3)) == LogIndex(11))
        #expect(log.lastIndex(atOrBelow: LogIndex(50), termAtMost: Term(1)) == LogIndex(10))
        #expect(log.lastIndex(atOrBelow: LogIndex(4), termAtMost: Term(9)) == LogIndex(10))
        #expect(released(10, term: 3, []).lastIndex(atOrBelow: LogIndex(50), termAtMost: Term(9)) == LogIndex(10))
        #expect(released(0, term: 0, []).lastIndex(atOrBelow: LogIndex(50), termAtMost: Term(9)) == .zero)
    }

    @Test func `The hint equals what a plain search finds`() {
        for seed in UInt64(0)..<300 {
            var random = SeededRandom(seed: seed)
            let terms = (0..<random.below(12)).map { _ in random.below(5) + 1 }.sorted()
            let log = released(0, term: 0, terms)
            for bound in UInt64(0)...14 {
                for term in UInt64(0)...6 {
                    let plain = terms.indices.last { UInt64($0) < bound && terms[$0] <= term }.map { UInt64($0 + 1) }
                    let found = log.lastIndex(atOrBelow: LogIndex(bound), termAtMost: Term(term))
                    #expect(found == LogIndex(plain ?? 0), "seed \(seed), bound \(bound), term \(term)")
                }
            }
        }
    }

    /// Random appends, also false ones, against a log that follows the dissertation's figure 3.1 word by word.
    @Test func `A follower's log follows the book for any sequence of appends`() {
        for seed in UInt64(0)..<300 {
            var random = SeededRandom(seed: seed)
            let truth = (0..<30).map { _ in random.below(6) + 1 }.sorted()
            var seat = Seat(1, seed: seed)
            var book: [UInt64] = []
            var term: UInt64 = 6
            for step in 0..<60 {
                var sent = truth
                if random.chance(percent: 20) {
                    // A leader of a newer term whose log is another one from some point on.
                    term += 1
                    sent = Array(truth.prefix(Int(random.below(30)))) + [term, term]
                }
                let previous = Int(random.below(UInt64(sent.count)))
                let end = previous + Int(random.below(UInt64(sent.count - previous) + 1))
                let previousTerm = previous == 0 ? 0 : sent[previous - 1]
                let piece = Array(sent[previous..<end])
                if random.chance(percent: 50) { term += 1 }
                seat.receive(message(2, 1, term, append(after: UInt64(previous), previousTerm, piece)))
                if previous == 0 || (previous <= book.count && book[previous - 1] == previousTerm) {
                    for (offset, entryTerm) in piece.enumerated() {
                        let position = previous + offset
                        if position < book.count, book[position] != entryTerm { book.removeSubrange(position...) }
                        if position == book.count { book.append(entryTerm) }
                    }
                }
                #expect(seat.terms == book, "seed \(seed), step \(step)")
            }
        }
    }

    @Test func `Batches end at the limits of one message`() {
        var log = RaftLog(base: LogBase(position: .start, configuration: voters(3)))
        for index in UInt64(1)...5000 {
            log.append(Entry(index: LogIndex(index), term: Term(1), clock: 0, kind: .commands, payload: []))
        }
        #expect(log.batch(from: LogIndex(1)).count == RaftLimits.appendEntriesMax)
        #expect(log.batch(from: LogIndex(4999)).map(\.index.rawValue) == [4999, 5000])
        #expect(log.batch(from: LogIndex(5001)).isEmpty)
    }
}
