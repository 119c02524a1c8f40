import Testing

/// What the pages say exists, does.
@Suite struct DocumentTests {
    @Test func everyFileThatAPageNamesIsThere() {
        expectNone(
            Repository.pages.flatMap { page in
                DocumentTests.pathFindings(path: page.path, text: page.text, exists: Repository.exists)
            })
    }

    @Test func aPathThatLeadsNowhereIsFlagged() {
        func findings(_ text: String) -> Int {
            DocumentTests.pathFindings(path: "docs/a.md", text: text) { $0 == "docs/b.md" || $0 == "README.md" }.count
        }
        #expect(findings("see `docs/b.md`, [b](b.md), [b](b.md#part), [r](../README.md)") == 0)
        #expect(findings("see `docs/c.md`") == 1)
        #expect(findings("see [c](c.md)") == 1)
        #expect(findings("see [r](../../README.md)") == 1)
        #expect(findings("see [c](https://example.org/c.md), [d](#part), `docs`, `PUT /v1/kv/docs/c.md`") == 0)
    }

    @Test func everyDecisionPageAnswersTheSameQuestions() {
        let pages = Repository.pages.filter { $0.path.hasPrefix("docs/decisions/") }
        #expect(!pages.isEmpty)
        expectNone(pages.flatMap { DocumentTests.decisionFindings(path: $0.path, text: $0.text) })
        let numbers = pages.map { $0.path.split(separator: "/")[2].prefix(4) }
        #expect(Set(numbers).count == numbers.count, "two decisions have one number")
    }

    @Test func aDecisionWithoutItsReasonsIsFlagged() {
        let headings = ["## The question", "## What was weighed", "## The choice: C", "## Consequences"]
        let whole = "# 9. Title\n" + headings.map { "\($0)\ntext\n" }.joined()
        func findings(_ text: String, _ path: String = "docs/decisions/0009-why-not.md") -> Int {
            DocumentTests.decisionFindings(path: path, text: text).count
        }
        #expect(findings(whole) == 0)
        #expect(findings(whole, "docs/decisions/why-not.md") == 1)
        for heading in headings {
            #expect(findings(whole.split(separator: "\n").filter { $0 != heading }.joined(separator: "\n")) == 1)
        }
        #expect(findings(String(whole.dropFirst(2))) == 1)
    }

    @Test func noPageWaitsForAFigure() {
        func findings(_ text: String) -> Int { DocumentTests.openPlaces(path: "docs/a.md", text: text).count }
        #expect(findings("so many: @FIGURE@\n") == 1)
        #expect(findings("a@b.example, 3 @ 4 @") == 0)
        expectNone(Repository.pages.flatMap { DocumentTests.openPlaces(path: $0.path, text: $0.text) })
    }

    @Test func everyVersionAndMagicOfAFormatIsWrittenDown() {
        let formats = Repository.pages.filter { $0.path.hasPrefix("docs/formats") }.map(\.text).joined(separator: "\n")
        expectNone(Repository.product.flatMap { DocumentTests.formatFindings($0, formats: formats) })
    }

    @Test func aFormatThatChangedInTheCodeAloneIsFlagged() {
        let file = SourceText(
            path: "Sources/ConcordStorage/a.swift",
            text: """
                enum Record {
                    struct Part { var a = 1 }
                    private static let version: UInt8 = 2
                    static let slotMagic: UInt32 = 0xFF01 // as said
                    static let other = 3
                }
                """)
        func findings(_ formats: String) -> Int { DocumentTests.formatFindings(file, formats: formats).count }
        #expect(findings("| `Record.version` = 2 |\n| `Record.slotMagic` = `0xFF01` |") == 0)
        #expect(findings("| `Record.version` = 1 |\n| `Record.slotMagic` = 0xFF01 |") == 1)
        #expect(findings("| `Record.version` = 2 |") == 1)
        #expect(findings("") == 2)
    }

    @Test func everyFlagThatAPageNamesIsKnownToAProgram() {
        let source = Repository.product.flatMap(\.lines).joined(separator: "\n")
        expectNone(Repository.pages.flatMap { DocumentTests.flagFindings(path: $0, text: $1, source: source) })
    }

    @Test func aFlagThatNoProgramHasIsFlagged() {
        let source = "flag(\"base-port\"), \"--listen\""
        func findings(_ text: String) -> Int {
            DocumentTests.flagFindings(path: "a.md", text: text, source: source).count
        }
        #expect(findings("concordd dev --base-port 7500 --listen x") == 0)
        #expect(findings("concordd dev --bace-port 7500") == 1)
        #expect(findings("swift build --product concordd") == 0)
        #expect(findings("curl --silent x # concord") == 0)
    }

    /// What each decision page must answer, by the beginnings that its heading may have.
    static let decisionHeadings = [
        ["## The question"], ["## What was weighed"], ["## The choice"], ["## Consequences", "## What it costs"],
    ]

    static func decisionFindings(path: String, text: String) -> [Finding] {
        let lines = text.split(separator: "\n")
        var findings = decisionHeadings.filter { heading in
            !lines.contains { line in heading.contains { line.hasPrefix($0) } }
        }.map { Finding(path, "lacks \($0[0])") }
        if lines.first?.hasPrefix("# ") != true { findings.append(Finding(path, "has no title")) }
        let name = path.split(separator: "/").last ?? ""
        if name.prefix(4).contains(where: { !$0.isNumber }) || name.dropFirst(4).first != "-" {
            findings.append(Finding(path, "has no number of four digits"))
        }
        return findings
    }

