import ConcordChecker
import Testing

@Suite struct HistoryReaderTests {
    private func read(_ text: String) throws -> History {
        try HistoryReader.read(Array(text.utf8))
    }

    private func refusal(_ text: String) -> HistoryError? {
        do throws(HistoryError) {
            _ = try HistoryReader.read(Array(text.utf8))
            return nil
        } catch {
            return error
        }
    }

    @Test func oneHistoryIsTheSameInEveryForm() throws {
        let lines = try read(
            """
            {"type":"invoke","process":0,"f":"write","value":3}
            {"type":"ok","process":0,"f":"write","value":3}
            {"type":"invoke","process":1,"f":"read","value":null}
            {"type":"ok","process":1,"f":"read","value":3}
            """)
        let array = try read(
            """
            [{"type": "invoke", "process": 0, "f": "write", "value": 3}, {"process": 0, "type": "ok", "f": "write",
             "value": 3}, {"type":"invoke","process":1,"f":"read"}, {"type":"ok","process":1,"f":"read","value":3}]
            """)
        let edn = try read(
            """
            ; A comment
            [#jepsen.history.Op{:type :invoke, :process 0, :f :write, :value 3}
             {:type :ok :process 0 :f :write :value 3} #_ {:ignored 1}
             {:type :invoke, :process 1, :f :read, :value nil}, {:type :ok, :process 1, :f :read, :value 3}]
            """)
        let log = try read(
            """
            INFO  jepsen.util - 0\t:invoke\t:write\t3
            something else
            INFO  jepsen.util - 0\t:ok\t:write\t3
            INFO  jepsen.util - :nemesis\t:info\t:start\t"Cut {"
            INFO  jepsen.util - 1\t:invoke\t:read\tnil
            INFO  jepsen.util - 1\t:ok\t:read\t3
            """)
        #expect([lines.form, array.form, edn.form] == [.json, .json, .edn] && log.form == .log)
        #expect(lines.operations.count == 2 && lines.operations[1].result == .int(3))
        #expect(array.operations == lines.operations && edn.operations == lines.operations)
        #expect(log.operations.map(\.result) == lines.operations.map(\.result))
    }

    @Test func everyValueOfEDNIsRead() throws {
        let text = """
            ({:type :invoke, :process 0, :f :x, :value [nil true -5 +7 9223372036854775808 12N 1/3 1.5 2.5M \\a \\newline
            "q\\"\\u00e9" #{1 2} (a :b/c) #inst "2020" ##NaN {:k 1}]})
            """
        let values = try read(text).operations.first?.argument.list ?? []
        let expected: [HistoryValue] = [
            .null, .bool(true), .int(-5), .int(7), .text("9223372036854775808"), .int(12), .text("1/3"), .real(1.5),
            .real(2.5), .text("a"), .text("\n"), .text("q\"é"), .list([.int(1), .int(2)]),
            .list([.text("a"), .text("b/c")]), .text("2020"), .text("NaN"), .map([.text("k"): .int(1)]),
        ]
        #expect(values == expected)
    }

    @Test func tuplesOfIndependentBecomeKeysAndPairsOfCompareAndSetDoNot() throws {
        let tuples = try read(
            """
            {:type :invoke, :process 0, :f :read, :value [7 nil]} {:type :ok, :process 0, :f :read, :value [7 3]}
            {:type :invoke, :process 0, :f :cas, :value [7 [3 4]]} {:type :ok, :process 0, :f :cas, :value [7 [3 4]]}
            """)
        #expect(tuples.operations.map(\.key) == [.int(7), .int(7)])
        #expect(tuples.operations[1].argument == .list([.int(3), .int(4)]))
        let pairs = try read("{:type :invoke, :process 0, :f :cas, :value [3 4]}")
        #expect(pairs.operations[0].key == nil && pairs.operations[0].argument == .list([.int(3), .int(4)]))
    }

    /// elle's own examples have none.
    @Test func eventsWithoutAProcessAreOneClients() throws {
        let invoke = "{:type :invoke, :value [[:append 1 1]]}"
        let operations = try read(invoke + "{:type :ok, :value [[:append 1 1]]}").operations
        #expect(operations.map(\.outcome) == [.ok] && operations.map(\.process) == [.null])
        #expect(throws: HistoryError.self) { try read(invoke + invoke) }
    }

    @Test func inALogAFailedCompareWasFalseAndATimedOutReadIsUnknown() throws {
        let history = try read(
            "- 0 :invoke :cas [1 2]\n- 0 :fail :cas [1 2]\n- 1 :invoke :read nil\n- 1 :fail :read :timed-out")
        #expect(history.operations.map(\.outcome) == [.ok, .unknown] && history.operations[0].result == .bool(false))
        #expect(Checker.check(history.operations, model: .casRegister, initial: .int(1)).isViolation)
        #expect(Checker.check(history.operations, model: .casRegister, initial: .int(2)) == .valid)
    }

