import ConcordChecker
import Testing

/// The search is held against one that tries every order of every choice of calls.
@Suite struct WingGongLoweTests {
    /// A register with the reads and writes of `RegisterCheck`, written once more and plainly.
    struct Cell: SequentialObject {
        enum Action: Hashable {
            case read(Int)
            case write(Int)
            case swap(Int, Int)
        }

        func step(_ state: Int, _ action: Action) -> Int? {
            switch action {
            case .read(let value): state == value ? state : nil
            case .write(let value): value
            case .swap(let from, let to): state == from ? to : nil
            }
        }

        func isRead(_ action: Action) -> Bool {
            if case .read = action { true } else { false }
        }
    }

    typealias Search = WingGongLowe<Cell>

    static func hasOrder(_ calls: [Search.Call], state: Int) -> Bool {
        if calls.allSatisfy({ $0.returned == .max }) { return true }
        let firstReturn = calls.map(\.returned).min() ?? .max
        return calls.indices.contains { index in
            guard calls[index].invoked < firstReturn, let next = Cell().step(state, calls[index].action) else {
                return false
            }
            var rest = calls
            rest.remove(at: index)
            return hasOrder(rest, state: next)
        }
    }

    static func randomCalls(_ dice: inout Dice) -> [Search.Call] {
        let values = 2 + dice.roll(2)
        return (0..<(1 + dice.roll(6))).map { index in
            let action: Cell.Action =
                switch dice.roll(4) {
                case 0: .write(dice.roll(values))
                case 1: .swap(dice.roll(values), dice.roll(values))
                default: .read(dice.roll(values))
                }
            let invoked = dice.roll(12) * 16 + index
            let isKnown = dice.roll(4) > 0
            return Search.Call(
                action, invoked: invoked, returned: isKnown ? invoked + 8 + 16 * dice.roll(6) : .max)
        }
    }

    @Test func theSearchFindsAnOrderExactlyWhereThereIsOne() {
        var dice = Dice(seed: 1)
        var valid = 0
        for _ in 0..<30_000 {
            let calls = Self.randomCalls(&dice)
            let expected = Self.hasOrder(calls, state: 0)
            let outcome = Search(Cell(), initial: 0, calls: calls).run()
            if expected { valid += 1 }
            #expect((outcome == .linearizable) == expected, "\(calls)")
            if case .contradiction(let stuck) = outcome {
                let before = calls.filter { $0.invoked < calls[stuck].returned }
                #expect(!Self.hasOrder(before, state: 0), "not a contradiction by itself: \(before)")
            }
        }
        #expect(valid > 5_000 && valid < 25_000, "both kinds must be tried")
    }

    @Test func aSearchThatMayVisitTooLittleSaysSo() {
        let calls =
            (0..<8).map { Search.Call(.write($0), invoked: $0, returned: 100 + $0) }
            + [Search.Call(.read(9), invoked: 50, returned: 60)]
        let limits = CheckLimits(configurationsMax: 5)
        #expect(
            Search(Cell(), initial: 0, calls: calls, limits: limits).run() == .unknown("more than 5 configurations"))
        #expect(Search(Cell(), initial: 0, calls: calls).run() == .contradiction(at: 8))
    }

    @Test func aSearchThatMayHoldTooLittleSaysSo() {
        let calls =
            (0..<18).map { Search.Call(.write($0), invoked: $0, returned: 100 + $0) }
            + [Search.Call(.read(99), invoked: 50, returned: 120)]
        var limits = CheckLimits()
        limits.bytesMax = 1 << 20
        #expect(
            Search(Cell(), initial: 0, calls: calls, limits: limits).run()
                == .unknown("more than 1 MB of configurations"))
    }

    /// The states of a queue are long.
    @Test func whatTheStatesHoldCounts() {
        var history = Recorder()
        for value in 0..<2_000 { history.did("enqueue", .int(Int64(value % 3))) }
        var limits = CheckLimits()
        #expect(Checker.check(history.operations, model: .queue, limits: limits) == .valid)
        limits.bytesMax = 1 << 20
        #expect(Checker.check(history.operations, model: .queue, limits: limits).isUnknown)
    }

    @Test func aSearchOutOfTimeSaysSo() {
        let calls =
            (0..<14).map { Search.Call(.write($0), invoked: $0, returned: 100 + $0) }
            + [Search.Call(.read(99), invoked: 50, returned: 120)]
        let limits = CheckLimits(isOutOfTime: { true })
        #expect(Search(Cell(), initial: 0, calls: calls, limits: limits).run() == .unknown("out of time"))
    }

    /// A configuration of many open calls costs as much as thousands of small ones.
    @Test func theClockIsAskedByWorkAndNotByConfigurations() {
        let calls = (0..<4_000).map { Search.Call(.write($0), invoked: $0, returned: 10_000 + $0) }
        var asked = 0
        let limits = CheckLimits(isOutOfTime: {
            asked += 1
            return asked > 2
        })
        #expect(Search(Cell(), initial: 0, calls: calls, limits: limits).run() == .unknown("out of time"))
    }

    @Test func whatIsStillToBeTriedCounts() {
        let calls = (0..<4_000).map { Search.Call(.write($0), invoked: $0, returned: 10_000 + $0) }
        var limits = CheckLimits()
        limits.bytesMax = 16 << 20
        #expect(
            Search(Cell(), initial: 0, calls: calls, limits: limits).run()
                == .unknown("more than 16 MB of configurations"))
        #expect(Search(Cell(), initial: 0, calls: calls).run() == .linearizable)
    }

    @Test func ofManyAlikeTheFirstToReturnIsTried() {
        let many = (0..<40).map { Search.Call(.write($0 % 2), invoked: $0, returned: 140 - $0) }
        #expect(Search(Cell(), initial: 0, calls: many).run() == .linearizable)
        let read = Search.Call(.read(2), invoked: 50, returned: 60)
        #expect(Search(Cell(), initial: 0, calls: many + [read]).run() == .contradiction(at: 40))
    }

    @Test func manyCallsOfUnknownOutcomeDoNotSlowTheSearch() {
        var calls = (0..<400).map { Search.Call(.write($0 % 5), invoked: $0, returned: .max) }
        for index in 0..<200 {
            calls.append(Search.Call(.read(index % 5), invoked: 1_000 + 2 * index, returned: 1_001 + 2 * index))
        }
        let limits = CheckLimits(configurationsMax: 10_000)
        #expect(Search(Cell(), initial: 0, calls: calls, limits: limits).run() == .linearizable)
    }
}
