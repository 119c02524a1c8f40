import Testing

/// What the language offers and the house does without, or only at one address.
@Suite struct LanguageTests {
    /// Modules that are functions of their input alone: the simulator can then tell any run again from its seed.
    static let pure: Set = [
        "ConcordBytes", "ConcordModel", "ConcordRaft", "ConcordState", "ConcordStorage", "ConcordReplica",
        "ConcordBackup", "ConcordHTTP", "ConcordEndpoints", "ConcordAPI", "ConcordSimulator", "ConcordChecker",
    ]

    /// Clock, randomness, input and output, environment, threads; and what depends on the seed of hashing.
    static let effects = [
        "Date(", "Date.now", "ContinuousClock", "SuspendingClock", "clock_gettime", "gettimeofday", "DispatchTime",
        "SystemRandomNumberGenerator", ".shuffled()", ".shuffle()", ".randomElement()", "UUID(", "arc4random",
        "print(", "debugPrint(", "dump(", "readLine(", "FileManager", "FileHandle", "ProcessInfo", "getenv(",
        "CommandLine.arguments", "DispatchQueue", "Thread(", "pthread_create", "Mutex<", "Atomic<", "async", "await",
        "actor", "Task", "Hasher(", "hashValue",
    ]

    static let unsafeModules: Set = ["ConcordBytes", "ConcordLinux"]
    static let unsafeFiles: Set = [
        // Writes to the terminal on every system that the tools are built for, where ConcordLinux is not.
        "Sources/ConcordCommandLine/StandardStream.swift",
        // The same for files that a tool must not lose: Foundation can neither make one exclusively nor rename over one.
        "Sources/ConcordCommandLine/NewFile.swift",
        // Takes an input out of the hands of libFuzzer, which is written in C++.
        "Tests/Fuzz/Shared/EntryPoint.swift",
    ]
    /// How far above an unsafe expression its reason may stand: a function's worth.
    static let reasonLinesMax = 24
    static let realTimeTargets: Set = ["ConcordLinuxTests", "ConcordSystemTests"]

    @Test func pureModulesHaveNoEffects() {
        expectNone(Repository.product.flatMap(LanguageTests.effectFindings))
    }

    @Test func everyEffectIsFlagged() {
        func findings(_ line: String, in target: String = "ConcordRaft") -> Int {
            LanguageTests.effectFindings(SourceText(path: "Sources/\(target)/a.swift", text: line)).count
        }
        for effect in LanguageTests.effects { #expect(findings("let a = \(effect)") == 1, "\(effect)") }
        #expect(findings("let a = Int.random(in: 0..<3)") == 1)
        #expect(findings("let a = Int.random(in: 0..<3, using: &random)") == 0)
        #expect(findings("let fingerprint = \"print(1)\" // print(1)") == 0)
        #expect(findings("print(1)", in: "ConcordTool") == 0)
    }

    @Test func unsafeHasAnAddressAndAReason() {
        expectNone(Repository.swift.flatMap(LanguageTests.unsafeFindings))
    }

    @Test func unsafeElsewhereOrWithoutAReasonIsFlagged() {
        func findings(_ text: String, in path: String) -> [Finding] {
            LanguageTests.unsafeFindings(SourceText(path: path, text: text))
        }
        let reasoned = "// Safe: the buffer outlives the call.\nunsafe a()"
        #expect(findings(reasoned, in: "Sources/ConcordLinux/a.swift").isEmpty)
        #expect(findings(reasoned, in: "Sources/ConcordRaft/a.swift").count == 1)
        #expect(findings(reasoned, in: "Tests/Fuzz/Shared/EntryPoint.swift").isEmpty)
        #expect(findings(reasoned, in: "Tests/Fuzz/Paths.swift").count == 1)
        #expect(findings("// A remark.\nunsafe a()", in: "Sources/ConcordLinux/a.swift").count == 1)
        let far = "// Safe: so it is.\n" + String(repeating: "\n", count: 24) + "unsafe a()"
        #expect(findings(far, in: "Sources/ConcordLinux/a.swift").count == 1)
        let once = "// Safe here and below: a string lives as long as the call.\n"
        #expect(
            findings(once + String(repeating: "\n", count: 90) + "unsafe a()", in: "Sources/ConcordLinux/a.swift")
                .isEmpty)
        #expect(findings("let a: UnsafeRawPointer // unsafe", in: "Sources/ConcordRaft/a.swift").isEmpty)
    }

    @Test func nothingTrapsByShortcutAndNothingIsUnfinished() {
        expectNone((Repository.swift + [Repository.package]).flatMap(LanguageTests.shortcutFindings))
    }

