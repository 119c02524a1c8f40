import Testing

/// docs/reliability.md names, for every bug of the catalogue, what would find it in this project. A name that nothing
/// has is a promise that nothing keeps.
@Suite struct CatalogueTests {
    static let rows = 1...96

    @Test func everyRowOfTheCatalogueIsHeldBySomethingThatExists() {
        let page = Repository.text(of: "docs/reliability.md")
        expectNone(CatalogueTests.findings(page: page, known: CatalogueTests.names))
        #expect(CatalogueTests.names.count > 500)
    }

    @Test func aMissingRowAndAnUnknownNameAreFlagged() {
        func findings(_ lines: [String]) -> [String] {
            CatalogueTests.findings(page: lines.joined(separator: "\n"), known: ["aTest"]).map(\.message)
        }
        let all = CatalogueTests.rows.map { "| \($0) | a bug | `aTest` |" }
        #expect(findings(all).isEmpty)
        #expect(findings(Array(all.dropLast())) == ["row 96 of the catalogue stands 0 times, not once"])
        #expect(findings(all + ["| 5 | a bug | `aTest` |"]) == ["row 5 of the catalogue stands 2 times, not once"])
        #expect(
            findings(Array(all.dropLast()) + ["| 96 | a bug | `nothing` |"]) == [
                "row 96 names nothing, which is nowhere"
            ])
        #expect(
            findings(Array(all.dropLast()) + ["| 96 | a bug | some day |"]) == ["row 96 names nothing that holds it"])
        #expect(findings(Array(all.dropLast()) + ["| 96 | a bug | later: snapshots |"]).isEmpty)
    }

    static func findings(page: String, known: Set<String>) -> [Finding] {
        var seen: [Int: Int] = [:]
        var findings: [Finding] = []
        for (index, line) in page.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let cells = line.split(separator: "|").map { $0.split(separator: " ").joined(separator: " ") }
            guard line.hasPrefix("| "), cells.count == 3, let row = Int(cells[0]) else { continue }
            seen[row, default: 0] += 1
            let parts = cells[2].split(separator: "`", omittingEmptySubsequences: false)
            let names = parts.indices.filter { $0 % 2 == 1 }.map { String(parts[$0]) }
            if names.isEmpty, !cells[2].hasPrefix("later: ") {
                findings.append(
                    Finding("docs/reliability.md", line: index + 1, "row \(row) names nothing that holds it"))
            }
            for name in names where !known.contains(name) {
                findings.append(
                    Finding("docs/reliability.md", line: index + 1, "row \(row) names \(name), which is nowhere"))
            }
        }
        for row in rows where seen[row] != 1 {
            findings.append(
                Finding("docs/reliability.md", "row \(row) of the catalogue stands \(seen[row] ?? 0) times, not once"))
        }
        return findings
    }

    /// Tests, types, classes of faults and planted bugs.
    static let names: Set<String> = {
        var names: Set<String> = []
        for file in Repository.swift {
            for line in file.lines {
                // A name that is a sentence.
                let parts = line.split(separator: "`", omittingEmptySubsequences: false)
                if parts.count == 3, parts[0].hasSuffix("func ") { names.insert(String(parts[1])) }
                let words = line.split(whereSeparator: { " (:{<,".contains($0) })
                for (word, next) in zip(words, words.dropFirst())
                where ["func", "struct", "class", "enum", "case"].contains(word) {
                    names.insert(String(next))
                }
            }
        }
        for path in Repository.paths where path.hasSuffix(".bugs") {
            names.formUnion(PlantedBugTests.bugs(path: path, text: Repository.text(of: path)).map(\.name))
        }
        return names
    }()
}
