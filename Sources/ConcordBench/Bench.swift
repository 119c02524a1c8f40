import ConcordClient
package import ConcordCommandLine
import ConcordLinux
import Foundation

/// The commands of `concord-bench`.
package struct Bench {
    let parsed: ParsedArguments

    /// Runs one command line.
    /// - Parameter arguments: without the program's name.
    package static func run(_ arguments: [String], environment: [String: String]) async -> ExitCode {
        let start = Program.start(BenchDeclaration.program, arguments: arguments, environment: environment)
        guard case .run(let parsed) = start else {
            if case .exit(let code) = start { return code }
            return .usage
        }
        do {
            try CleanUp.onSignals()
            SignalSource.ignoreBrokenPipes()
            _ = ProcessEnvironment.raiseDescriptorLimit()
            return try await Bench(parsed: parsed).dispatch()
        } catch {
            let command = (["concord-bench"] + parsed.command).joined(separator: " ")
            StandardStream.error.write("\(command): \(error)\n")
            return .failure
        }
    }

    private func dispatch() async throws -> ExitCode {
        switch parsed.command.first {
        case "put": try await load(.put)
        case "get": try await load(parsed[BenchDeclaration.local] ? .localGet : .get)
        case "compare": try await compare()
        case "failover": try await failover()
        case "durability": try await durability()
        case "frozen-leader": try await frozenLeader()
        case "rolling-upgrade": try await rollingUpgrade()
        case "disk": try await disk()
        case "snapshot": try await snapshot()
        case "behind": try await behind()
        default: preconditionFailure("a command is declared that nobody runs")
        }
    }

    var isJSON: Bool { parsed[BenchDeclaration.json] }

    /// Where probes write, and own clusters keep their data.
    var dataDirectory: String {
        parsed[BenchDeclaration.directory] ?? FileManager.default.temporaryDirectory.path
    }

    /// Runs `body` with a cluster of its own, which is ended afterwards. Its files are kept when something failed.
    func withCluster<Result>(
        preload: String? = nil, members: Int = 3, flags: [String] = [],
        prepare: (TestCluster) throws -> Void = { _ in },
        _ body: (TestCluster) async throws -> (result: Result, isFine: Bool)
    ) async throws -> Result {
        let cluster = try TestCluster(
            program: parsed[BenchDeclaration.server], directory: parsed[BenchDeclaration.directory], preload: preload,
            members: members, flags: flags)
        let token = CleanUp.add { cluster.cleanUp(keepingFiles: false) }
        defer { CleanUp.remove(token) }
        do {
            try prepare(cluster)
            try cluster.startAll()
            _ = try await cluster.waitForLeader()
            try await cluster.waitUntilAllReady()
            let (result, isFine) = try await body(cluster)
            end(cluster, isFine: isFine)
            return result
        } catch {
            end(cluster, isFine: false)
            throw error
        }
    }

    private func end(_ cluster: TestCluster, isFine: Bool) {
        cluster.cleanUp(keepingFiles: !isFine)
        if !isFine { StandardStream.error.write("logs and data are kept in \(cluster.directory)\n") }
    }

    func print(_ text: String) {
        StandardStream.output.write(text + "\n")
    }

    func note(_ text: String) {
        if !isJSON { StandardStream.output.write(text + "\n") }
    }
}
