import ConcordChecker
import Testing

/// Histories as the libraries of Jepsen write them, with the verdicts that those give.
@Suite struct JepsenFormTests {
    private func verdict(_ text: String, _ model: Model, initial: HistoryValue = .null) throws
        -> Verdict
    {
        let history = try HistoryReader.read(Array(text.utf8))
        return Checker.check(
            history.operations(for: model, initial: initial), model: model, initial: initial)
    }

    /// In EDN, of one process: each was begun with the first value and answered with the second.
    private func did(_ steps: (function: String, asked: String, told: String)...) -> String {
        steps.map { step in
            "{:process 0 :type :invoke :f :\(step.function) :value \(step.asked)} "
                + "{:process 0 :type :ok :f :\(step.function) :value \(step.told)}"
        }.joined(separator: "\n")
    }

    // MARK: - What an answer tells of the question

    @Test func whatAChangeWasBegunWithoutItsAnswerTells() throws {
        #expect(try verdict(did(("write", "nil", "3"), ("read", "nil", "3")), .register) == .valid)
        #expect(try verdict(did(("write", "nil", "3"), ("read", "nil", "4")), .register).isViolation)
        #expect(try verdict(did(("put", "nil", "\"a\""), ("get", "nil", "\"a\"")), .keyValue) == .valid)
        #expect(
            try verdict(did(("append", "nil", "\"a\""), ("get", "nil", "\"b\"")), .keyValue).isViolation)
        let swapped = did(("cas", "nil", "[0 2]"), ("read", "nil", "2"))
        #expect(try verdict(swapped, .casRegister, initial: .int(0)) == .valid)
        #expect(try verdict(did(("cas", "nil", "[1 2]")), .casRegister, initial: .int(0)).isViolation)
        #expect(try verdict(did(("enqueue", "nil", "7"), ("dequeue", "nil", "7")), .queue) == .valid)
        #expect(
            try verdict(did(("enqueue", "nil", "7"), ("dequeue", "nil", "nil")), .queue).isViolation)
        #expect(
            try verdict(did(("add", "nil", "2"), ("read", "nil", "2")), .counter, initial: .int(0))
                == .valid)
        #expect(
            try verdict(did(("add", "nil", "2"), ("read", "nil", "0")), .counter, initial: .int(0))
                .isViolation)
    }

    @Test func anAnswerToAnotherQuestionCannotBeRead() throws {
        let written = try verdict(did(("write", "1", "2"), ("read", "nil", "1")), .register)
        #expect(written == .unknown("event 0, write: it was begun with 1 and answered with 2"))
        #expect(try verdict(did(("cas", "[0 1]", "[0 2]")), .casRegister, initial: .int(0)).isUnknown)
        #expect(try verdict(did(("enqueue", "1", "2"), ("dequeue", "nil", "1")), .queue).isUnknown)
        #expect(try verdict(did(("decrement", "1", "2")), .counter, initial: .int(0)).isUnknown)
        #expect(try verdict(did(("add", "1", "\"done\"")), .counter, initial: .int(0)).isUnknown)
    }

    @Test func anAnswerWithAMeaningOfItsOwnLeavesTheQuestionAsItIs() throws {
        #expect(try verdict(did(("cas", "[0 1]", "true")), .casRegister, initial: .int(0)) == .valid)
        #expect(try verdict(did(("cas", "[0 1]", "false")), .casRegister, initial: .int(0)).isViolation)
        #expect(try verdict(did(("write", "1", "nil"), ("read", "nil", "1")), .register) == .valid)
        #expect(
            try verdict(did(("put", "\"a\"", "\"b\""), ("get", "nil", "\"a\"")), .keyValue) == .valid)
        #expect(try verdict(did(("add", "nil", "7"), ("read", "nil", "#{7}")), .set).isViolation)
    }

    /// Jepsen's counter takes the number of the completion.
    @Test func aCounterBelievesWhatTheAnswerSaysWasAdded() throws {
        #expect(
            try verdict(did(("add", "1", "2"), ("read", "nil", "2")), .counter, initial: .int(0))
                == .valid)
        #expect(
            try verdict(did(("add", "1", "2"), ("read", "nil", "1")), .counter, initial: .int(0))
                .isViolation)
    }

    /// Else a read of nil would be one of a register that was written null.
    @Test func aWriteThatWasOnlyBegunWithNullWritesNoNull() throws {
        let text =
            #"{"type":"invoke","process":0,"f":"write"}{"type":"ok","process":0,"f":"write","value":3}"#
        let read =
            #"{"type":"invoke","process":0,"f":"read"}{"type":"ok","process":0,"f":"read","value":null}"#
        #expect(try verdict(text + read, .register, initial: .int(0)) == .valid)
    }

    // MARK: - Failed compares in a log

    private func logOfFailedCompare(_ reason: String) -> String {
        "- 0\t:invoke\t:write\t0\n- 0\t:ok\t:write\t0\n- 0\t:invoke\t:cas\t[0 1]\n- 0\t:fail\t:cas\t[0 1]\(reason)\n"
            + "- 0\t:invoke\t:read\tnil\n- 0\t:ok\t:read\t0\n"
    }

    @Test func aCompareThatFailedForAReasonWasNotFalse() throws {
        for nothing in ["", " ", "\t", "\r"] {
            #expect(
                try verdict(logOfFailedCompare(nothing), .casRegister).isViolation,
                "\(nothing.debugDescription)")
        }
        for reason in ["\t:connection-refused", " \"refused\"", "\t[:timeout 5]\r"] {
            #expect(try verdict(logOfFailedCompare(reason), .casRegister) == .valid, "\(reason)")
        }
    }

    // MARK: - Tuples of independent keys

    @Test func aPairThatIsComparedAloneIsNoKeyAndItsValue() throws {
        #expect(
            try verdict(did(("cas", "[1 nil]", "[1 nil]")), .casRegister, initial: .int(0)).isViolation)
        #expect(
            try verdict(did(("cas", "[1 nil]", "[1 nil]")), .casRegister, initial: .int(1)) == .valid)
        #expect(
            try verdict(did(("write", "[1 nil]", "[1 nil]"), ("read", "nil", "[1 nil]")), .register)
                == .valid)
    }

    @Test func comparesOfAKeyTellThatValuesAreTuples() throws {
        let write = ("write", "[1 5]", "[1 5]")
        #expect(try verdict(did(write, ("cas", "[1 [5 7]]", "[1 [5 7]]")), .casRegister) == .valid)
        #expect(try verdict(did(write, ("cas", "[1 [5 7]]", "true")), .casRegister) == .valid)
        #expect(try verdict(did(write, ("cas", "[1 [6 7]]", "[1 [6 7]]")), .casRegister).isViolation)
        #expect(try verdict(did(write, ("cas", "[2 [5 7]]", "[2 [5 7]]")), .casRegister).isViolation)
    }

    @Test func theKeyOfATupleMayBeAList() throws {
        let writes = did(("write", "[[1 2] 3]", "[[1 2] 3]"), ("write", "[[9 9] 4]", "[[9 9] 4]"))
        #expect(try verdict(writes + did(("read", "[[1 2] nil]", "[[1 2] 3]")), .register) == .valid)
        #expect(try verdict(writes + did(("read", "[[1 2] nil]", "[[1 2] 4]")), .register).isViolation)
    }

    // MARK: - Sets

    @Test func aSetHasNoOrder() throws {
        for (written, read) in [
            ("#{1 2}", "#{2 1}"), ("#{:a 1 \"b\" nil}", "#{nil \"b\" 1 :a}"),
            ("#{[2 1] {:k #{2 1}}}", "#{{:k #{1 2}} [2 1]}"),
        ] {
            #expect(
                try verdict(did(("write", written, written), ("read", "nil", read)), .register) == .valid)
        }
        #expect(
            try verdict(did(("write", "#{1 2}", "nil"), ("read", "nil", "#{1 3}")), .register).isViolation
        )
        #expect(
            try verdict(did(("write", "[1 2]", "nil"), ("read", "nil", "[2 1]")), .register).isViolation)
    }
}
