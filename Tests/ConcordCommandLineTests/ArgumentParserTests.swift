import ConcordCommandLine
import Testing

private let endpoints = Flag(
    "endpoints", short: "e", environment: "CONCORD_ENDPOINTS", .list(of: .url), default: "http://127.0.0.1:7400",
    help: "Members to ask.")
private let timeout = OptionalFlag("timeout", .duration(in: .milliseconds(1)...(.seconds(60))), help: "How long.")
private let verbose = Switch("verbose", short: "v", environment: "CONCORD_VERBOSE", help: "Say more.")
private let raw = Switch("raw", short: "r", help: "Only the value.")
private let key = Argument("PATH", .text, help: "The node.")
private let value = OptionalArgument("VALUE", .anyText, help: "Its value.")
private let directory = Flag(required: "data", .path("DIR"), help: "Where data is kept.")

private let tool = CommandDeclaration(
    "tool", summary: "Does things.", version: "1.0", flags: [endpoints, verbose],
    subcommands: [
        CommandDeclaration(
            "put", summary: "Writes.", arguments: [key, value], flags: [raw, timeout],
            examples: [.init("put /a 'b'", "Write b"), .init("put /a - < file", "Write a file")]),
        CommandDeclaration("serve", summary: "Serves.", flags: [directory]),
    ])

private func parsed(_ line: String, _ environment: [String: String] = [:]) throws -> ParsedArguments {
    let invocation = tool.parse(line.split(separator: " ").map(String.init), environment: environment)
    guard case .run(let result) = invocation else {
        Issue.record("\(line): \(invocation)")
        throw UsageError(command: "", .rule("refused"))
    }
    return result
}

private func refusal(_ line: String, _ environment: [String: String] = [:]) -> UsageError.Reason? {
    guard
        case .refused(let error) = tool.parse(line.split(separator: " ").map(String.init), environment: environment)
    else { return nil }
    return error.reason
}

@Suite struct ArgumentParserTests {
    @Test func aFlagIsTakenBeforeAndBehindTheSubcommand() throws {
        for line in [
            "--endpoints http://a:1 put /x", "put --endpoints http://a:1 /x", "put /x --endpoints=http://a:1",
            "-e http://a:1 put /x", "put -ehttp://a:1 /x", "put -e=http://a:1 /x",
        ] {
            let result = try parsed(line)
            #expect(result[endpoints].map(\.description) == ["http://a:1"], "\(line)")
            #expect(result[key] == "/x")
            #expect(result.command == ["put"])
            #expect(result.source(of: endpoints) == .commandLine)
        }
    }

    @Test func theCommandLineBeatsTheEnvironmentBeatsTheDefault() throws {
        let environment = ["CONCORD_ENDPOINTS": "http://b:2,http://c:3"]
        #expect(try parsed("put /x")[endpoints].map(\.address.port) == [7400])
        #expect(try parsed("put /x", environment)[endpoints].map(\.address.port) == [2, 3])
        #expect(try parsed("put /x", environment).source(of: endpoints) == .environment)
        #expect(try parsed("put /x -e http://d:4", environment)[endpoints].map(\.address.port) == [4])
        #expect(try parsed("put /x", ["CONCORD_ENDPOINTS": ""]).source(of: endpoints) == .byDefault)
    }

    @Test func aListMayBeGivenInPieces() throws {
        let ports = try parsed("put /x -e http://a:1 -e http://b:2,http://c:3")[endpoints].map(\.address.port)
        #expect(ports == [1, 2, 3])
    }

    @Test func switchesAreGroupedAndSwitchedOff() throws {
        let both = try parsed("put -rv /x")
        #expect(both[raw] && both[verbose])
        #expect(try parsed("put /x", ["CONCORD_VERBOSE": "1"])[verbose])
        #expect(try !parsed("put /x --verbose=false", ["CONCORD_VERBOSE": "1"])[verbose])
        #expect(try !parsed("put /x")[raw])
    }

    @Test func wordsBehindTwoDashesAreNoFlags() throws {
        let result = try parsed("put -- --x --raw")
        #expect(result[key] == "--x")
        #expect(result[value] == "--raw")
        #expect(try parsed("put /x -")[value] == "-")
    }

