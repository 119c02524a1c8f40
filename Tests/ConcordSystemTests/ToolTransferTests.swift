import ConcordClient
import ConcordCommandLine
import ConcordTool
import Foundation
import Testing

@Suite struct ToolTransferTests {
    private func run(_ words: [String], on tree: MemoryTransport) async -> ToolRun {
        await ToolRun.run(words, on: tree)
    }

    @Test func aDirectoryComesBackAsItWas() async throws {
        let tree = MemoryTransport()
        let directory = try TemporaryDirectory()
        for index in 0..<1200 { try directory.write("many/\(index % 7)/f\(index)", "value \(index)") }
        try directory.write("bytes", [UInt8](0...255))
        try directory.write("empty file", [])
        try directory.write("ü/a b%2F?#", "odd")
        try FileManager.default.createDirectory(atPath: "\(directory.path)/empty", withIntermediateDirectories: true)
        let imported = await run(["import", directory.path, "/copy", "--in-flight", "8", "--json"], on: tree)
        #expect(imported.code == .success, "\(imported.complaints)")
        #expect(imported.json["files"] as? Int == 1203)
        #expect(tree.inFlightMax > 1 && tree.inFlightMax <= 8)
        #expect(tree.values["/copy/empty"] == .some(nil))
        #expect(tree.values["/copy/empty file"] == .some([]))
        let other = try TemporaryDirectory()
        let exported = await run(["export", "/copy", "\(other.path)/new/dir"], on: tree)
        #expect(exported.code == .success, "\(exported.complaints)")
        #expect(try other.contents(of: "new/dir") == directory.contents())
    }

    @Test func linksAreFollowedAndLoopsRefused() async throws {
        let tree = MemoryTransport()
        let directory = try TemporaryDirectory()
        let outside = try TemporaryDirectory()
        try outside.write("inner/file", "outside")
        try directory.write("real/file", "inside")
        try directory.link("alias", to: "real")
        try directory.link("file", to: "real/file")
        try directory.link("away", to: outside.path)
        try directory.link("real/up", to: "..")
        try directory.link("real/self", to: ".")
        try directory.link("nowhere", to: "no/such/file")
        try directory.link("ring", to: "ring")
        let run = await run(["import", directory.path, "/", "--json"], on: tree)
        #expect(run.code == .partial)
        #expect(tree.values["/real/file"] == [UInt8]("inside".utf8))
        #expect(tree.values["/alias/file"] == [UInt8]("inside".utf8))
        #expect(tree.values["/file"] == [UInt8]("inside".utf8))
        #expect(tree.values["/away/inner/file"] == [UInt8]("outside".utf8))
        let skipped = run.json["skipped"] as? [[String: String]] ?? []
        let names = skipped.compactMap { $0["name"]?.dropFirst(directory.path.count) }
        #expect(Set(names) == ["/real/up", "/real/self", "/alias/up", "/alias/self", "/nowhere", "/ring"])
        #expect(tree.values.keys.allSatisfy { $0.split(separator: "/").count <= 3 })
    }

    @Test func whatCannotBeWrittenIsNamedAndTheRestGoesOn() async throws {
        let tree = MemoryTransport(valueBytesMax: 100)
        let directory = try TemporaryDirectory()
        try directory.write("good", "1")
        try directory.write("large", String(repeating: "x", count: 101))
        try directory.write("new\nline", "2")
        try directory.write("edge", String(repeating: "x", count: 100))
        let run = await run(["import", directory.path, "/d", "--in-flight", "1"], on: tree)
        #expect(run.code == .partial)
        #expect(Set(tree.values.keys) == ["/", "/d", "/d/good", "/d/edge"])
        #expect(run.complaints.contains("large: too_large"))
        #expect(run.complaints.contains("new\u{FFFD}line: the path holds a control character"))
        #expect(run.output.contains("imported 2 files"))
        #expect(run.output.contains("2 skipped"))
    }