    @Test func aReadOfNilInEDNTellsNothingAndInJSONThatTheRegisterIsAbsent() throws {
        let edn = try read(
            "{:type :invoke :process 0 :f :write :value 1} {:type :ok :process 0 :f :write :value 1} "
                + "{:type :invoke :process 0 :f :read} {:type :ok :process 0 :f :read :value nil}")
        #expect(Checker.check(edn.operations(for: .register, initial: .null), model: .register) == .valid)
        let json = try read(
            #"{"type":"invoke","process":0,"f":"write","value":1}{"type":"ok","process":0,"f":"write"}"#
                + #"{"type":"invoke","process":0,"f":"read"}{"type":"ok","process":0,"f":"read","value":null}"#)
        #expect(Checker.check(json.operations(for: .register, initial: .null), model: .register).isViolation)
    }

    @Test func aLineOfALogThatIsCutOrOfAStrangerIsRefused() {
        let begun = "- 0 :invoke :read nil\n"
        #expect(refusal(begun + "- 0 :ok :read nil") == nil)
        #expect(refusal(begun + "- 0 :ok :read")?.line == 2)
        #expect(refusal(begun + "- w1 :ok :write 5\n- 0 :ok :read nil")?.line == 2)
        #expect(refusal(begun + "- done :ok for now\n- 0 :ok :read nil") == nil, "it is of no function")
    }

    @Test func aNumberOfJSONIsWhatItIsHoweverItIsWritten() throws {
        func value(_ text: String) throws -> HistoryValue { try HistoryValue(json: Array(text.utf8)) }
        for one in ["1", "1.0", "1.00", "10e-1", "0.1e1"] { #expect(try value(one) == .int(1), "\(one)") }
        #expect(try value("-0.0") == .int(0))
        #expect(try value("1.5") == .real(1.5) && value("1e300") == .real(1e300))
        #expect(try read("{:type :invoke :process 0 :f :write :value 1.0}").operations[0].argument == .real(1))
    }

    @Test func aRevisionIsAWholeNumber() {
        func events(_ revision: String) -> String {
            #"{"type":"invoke","process":0,"f":"read"}{"type":"ok","process":0,"f":"read","revision":\#(revision)}"#
        }
        #expect(refusal(events("5")) == nil && refusal(events("null")) == nil)
        for revision in ["\"5\"", "5.5", "9223372036854775808", "[5]"] {
            #expect(refusal(events(revision)) != nil, "\(revision)")
        }
    }

    @Test func aRegisterToWhichACompareWritesNullMayBeReadAsNull() throws {
        let text =
            #"{"type":"invoke","process":0,"f":"cas","value":[0,null]}{"type":"ok","process":0,"f":"cas"}"#
            + #"{"type":"invoke","process":0,"f":"cas","value":[null,1]}{"type":"ok","process":0,"f":"cas"}"#
            + #"{"type":"invoke","process":0,"f":"read"}{"type":"ok","process":0,"f":"read","value":null}"#
        let operations = try read(text).operations(for: .casRegister, initial: .int(0))
        #expect(Checker.check(operations, model: .casRegister, initial: .int(0)).isViolation)
    }

    @Test func whatCannotBeIsRefusedWithItsPlace() {
        let invoke = #"{"type":"invoke","process":0,"f":"read"}"#
        #expect(refusal(invoke + "\n" + invoke).map { [$0.line, $0.column] } == [2, 1])
        #expect(refusal(#"{"type":"ok","process":0,"f":"read"}"#)?.line == 1)
        #expect(refusal(invoke + "\n" + #"{"type":"ok","process":0,"f":"write"}"#)?.line == 2)
        #expect(refusal(invoke + "\n  }")?.column == 3)
        #expect(refusal(#"{"type":"invoke","type":"ok","process":0}"#) != nil)
        #expect(refusal(#"{"type":"later","process":0}"#) != nil)
        #expect(refusal("") != nil && refusal("no history at all") != nil)
    }

    @Test func hostileBytesAreRefusedAndNeverATrap() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(refusal(#"{"type":"invoke","value":"# + deep)?.message.contains("inside each other") == true)
        #expect(refusal("{:value " + deep)?.message.contains("inside each other") == true)
        #expect(refusal("[" + String(repeating: "#_", count: 100_000)) != nil)
        #expect(refusal("{:a " + String(repeating: "^", count: 100_000)) != nil)
        let whole = Array(
            "{:type :invoke, :process 0, :f :x, :value [\\a \"\\u00e9\" 1.5 #{1} (2) 1/3]}\n{\"a\": \"\\ud83d\\ude00\"}"
                .utf8)
        var dice = Dice(seed: 5)
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0...dice.roll(4) {
                switch dice.roll(3) {
                case 0: bytes[dice.roll(bytes.count)] = UInt8(dice.roll(256))
                case 1: bytes.removeLast(dice.roll(bytes.count))
                default: bytes.insert(UInt8(dice.roll(128)), at: dice.roll(bytes.count))
                }
                if bytes.isEmpty { bytes = whole }
            }
            do throws(HistoryError) { _ = try HistoryReader.read(bytes) } catch {
                #expect(error.line >= 1 && error.column >= 1)
            }
        }
    }
}
