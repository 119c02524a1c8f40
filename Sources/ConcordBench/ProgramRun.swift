import ConcordLinux
import Foundation

/// Runs other programs to their end.
enum ProgramRun {
    /// - Parameter environment: variables beside our own, `NAME=value`.
    /// - Returns: what it wrote to standard output.
    /// - Throws: when it does not end with exit code 0.
    @discardableResult
    static func run(_ name: String, _ arguments: [String], environment: [String] = []) throws -> String {
        let output = try ConcordLinux.Pipe.make()
        let process = try ChildProcess(
            path: try find(name), arguments: arguments, environment: ProcessEnvironment.entries + environment,
            standard: ChildProcess.Standard(output: output.writer.number, error: 2))
        let text = try drain(output, process)
        guard process.wait(milliseconds: 60_000) == .exited(code: 0) else {
            throw TestCluster.Failure(description: "\(name) \(arguments.joined(separator: " ")) failed: \(text)")
        }
        return text
    }

    /// Programs that it leaves behind may hold the pipe open, so its end does not wait for that of the pipe.
    private static func drain(_ output: borrowing ConcordLinux.Pipe, _ process: ChildProcess) throws(SystemError)
        -> String
    {
        var bytes: [UInt8] = []
        while true {
            let hasEnded = process.poll() != nil
            while try output.reader.waitReadable(milliseconds: hasEnded ? 0 : 20) {
                let part = try output.reader.read(count: 4096)
                if part.isEmpty { break }
                bytes += part
            }
            if hasEnded { return String(decoding: bytes, as: UTF8.self) }
        }
    }

    private static func find(_ name: String) throws -> String {
        if name.contains("/") { return name }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        for directory in path.split(separator: ":") + ["/usr/sbin", "/sbin", "/usr/bin", "/bin"] {
            let file = "\(directory)/\(name)"
            if FileManager.default.isExecutableFile(atPath: file) { return file }
        }
        throw TestCluster.Failure(description: "the program \(name) is not installed")
    }
}
