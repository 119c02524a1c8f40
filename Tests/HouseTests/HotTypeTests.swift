import Testing

/// A `package` function is opaque to other modules unless it is inlinable, and an inlinable one only sees stored
/// properties that are usable from inline. For types that are touched for each byte or each comparison that
/// makes a factor of ten.
@Suite struct HotTypeTests {
    /// Where each hot type stands, and its members that are not hot.
    static let types: [(name: String, path: String, cold: Set<String>)] = [
        ("ByteReader", "Sources/ConcordBytes/ByteReader.swift", []),
        ("ByteWriter", "Sources/ConcordBytes/ByteWriter.swift", []),
        ("ByteQueue", "Sources/ConcordBytes/ByteQueue.swift", []),
        ("Key", "Sources/ConcordModel/Key.swift", ["init(text", "parent", "name", "isBelow", "text", "separator"]),
        ("Revision", "Sources/ConcordModel/Numbers.swift", []),
        ("Epoch", "Sources/ConcordModel/Numbers.swift", []),
        ("Term", "Sources/ConcordRaft/Identity.swift", []),
        ("LogIndex", "Sources/ConcordRaft/Identity.swift", []),
        ("MemberID", "Sources/ConcordRaft/Identity.swift", []),
        ("HTTPField", "Sources/ConcordHTTP/HTTPHeaders.swift", []),
        ("HTTPHeaders", "Sources/ConcordHTTP/HTTPHeaders.swift", ["first", "count", "all", "subscript"]),
        ("HTTPRequest", "Sources/ConcordHTTP/HTTPRequest.swift", ["isOldVersion"]),
    ]

    @Test func hotTypesCanBeInlined() {
        for type in HotTypeTests.types {
            let file = SourceText(path: type.path, text: Repository.text(of: type.path))
            expectNone(HotTypeTests.findings(file, type: type.name, cold: type.cold))
        }
    }

    @Test func whatCannotBeInlinedIsFlagged() {
        func findings(_ text: String, cold: Set<String> = []) -> [String] {
            HotTypeTests.findings(SourceText(path: "a", text: text), type: "A", cold: cold).map(\.message)
        }
        #expect(findings("") == ["there is no type A"])
        #expect(
            findings("package struct A {\n}\n")
                == ["A is not usable from inline"])
        let good = """
            @usableFromInline package struct A: Sendable {
                @usableFromInline package var stored = 0
                @inlinable package init() {}
                @inlinable
                package func go() {}
                @inlinable package static func < (left: A, right: A) -> Bool { true }
                private func own() {}
            """
        #expect(findings(good + "\n}\npackage func elsewhere() {}\n") == [])
        #expect(findings(good + "\n    package func slow() {}\n}\n") == ["slow of A is not inlinable"])
        #expect(findings(good + "\n    package func slow() {}\n}\n", cold: ["slow"]) == [])
        #expect(findings(good + "\n    package var stored2 = 0\n}\n") == ["stored2 of A is not inlinable"])
        #expect(findings(good + "\n    package init(text: String) {}\n}\n") == ["init(text of A is not inlinable"])
    }

    static func findings(_ file: SourceText, type: String, cold: Set<String>) -> [Finding] {
        let declared = file.code.firstIndex { line in
            let tokens = line.tokens
            return zip(tokens, tokens.dropFirst()).contains { $0 == "struct" && $1 == type }
        }
        guard let first = declared else { return [Finding(file.path, "there is no type \(type)")] }
        var findings: [Finding] = []
        if !file.code[first].mentions("@usableFromInline") {
            findings.append(Finding(file.path, line: first + 1, "\(type) is not usable from inline"))
        }
        var depth = 0
        for index in file.code.indices[first...] {
            let line = file.code[index]
            if depth == 1, line.mentions("package"), let name = memberName(line.tokens), !cold.contains(name) {
                let marks = file.code[index - 1] + " " + line
                if !marks.mentions("@inlinable") && !line.mentions("@usableFromInline") {
                    findings.append(Finding(file.path, line: index + 1, "\(name) of \(type) is not inlinable"))
                }
            }
            depth += line.utf8.count { $0 == UInt8(ascii: "{") } - line.utf8.count { $0 == UInt8(ascii: "}") }
            if depth == 0 && index > first { break }
        }
        return findings
    }

    private static func memberName(_ tokens: [String]) -> String? {
        for (index, token) in tokens.enumerated() {
            switch token {
            case "func", "var", "let": return tokens[(index + 1)...].first
            case "init": return "init(" + (tokens[index...].dropFirst(2).first ?? "")
            case "subscript": return token
            default: continue
            }
        }
        return nil
    }
}