    @Test func anUnknownFlagNamesTheNearest() {
        #expect(refusal("put --endpionts http://a:1 /x") == .unknownFlag("--endpionts", nearest: "--endpoints"))
        #expect(refusal("put -raw /x") == .unknownFlag("-a", nearest: "--raw"))
        #expect(refusal("put --zzz /x") == .unknownFlag("--zzz", nearest: nil))
        #expect(refusal("serve --raw") == .unknownFlag("--raw", nearest: nil))
        #expect(refusal("ptu /x") == .unknownCommand("ptu", nearest: "put"))
    }

    @Test func aWrongValueSaysWhatWouldBeRight() {
        let expectation = "a duration with its unit, such as 250ms, 2s, 5m or 1h, from 1ms to 1m"
        #expect(
            refusal("put /x --timeout 5") == .wrongValue("5", of: "'--timeout'", expectation: expectation))
        #expect(refusal("put /x --timeout 61s") != nil)
        #expect(refusal("put /x --timeout 0ms") != nil)
        #expect(refusal("put /x --timeout") == .missingValue(flag: "--timeout", expectation: expectation))
        #expect(refusal("put /x --timeout --raw") == .missingValue(flag: "--timeout", expectation: expectation))
        guard case .wrongVariable("7400", "CONCORD_ENDPOINTS", _) = refusal("put /x", ["CONCORD_ENDPOINTS": "7400"])
        else {
            Issue.record("a wrong variable was not named")
            return
        }
    }

    @Test func whatIsMissingOrTooMuchIsNamed() {
        #expect(refusal("") == .missingCommand(["put", "serve"]))
        #expect(refusal("put") == .missingArgument("PATH"))
        #expect(refusal("put /x y z") == .unexpectedArgument("z"))
        #expect(refusal("serve") == .missingFlag("--data", expectation: "the name of a file or directory"))
        #expect(refusal("serve --data a --data b") == .givenTwice(flag: "--data"))
        #expect(refusal("put -r=1 /x") == .unexpectedValue(flag: "-r"))
        #expect(refusal("put --raw=maybe /x") != nil)
    }

    @Test func theMessageIsWholeAndPointsToHelp() {
        let error = UsageError(command: "tool put", .unknownFlag("--rwa", nearest: "--raw"))
        #expect(
            error.text == """
                tool put: unknown flag '--rwa'; did you mean '--raw'?
                Run 'tool put --help' for help.

                """)
    }
}

@Suite struct HelpTextTests {
    private func help(_ line: String) -> String? {
        guard case .show(let text) = tool.parse(line.split(separator: " ").map(String.init)) else { return nil }
        return text
    }

    @Test func helpIsReachedInEveryWay() throws {
        let text = try #require(help("put --help"))
        #expect(help("help put") == text)
        #expect(help("put -h") == text)
        #expect(help("put /x --help") == text)
        #expect(help("--help") == help("help"))
        #expect(help("--version") == "tool 1.0\n")
        #expect(help("help nothing") == nil)
    }

    @Test func helpComesFromTheDeclaration() throws {
        let text = try #require(help("put --help"))
        #expect(text.hasPrefix("Writes.\n\nUsage: tool put [flags] PATH [VALUE]\n"))
        #expect(text.contains("  -r, --raw"))
        let words = text.split { $0 == " " || $0 == "\n" }.joined(separator: " ")
        #expect(words.contains("(default http://127.0.0.1:7400; environment CONCORD_ENDPOINTS)"))
        #expect(text.contains("  # Write b\n  tool put /a 'b'\n"))
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 96 })
        let top = try #require(help("--help"))
        #expect(top.contains("Commands:\n  put"))
    }

    @Test func anExampleThatWouldBeRefusedIsFound() {
        #expect(tool.examplesRefused() == [])
        let wrong = CommandDeclaration("x", summary: "", flags: [raw], examples: [.init("--row", "Wrong")])
        #expect(wrong.examplesRefused() == ["--row"])
    }
}
