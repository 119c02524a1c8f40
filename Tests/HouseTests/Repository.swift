import Foundation
import Testing

/// A rule that was broken, and where.
struct Finding: Equatable, CustomStringConvertible {
    var path: String
    /// 0 for the file as a whole.
    var line: Int
    var message: String

    init(_ path: String, line: Int = 0, _ message: String) {
        self.path = path
        self.line = line
        self.message = message
    }

    var description: String { line == 0 ? "\(path): \(message)" : "\(path):\(line): \(message)" }
}

/// Fails the test with every finding on a line of its own.
func expectNone(_ findings: [Finding], sourceLocation: SourceLocation = #_sourceLocation) {
    let told = findings.map(\.description).joined(separator: "\n")
    #expect(findings.isEmpty, "\n\(told)", sourceLocation: sourceLocation)
}

/// The files of this repository, read where the tests were built.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Every file, sorted; build products and version control are not part of the repository.
    static let paths: [String] = {
        let apart: Set = [".build", ".git", ".swiftpm", ".scratch", "concord-data"]
        var found: [String] = []
        var open = [""]
        while let directory = open.popLast() {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path + "/" + directory)) ?? []
            for name in names where !(directory.isEmpty && apart.contains(name)) {
                let path = directory + name
                let attributes = try? FileManager.default.attributesOfItem(atPath: root.path + "/" + path)
                let isDirectory = attributes?[.type] as? FileAttributeType == .typeDirectory
                if isDirectory { open.append(path + "/") } else { found.append(path) }
            }
        }
        return found.sorted()
    }()

    /// Every file of Swift below the directories that hold our code.
    static let swift: [SourceText] = paths.filter { path in
        path.hasSuffix(".swift") && ["Sources/", "Tests/", "Jepsen-style/"].contains { path.hasPrefix($0) }
    }.map { SourceText(path: $0, text: text(of: $0)) }

    static var product: [SourceText] { swift.filter(\.isProduct) }

    static let package = SourceText(path: "Package.swift", text: text(of: "Package.swift"))

    /// Pages for people.
    static var pages: [(path: String, text: String)] {
        paths.filter { $0.hasSuffix(".md") }.map { ($0, text(of: $0)) }
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.path + "/" + path)
    }

    /// The text of a file; empty when it is missing or is no text.
    static func text(of path: String) -> String {
        (try? String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)) ?? ""
    }
}

@Suite struct RepositoryTests {
    /// Rules over no files would all hold.
    @Test func theFilesOfTheRepositoryAreFound() {
        #expect(Repository.product.count > 20)
        #expect(Repository.swift.contains { $0.path == "Tests/HouseTests/Repository.swift" })
        #expect(!Repository.package.lines.isEmpty)
        #expect(!Repository.paths.contains { $0.hasPrefix(".build/") })
    }

    @Test func commentsAndLiteralsAreNotCode() {
        let text = SourceText(
            path: "Sources/A/a.swift",
            text: """
                let a = "word \\(b + "inner") word" // remark word
                /* block word /* nested */ word */ let c = #"raw " word"#
                let d = 1 / 2
                """)
        #expect(!text.code.contains { $0.mentions("word") })
        #expect(text.code[0].mentions("let a ="))
        #expect(text.code[1].mentions("let c ="))
        #expect(text.code[2] == "let d = 1 / 2")
        #expect(text.comments[0].mentions("remark"))
        #expect(!text.comments[0].mentions("inner"))
        #expect(text.comments[1].mentions("nested"))
        #expect(text.target == "A")
    }

    @Test func severalLinesOfTextAreOneLiteral() {
        let quotes = "\"\"\""
        let text = SourceText(path: "x", text: "let a = \(quotes)\n  { \"word\n  \(quotes)\nlet b = 1")
        #expect(text.code == ["let a =    ", "         ", "     ", "let b = 1"])
    }

    @Test func namesHaveBoundaries() {
        #expect("fingerprint(x)".mentions("print(") == false)
        #expect("print(x)".mentions("print("))
        #expect("x.random(in: a)".mentions(".random("))
        #expect("unsafely".mentions("unsafe") == false)
        #expect("try unsafe x".mentions("unsafe"))
        #expect("@inlinable package init(_ a: B)".tokens.prefix(4) == ["@", "inlinable", "package", "init"])
    }
}