    @Test func aFailureOfTheClusterEndsTheImport() async throws {
        let tree = MemoryTransport { request, index in
            guard request.method == "PUT", index > 10 else { return nil }
            return .failure(.notSent("connection refused"))
        }
        let directory = try TemporaryDirectory()
        for index in 0..<100 { try directory.write("f\(index)", "x") }
        let run = await run(["import", directory.path, "/d", "--timeout", "200ms", "--in-flight", "4"], on: tree)
        #expect(run.code == .failure)
        #expect(run.complaints.hasPrefix("concord import: "))
        #expect(run.output.contains("before it failed"))
    }

    @Test func membersThatComeAndGoAreNotNoticed() async throws {
        let tree = MemoryTransport { _, index in
            switch index % 5 {
            case 1: .failure(.interrupted("reset"))
            case 3: .success(TransportReply(status: 503))
            default: nil
            }
        }
        let directory = try TemporaryDirectory()
        for index in 0..<200 { try directory.write("f\(index)", "value \(index)") }
        let run = await run(["import", directory.path, "/d", "--in-flight", "4"], on: tree)
        #expect(run.code == .success)
        #expect(tree.values.count == 202)
    }

    @Test func progressIsToldInLines() async throws {
        let directory = try TemporaryDirectory()
        for index in 0..<25 { try directory.write("f\(index)", "x") }
        let words = ["import", directory.path, "/d", "--progress", "lines", "--progress-every", "10"]
        let lines = await run(words, on: MemoryTransport()).complaints
        #expect(lines == "imported 10\nimported 20\nimported 25\n")
        #expect(await run(["import", directory.path, "/d"], on: MemoryTransport()).complaints == "")
    }

    @Test func aNodeWithValueAndChildrenKeepsBoth() async throws {
        let tree = MemoryTransport()
        for (path, value) in [
            ("/r", "root"), ("/r/both", "b"), ("/r/both/child", "c"), ("/r/taken", "t"), ("/r/taken/x", "x"),
            ("/r/taken.value", "other"),
        ] {
            _ = await run(["put", path, value, "--parents"], on: tree)
        }
        let directory = try TemporaryDirectory()
        let run = await run(["export", "/r", "\(directory.path)/out"], on: tree)
        #expect(run.code == .partial)
        #expect(run.complaints.contains("skipped /r/taken: it has a value and children"))
        let contents = try directory.contents(of: "out").mapValues { String(decoding: $0, as: UTF8.self) }
        #expect(
            contents == [
                ".value": "root", "both/": "", "both.value": "b", "both/child": "c", "taken/": "", "taken/x": "x",
                "taken.value": "other",
            ])
    }

    @Test func exportTouchesNothingThatIsThere() async throws {
        let tree = MemoryTransport()
        _ = await run(["put", "/a", "x"], on: tree)
        let directory = try TemporaryDirectory()
        try directory.write("mine", "keep")
        let refused = await run(["export", "/", directory.path], on: tree)
        #expect(refused.code == .failure)
        #expect(refused.complaints.contains("is not empty"))
        #expect(try directory.contents() == ["mine": [UInt8]("keep".utf8)])
        #expect(await run(["export", "/none", "\(directory.path)/out"], on: tree).code == .failure)
    }

    @Test func noNameLeadsOutOfTheDirectory() {
        #expect(Tool.names(of: "/a/b", below: "/a") == ["b"])
        #expect(Tool.names(of: "/a", below: "/a") == [])
        #expect(Tool.names(of: "/a/b", below: "/") == ["a", "b"])
        for path in ["/a/..", "/a/../b", "/a/.", "/a//b", "/a/b/", "/ab", "/b", "a/b", "/a/\u{0}", ""] {
            #expect(Tool.names(of: path, below: "/a") == nil, "\(path)")
        }
        #expect(Tool.names(of: "/a/" + String(repeating: "x", count: 256), below: "/a") == nil)
    }
}
