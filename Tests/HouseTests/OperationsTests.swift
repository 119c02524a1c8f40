import Testing

/// What an operator reads in a log, or sees as an exit code, stands in docs/operations.md with what it means and what
/// to do: also what was added yesterday.
@Suite struct OperationsTests {
    static let page = "docs/operations.md"

    @Test func everyWarningAndErrorOfTheLogIsExplained() {
        let files = Repository.product
        let events = files.flatMap(LoggedEvents.events)
        #expect(Set(events.map(\.name)).count >= 20)
        expectNone(files.flatMap(LoggedEvents.unreadable))
        expectNone(OperationsTests.eventFindings(events, page: Repository.text(of: OperationsTests.page)))
    }

    @Test func anEventThatThePageLacksOrHasTwiceOrInventsIsFlagged() {
        let events = [LoggedEvent(name: "disk_slow", level: "warning"), LoggedEvent(name: "gone", level: "error")]
        func findings(_ rows: String...) -> [String] {
            OperationsTests.eventFindings(events, page: rows.joined(separator: "\n")).map(\.message)
        }
        let rows = ["| `disk_slow` | warning | a | b |", "| `gone` | error | a | b |"]
        #expect(findings(rows[0], rows[1]).isEmpty)
        #expect(findings(rows[0]) == ["the event gone (error) is not explained"])
        #expect(findings(rows[0], rows[1], rows[1]) == ["the event gone (error) is explained 2 times"])
        #expect(findings(rows[0], "| `gone` | warning | a | b |").count == 2)
        #expect(
            findings(rows[0], rows[1], "| `old` | error | a | b |") == [
                "the event old (error) is nowhere in the sources"
            ])
        #expect(findings(rows[0], "| `gone` | error |  | b |").count == 1, "it says nothing")
    }

    @Test func everyFormOfALoggedEventIsRead() {
        func names(_ text: String) -> [String] {
            LoggedEvents.events(SourceText(path: "Sources/ConcordServer/a.swift", text: text)).map {
                "\($0.name) \($0.level)"
            }
        }
        func unreadable(_ text: String) -> Int {
            LoggedEvents.unreadable(SourceText(path: "Sources/ConcordServer/a.swift", text: text)).count
        }
        let funnel = "func complain(_ who: String, _ event: StaticString) { log.warning(event, []) }\n"
        #expect(names("log.warning(\"a_b\")\n log.error(\n    \"c\", [])") == ["a_b warning", "c error"])
        #expect(names("log.info(\"a_b\")").isEmpty)
        #expect(names("// log.error(\"a_b\")").isEmpty)
        #expect(
            names(funnel + "complain(x, \"a\", now: 1); complain(\"y\", StaticString(\"b\"))") == [
                "a warning", "b warning",
            ])
        #expect(names("LogLine.encode(level: .warning, event: \"dropped\", fields: [])") == ["dropped warning"])
        #expect(unreadable(funnel + "complain(x, \"a\")") == 0)
        #expect(unreadable(funnel + "complain(x, name)") == 1)
        #expect(unreadable("log.warning(name, [])") == 1)
        #expect(unreadable("log.error(isBad ? \"a\" : \"b\", [])") == 1)
    }

    @Test func everyExitCodeIsExplained() {
        let source = Repository.text(of: "Sources/ConcordServer/ServerExit.swift")
        let codes = source.matches(of: /case (\w+) = ([0-9]+)/).map { String($0.output.2) }
        #expect(codes.count >= 8)
        let rows = OperationsTests.rows(of: Repository.text(of: OperationsTests.page))
        for code in codes {
            let found = rows.filter { $0.count == 4 && $0[0] == code && !$0[1].isEmpty && !$0[3].isEmpty }
            #expect(found.count == 1, "\(code)")
        }
    }

    @Test func theUnitStartsNobodyAgainWhoWasRemoved() {
        let unit = Repository.text(of: "docker/concord.service")
        let line = unit.firstMatch(of: /(?m)^RestartPreventExitStatus=(.*)$/)
        let codes = line.map { $0.output.1.split(separator: " ").map(String.init) } ?? []
        let source = Repository.text(of: "Sources/ConcordServer/ServerExit.swift")
        let known = source.matches(of: /case (\w+) = ([0-9]+)/).map { String($0.output.2) }
        #expect(source.firstMatch(of: /case removed = ([0-9]+)/).map { codes.contains(String($0.output.1)) } == true)
        #expect(codes.allSatisfy(known.contains))
    }

    @Test func everythingThatStopsOrDelaysAStartIsExplained() {
        let page = OperationsTests.joined(Repository.text(of: OperationsTests.page))
        var pieces: [String] = []
        for (path, type) in [
            ("Sources/ConcordStorage/StorageError.swift", "StorageError"),
            ("Sources/ConcordStorage/RecoveredLog.swift", "RecoveryNote"),
        ] {
            let found = SpokenCases.pieces(of: type, in: Repository.text(of: path))
            #expect(found.count >= 5, "\(path)")
            pieces += found
        }
        for file in Repository.product where file.target == "ConcordServer" {
            let text = file.lines.joined(separator: "\n")
            pieces += SpokenCases.advice(in: text)
            pieces += text.matches(of: /\.notReady\("([^"\\]+)"\)/).map { String($0.output.1) }
        }
        #expect(pieces.count >= 20)
        for piece in pieces where !page.contains(piece) {
            Issue.record("\(OperationsTests.page) lacks: \(piece)")
        }
    }

    @Test func whatIsSaidIsFoundInItsCases() {
        let text = #"""
            extension Trouble: CustomStringConvertible {
                var description: String {
                    switch self {
                    case .one(let file): return "\(file) is damaged at offset 3: " + "and more"
                    case .two:
                        return "x \(1) is damaged at offset 4: a second one that is long"
                    }
                }
            }
            """#
        #expect(
            SpokenCases.pieces(of: "Trouble", in: text) == [
                "is damaged at offset 3:", "is damaged at offset 4: a second one that is long",
            ])
        let failure =
            #"StartFailure(exit: .failed, reason: "a reason, \(f(x))", advice: "look at \(disk) first, then wait")"#
        #expect(SpokenCases.advice(in: failure) == ["first, then wait"])
    }

    /// One row for each event, with its level, a meaning and an advice.
    static func eventFindings(_ events: [LoggedEvent], page text: String) -> [Finding] {
        var rows: [LoggedEvent: Int] = [:]
        for cells in OperationsTests.rows(of: text) where cells.count == 4 && cells[0].hasPrefix("`") {
            guard ["warning", "error"].contains(cells[1]), !cells[2].isEmpty, !cells[3].isEmpty else { continue }
            rows[LoggedEvent(name: cells[0].filter { $0 != "`" }, level: cells[1]), default: 0] += 1
        }
        let known = Set(events)
        var findings = known.sorted().compactMap { event -> Finding? in
            switch rows[event] ?? 0 {
            case 0: Finding(page, "the event \(event) is not explained")
            case 1: nil
            case let count: Finding(page, "the event \(event) is explained \(count) times")
            }
        }
        findings += rows.keys.filter { !known.contains($0) }.sorted().map {
            Finding(page, "the event \($0) is nowhere in the sources")
        }
        return findings
    }

    /// The cells of all tables of a page.
    private static func rows(of text: String) -> [[String]] {
        text.split(separator: "\n").filter { $0.hasPrefix("| ") }.map { line in
            line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false).map(trimmed)
        }
    }

    /// A page's text without its line breaks.
    private static func joined(_ text: String) -> String {
        text.split(whereSeparator: { $0 == "\n" || $0 == " " }).joined(separator: " ")
    }
}

/// Without the blanks around it.
private func trimmed(_ text: some StringProtocol) -> String {
    text.split(separator: " ").joined(separator: " ")
}

struct LoggedEvent: Hashable, Comparable, CustomStringConvertible {
    var name: String
    var level: String

    var description: String { "\(name) (\(level))" }

    static func < (left: LoggedEvent, right: LoggedEvent) -> Bool {
        (left.name, left.level) < (right.name, right.level)
    }
}

/// Lines of the log in a source file, by how they are written: `log.warning("event"`, `log.error("event"`, a line that
/// is encoded by hand, and functions that take the event as a parameter and make warnings of it.
enum LoggedEvents {
    static func events(_ file: SourceText) -> [LoggedEvent] {
        let text = code(file)
        var found = text.matches(of: /\blog\??\.(warning|error)\(\s*"(\w+)"/).map {
            LoggedEvent(name: String($0.output.2), level: String($0.output.1))
        }
        found += text.matches(of: /level: \.(warning|error),\s*event: "(\w+)"/).map {
            LoggedEvent(name: String($0.output.2), level: String($0.output.1))
        }
        if let funnel = funnel(text) {
            found += text.matches(of: /\bcomplain\(\s*[^,]+,\s*(?:StaticString\()?"(\w+)"/).map {
                LoggedEvent(name: String($0.output.1), level: funnel)
            }
        }
        return found
    }

    /// Calls from which no event can be read, so that nobody can say whether it is explained.
    static func unreadable(_ file: SourceText) -> [Finding] {
        let text = code(file)
        let funnel = funnel(text)
        var findings: [Finding] = []
        let calls = text.matches(of: /\blog\??\.(?:warning|error)\(\s*([^,)]*)/)
        for call in calls where !call.output.1.hasPrefix("\"") && !(funnel != nil && call.output.1 == "event") {
            findings.append(Finding(file.path, "logs an event that is no literal: \(call.output.1)"))
        }
        guard funnel != nil else { return findings }
        let literal = text.matches(of: /\bcomplain\(\s*[^,]+,\s*(?:StaticString\()?"\w+"/).count
        let all = text.matches(of: /(func )?\bcomplain\(/).filter { $0.output.1 == nil }.count
        if literal != all { findings.append(Finding(file.path, "complains of an event that is no literal")) }
        return findings
    }

    /// The level of the events that a function `complain` of this file is given.
    private static func funnel(_ text: String) -> String? {
        guard text.contains(/func complain\([^)]*event: StaticString/) else { return nil }
        return text.firstMatch(of: /\blog\.(warning|error)\(event,/).map { String($0.output.1) }
    }

    /// The lines that are not all comment.
    private static func code(_ file: SourceText) -> String {
        file.lines.filter { !trimmed($0).hasPrefix("//") }.joined(separator: "\n")
    }
}

/// What a type says of each of its cases, without what is filled in.
enum SpokenCases {
    /// For each case of the `description` of `type`, the first piece of text that no case before it says, too.
    static func pieces(of type: String, in text: String) -> [String] {
        guard let start = text.firstRange(of: "extension \(type): CustomStringConvertible") else { return [] }
        let rest = text[start.upperBound...]
        let body = rest[..<(rest.firstRange(of: "\n}")?.lowerBound ?? rest.endIndex)]
        var found: [String] = []
        for part in body.split(separator: "case .").dropFirst() {
            if let piece = literals(in: String(part)).first(where: { !found.contains($0) }) { found.append(piece) }
        }
        return found
    }

    /// What a start that failed advises.
    static func advice(in text: String) -> [String] {
        text.matches(of: /StartFailure\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)/).flatMap { call -> [String] in
            guard let advice = call.output.firstRange(of: "advice:") else { return [] }
            return Array(literals(in: String(call.output[advice.upperBound...])).prefix(2))
        }
    }

    /// Pieces of at least ten characters between what is filled in, in order.
    private static func literals(in text: String) -> [String] {
        text.matches(of: /"((?:[^"\\]|\\.)*)"/).flatMap { literal in
            String(literal.output.1).split(separator: /\\\((?:[^()]|\([^()]*\))*\)/)
                .map(trimmed)
                .filter { $0.count >= 10 }
        }
    }
}
