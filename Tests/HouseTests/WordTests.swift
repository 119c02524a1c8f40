import Testing

/// The repository speaks of Concord alone. Paths of the machine it was written on and the tools and people around
/// its writing mean nothing to its readers.
@Suite struct WordTests {
    /// Put together from parts, so that this file does not hold them.
    static let foreign = [
        ["/wo", "rk/"], ["..", "/shared"], ["..", "/.library"], ["/ro", "ot/"], ["/ho", "me/"], ["sub", "agent"],
        ["this ", "session"], ["build", "-slot"], ["work", "tree add"], ["before", "-stop"], ["farm", "-bench"],
        ["farm", "-studio"],
    ].map { $0.joined() }

    @Test func noFileSpeaksOfItsWorkshop() {
        let kinds = [".swift", ".md", ".c", ".h", ".sh", ".yaml", ".yml", ".json", ".html", ".txt"]
        let texts = Repository.paths.filter { path in
            kinds.contains { path.hasSuffix($0) } || path.hasPrefix(".ci/") || path.hasPrefix("docker/")
        }
        #expect(texts.contains("README.md"))
        expectNone(texts.flatMap { WordTests.findings(path: $0, text: Repository.text(of: $0)) })
    }

    @Test func everyForeignWordIsFlagged() {
        for word in WordTests.foreign {
            #expect(WordTests.findings(path: "a.md", text: "one\nsee \(word)x").count == 1, "\(word)")
        }
        #expect(WordTests.findings(path: "a.md", text: "the works of Shared/Library, a session").isEmpty)
        #expect(WordTests.findings(path: "a.md", text: "As issue" + " 02 says").count == 1)
        #expect(WordTests.findings(path: "a.md", text: "issue" + " 4711 of etcd").isEmpty)
    }

    static func findings(path: String, text: String) -> [Finding] {
        text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().flatMap { index, line in
            var found = foreign.filter { line.lowercased().contains($0) }
            if namesATask(String(line)) { found.append("the number of a task") }
            return found.map { Finding(path, line: index + 1, "\($0) has no place here") }
        }
    }

    /// The word and a number below ten, written as tasks are numbered: with or without one leading zero.
    private static func namesATask(_ line: String) -> Bool {
        let tokens = line.lowercased().tokens
        return zip(tokens, tokens.dropFirst()).contains { word, number in
            word == "issue" && (1...9).contains(Int(number) ?? 0) && number.utf8.count <= 2
        }
    }
}
