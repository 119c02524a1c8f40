import ConcordModel
import ConcordSimulator
import Testing

/// A checker ships with histories that it must reject.
@Suite struct LinearizabilityTests {
    private func operation(
        _ action: HistoryOperation.Action, _ result: HistoryOperation.Result, _ times: ClosedRange<UInt64>,
        revision: UInt64? = nil
    ) -> HistoryOperation {
        HistoryOperation(
            client: 0, key: Key(text: "/k"), action: action, invokedAt: times.lowerBound, returnedAt: times.upperBound,
            result: result, revision: revision.map { Revision($0) })
    }

    private let a: [UInt8] = [1]
    private let b: [UInt8] = [2]

    @Test func acceptsReadsThatOverlapAWrite() {
        let history = [
            operation(.put(a), .done, 0...10),
            operation(.put(b), .done, 20...40),
            operation(.get, .found(a), 25...28),
            operation(.get, .found(b), 29...50),
        ]
        #expect(Linearizability.check(history) == .valid)
    }

    @Test func rejectsAStaleRead() {
        let history = [
            operation(.put(a), .done, 0...10),
            operation(.put(b), .done, 20...40),
            operation(.get, .found(a), 41...50),
        ]
        #expect(Linearizability.check(history) == .violated(Key(text: "/k")))
    }

    @Test func rejectsAReadThatGoesBack() {
        let history = [
            operation(.put(a), .done, 0...10),
            operation(.put(b), .done, 20...60),
            operation(.get, .found(b), 25...28),
            operation(.get, .found(a), 29...50),
        ]
        #expect(Linearizability.check(history) == .violated(Key(text: "/k")))
    }

    @Test func rejectsALostWrite() {
        let history = [operation(.put(a), .done, 0...10), operation(.get, .found(nil), 11...12)]
        #expect(Linearizability.check(history) == .violated(Key(text: "/k")))
    }

    @Test func rejectsAValueThatNobodyWrote() {
        let history = [operation(.put(a), .done, 0...10), operation(.get, .found([9]), 11...12)]
        #expect(Linearizability.check(history) == .violated(Key(text: "/k")))
    }

    @Test func anUnknownWriteMayHappenLateOrNever() {
        let late = [
            operation(.put(a), .done, 0...10),
            operation(.put(b), .unknown, 12...20),
            operation(.get, .found(a), 30...40),
            operation(.get, .found(b), 50...60),
        ]
        #expect(Linearizability.check(late) == .valid)
        let never = late.dropLast() + [operation(.get, .found(a), 50...60)]
        #expect(Linearizability.check(Array(never)) == .valid)
        let early = [
            operation(.get, .found(b), 0...5),
            operation(.put(b), .unknown, 12...20),
        ]
        #expect(Linearizability.check(early) == .violated(Key(text: "/k")))
    }

    @Test func rejectsADoubledIncrement() {
        let history = [
            operation(.increment(1), .number(1), 0...10),
            operation(.get, .found([UInt8]("2".utf8)), 11...12),
        ]
        #expect(Linearizability.check(history) == .violated(Key(text: "/k")))
    }

    @Test func rejectsTwoWinnersOfOneCondition() {
        let history = [operation(.create(a), .done, 0...10), operation(.create(b), .done, 5...15)]
        #expect(Linearizability.check(history) == .violated(Key(text: "/k")))
        let one = [operation(.create(a), .done, 0...10), operation(.create(b), .refused, 5...15)]
        #expect(Linearizability.check(one) == .valid)
    }

    @Test func rejectsAReplacementOfAnotherValue() {
        let history = [
            operation(.put(a), .done, 0...10),
            operation(.put(b), .done, 11...12),
            operation(.replace(expected: a, with: [3]), .done, 13...14),
        ]
        #expect(Linearizability.check(history) == .violated(Key(text: "/k")))
    }

    @Test func seesARevisionThatGoesBack() {
        let good = [
            operation(.put(a), .done, 0...10, revision: 5), operation(.get, .found(a), 11...12, revision: 5),
        ]
        #expect(Linearizability.checkRevisions(good) == nil)
        let bad = [
            operation(.put(a), .done, 0...10, revision: 5), operation(.get, .found(a), 11...12, revision: 4),
        ]
        #expect(Linearizability.checkRevisions(bad) != nil)
    }
}
