import ConcordChecker
import Testing

@Suite struct ListAppendTests {
    // MARK: - Each anomaly by its name

    @Test func whatATransactionReadsOfItselfIsInOrder() {
        #expect(verdict(["ax1", "rx1ax2rx12", "rx12"]) == .valid)
        #expect(anomaly(["ax1", "rx1ax2rx1"])?.contains("internal") == true)
        #expect(anomaly(["ax1", "ax2rx1"])?.contains("internal") == true)
        #expect(anomaly(["rx1ax1"])?.contains("before it appended it") == true)
    }

    @Test func anAnswerIsOfWhatWasAsked() {
        func verdict(_ asked: [HistoryValue], _ answered: [HistoryValue]) -> Verdict {
            var history = Recorder()
            history.did("txn", .list(asked), .list(answered))
            let read = HistoryValue.list([.text("r"), .text("x"), .null])
            history.did("txn", .list([read]), .list([read]), by: 1)
            return ListAppendChecker.check(history.operations)
        }
        func step(_ what: String, _ key: String, _ value: HistoryValue) -> HistoryValue {
            .list([.text(what), .text(key), value])
        }
        let append = step("append", "x", .int(1))
        #expect(verdict([append], []).isViolation)
        #expect(verdict([append], [step("append", "x", .int(2))]).isViolation)
        #expect(verdict([append], [step("append", "y", .int(1))]).isViolation)
        #expect(verdict([append], [step("r", "x", .list([]))]).isViolation)
        #expect(verdict([step("r", "y", .null)], [step("r", "z", .list([]))]).isViolation)
        #expect(verdict([step("r", "y", .null)], [step("r", "y", .list([]))]) == .valid)
    }

    @Test func aReadOfWhatNobodyAppendedIsFlagged() {
        #expect(anomaly(["ax1", "rx12"])?.contains("nobody appended") == true)
    }

    @Test func aReadThatShowsAValueTwiceIsFlagged() {
        #expect(anomaly(["ax1", "ax2", "rx121"])?.contains("twice") == true)
    }

    @Test func aReadOfAFailedTransactionIsG1a() {
        #expect(verdict(["!ax1", "rx"]) == .valid)
        #expect(anomaly(["!ax1", "rx1"])?.contains("G1a") == true)
    }

    @Test func aReadFromTheMiddleOfATransactionIsG1b() {
        #expect(verdict(["ax1ax2", "rx12"]) == .valid)
        #expect(anomaly(["(ax1ax2", "(rx1"])?.contains("G1b") == true)
    }

    @Test func readsThatNoOneOrderExplainsAreFlagged() {
        #expect(anomaly(["(ax1", "(ax2", "(rx12", "(rx21"])?.contains("incompatible order") == true)
        #expect(anomaly(["(ax1", "(ax2", "(rx1", "(rx2"])?.contains("incompatible order") == true)
    }

    @Test func appendsOfOneTransactionKeepTheirOrder() {
        #expect(verdict(["ax1ax2", "ax3", "rx123"]) == .valid)
        #expect(anomaly(["ax1ax2", "ax3", "rx213"])?.contains("in the other order") == true)
        #expect(named(["(ax1ax2", "(ax3", "rx132"]) == "G0")
    }

    @Test func eachCycleHasItsName() {
        #expect(named(["(ax1ay1", "(ax2ay2", "(rx12ry21"]) == "G0")
        #expect(named(["(ax1ry1", "(ax2ay1", "(rx12"]) == "G1c")
        #expect(named(["(ax1ay1", "(ax2ry", "(rx12"]) == "G-single")
        #expect(named(["(ax1ry", "(ay1rx"]) == "G2")
        #expect(named(["ax1", "ax2", "rx1", "(rx12"]) == "G-single-realtime")
        #expect(named(["ax1", "1:ax2", "1:rx1", "(rx12"]) == "G-single-process")
        #expect(named(["ax2", "ax1", "(rx21"]) == nil)
        #expect(named(["ax1", "ax2", "(rx21"]) == "G0-realtime")
        #expect(named(["rx1", "ax1"]) == "G1c-realtime")
        #expect(named(["rx1", "2:ax1", "rx1"]) == "G1c-realtime")
    }

    @Test func anAcknowledgedAppendThatNoReadShowsCameAfterThem() {
        #expect(named(["(ax0", "(rx0ax1", "(rx0ax2"]) == "G2")
        #expect(named(["ax1", "rx"]) == "G-single-realtime")
        #expect(named(["(ax1ay1", "(ax2ay2", "(ax3ay3", "(rx12", "(ry2"]) == "G0")
        #expect(verdict(["rxax1ax2", "rx12"]) == .valid)
        #expect(verdict(["(ax1", "(rx1ax2", "(rx1"]) == .valid)
    }

    @Test func anUnknownTransactionCountsOnceARequestShowsIt() {
        #expect(verdict(["?ax1", "rx"]) == .valid)
        #expect(verdict(["?ax1", "rx", "rx1"]) == .valid)
        #expect(named(["?ax1", "rx1", "rx"]) == "G-single-realtime")
        // Seen in one list, it has appended to the other too.
        #expect(named(["?ax1ay1", "rx1", "ry"]) == "G-single-realtime")
        // It may take effect at any later time, but not before it began.
        #expect(verdict(["rx", "?ax1", "rx", "rx1"]) == .valid)
        #expect(named(["rx1", "?ax1"]) == "G1c-realtime")
    }

