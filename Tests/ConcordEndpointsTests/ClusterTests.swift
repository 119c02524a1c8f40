import ConcordAPI
import ConcordEndpoints
import ConcordModel
import ConcordRaft
import ConcordReplica
import Testing

@Suite struct ClusterTests {
    private let desk = Desk()

    @Test func theClusterIsAskedOfTheReplica() throws {
        let question = try #require(desk.ask("GET /v1/cluster?timeout=1s"))
        guard case .cluster = question.body else {
            Issue.record("another question")
            return
        }
        #expect(question.timeoutMilliseconds == 1000)
        let view = ClusterView(
            clusterID: ClusterID(0xCD), leader: MemberID(1),
            members: [
                ClusterView.Member(
                    id: MemberID(1), name: "one", peerAddress: "127.0.0.1:7401", clientURL: "http://127.0.0.1:7400",
                    build: "x", featureLevel: 3, role: .voter, matchIndex: LogIndex(9), lag: 0, silentMilliseconds: 3),
                ClusterView.Member(
                    id: MemberID(2), name: "two", peerAddress: "127.0.0.1:7411", clientURL: nil, build: nil,
                    role: .learner, matchIndex: nil, lag: nil, silentMilliseconds: nil),
            ], featureLevel: 2)
        let answer = try #require(desk.answer("GET /v1/cluster", when: .cluster(view)))
        #expect(
            answer.text
                == #"{"cluster_id":"000000000000000000000000000000cd","feature_level":2,"leader":"00000000000000000000000000000001","members":["#
                + #"{"build":"x","client_url":"http://127.0.0.1:7400","feature_level":3,"id":"00000000000000000000000000000001","lag":0,"leader":true,"#
                + #""match_index":9,"name":"one","peer_address":"127.0.0.1:7401","role":"voter","silent_ms":3},"#
                + #"{"id":"00000000000000000000000000000002","leader":false,"name":"two","peer_address":"127.0.0.1:7411","role":"learner"}]}"#
        )
        #expect(JSONDocument.decodeReply(ClusterDocument.self, from: answer.body)?.members.count == 2)
    }

    @Test func theStatusIsLocalAndSaysSo() throws {
        let answer = try #require(desk.answer("GET /v1/status"))
        #expect(answer.status == 200)
        #expect(
            answer.text
                == #"{"agreement":"agreed","applied_index":89,"boot":3,"build":"test","cluster_clock_ms":1234,"#
                + #""cluster_id":"000000000000000000000000000000cd","commit_index":90,"compared_index":88,"consistency":"local","epoch":4,"feature_level":1,"#
                + #""last_index":91,"leader":"000000000000000000000000000000ab","leader_url":"http://127.0.0.1:7400","#
                + #""member":"000000000000000000000000000000ab","name":"one","nodes_count":6,"ready":true,"revision":70,"#
                + #""role":"leader","state_hash":"000000000000000000000000000000ef","term":5,"version":"0.1.0","waiting_requests":2}"#
        )
        #expect(JSONDocument.decodeReply(StatusDocument.self, from: answer.body)?.role == "leader")
    }

    @Test func versionAndLifeAreTold() {
        #expect(
            desk.answer("GET /v1/version")?.text
                == #"{"api":["v1"],"build":"test","cluster_feature_level":1,"feature_level":2,"version":"0.1.0"}"#)
        #expect(desk.answer("GET /livez")?.text == #"{"status":"alive"}"#)
        #expect(desk.answer("GET /readyz")?.text == #"{"status":"ready"}"#)
    }

    @Test func aMemberThatIsNotReadySaysWhy() throws {
        var desk = desk
        desk.facts = Desk.facts(readiness: .notReady("the log is being replayed"))
        let ready = try #require(desk.answer("GET /readyz"))
        #expect(ready.status == 503)
        #expect(ready.problem?.code == .recovering)
        #expect(ready.problem?.detail == "the log is being replayed")
        #expect(desk.answer("GET /livez")?.status == 200, "it lives nevertheless")
        let status = try #require(desk.answer("GET /v1/status"))
        #expect(status.text.contains(#""ready":false,"reason":"the log is being replayed""#))
    }

    @Test func settingsAreRead() throws {
        let question = try #require(desk.ask("GET /v1/cluster/settings?consistency=local"))
        guard case .read(.settings, .local, .zero) = question.body else {
            Issue.record("another question")
            return
        }
        let values = [SettingValue(.valueBytesMax, 5), SettingValue(.clientsMax, 6)]
        let answer = try #require(
            desk.answer("GET /v1/cluster/settings", when: .answer(.settings(values, featureLevel: 1))))
        #expect(answer.text == #"{"feature_level":1,"settings":{"clients_max":6,"value_bytes_max":5}}"#)
    }

    @Test func settingsAreChanged() throws {
        let body = #"{"settings":{"clients_max":6,"value_bytes_max":5}}"#
        let question = try #require(desk.ask("PUT /v1/cluster/settings", body: body))
        #expect(
            question.operation == .changeSettings([SettingValue(.valueBytesMax, 5), SettingValue(.clientsMax, 6)]),
            "in the order of their numbers")
        let answer = try #require(
            desk.answer("PUT /v1/cluster/settings", body: body, when: Desk.applied(.settingsChanged, nil)))
        #expect(answer.status == 200)
        #expect(answer.text == #"{"settings":{"clients_max":6,"value_bytes_max":5}}"#)
    }

    @Test func settingsThatCannotBeAreRefused() {
        func detail(_ body: String) -> String? {
            let problem = desk.answer("PUT /v1/cluster/settings", body: body)?.problem
            return problem?.code == .invalidRequest ? problem?.detail : nil
        }
        #expect(detail(#"{"settings":{}}"#) != nil)
        #expect(detail(#"{"clients_max":5}"#) != nil)
        #expect(detail(#"{"settings":{"clients_max":-1}}"#) != nil)
        #expect(detail(#"{"settings":{"clients_max":1.5}}"#) != nil)
        #expect(detail(#"{"settings":{"clients_max":"5"}}"#) != nil)
        #expect(detail(#"{"settings":{"client_max":5}}"#)?.contains("did you mean clients_max?") == true)
        #expect(detail(#"{"settings":{"a\nb":5}}"#)?.contains("'a\\x0ab'") == true)
        #expect(detail("") != nil)
        #expect(
            desk.answer("PUT /v1/cluster/settings", ["If-Match: *"], body: #"{"settings":{"clients_max":5}}"#)?.status
                == 400)
        for setting in Setting.allCases {
            for value in [setting.offered.lowerBound, setting.offered.upperBound] {
                #expect(
                    desk.ask("PUT /v1/cluster/settings", body: "{\"settings\":{\"\(setting.name)\":\(value)}}") != nil)
            }
            #expect(
                detail("{\"settings\":{\"\(setting.name)\":\(setting.offered.upperBound + 1)}}")?.contains(setting.name)
                    == true)
        }
    }

    /// Refusing a long document must not take the loop longer than answering a short one.
    @Test func aDocumentLongerThanAnyUsefulOneIsRefusedUnread() {
        let desk = Desk()
        let padding = String(repeating: " ", count: EndpointLimits.documentBytesMax)
        for request in ["PUT /v1/cluster/settings", "PATCH /v1/kv/a"] {
            #expect(desk.answer(request, body: padding + "{}")?.status == 413)
        }
        #expect(desk.answer("PATCH /v1/kv/a", body: #"{"increment":9e18}"#)?.status == 400)
    }
}
