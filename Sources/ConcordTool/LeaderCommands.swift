import ConcordAPI
import ConcordClient
import ConcordCommandLine

extension ToolDeclaration {
    static let newLeader = OptionalArgument(
        "MEMBER", .text.named("MEMBER"),
        help: "The name or the id of the member that shall lead; without it the leader chooses.")

    static let leader = CommandDeclaration(
        "leader", summary: "Shows who leads, or lets another member lead.",
        subcommands: [showLeader, moveLeader])

    private static let showLeader = CommandDeclaration(
        "show", summary: "Shows who leads.",
        examples: [
            .init("leader show", "Print the leader's name, id and URL"),
            .init("leader show --json", "The same for a program"),
        ])

    private static let moveLeader = CommandDeclaration(
        "move", summary: "Lets another member lead.",
        discussion: """
            The leader brings the other member up to its own last entry and then gives its place to it; requests go on, \
            and writes wait for some milliseconds. When the other member does not take over within an election timeout \
            the leader leads on, and the command fails. When it leads already nothing happens.
            """,
        arguments: [newLeader],
        examples: [
            .init("leader move", "Before the leader's machine is stopped"),
            .init("leader move b", "Let the member named b lead"),
        ])
}

extension Tool {
    func leader() async throws(ConcordError) -> ExitCode {
        switch parsed.command.last {
        case "show": try await showLeader()
        case "move": try await moveLeader()
        default: preconditionFailure("a command is declared that nobody runs")
        }
    }

    private func showLeader() async throws(ConcordError) -> ExitCode {
        let cluster = try await client.cluster()
        guard let leader = cluster.members.first(where: \.isLeader) else { return fail("no leader is known") }
        let row = LeaderOutput(id: leader.id, name: leader.name, url: leader.clientURL, epoch: nil)
        printLeader(row)
        return .success
    }

    private func moveLeader() async throws(ConcordError) -> ExitCode {
        let leader = try await client.moveLeadership(to: parsed[ToolDeclaration.newLeader])
        printLeader(LeaderOutput(id: leader.id, name: leader.name, url: leader.clientURL, epoch: leader.epoch))
        return .success
    }

    private func printLeader(_ leader: LeaderOutput) {
        if isJSON {
            console.print(ToolJSON.text(of: leader))
        } else {
            let words =
                [Tool.shown(leader.name), leader.id, leader.url ?? "-"] + (leader.epoch.map { ["epoch \($0)"] } ?? [])
            console.print(words.joined(separator: "  "))
        }
    }
}

private struct LeaderOutput: Encodable {
    var id: String
    var name: String
    var url: String?
    /// Of a leadership that was asked for.
    var epoch: UInt64?
}
