import ConcordAPI
import ConcordRaft
import ConcordReplica
import Testing

@Suite struct LeadershipTests {
    private let desk = Desk()

    private func target(_ body: String) -> String?? {
        guard case .transferLeadership(let target)? = desk.ask("POST /v1/cluster/leader", body: body)?.body else {
            return .none
        }
        return .some(target)
    }

    @Test func theMemberIsNamedOrLeftToTheLeader() {
        let id = "0123456789abcdef0123456789abcdef"
        #expect(target("{\"to\":\"\(id)\"}") == .some(.some(id)))
        #expect(target(#"{"to":"b"}"#) == .some(.some("b")))
        #expect(target("{}") == .some(.none))
        #expect(target("") == .some(.none))
        #expect(desk.ask("POST /v1/cluster/leader?timeout=250ms")?.timeoutMilliseconds == 250)
    }

    @Test(arguments: [
        #"{"to":null}"#, #"{"to":5}"#, #"{"to":""}"#, #"{"to":"a","to":"b"}"#, #"{"from":"a"}"#, #"{"to":"a"} x"#,
        "null",
        "[]", "b", "{",
    ])
    func anyOtherBodyIsRefused(body: String) {
        #expect(desk.answer("POST /v1/cluster/leader", body: body)?.problem?.code == .invalidRequest)
    }

    @Test func conditionsAndOtherMethodsAndParametersAreRefused() {
        #expect(desk.answer("POST /v1/cluster/leader", ["If-Match: *"])?.status == 400)
        #expect(desk.answer("POST /v1/cluster/leader?to=b")?.status == 400)
        #expect(desk.answer("GET /v1/cluster/leader")?.status == 405)
        #expect(desk.answer("GET /v1/cluster/leader")?.header("allow") == "POST")
    }

    @Test func whoLeadsIsTold() throws {
        let view = LeaderView(id: MemberID(2), name: "two", clientURL: "http://127.0.0.1:7410", term: Term(9))
        let answer = try #require(desk.answer("POST /v1/cluster/leader", when: .leader(view)))
        #expect(answer.status == 200)
        #expect(
            answer.text
                == #"{"epoch":9,"leader":{"client_url":"http://127.0.0.1:7410","#
                + #""id":"00000000000000000000000000000002","name":"two"}}"#)
        let unmet = LeaderView(id: MemberID(2), name: "two", clientURL: nil, term: Term(9))
        let other = try #require(desk.answer("POST /v1/cluster/leader", when: .leader(unmet)))
        #expect(JSONDocument.decodeReply(LeaderDocument.self, from: other.body)?.leader.clientURL == nil)
    }

    @Test(arguments: TransferRefusal.allCases)
    func everyRefusalHasItsStatusAndCode(refusal: TransferRefusal) throws {
        let answer = try #require(
            desk.answer("POST /v1/cluster/leader", body: #"{"to":"b"}"#, when: .failed(.transferRefused(refusal))))
        let expected: (Int, ErrorCode) =
            switch refusal {
            case .busy, .ambiguousName, .notVoter, .noCandidate: (409, .conflict)
            case .unknownMember: (404, .notFound)
            case .unresponsive, .notLeader, .abandoned: (408, .timeout)
            }
        #expect(answer.status == expected.0 && answer.problem?.code == expected.1)
        #expect(answer.problem?.retryable == (expected.0 == 408))
        #expect(answer.problem?.outcomeUnknown != true)
    }

    @Test func aTransferThatMayStillHappenSaysSo() throws {
        let answer = try #require(desk.answer("POST /v1/cluster/leader", when: .failed(.outcomeUnknown)))
        #expect(answer.status == 504 && answer.problem?.outcomeUnknown == true)
        #expect(answer.problem?.detail.contains("write") == false)
        #expect(desk.answer("POST /v1/cluster/leader", when: .failed(.timeout))?.status == 408)
        let leaderless = RequestFailure.noLeader(retryAfterMilliseconds: 25)
        #expect(desk.answer("POST /v1/cluster/leader", when: .failed(leaderless))?.problem?.code == .noLeader)
    }
}
