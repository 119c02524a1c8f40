import ConcordAPI
import ConcordEndpoints
import ConcordModel
import ConcordRaft
import ConcordReplica
import Testing

@Suite struct MemberTests {
    private let desk = Desk()
    private let id = "000000000000000000000000000000a4"

    @Test func aChangeIsAWriteWithItsNumber() throws {
        let body =
            #"{"add":[{"id":"\#(id)","name":"d","peer":"10.0.0.4:7401"}],"remove":["0000000000000000000000000000000B"]}"#
        let question = try #require(desk.ask("POST /v1/cluster/change?timeout=2s", body: body))
        guard case .write(.changeMembers(let change), .none) = question.body else {
            Issue.record("another question")
            return
        }
        #expect(change.add == [MemberAddition(id: 0xA4, name: "d", peerAddress: "10.0.0.4:7401")])
        #expect(change.remove == [11] && question.timeoutMilliseconds == 2000)
        let answer = try #require(
            desk.answer("POST /v1/cluster/change", body: body, when: Desk.applied(.memberChangeBegun, nil, number: 7)))
        #expect(answer.status == 200 && answer.text == #"{"change":7}"#)
    }

    @Test func aCancelIsAWriteToo() throws {
        let question = try #require(desk.ask("DELETE /v1/cluster/change"))
        guard case .write(.cancelMemberChange, .none) = question.body else {
            Issue.record("another question")
            return
        }
        let answer = try #require(
            desk.answer("DELETE /v1/cluster/change", when: Desk.applied(.memberChangeCancelled, nil, number: 7)))
        #expect(answer.status == 200 && answer.text == #"{"change":7}"#)
    }

    @Test(arguments: [
        #"{}"#, #"{"add":[]}"#, #"{"add":[],"remove":[]}"#, #"{"remove":["b"]}"#, #"{"remove":[11]}"#,
        #"{"remove":["00000000000000000000000000000000"]}"#,
        #"{"remove":["0000000000000000000000000000000g"]}"#, #"{"add":[{"id":"ID","name":"d"}]}"#,
        #"{"add":[{"id":"ID","name":"d","peer":"10.0.0.4:7401","role":"voter"}]}"#,
        #"{"add":[{"id":"ID","name":"","peer":"10.0.0.4:7401"}]}"#,
        #"{"add":[{"id":"ID","name":"d e","peer":"10.0.0.4:7401"}]}"#,
        #"{"add":[{"id":"ID","name":"d","peer":"10.0.0.4"}]}"#, #"{"add":[{"id":"ID","name":"d","peer":":7401"}]}"#,
        #"{"add":[{"id":"ID","name":"d","peer":"10.0.0.4:0"}]}"#,
        #"{"add":[{"id":"ID","name":"d","peer":"10.0.0.4:65536"}]}"#,
        #"{"add":[{"id":"ID","name":"d","peer":"a b:7401"}]}"#, #"{"add":[{"id":"ID","name":"d","peer":"::1:7401"}]}"#,
        #"{"add":[{"id":"ID","name":"d","peer":"h:1"}],"remove":["ID"]}"#,
        #"{"add":[{"id":"ID","name":"d","peer":"h:1"},{"id":"ID","name":"e","peer":"h:2"}]}"#,
        #"{"remove":["ID","ID"]}"#, #"{"add":[{"id":"ID","name":"d","peer":"h:1"}],"adds":[]}"#, #"[]"#, "",
    ])
    func whatIsNoChangeIsRefusedAndSaysWhy(body: String) throws {
        let body = body.split(separator: "ID", omittingEmptySubsequences: false).joined(separator: id)
        let answer = try #require(desk.answer("POST /v1/cluster/change", body: body))
        #expect(answer.status == 400)
        #expect(answer.problem?.code == .invalidRequest)
        #expect(answer.problem?.detail.isEmpty == false)
    }

    @Test func addressesOfEveryFormAreTaken() {
        for peer in ["h:1", "10.0.0.4:65535", "[::1]:7401", "db-1.example_x:7401"] {
            let body = #"{"add":[{"id":"\#(id)","name":"d","peer":"\#(peer)"}]}"#
            #expect(desk.ask("POST /v1/cluster/change", body: body) != nil, "\(peer)")
        }
    }

    @Test func theClusterShowsTheChangeAndWhatItWaitsFor() throws {
        func member(_ number: UInt128, _ role: Configuration.Role, lag: UInt64?) -> ClusterView.Member {
            ClusterView.Member(
                id: MemberID(number), name: "m\(number)", peerAddress: "h\(number):1", clientURL: nil, build: nil,
                role: role, matchIndex: nil, lag: lag, silentMilliseconds: nil)
        }
        let change = MemberChange(
            number: 3, add: [MemberAddition(id: 2, name: "m2", peerAddress: "h2:1")], remove: [1])
        func shown(_ members: [ClusterView.Member], cancelled: Bool = false) -> ClusterDocument.Change? {
            var change = change
            change.isCancelled = cancelled
            let view = ClusterView(clusterID: ClusterID(1), leader: MemberID(1), members: members, change: change)
            let answer = desk.answer("GET /v1/cluster", when: .cluster(view))
            return answer.flatMap { JSONDocument.decodeReply(ClusterDocument.self, from: $0.body) }?.change
        }
        let late = try #require(shown([member(1, .voter, lag: 0), member(2, .learner, lag: 4)]))
        #expect(
            late.number == 3 && late.add.first?.peer == "h2:1" && late.remove == ["00000000000000000000000000000001"])
        #expect(!late.isCancelled && late.waitsFor == "m2 to catch up")
        #expect(shown([member(1, .voter, lag: 0)])?.waitsFor == "m2 to catch up")
        #expect(shown([member(1, .outgoing, lag: 0), member(2, .incoming, lag: 0)])?.waitsFor.contains("old") == true)
        let cancelled = shown([member(1, .voter, lag: 0), member(2, .learner, lag: 0)], cancelled: true)
        #expect(cancelled?.isCancelled == true && cancelled?.waitsFor.contains("taken out") == true)
    }
}
