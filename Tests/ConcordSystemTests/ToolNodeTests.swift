import ConcordClient
import ConcordCommandLine
import ConcordTool
import Foundation
import Testing

@Suite struct ToolNodeTests {
    private let tree = MemoryTransport()

    private func run(_ line: String, input: [UInt8] = []) async -> ToolRun {
        await ToolRun.run(line.split(separator: " ").map(String.init), on: tree, input: input)
    }

    @Test func everyExampleOfTheHelpIsRight() {
        #expect(ToolDeclaration.program.examplesRefused() == [])
    }

    @Test func whatIsPutIsGot() async throws {
        #expect(await run("put /a hello").output == "2\n")
        #expect(await run("get /a").output == "hello\n")
        #expect(await run("get /a --raw").output == "hello")
        #expect(await run("get /a --revision").output == "2\n")
        let node = await run("get /a --json").json
        #expect(node["value"] as? String == "hello")
        #expect(node["revision"] as? Int == 2)
    }

    @Test func valuesComeFromInputAndFiles() async throws {
        let directory = try TemporaryDirectory()
        try directory.write("f", [0, 255])
        #expect(await run("put /in -", input: [UInt8]("x\n".utf8)).code == .success)
        #expect(await run("get /in").output == "x\n")
        #expect(await run("put /file @\(directory.path)/f").code == .success)
        #expect(await run("get /file --raw").outputBytes == [0, 255])
        let missing = await run("put /file @\(directory.path)/none")
        #expect(missing.code == .failure)
        #expect(missing.complaints.contains("cannot be read"))
        #expect(await run("put /empty").code == .success)
        #expect(tree.values["/empty"] == .some(nil))
        #expect(await run("get /empty").complaints == "/empty has no value\n")
    }

    @Test func conditionsDecide() async throws {
        #expect(await run("put /a 1 --create").code == .success)
        let again = await run("put /a 2 --create")
        #expect(again.code == .failure)
        #expect(again.complaints == "concord put: already_exists: it exists\n")
        #expect(await run("put /a 2 --if-match 1,2").code == .success)
        #expect(await run("put /a 3 --if-match 2").code == .failure)
        #expect(await run("put /a 3 --if-match 2 --create").code == .usage)
        #expect(await run("get /a").output == "2\n")
    }

    @Test func deletingNeedsToBeSaidForSubtrees() async throws {
        _ = await run("put /a/b/c x --parents")
        #expect(await run("rm /a").code == .failure)
        let gone = await run("rm -r /a --json")
        #expect(gone.json["deleted_count"] as? Int == 3)
        #expect(await run("get /a").complaints == "concord get: not_found: /a does not exist\n")
        #expect(await run("rm /a").code == .failure)
    }

    @Test func listingsAndTrees() async throws {
        for path in ["/b/x", "/b/y/z", "/a"] { _ = await run("put \(path) v --parents") }
        #expect(await run("ls").output == "a\nb\n")
        #expect(await run("ls /b").output == "x\ny\n")
        let long = await run("ls -l").output.split(separator: "\n")
        #expect(long[0] == "NAME  KIND        REVISION  CREATED  VERSION  CHILDREN")
        #expect(long.count == 3)
        #expect(
            await run("tree").output == """
                /
                ├── a
                └── b
                    ├── x
                    └── y
                        └── z

                """)
        let nodes = await run("tree /b --json").json["nodes"] as? [[String: Any]]
        #expect(nodes?.compactMap { $0["path"] as? String } == ["/b/x", "/b/y", "/b/y/z"])
    }

    @Test func failuresAreJSONWhereThatWasAskedFor() async throws {
        let run = await run("get /none --json")
        #expect(run.code == .failure)
        let object = try JSONSerialization.jsonObject(with: Data(run.complaints.utf8)) as? [String: Any]
        let error = object?["error"] as? [String: Any]
        #expect(error?["code"] as? String == "not_found")
        #expect(error?["outcome_unknown"] as? Bool == false)
    }

    @Test func usageAndHelp() async throws {
        #expect(await run("get").code == .usage)
        #expect(await run("gte /a").complaints.contains("did you mean 'get'?"))
        #expect(await run("--endpoints 7400 get /a").code == .usage)
        let help = await run("import --help")
        #expect(help.code == .success)
        #expect(help.output.contains("Examples:"))
        #expect(await run("get a").complaints.contains("a path begins with /"))
    }

    @Test func namesCannotSteerTheTerminal() {
        #expect(Tool.shown("a\u{1B}[2J\u{202E}b\u{9B}c") == "a\u{FFFD}[2J\u{FFFD}b\u{FFFD}c")
    }
}
