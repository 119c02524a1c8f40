import Testing

/// Who may import whom. A leaf knows one subject and nothing of the others; the replica is where they meet.
@Suite struct ImportTests {
    /// The modules of ours.
    static let table: [String: Set<String>] = [
        "ConcordBytes": [],
        "ConcordModel": ["ConcordBytes"],
        "ConcordAPI": ["ConcordModel", "ConcordBytes"],
        "ConcordRaft": ["ConcordBytes"],
        "ConcordState": ["ConcordModel", "ConcordBytes"],
        "ConcordStorage": ["ConcordRaft", "ConcordBytes"],
        "ConcordReplica": ["ConcordRaft", "ConcordState", "ConcordStorage", "ConcordModel", "ConcordBytes"],
        "ConcordBackup": [
            "ConcordReplica", "ConcordState", "ConcordStorage", "ConcordRaft", "ConcordModel", "ConcordBytes",
        ],
        "ConcordHTTP": ["ConcordBytes"],
        "ConcordLinux": ["CConcordLinux", "ConcordBytes"],
        "ConcordEndpoints": ["ConcordAPI", "ConcordHTTP", "ConcordReplica", "ConcordModel", "ConcordBytes"],
        "ConcordServer": [
            "ConcordEndpoints", "ConcordAPI", "ConcordHTTP", "ConcordLinux", "ConcordReplica", "ConcordStorage",
            "ConcordState", "ConcordRaft", "ConcordModel", "ConcordBytes", "ConcordCommandLine", "ConcordBackup",
        ],
        // Of these HTTP, Linux and Bytes only with the trait SocketTransport.
        "ConcordClient": ["ConcordAPI", "ConcordModel", "ConcordHTTP", "ConcordLinux", "ConcordBytes"],
        "ConcordCommandLine": [],
        "ConcordTool": ["ConcordClient", "ConcordBackup", "ConcordAPI", "ConcordModel", "ConcordCommandLine"],
        "ConcordBench": ["ConcordClient", "ConcordHTTP", "ConcordLinux", "ConcordCommandLine", "ConcordBytes"],
        "ConcordSimulator": [
            "ConcordReplica", "ConcordStorage", "ConcordState", "ConcordRaft", "ConcordModel", "ConcordBytes",
            "ConcordChecker",
        ],
        // A bug of ours must not judge itself.
        "ConcordChecker": [],
        "ConcordHarness": ["ConcordChecker", "ConcordCommandLine"],
        "concordd": ["ConcordServer", "ConcordCommandLine"],
        "concord": ["ConcordTool", "ConcordCommandLine"],
        "concord-bench": ["ConcordBench", "ConcordCommandLine"],
        "concord-jepsen": ["ConcordHarness", "ConcordCommandLine"],
        "concord-sim": ["ConcordSimulator", "ConcordLinux", "ConcordCommandLine"],
    ]

    /// The modules of the system. Everything else of the house makes do with the standard library.
    static let system: [String: Set<String>] = [
        "ConcordAPI": ["FoundationEssentials"],
        "ConcordLinux": ["Glibc", "Synchronization"],
        "ConcordServer": ["Synchronization"],
        "ConcordClient": ["Foundation", "FoundationEssentials", "FoundationNetworking", "Synchronization"],
        "ConcordTool": ["Foundation", "Synchronization"],
        "ConcordBench": ["Foundation", "Synchronization"],
        // Only to write to the terminal and to files, on whatever system the client library is built for.
        "ConcordCommandLine": ["Foundation", "Glibc", "Musl", "Darwin"],
        "concord": ["Foundation"],
        "concord-bench": ["Foundation"],
        "ConcordHarness": ["Foundation"],
        "concord-jepsen": ["Foundation"],
        "concord-sim": ["Foundation", "Synchronization"],
    ]

    @Test func everyModuleImportsOnlyWhatItMay() {
        expectNone(Repository.product.flatMap(ImportTests.findings))
    }