    @Test func everyShortcutIsFlagged() {
        func findings(_ text: String, in path: String = "Sources/ConcordRaft/a.swift") -> Int {
            LanguageTests.shortcutFindings(SourceText(path: path, text: text)).count
        }
        #expect(findings("let a = try! b()") == 1)
        #expect(findings("let a = b as! C") == 1)
        #expect(findings("fatalError(\"no\")") == 1)
        #expect(findings("@testable import ConcordRaft", in: "Tests/A/a.swift") == 1)
        #expect(findings("// TODO: later") == 1)
        #expect(findings("/// FIXME") == 1)
        #expect(findings("swiftSettings: [.unsafeFlags([\"-O\"])]", in: "Package.swift") == 1)
        #expect(findings("let flags = [\"-Ounchecked\"]", in: "Package.swift") == 1)
        #expect(findings("let a = try? b() as? C // a reason, not a task") == 0)
    }

    @Test func testsNeitherSleepNorSwitchThemselvesOff() {
        expectNone(Repository.swift.flatMap(LanguageTests.waitingFindings))
    }

    @Test func aSleepingTestIsFlagged() {
        func findings(_ text: String, in target: String = "ConcordRaftTests") -> Int {
            LanguageTests.waitingFindings(SourceText(path: "Tests/\(target)/a.swift", text: text)).count
        }
        #expect(findings("try await Task.sleep(for: .seconds(1))") == 1)
        #expect(findings("usleep(5)") == 1)
        #expect(findings("Thread.sleep(forTimeInterval: 1)") == 1)
        #expect(findings("@Test(.disabled(\"flaky\")) func a() {}") == 1)
        #expect(findings("withKnownIssue { }", in: "ConcordSystemTests") == 1)
        #expect(findings("usleep(5)", in: "ConcordSystemTests") == 0)
        #expect(findings("@Test(.disabled()) func a() {}", in: "ConcordLinuxTests") == 1)
        #expect(findings("@Test func aSleepingMemberWakesUp() {}") == 0)
    }

    static func effectFindings(_ file: SourceText) -> [Finding] {
        guard file.isProduct, pure.contains(file.target) else { return [] }
        return file.code.enumerated().flatMap { index, line in
            var found = effects.filter(line.mentions)
            if line.mentions(".random(in:") && !line.mentions("using:") { found.append(".random(in:") }
            return found.map { Finding(file.path, line: index + 1, "\($0) in a pure module") }
        }
    }

    static func unsafeFindings(_ file: SourceText) -> [Finding] {
        let isAddress = file.isProduct && unsafeModules.contains(file.target) || unsafeFiles.contains(file.path)
        var reasonEnds = -1
        return file.code.indices.compactMap { index in
            if file.comments[index].mentions("Safe here and below:") { reasonEnds = .max }
            if file.comments[index].mentions("Safe:") { reasonEnds = max(reasonEnds, index + reasonLinesMax - 1) }
            guard file.code[index].mentions("unsafe") else { return nil }
            guard isAddress else {
                return Finding(file.path, line: index + 1, "unsafe outside of \(unsafeModules.sorted())")
            }
            guard index > reasonEnds else { return nil }
            return Finding(file.path, line: index + 1, "unsafe without a line that says why it is Safe:")
        }
    }

    static func shortcutFindings(_ file: SourceText) -> [Finding] {
        let shortcuts = ["try!", "as!", "fatalError(", "@testable", "unsafeFlags", "Ounchecked"]
        let unfinished = ["TODO", "FIXME", "XXX", "HACK"]
        return file.lines.indices.flatMap { index in
            // A package names compiler flags in texts.
            let code = file.path == "Package.swift" ? file.lines[index] : file.code[index]
            let found = shortcuts.filter(code.mentions) + unfinished.filter(file.comments[index].mentions)
            return found.map { Finding(file.path, line: index + 1, "\($0) has no place here") }
        }
    }

    static func waitingFindings(_ file: SourceText) -> [Finding] {
        guard !file.isProduct else { return [] }
        let never = [".disabled(", "withKnownIssue", "XCTSkip"]
        let waiting = [".sleep(", "usleep(", "nanosleep(", "sleep("]
        let forbidden = never + (realTimeTargets.contains(file.target) ? [] : waiting)
        return file.code.enumerated().compactMap { index, line in
            guard let found = forbidden.first(where: line.mentions) else { return nil }
            return Finding(file.path, line: index + 1, "\(found) in a test")
        }
    }
}