    /// Places that were left open: a word in capitals between two at signs.
    static func openPlaces(path: String, text: String) -> [Finding] {
        text.split(separator: "\n").flatMap { line in
            between("@", "@", in: String(line))
                .filter { word in !word.isEmpty && word.allSatisfy(\.isUppercase) }
                .map { Finding(path, "has an open place @\($0)@") }
        }
    }

    /// Link targets, relative to the page, and paths in backticks, from the top.
    static func pathFindings(path: String, text: String, exists: (String) -> Bool) -> [Finding] {
        let tops = ["Sources/", "Tests/", "docs/", "docker/", "Jepsen-style/", ".ci/"]
        let directory = path.split(separator: "/").dropLast().map(String.init)
        return text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().flatMap { index, line in
            let quoted = between("`", "`", in: String(line)).filter { word in
                tops.contains { word.hasPrefix($0) } && !word.contains(" ") && !word.contains("*")
                    && !word.contains("…")
            }
            let links = between("](", ")", in: String(line)).filter { !$0.contains(":") && !$0.hasPrefix("#") }
            let targets =
                quoted + links.map { resolved($0.split(separator: "#").first.map(String.init) ?? "", in: directory) }
            return targets.filter { !exists($0) }.map { Finding(path, line: index + 1, "there is no \($0)") }
        }
    }

    private static func resolved(_ link: String, in directory: [String]) -> String {
        var parts = directory
        for part in link.split(separator: "/") {
            if part == ".." {
                guard parts.popLast() != nil else { return link }
            } else if part != "." {
                parts.append(String(part))
            }
        }
        return parts.joined(separator: "/")
    }

    /// The texts between each `opening` and the `closing` that follows it.
    static func between(_ opening: String, _ closing: String, in line: String) -> [String] {
        var found: [String] = []
        var rest = line[...]
        while let start = rest.firstRange(of: opening) {
            let behind = rest[start.upperBound...]
            guard let end = behind.firstRange(of: closing) else { break }
            found.append(String(behind[..<end.lowerBound]))
            rest = behind[end.upperBound...]
        }
        return found
    }

    /// Constants named version or magic: each stands in the description of the formats, with its value.
    static func formatFindings(_ file: SourceText, formats: String) -> [Finding] {
        let modules: Set = ["ConcordModel", "ConcordRaft", "ConcordState", "ConcordStorage", "ConcordReplica"]
        guard modules.contains(file.target) || file.path.contains("Peer") else { return [] }
        let described = formats.split(separator: "\n")
        var scopes: [String?] = []
        var declared: String?
        var findings: [Finding] = []
        for index in file.code.indices {
            let tokens = file.code[index].tokens
            if let (name, value) = constant(tokens, line: file.lines[index]) {
                let full = (scopes.compactMap { $0 }.last ?? "") + "." + name
                let known = described.contains { $0.contains("`\(full)`") && String($0).mentions(value) }
                if !known {
                    findings.append(Finding(file.path, line: index + 1, "\(full) = \(value) is not in docs/formats.md"))
                }
            }
            for (at, token) in tokens.enumerated() {
                switch token {
                case "struct", "enum", "class", "extension": declared = at + 1 < tokens.count ? tokens[at + 1] : nil
                case "{":
                    scopes.append(declared)
                    declared = nil
                case "}": _ = scopes.popLast()
                default: break
                }
            }
        }
        return findings
    }

    /// Name and value, when the line declares a constant of a format.
    private static func constant(_ tokens: [String], line: String) -> (name: String, value: String)? {
        guard let word = tokens.firstIndex(of: "let"), tokens.contains("static"), word + 1 < tokens.count,
            let equals = line.firstIndex(of: "=")
        else { return nil }
        let lower = tokens[word + 1].lowercased()
        guard lower.hasSuffix("version") || lower.hasSuffix("magic") else { return nil }
        var value = line[line.index(after: equals)...]
        if let comment = value.firstRange(of: "//") { value = value[..<comment.lowerBound] }
        return (tokens[word + 1], value.trimming { $0 == " " })
    }

    /// The `--flags` behind the name of one of our programs, on the same line.
    static func flagFindings(path: String, text: String, source: String) -> [Finding] {
        let programs = ["concordd ", "concord ", "concord-bench "]
        return text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().flatMap { index, line in
            guard let program = programs.compactMap({ line.firstRange(of: $0) }).first else { return [Finding]() }
            let words = line[program.upperBound...].split { " `,;()[]|=".contains($0) }
            let flags = words.filter { $0.hasPrefix("--") && $0.count > 2 }.map { String($0.dropFirst(2)) }
            let unknown = flags.filter { !source.contains("\"\($0)\"") && !source.contains("\"--\($0)") }
            return unknown.map { Finding(path, line: index + 1, "no program knows --\($0)") }
        }
    }
}

extension Substring {
    fileprivate func trimming(_ isTrimmed: (Character) -> Bool) -> String {
        var rest = self
        while let first = rest.first, isTrimmed(first) { rest = rest.dropFirst() }
        while let last = rest.last, isTrimmed(last) { rest = rest.dropLast() }
        return String(rest)
    }
}