    @Test func thePackageSaysTheSame() {
        let declared = ImportTests.dependencies(package: Repository.package.lines.joined(separator: " "))
        #expect(declared == ImportTests.table)
    }

    @Test func anImportOutsideOfTheTableIsFlagged() {
        func imports(_ line: String, in target: String) -> Bool {
            ImportTests.findings(SourceText(path: "Sources/\(target)/a.swift", text: line)).isEmpty
        }
        #expect(imports("package import ConcordBytes", in: "ConcordRaft"))
        #expect(!imports("import ConcordModel", in: "ConcordRaft"))
        #expect(!imports("package import ConcordState", in: "ConcordRaft"))
        #expect(!imports("@preconcurrency internal import Foundation", in: "ConcordHTTP"))
        #expect(!imports("import struct Foundation.Data", in: "ConcordAPI"))
        #expect(imports("import FoundationEssentials", in: "ConcordAPI"))
        #expect(!imports("    import Glibc", in: "ConcordServer"))
        #expect(!imports("import Synchronization", in: "ConcordReplica"))
        #expect(!imports("import ConcordBytes", in: "ConcordNew"))
        #expect(imports("// import Foundation", in: "ConcordRaft"))
    }

    @Test func theDependenciesOfAPackageAreRead() {
        let package = """
            func room(_ name: String) -> Target { .target(name: name) }
            room("A"), room("B", ["A", .target(name: "C", condition: x)]), program("d", ["B"]), tests("BTests", ["B"])
            """
        #expect(ImportTests.dependencies(package: package) == ["A": [], "B": ["A", "C"], "d": ["B"]])
    }

    static func findings(_ file: SourceText) -> [Finding] {
        file.code.enumerated().compactMap { index, line in
            guard let module = importedModule(line) else { return nil }
            guard let own = table[file.target] else {
                return Finding(file.path, line: index + 1, "\(file.target) is not in the table of imports")
            }
            guard !own.contains(module), !(system[file.target] ?? []).contains(module) else { return nil }
            return Finding(file.path, line: index + 1, "\(file.target) may not import \(module)")
        }
    }

    /// The module that a line of code imports.
    static func importedModule(_ line: String) -> String? {
        let tokens = line.tokens
        guard let word = tokens.firstIndex(of: "import") else { return nil }
        let before: Set = [
            "@", "preconcurrency", "_exported", "testable", "public", "package", "internal", "fileprivate", "private",
        ]
        guard tokens[..<word].allSatisfy(before.contains) else { return nil }
        let kinds: Set = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
        return tokens[(word + 1)...].first { !kinds.contains($0) }
    }

    /// What the package's rooms and programs depend on.
    static func dependencies(package: String) -> [String: Set<String>] {
        var found: [String: Set<String>] = [:]
        let bytes = [UInt8](package.utf8)
        for opening in ["room(", "judge(", "program("] {
            let wanted = [UInt8](opening.utf8)
            for start in bytes.indices where bytes[start...].starts(with: wanted) {
                if start > 0 && (bytes[start - 1].isPartOfName || bytes[..<start].suffix(5).elementsEqual("func ".utf8))
                {
                    continue
                }
                let names = quoted(bytes[(start + wanted.count)...])
                if let name = names.first { found[name] = Set(names.dropFirst()) }
            }
        }
        return found
    }

    /// The texts in quotes up to the parenthesis that closes.
    private static func quoted(_ bytes: ArraySlice<UInt8>) -> [String] {
        var (names, depth) = ([String](), 1)
        var open: [UInt8]?
        for byte in bytes {
            if byte == UInt8(ascii: "\"") {
                if let name = open { names.append(String(decoding: name, as: UTF8.self)) }
                open = open == nil ? [] : nil
            } else if open != nil {
                open?.append(byte)
            } else if byte == UInt8(ascii: "(") {
                depth += 1
            } else if byte == UInt8(ascii: ")") {
                depth -= 1
                if depth == 0 { break }
            }
        }
        return names
    }
}
