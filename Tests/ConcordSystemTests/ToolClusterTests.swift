import ConcordAPI
import ConcordClient
import ConcordCommandLine
import Testing

/// What `concord` says of a cluster whose members answer as the test tells them to.
@Suite struct ToolClusterTests {
    private let id = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
    private let other = "1f1e2d3c4b5a69788796a5b4c3d2e1f0"

    private func reply(_ document: some Encodable) -> Result<TransportReply, TransportFailure> {
        .success(
            TransportReply(
                status: 200, headers: [(name: "Concord-Revision", value: "3"), (name: "Concord-Epoch", value: "2")],
                body: JSONDocument.encode(document)))
    }

    private func noLeader() -> Result<TransportReply, TransportFailure> {
        .success(
            TransportReply(
                status: 503,
                body: JSONDocument.encode(Problem(.noLeader, "no leader is known", status: 503))))
    }

    private func status() -> StatusDocument {
        StatusDocument(
            member: id, name: "b", boot: 1, clusterID: other, role: "follower", term: 7, leader: nil, leaderURL: nil,
            commitIndex: 5, appliedIndex: 5, lastIndex: 5, revision: 41, epoch: 6, clusterClockMilliseconds: 1,
            stateHash: "00", nodesCount: 1, waitingRequests: 0, agreement: "unknown", comparedIndex: 0, ready: false,
            reason: "no leader is known", version: "0.1.0", build: "0.1.0", featureLevel: 1)
    }

    @Test func withoutALeaderTheMembersThatAnswerAreShown() async throws {
        let transport = MemoryTransport { request, index in
            if request.target.hasPrefix("/v1/cluster") { return noLeader() }
            // One of the two members is gone.
            return index % 2 == 0 ? .failure(.notSent("refused")) : reply(status())
        }
        let words = ["--endpoints", "http://a:1,http://b:2", "--timeout", "100ms", "status"]
        let table = await ToolRun.run(words, on: transport)
        #expect(table.code == .failure && table.complaints.contains("no_leader"), "\(table.complaints)")
        #expect(table.output.contains("no leader is known") && table.output.contains(" 41 "), "\(table.output)")
        #expect(table.output.contains("unreachable"))
        let document = await ToolRun.run(words + ["--json"], on: transport)
        #expect(document.code == .failure)
        let members = document.json["members"] as? [[String: Any]] ?? []
        #expect(members.count == 2 && members.compactMap { $0["term"] as? Int } == [7])
    }

    @Test func whenNobodyAnswersThereIsNoTable() async throws {
        let transport = MemoryTransport { _, _ in .failure(.notSent("refused")) }
        let run = await ToolRun.run(["--endpoints", "http://a:1", "--timeout", "50ms", "status"], on: transport)
        #expect(run.code == .failure && run.output.isEmpty && run.complaints.contains("unreachable"))
    }

    private func cluster(_ members: [String], changing: Bool) -> ClusterDocument {
        ClusterDocument(
            clusterID: other, leader: other,
            members: members.map {
                .init(
                    id: $0, name: "m", role: "voter", isLeader: $0 == other, peerAddress: "h:1", clientURL: nil,
                    build: nil, matchIndex: nil, lag: nil, silentMilliseconds: nil)
            },
            change: changing
                ? .init(number: 4, add: [], remove: [], isCancelled: true, waitsFor: "somebody") : nil)
    }

    /// The change is under way once, and then it is over with these members.
    private func run(_ words: [String], before: [String], after: [String]) async -> ToolRun {
        let transport = MemoryTransport { request, index in
            if request.target.hasPrefix("/v1/cluster/change") { return reply(MemberChangeReply(change: 4)) }
            return reply(index < 3 ? cluster(before, changing: index > 0) : cluster(after, changing: false))
        }
        return await ToolRun.run(["--endpoints", "http://a:1", "member"] + words + ["--wait"], on: transport)
    }

    @Test func aChangeThatWasCancelledIsNotDone() async throws {
        let add = ["add", id.uppercased(), "d", "h:2"]
        let lost = await run(add, before: [other], after: [other])
        #expect(lost.code == .failure && lost.output.isEmpty)
        #expect(lost.complaints == "concord member add: change 4 was cancelled\n")
        let document = await run(add + ["--json"], before: [other], after: [other])
        #expect(document.code == .failure && document.json["done"] as? Bool == false)
        let done = await run(add, before: [other], after: [other, id])
        #expect(done.code == .success && done.output == "change 4 is done\n")

        let kept = await run(["remove", id], before: [other, id], after: [other, id])
        #expect(kept.code == .failure && kept.complaints == "concord member remove: change 4 was cancelled\n")
        let gone = await run(["remove", id, "--json"], before: [other, id], after: [other])
        #expect(gone.code == .success && gone.json["done"] as? Bool == true)
        let taken = await run(["cancel"], before: [other], after: [other])
        #expect(taken.code == .success && taken.output == "change 4 is done\n")
    }
}