    @Test func theExplanationSaysEachEdge() throws {
        let text = try #require(anomaly(["ax1", "ax2", "rx1", "(rx12"]))
        #expect(
            text.contains("T3 read \"x\" ending with 1, without the 2 that T2 appended, so T3 is before T2"),
            "\(text)")
        #expect(text.contains("T2 had completed before T3 began, so T2 is before T3"), "\(text)")
    }

    @Test func whatIsNoHistoryOfAppendsIsNeverAPass() {
        func reason(_ argument: HistoryValue, function: String = "txn") -> Bool {
            let operation = RecordedOperation(
                process: .int(0), function: function, argument: argument, result: argument, outcome: .ok, invoked: 0,
                returned: 1)
            guard case .unknown = ListAppendChecker.check([operation]) else { return false }
            return true
        }
        let read = HistoryValue.list([.text("r"), .text("x"), .null])
        #expect(!reason(.list([read])))
        #expect(reason(.list([read]), function: "write"))
        #expect(reason(.null))
        #expect(reason(.list([.int(1)])))
        #expect(reason(.list([.list([.text("r")])])))
        #expect(reason(.list([.list([.text("r"), .text("x"), .int(1)])])))
        #expect(reason(.list([.list([.text("w"), .text("x"), .int(1)])])))
        #expect(reason(.list([.list([.int(1), .text("x"), .int(1)])])))
        let append = HistoryValue.list([.text("append"), .text("x"), .int(1)])
        #expect(reason(.list([append, append])))
    }

    @Test func faultsInTheSameHistoryAreNoTransactions() {
        let fault = RecordedOperation(
            process: .text("nemesis"), function: "kill", argument: .text("n1"), outcome: .unknown, invoked: 0,
            returned: .max)
        #expect(ListAppendChecker.check([fault]) == .valid)
    }

    // MARK: - Random histories against all orders

    /// A few transactions, all of their orders tried: the checker must say the same.
    @Test func itAgreesWithTryingEveryOrder() {
        var counts = [0, 0]
        for seed in 0..<10_000 {
            let history = SmallStore(seed: seed).history
            let possible = EveryOrder.explains(history)
            let verdict = ListAppendChecker.check(history)
            #expect((verdict == .valid) == possible, "seed \(seed): \(verdict)")
            counts[possible ? 1 : 0] += 1
            guard let violation = verdict.violation, violation.explanation.hasPrefix("G") else { continue }
            let alone = ListAppendChecker.check(violation.operations)
            #expect(alone.violation != nil, "seed \(seed): the counter-example alone is valid")
        }
        #expect(counts[0] > 1_000 && counts[1] > 1_000, "\(counts)")
    }

    @Test func aHundredThousandTransactionsAreJudgedAtOnce() {
        var store = LargeStore(seed: 1, transactions: 100_000)
        #expect(ListAppendChecker.check(store.operations) == .valid)
        store.hideAnAcknowledgedAppend()
        #expect(ListAppendChecker.check(store.operations).violation?.operations.count ?? .max <= 4)
    }

    // MARK: - Words

    private func verdict(_ words: [String]) -> Verdict { ListAppendChecker.check(AppendWords.history(words)) }

    private func anomaly(_ words: [String]) -> String? { verdict(words).violation?.explanation }

    private func named(_ words: [String]) -> String? {
        anomaly(words).flatMap { $0.split(separator: ":").first.map(String.init) }
    }
}

/// Transactions in short: `ax1ry23` appends 1 to x and reads y as 2, 3. `!` before it: it failed; `?`: unknown; `(`:
/// concurrent with all others so written; `1:` by process 1, else each is a process of its own.
enum AppendWords {
    static func history(_ words: [String]) -> [RecordedOperation] {
        words.enumerated().map { index, word in
            var rest = word[...]
            var process = 100 + index
            if let colon = rest.firstIndex(of: ":") {
                process = Int(rest[..<colon]) ?? 0
                rest = rest[rest.index(after: colon)...]
            }
            var outcome = RecordedOperation.Outcome.ok
            var isConcurrent = false
            while let mark = rest.first, "!?(".contains(mark) {
                if mark == "!" { outcome = .fail }
                if mark == "?" { outcome = .unknown }
                if mark == "(" { isConcurrent = true }
                rest = rest.dropFirst()
            }
            let invoked = isConcurrent ? index : 100 + 2 * index
            let returned = outcome == .unknown ? Int.max : isConcurrent ? 1_000 + index : invoked + 1
            return RecordedOperation(
                process: .int(Int64(process)), function: "txn", argument: steps(rest, isAnswer: false),
                result: outcome == .ok ? steps(rest, isAnswer: true) : .null, outcome: outcome, invoked: invoked,
                returned: returned)
        }
    }

    private static func steps(_ word: Substring, isAnswer: Bool) -> HistoryValue {
        var steps: [(function: String, key: String, values: [Int])] = []
        for letter in word {
            if let digit = letter.wholeNumberValue {
                steps[steps.count - 1].values.append(digit)
            } else if letter == "a" || letter == "r" {
                steps.append((letter == "a" ? "append" : "r", "", []))
            } else {
                steps[steps.count - 1].key = String(letter)
            }
        }
        return .list(
            steps.map { step in
                let value: HistoryValue =
                    step.function == "append" ? .int(Int64(step.values[0])) : isAnswer ? .ints(step.values) : .null
                return .list([.text(step.function), .text(step.key), value])
            })
    }
}
