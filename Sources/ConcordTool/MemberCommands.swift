import ConcordClient
import ConcordCommandLine

// Who belongs to the cluster, and changes of it.

struct MemberOutput: Encodable {
    struct Member: Encodable {
        var id: String
        var name: String
        var role: String
        var leader: Bool
        var peer: String
        var url: String?
        var lag: UInt64?
        var build: String?
        /// The highest that it supports, or wants to.
        var featureLevel: Int?

        private enum CodingKeys: String, CodingKey {
            case id, name, role, leader, peer, url, lag, build
            case featureLevel = "feature_level"
        }
    }

    struct Change: Encodable {
        var number: UInt64
        var add: [String]
        var remove: [String]
        var cancelled: Bool
        var waitsFor: String

        private enum CodingKeys: String, CodingKey {
            case number, add, remove, cancelled
            case waitsFor = "waits_for"
        }
    }

    var cluster: String
    /// The one in force.
    var featureLevel: Int?
    var members: [Member]
    var change: Change?

    private enum CodingKeys: String, CodingKey {
        case cluster, members, change
        case featureLevel = "feature_level"
    }
}

struct ChangeOutput: Encodable {
    var change: UInt64
    /// With `--wait`: whether it was done, and not cancelled.
    var done: Bool?
}

/// What was asked for, by which the end of a change is judged.
private enum AskedChange {
    case adding(String)
    case removing(String)
    case cancelling

    /// Whether the members are now as they were to be.
    func isDone(in members: [ClusterStatus.Member]) -> Bool {
        switch self {
        case .adding(let id): members.contains { $0.id == id.lowercased() }
        case .removing(let id): !members.contains { $0.id == id.lowercased() }
        case .cancelling: true
        }
    }
}

extension Tool {
    func member() async throws(ConcordError) -> ExitCode {
        switch parsed.command.last {
        case "list": return try await listMembers()
        case "add":
            let new = NewMember(
                id: parsed[ToolDeclaration.memberID], name: parsed[ToolDeclaration.memberName],
                peerAddress: parsed[ToolDeclaration.peer].description)
            return try await ended(try await client.changeMembers(adding: [new]), .adding(new.id))
        case "remove": return try await removeMember(parsed[ToolDeclaration.memberToRemove])
        case "cancel": return try await ended(try await client.cancelMemberChange(), .cancelling)
        default: preconditionFailure("a command is declared that nobody runs")
        }
    }

    private func listMembers() async throws(ConcordError) -> ExitCode {
        let cluster = try await client.cluster()
        if isJSON {
            console.print(ToolJSON.text(of: MemberOutput(cluster)))
            return .success
        }
        var table = TextTable([
            ("ID", .left), ("NAME", .left), ("ROLE", .left), ("PEER", .left), ("URL", .left), ("LAG", .right),
            ("BUILD", .left), ("LEVEL", .right),
        ])
        for member in cluster.members {
            table.append([
                member.id, member.name, member.isLeader ? "leader" : member.role, member.peerAddress,
                member.clientURL ?? "?", member.lag.map { "\($0)" } ?? "-", member.build ?? "?",
                member.featureLevel.map { "\($0)" } ?? "-",
            ])
        }
        console.write([UInt8](table.text(console.paint).utf8))
        if let change = cluster.change { console.print("change \(change.number): waits for \(change.waitsFor)") }
        return .success
    }

    /// By id, or by a name that only one member has.
    private func removeMember(_ who: String) async throws(ConcordError) -> ExitCode {
        let members = try await client.cluster().members
        if members.contains(where: { $0.id == who }) {
            return try await ended(try await client.changeMembers(removing: [who]), .removing(who))
        }
        let named = members.filter { $0.name == who }
        guard let one = named.first else {
            let known = members.map { "\($0.name) (\($0.id))" }.joined(separator: ", ")
            return fail("there is no member '\(who)'; the members are \(known)")
        }
        guard named.count == 1 else {
            return fail(
                "\(named.count) members are named '\(who)'; say which one by its id: "
                    + named.map(\.id).joined(separator: ", "))
        }
        return try await ended(try await client.changeMembers(removing: [one.id]), .removing(one.id))
    }

    /// Tells the number of the change; with `--wait` once it is over, and whether the members are as they were to be: a
    /// change that somebody has cancelled ends, too.
    private func ended(_ number: UInt64, _ asked: AskedChange) async throws(ConcordError) -> ExitCode {
        guard parsed[ToolDeclaration.wait] else {
            console.print(
                isJSON
                    ? ToolJSON.text(of: ChangeOutput(change: number))
                    : "change \(number) is under way; 'concord member list' shows what it waits for")
            return .success
        }
        var progress = ProgressLine(isShown: console.errorIsTerminal)
        var members: [ClusterStatus.Member]
        while true {
            let cluster = try await client.cluster()
            members = cluster.members
            guard let change = cluster.change, change.number == number else { break }
            progress.show("change \(number) waits for \(change.waitsFor)")
            do {
                try await Task.sleep(for: .milliseconds(200))
            } catch {
                progress.clear()
                return fail("change \(number) is under way, and is not waited for any longer")
            }
        }
        progress.clear()
        let isDone = asked.isDone(in: members)
        if isJSON { console.print(ToolJSON.text(of: ChangeOutput(change: number, done: isDone))) }
        guard isDone else { return fail("change \(number) was cancelled") }
        if !isJSON { console.print("change \(number) is done") }
        return .success
    }
}

extension MemberOutput {
    init(_ status: ClusterStatus) {
        self.init(
            cluster: status.id, featureLevel: status.featureLevel,
            members: status.members.map {
                Member(
                    id: $0.id, name: $0.name, role: $0.role, leader: $0.isLeader, peer: $0.peerAddress,
                    url: $0.clientURL, lag: $0.lag, build: $0.build, featureLevel: $0.featureLevel)
            },
            change: status.change.map {
                Change(
                    number: $0.number, add: $0.adding.map(\.id), remove: $0.removing, cancelled: $0.isCancelled,
                    waitsFor: $0.waitsFor)
            })
    }
}
