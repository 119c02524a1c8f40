package import ConcordClient
package import ConcordCommandLine

/// The commands of `concord`.
package struct Tool: Sendable {
    let client: ConcordClient
    let parsed: ParsedArguments
    let console: Console

    /// Runs one command line.
    /// - Parameters:
    ///   - arguments: without the program's name.
    ///   - transport: instead of sockets; for tests.
    package static func run(
        _ arguments: [String], environment: [String: String], console: Console,
        transport: (any ConcordTransport)? = nil
    ) async -> ExitCode {
        switch ToolDeclaration.program.parse(arguments, environment: environment) {
        case .show(let text):
            console.write([UInt8](text.utf8))
            return .success
        case .refused(let error):
            console.complain(error.text)
            return .usage
        case .run(let parsed):
            do throws(ConcordError) {
                let client = try makeClient(parsed, transport)
                defer { client.shutdown() }
                return try await Tool(client: client, parsed: parsed, console: console).dispatch()
            } catch {
                complain(about: error, parsed, console)
                return .failure
            }
        }
    }

    private static func makeClient(
        _ parsed: ParsedArguments, _ transport: (any ConcordTransport)?
    ) throws(ConcordError) -> ConcordClient {
        var options = ConcordClient.Options()
        let movesFiles = ["import", "export"].contains(parsed.command.first)
        options.timeout = parsed[ToolDeclaration.timeout] ?? .seconds(movesFiles ? 60 : 10)
        let endpoints = parsed[ToolDeclaration.endpoints].map(\.description)
        if let transport {
            return try ConcordClient(endpoints: endpoints, transport: transport, options: options)
        }
        return try ConcordClient(endpoints: endpoints, options: options)
    }

    private static func complain(about error: ConcordError, _ parsed: ParsedArguments, _ console: Console) {
        if parsed[ToolDeclaration.json] {
            console.complain(ToolJSON.text(of: ErrorOutput(error: ErrorOutput.Facts(error))) + "\n")
        } else {
            let command = (["concord"] + parsed.command).joined(separator: " ")
            console.complain("\(command): \(error.description)\n")
        }
    }

    private func dispatch() async throws(ConcordError) -> ExitCode {
        switch parsed.command.first {
        case "get": try await get()
        case "put": try await put()
        case "rm": try await remove()
        case "ls": try await list()
        case "tree": try await tree()
        case "status": try await status()
        case "leader": try await leader()
        case "member": try await member()
        case "snapshot": try await snapshot()
        case "import": try await importFiles()
        case "export": try await exportFiles()
        default: preconditionFailure("a command is declared that nobody runs")
        }
    }

    var isJSON: Bool { parsed[ToolDeclaration.json] }

    var consistency: Consistency { parsed[ToolDeclaration.local] ? .local : .linearizable }

    var atRevision: UInt64? { parsed[ToolDeclaration.at].map { UInt64($0) } }

    /// Ends the command with a sentence of the tool's own.
    func fail(_ detail: String) -> ExitCode {
        let command = (["concord"] + parsed.command).joined(separator: " ")
        console.complain("\(command): \(detail)\n")
        return .failure
    }
}
