import ConcordClient
import ConcordCommandLine

extension Tool {
    /// Asks for the cluster, and then each member about itself; without a leader, whom the flags name.
    func status() async throws(ConcordError) -> ExitCode {
        var output = StatusOutput(cluster: nil, leader: nil, members: [])
        var failure: ConcordError?
        do throws(ConcordError) {
            let cluster = try await client.cluster()
            output.cluster = cluster.id
            output.leader = cluster.leader
            output.featureLevel = cluster.featureLevel
            for member in cluster.members { output.members.append(await row(of: member)) }
        } catch {
            failure = error
            for endpoint in client.endpoints { output.members.append(await row(at: endpoint)) }
            // Whoever answered has a term, also when it is not ready: that is what there is to see without a leader.
            if output.members.allSatisfy({ $0.term == nil }) { throw error }
        }
        if isJSON {
            console.print(ToolJSON.text(of: output))
        } else {
            printTable(output)
        }
        if let failure {
            console.complain("concord status: \(failure.description)\n")
            return .failure
        }
        return output.leader == nil ? .failure : .success
    }

    private func row(of member: ClusterStatus.Member) async -> StatusOutput.Member {
        var row = StatusOutput.Member(
            id: member.id, name: member.name, url: member.clientURL, role: member.role, leader: member.isLeader,
            ready: false, lag: member.lag, build: member.build, featureLevel: member.featureLevel)
        guard let endpoint = member.clientURL.flatMap({ ConcordEndpoint($0) }) else {
            row.error = "its address is not known"
            return row
        }
        await fill(&row, from: endpoint)
        return row
    }

    private func row(at endpoint: ConcordEndpoint) async -> StatusOutput.Member {
        var row = StatusOutput.Member(url: endpoint.description, leader: false, ready: false)
        await fill(&row, from: endpoint)
        return row
    }

    private func fill(_ row: inout StatusOutput.Member, from endpoint: ConcordEndpoint) async {
        do throws(ConcordError) {
            let status = try await client.status(of: endpoint)
            row.id = status.member
            row.name = status.name
            row.role = row.role == "voter" || row.role == nil ? status.role : row.role
            row.ready = status.isReady
            row.term = status.term
            row.revision = status.position.revision
            row.epoch = status.position.epoch
            row.build = status.version
            if !status.isReady { row.error = status.reason }
        } catch {
            row.error = error.code.rawValue
        }
    }

    private func printTable(_ output: StatusOutput) {
        var table = TextTable([
            ("NAME", .left), ("ROLE", .left), ("URL", .left), ("TERM", .right), ("REVISION", .right),
            ("EPOCH", .right), ("LAG", .right), ("BUILD", .left), ("LEVEL", .right), ("STATE", .left),
        ])
        for member in output.members {
            table.append([
                member.name ?? "?", member.leader ? "leader" : member.role ?? "?", member.url ?? "?",
                Tool.number(member.term), Tool.number(member.revision), Tool.number(member.epoch),
                Tool.number(member.lag), member.build ?? "?", Tool.number(member.featureLevel),
                member.error ?? (member.ready ? "ready" : "not ready"),
            ])
        }
        if let cluster = output.cluster {
            console.print("cluster \(cluster)" + (output.featureLevel.map { ", feature level \($0)" } ?? ""))
        }
        console.write([UInt8](table.text(console.paint).utf8))
    }

    private static func number(_ value: (some BinaryInteger)?) -> String { value.map { "\($0)" } ?? "-" }
}
