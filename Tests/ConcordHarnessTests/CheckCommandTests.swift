import ConcordCommandLine
import ConcordHarness
import Foundation
import Testing

@Suite struct CheckCommandTests {
    /// A directory with these files, while `body` runs.
    private func withFiles(_ files: [String: String], _ body: (String) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("check-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        for (name, text) in files {
            try Data(text.utf8).write(to: directory.appendingPathComponent(name))
        }
        try body(directory.path)
    }

    private func run(_ line: String...) throws -> CheckCommand.Outcome {
        guard case .run(let parsed) = JepsenDeclaration.program.parse(["check"] + line) else {
            throw UsageError(command: "check", .rule("the line was refused: \(line)"))
        }
        return CheckCommand(parsed).run()
    }

    private func code(_ line: String...) -> ExitCode {
        guard case .run(let parsed) = JepsenDeclaration.program.parse(["check"] + line) else { return .usage }
        return CheckCommand(parsed).run().code
    }

    static let written =
        #"{"type":"invoke","process":0,"f":"write","value":1,"time":1000000}"# + "\n"
        + #"{"type":"ok","process":0,"f":"write","value":1,"time":2000000}"# + "\n"
        + #"{"type":"invoke","process":1,"f":"read","time":3000000}"# + "\n"
    static let valid = written + #"{"type":"ok","process":1,"f":"read","value":1,"time":4000000}"# + "\n"
    static let stale = written + #"{"type":"ok","process":1,"f":"read","value":null,"time":4000000}"# + "\n"

    @Test func theExitCodeTellsValidViolationAndUnknownApart() throws {
        let files = [
            "valid.jsonl": Self.valid, "stale.jsonl": Self.stale, "torn.jsonl": Self.valid + "{",
            "set.edn": "{:type :invoke :process 0 :f :add :value 1} {:type :ok :process 0 :f :add :value 1}",
        ]
        try withFiles(files) { directory in
            #expect(code("\(directory)/valid.jsonl") == .success)
            let violation = try run("\(directory)/stale.jsonl")
            #expect(violation.code == .failure)
            #expect(violation.output.contains("0.001000 s to 0.004000 s"), "\(violation.output)")
            #expect(violation.output.contains("Events 0 to 3 of 4"), "\(violation.output)")
            let torn = try run("\(directory)/torn.jsonl")
            #expect(torn.code == .usage && torn.error.contains("line 5, column 2"), "\(torn.error)")
            let guess = try run("\(directory)/set.edn")
            #expect(guess.code == .usage && guess.error.contains("--model"), "\(guess.error)")
            let unread = try run("--model", "set", "\(directory)/set.edn")
            #expect(unread.code == .usage && unread.output.contains("unknown"), "\(unread.output)")
            #expect(code("\(directory)/absent") == .usage)
            #expect(code(directory) == .usage, "a directory is no history")
        }
    }

    @Test func theValueBeforeTheHistoryIsAFlag() throws {
        let text = #"{"type":"invoke","process":1,"f":"read"}{"type":"ok","process":1,"f":"read","value":5}"#
        try withFiles(["read.jsonl": text]) { directory in
            #expect(code("-m", "register", "\(directory)/read.jsonl") == .failure)
            #expect(code("-m", "register", "--initial", "5", "\(directory)/read.jsonl") == .success)
        }
        guard case .refused = JepsenDeclaration.program.parse(["check", "--initial", "{", "x"]) else {
            Issue.record("no JSON is no value")
            return
        }
    }

    @Test func aDirectoryIsRightOnlyWhenEveryVerdictIs() throws {
        func verdicts(_ stale: String) -> String {
            #"[{"file": "valid.jsonl", "model": "register", "valid": true},"#
                + #" {"file": "stale.jsonl", "model": "cas-register", "initial": null, "valid": \#(stale)}]"#
        }
        var files = ["valid.jsonl": Self.valid, "stale.jsonl": Self.stale, "verdicts.json": verdicts("false")]
        try withFiles(files) { directory in
            let outcome = try run("--all", directory)
            #expect(outcome.code == .success && outcome.output.contains("2 of 2 as said"), "\(outcome.output)")
        }
        files["verdicts.json"] = verdicts("true")
        try withFiles(files) { directory in
            let outcome = try run("--all", directory)
            #expect(outcome.code == .failure && outcome.output.contains("differs"), "\(outcome.output)")
        }
        files["stale.jsonl"] = "{"
        try withFiles(files) { directory in
            let outcome = try run("--all", directory)
            #expect(outcome.code == .usage)
        }
        files["verdicts.json"] = "[]"
        try withFiles(files) { directory in
            let outcome = try run("--all", directory)
            #expect(outcome.code == .usage)
        }
    }

    @Test func whatATerminalObeysIsPrintedAsEscapes() throws {
        let write = #"{"type":"invoke","process":"\u001b[2J","f":"write","key":"\u001b[31m","value":1}"#
        let read =
            #"{"type":"invoke","process":1,"f":"read","key":"\u001b[31m"}"#
            + #"{"type":"ok","process":1,"f":"read","value":"\u009b"}"#
        try withFiles(["keys.jsonl": write + read]) { directory in
            let violation = try run("\(directory)/keys.jsonl")
            #expect(violation.code == .failure && violation.output.contains("[31m"), "\(violation.output)")
            let raw = violation.output.unicodeScalars.filter { $0.properties.generalCategory == .control && $0 != "\n" }
            #expect(raw.isEmpty, "\(violation.output)")
        }
    }

    @Test func aModelIsOfOneHistoryAndNotOfADirectory() throws {
        let verdicts = #"[{"file": "valid.jsonl", "model": "register", "valid": true}]"#
        try withFiles(["valid.jsonl": Self.valid, "verdicts.json": verdicts]) { directory in
            #expect(code("--all", directory) == .success)
            let refused = try run("--all", directory, "--model", "set")
            #expect(refused.code == .usage && refused.error.contains("--model"), "\(refused.error)")
        }
    }

    /// Knossos has such a history among its good ones.
    @Test func aHistoryOfTheNemesisAloneIsValidAndShowsNothing() throws {
        let text = #"{"type":"info","process":"nemesis","f":"kill"}"#
        try withFiles(["nemesis.jsonl": text]) { directory in
            let outcome = try run("-m", "register", "\(directory)/nemesis.jsonl")
            #expect(outcome.code == .success && outcome.output.contains("shows nothing"), "\(outcome.output)")
        }
    }

    @Test func oneHistoryOrADirectoryAndNotBoth() throws {
        #expect(code() == .usage)
        #expect(code("--all", "a", "b") == .usage)
    }

    @Test func theExamplesOfTheHelpAreAccepted() {
        #expect(JepsenDeclaration.program.examplesRefused().isEmpty)
    }
}
