import ConcordClient
import ConcordCommandLine
import ConcordTool
import Foundation
import Synchronization

/// What a command printed and how it ended.
struct ToolRun: Sendable {
    let code: ExitCode
    let output: String
    let outputBytes: [UInt8]
    let complaints: String

    /// Runs `concord` in this process.
    static func run(
        _ arguments: [String], on transport: any ConcordTransport, input: [UInt8] = [],
        environment: [String: String] = [:]
    ) async -> ToolRun {
        let output = Mutex<[UInt8]>([])
        let complaints = Mutex("")
        let console = Console(
            write: { bytes in output.withLock { $0 += bytes } },
            complain: { text in complaints.withLock { $0 += text } }, readInput: { input })
        let code = await Tool.run(arguments, environment: environment, console: console, transport: transport)
        let bytes = output.withLock { $0 }
        return ToolRun(
            code: code, output: String(decoding: bytes, as: UTF8.self), outputBytes: bytes,
            complaints: complaints.withLock { $0 })
    }

    /// The output as a JSON object.
    var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(outputBytes))) as? [String: Any] ?? [:]
    }
}

/// A directory that goes away with the test.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        let name = "concord-tests-\(UUID().uuidString)"
        path = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        let file = "\(path)/\(name)"
        let parent = URL(fileURLWithPath: file).deletingLastPathComponent().path
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(fileURLWithPath: file))
    }

    func write(_ name: String, _ text: String) throws {
        try write(name, [UInt8](text.utf8))
    }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: "\(path)/\(name)", withDestinationPath: target)
    }

    /// Every regular file below, by its relative name; directories end with a slash and have no bytes.
    func contents(of subdirectory: String = "") throws -> [String: [UInt8]] {
        let base = subdirectory.isEmpty ? path : "\(path)/\(subdirectory)"
        var contents: [String: [UInt8]] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: base) {
            let file = "\(base)/\(name)"
            let type = try FileManager.default.attributesOfItem(atPath: file)[.type] as? FileAttributeType
            if type == .typeDirectory {
                contents[name + "/"] = []
            } else {
                contents[name] = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
            }
        }
        return contents
    }
}
