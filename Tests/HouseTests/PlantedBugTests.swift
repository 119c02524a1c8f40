import Testing

/// The planted bugs (Tests/PlantedBugs) fit the code as it is, so that they can be planted at any time.
@Suite struct PlantedBugTests {
    @Test func everyPlantedBugHasItsPlaceInTheCode() {
        let files = Repository.paths.filter { $0.hasSuffix(".bugs") }
        let bugs = files.flatMap { PlantedBugTests.bugs(path: $0, text: Repository.text(of: $0)) }
        #expect(bugs.count >= 40)
        #expect(Set(bugs.map(\.number)).count == bugs.count, "two planted bugs have one number")
        expectNone(bugs.flatMap { PlantedBugTests.findings($0, text: Repository.text(of: $0.fields["file"] ?? "")) })
    }

    @Test func aBugThatFitsNoMoreIsFlagged() {
        func findings(_ was: String, rows: String = "1", in text: String) -> [String] {
            let bug = "[7] a-name\nrows \(rows)\nfile Sources/A/a.swift\nbreaks All.\nwas \(was)\nnow\n"
            return PlantedBugTests.bugs(path: "a.bugs", text: bug).flatMap {
                PlantedBugTests.findings($0, text: text).map(\.message)
            }
        }
        #expect(findings("a = «b»", in: "let a\n    = b").isEmpty)
        #expect(findings("a = b\n    c()", in: "a = b\nc()").isEmpty)
        #expect(findings("a = b", in: "a = c") == ["bug 7 (a-name): its original stands 0 times in its file, not once"])
        #expect(findings("a", in: "a + a") == ["bug 7 (a-name): its original stands 2 times in its file, not once"])
        #expect(findings("a", rows: "P7 97", in: "a").count == 1)
        #expect(findings("a", rows: "", in: "a").count == 1)
    }

    @Test func aFieldThatIsMissingIsFlagged() {
        let bug = "# a remark\n\n[7] a-name\nrows 1 P6\nfile a\nbreaks All.\nwas a\n"
        let found = PlantedBugTests.bugs(path: "a.bugs", text: bug).flatMap { PlantedBugTests.findings($0, text: "a") }
        #expect(found.map(\.message) == ["bug 7 (a-name): has no now"])
    }

    struct Bug {
        var path: String
        var line: Int
        var number: String
        var name: String
        var fields: [String: String] = [:]
    }

    static let fieldNames = ["rows", "file", "breaks", "was", "now"]

    static func bugs(path: String, text: String) -> [Bug] {
        var bugs: [Bug] = []
        var field = ""
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            if line.hasPrefix("["), words.count == 2 {
                bugs.append(
                    Bug(path: path, line: index + 1, number: String(words[0].dropFirst().dropLast()), name: words[1]))
            } else if line.hasPrefix(" "), !bugs.isEmpty {
                bugs[bugs.count - 1].fields[field, default: ""] += "\n" + line
            } else if let name = words.first, fieldNames.contains(name), !bugs.isEmpty {
                field = name
                bugs[bugs.count - 1].fields[field] = words.count > 1 ? words[1] : ""
            }
        }
        return bugs
    }

    static func findings(_ bug: Bug, text: String) -> [Finding] {
        func finding(_ message: String) -> Finding {
            Finding(bug.path, line: bug.line, "bug \(bug.number) (\(bug.name)): \(message)")
        }
        var found = fieldNames.filter { bug.fields[$0] == nil }.map { finding("has no \($0)") }
        let known = Set((1...96).map(String.init) + (1...6).map { "P\($0)" })
        let rows = bug.fields["rows", default: ""].split(separator: " ").map(String.init)
        if rows.isEmpty || !known.isSuperset(of: rows) { found.append(finding("names no row of the catalogue")) }
        let was = pressed(bug.fields["was", default: ""].filter { $0 != "«" && $0 != "»" })
        let count = was.isEmpty ? 0 : pressed(text).split(separator: was, omittingEmptySubsequences: false).count - 1
        if count != 1 { found.append(finding("its original stands \(count) times in its file, not once")) }
        return found
    }

    /// The text without its white space, so that a line may be broken elsewhere.
    static func pressed(_ text: String) -> String {
        text.filter { !$0.isWhitespace }
    }
}
