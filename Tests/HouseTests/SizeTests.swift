import Testing

/// A file has one subject, a function fits a screen, a program's main only puts modules together.
@Suite struct SizeTests {
    static let fileLinesMax = 400
    static let functionLinesMax = 70
    static let mainLinesMax = 100

    @Test func filesFunctionsAndMainsKeepTheirSize() {
        expectNone(Repository.swift.flatMap(SizeTests.findings))
    }

    @Test func oneLineTooManyIsFlagged() {
        func file(_ path: String, lines: Int) -> SourceText {
            SourceText(path: path, text: String(repeating: "let a = 1\n", count: lines))
        }
        #expect(SizeTests.findings(file("Sources/A/a.swift", lines: 400)).isEmpty)
        #expect(SizeTests.findings(file("Sources/A/a.swift", lines: 401)).count == 1)
        #expect(SizeTests.findings(file("Tests/A/a.swift", lines: 401)).count == 1)
        #expect(SizeTests.findings(file("Sources/concord/main.swift", lines: 100)).isEmpty)
        #expect(SizeTests.findings(file("Sources/concord/main.swift", lines: 101)).count == 1)
    }

    @Test func aFunctionOneLineTooLongIsFlagged() {
        func function(lines: Int) -> SourceText {
            let body = String(repeating: "    print(\"}\") // }\n", count: lines - 2)
            return SourceText(path: "Sources/A/a.swift", text: "struct A {\nfunc long() {\n\(body)}\n}\n")
        }
        #expect(SizeTests.findings(function(lines: 70)).isEmpty)
        #expect(SizeTests.findings(function(lines: 71)) == [Finding("Sources/A/a.swift", line: 2, "71 lines in long")])
    }

    @Test func functionsAreFoundWithTheirBodies() {
        let text = """
            protocol P {
                func required(a: Int) throws
                init(b: Int)
            }
            struct S: P {
                init(b: Int) {
                    self.init()
                }
                func required(
                    a: Int = { 1 }()
                ) throws
                    -> Int
                {
                    func inner() {}
                    return a
                }
                deinit { a() }
                subscript(a: Int) -> Int { a }
            }
            """
        let found = SizeTests.functions(SourceText(path: "x", text: text))
        #expect(found.map(\.name) == ["init", "required", "inner", "deinit", "subscript"])
        #expect(found.map(\.lines) == [3, 8, 1, 1, 1])
        #expect(found.map(\.line) == [6, 9, 14, 17, 18])
    }

    static func findings(_ file: SourceText) -> [Finding] {
        var findings: [Finding] = []
        let count = file.lines.last == "" ? file.lines.count - 1 : file.lines.count
        if count > fileLinesMax { findings.append(Finding(file.path, "\(count) lines, at most \(fileLinesMax)")) }
        if file.path.hasSuffix("/main.swift"), count > mainLinesMax {
            findings.append(Finding(file.path, "\(count) lines, a main has at most \(mainLinesMax)"))
        }
        for function in functions(file) where function.lines > functionLinesMax {
            findings.append(Finding(file.path, line: function.line, "\(function.lines) lines in \(function.name)"))
        }
        return findings
    }

    struct Function {
        var name: String
        var line: Int
        var lines: Int
    }

    /// Every function, initialiser and subscript that has a body.
    static func functions(_ file: SourceText) -> [Function] {
        let tokens = file.code.enumerated().flatMap { line, text in text.tokens.map { (line: line, text: $0) } }
        let words: Set = ["func", "init", "deinit", "subscript"]
        return tokens.indices.compactMap { index in
            guard words.contains(tokens[index].text), index == 0 || tokens[index - 1].text != "." else { return nil }
            guard let body = bodyStart(tokens, from: index), let end = bodyEnd(tokens, from: body) else { return nil }
            let next = index + 1 < tokens.count ? tokens[index + 1].text : ""
            let name = tokens[index].text == "func" ? next : tokens[index].text
            return Function(name: name, line: tokens[index].line + 1, lines: tokens[end].line - tokens[index].line + 1)
        }
    }

    /// The brace that opens the body, or `nil` for a requirement without one.
    private static func bodyStart(_ tokens: [(line: Int, text: String)], from start: Int) -> Int? {
        let goesOn: Set = ["{", "-", "where", "throws", "async", "rethrows", "(", ")", ":", "&", ","]
        var depth = 0
        for index in tokens.indices[start...].dropFirst() {
            let text = tokens[index].text
            let isNewLine = tokens[index].line != tokens[index - 1].line
            if depth == 0, isNewLine, !goesOn.contains(text) { return nil }
            switch text {
            case "(", "[": depth += 1
            case ")", "]": depth -= 1
            case "{" where depth == 0: return index
            case "}" where depth == 0: return nil
            default: break
            }
        }
        return nil
    }

    private static func bodyEnd(_ tokens: [(line: Int, text: String)], from start: Int) -> Int? {
        var depth = 0
        for index in tokens.indices[start...] {
            if tokens[index].text == "{" { depth += 1 }
            if tokens[index].text == "}" { depth -= 1 }
            if depth == 0 { return index }
        }
        return nil
    }
}
