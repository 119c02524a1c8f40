import ConcordAPI
import ConcordModel
import ConcordReplica
import Testing

@Suite struct ReadTests {
    private let desk = Desk()

    @Test func aReadIsLinearizableAndAsksForTheValue() throws {
        let question = try #require(desk.ask("GET /v1/kv/a/b"))
        #expect(question.query == .node(NodeQuery(key: key("/a/b"), at: nil, withValue: true)))
        guard case .read(_, .linearizable, .zero) = question.body else {
            Issue.record("not linearizable")
            return
        }
        #expect(question.timeoutMilliseconds == 5000)
    }

    @Test func theRootIsANodeToo() {
        #expect(desk.ask("GET /v1/kv")?.query == .node(NodeQuery(key: .root)))
    }

    @Test func readsMayBeLocalPastAndBounded() throws {
        let question = try #require(
            desk.ask("GET /v1/kv/a?consistency=local&min_revision=40&revision=12&timeout=250ms"))
        #expect(question.query == .node(NodeQuery(key: key("/a"), at: Revision(12))))
        guard case .read(_, .local, let minimum) = question.body else {
            Issue.record("not local")
            return
        }
        #expect(minimum == Revision(40))
        #expect(question.timeoutMilliseconds == 250)
    }

    @Test func aNodeIsADocumentWithItsEntityTag() throws {
        let answer = try #require(desk.answer("GET /v1/kv/a", when: .answer(.node(Desk.node()))))
        #expect(answer.status == 200)
        #expect(answer.header("etag") == "\"17\"")
        #expect(answer.header("content-type") == "application/json")
        #expect(
            answer.text
                == #"{"path":"/a","value":"v","kind":"persistent","revision":17,"create_revision":3,"version":4,"#
                + #""lease":null,"child_revision":9,"children_count":1}"#)
    }

    @Test func headHasTheHeadersOfGetAndNoBody() throws {
        let get = try #require(desk.answer("GET /v1/kv/a", when: .answer(.node(Desk.node()))))
        let head = try #require(desk.answer("HEAD /v1/kv/a", when: .answer(.node(Desk.node()))))
        #expect(head.body.isEmpty)
        #expect(head.header("content-length") == String(get.body.count))
        #expect(head.header("etag") == "\"17\"")
        let missing = try #require(desk.answer("HEAD /v1/kv/a", when: .answer(.notFound)))
        #expect(missing.status == 404)
        #expect(missing.body.isEmpty)
    }

    @Test func rawTellsTheBytesAndTheRestInHeaders() throws {
        let value: [UInt8] = [0, 255, 10, 13]
        let answer = try #require(desk.answer("GET /v1/kv/a?raw", when: .answer(.node(Desk.node(value: value)))))
        #expect(answer.status == 200)
        #expect(answer.body == value)
        #expect(answer.header("content-type") == "application/octet-stream")
        #expect(answer.header("x-content-type-options") == "nosniff")
        #expect(answer.header("etag") == "\"17\"")
        #expect(answer.header("concord-modify-revision") == "17")
        #expect(answer.header("concord-create-revision") == "3")
        #expect(answer.header("concord-version") == "4")
        #expect(answer.header("concord-child-revision") == "9")
        #expect(answer.header("concord-children-count") == "1")
        #expect(answer.header("concord-kind") == "persistent")
        #expect(answer.header("concord-lease") == nil)
    }

    @Test func rawTellsNoValueFromAnEmptyOne() {
        #expect(desk.answer("GET /v1/kv/a?raw", when: .answer(.node(Desk.node(value: []))))?.status == 200)
        #expect(desk.answer("GET /v1/kv/a?raw", when: .answer(.node(Desk.node(value: nil))))?.status == 204)
        #expect(
            desk.answer("GET /v1/kv/a?raw=false", when: .answer(.node(Desk.node())))?.header("content-type")
                == "application/json")
        let head = desk.answer("HEAD /v1/kv/a?raw", when: .answer(.node(Desk.node())))
        #expect(head?.header("content-length") == "1")
    }

    @Test func aLeaseIsTold() throws {
        var node = Desk.node()
        node.lease = LeaseID(0x1F)
        node.kind = .ephemeral
        let raw = try #require(desk.answer("GET /v1/kv/a?raw", when: .answer(.node(node))))
        #expect(raw.header("concord-lease") == "000000000000001f")
        let document = try #require(desk.answer("GET /v1/kv/a", when: .answer(.node(node))))
        #expect(JSONDocument.decodeReply(NodeDocument.self, from: document.body)?.lease == "000000000000001f")
    }

    @Test func anUnchangedNodeIsNotSentAgain() throws {
        for tags in ["\"17\"", "\"3\", \"17\"", "W/\"17\"", "*", " \"x\" ,\"17\""] {
            let answer = try #require(
                desk.answer("GET /v1/kv/a", ["If-None-Match: \(tags)"], when: .answer(.node(Desk.node()))))
            #expect(answer.status == 304, "\(tags)")
            #expect(answer.body.isEmpty)
            #expect(answer.header("etag") == "\"17\"")
            #expect(answer.header("concord-revision") == "71")
        }
        for tags in ["\"16\"", "\"c17\"", "\"017\"", "\"+17\"", "\"\"", "\"17 \""] where tags != "\"17 \"" {
            let answer = desk.answer("GET /v1/kv/a", ["If-None-Match: \(tags)"], when: .answer(.node(Desk.node())))
            #expect(answer?.status == 200, "\(tags)")
        }
        #expect(desk.answer("GET /v1/kv/a", ["If-None-Match: \"17\""], when: .answer(.notFound))?.status == 404)
    }

    @Test func aReadTakesNoIfMatch() {
        #expect(desk.answer("GET /v1/kv/a", ["If-Match: \"1\""])?.problem?.code == .invalidRequest)
        #expect(desk.answer("GET /v1/kv/a?children", ["If-Match: *"])?.problem?.code == .invalidRequest)
    }

    @Test func whatIsNotThereIsTold() throws {
        let missing = try #require(desk.answer("GET /v1/kv/a", when: .answer(.notFound)))
        #expect(missing.status == 404)
        #expect(missing.problem?.code == .notFound)
        #expect(missing.problem?.path == "/a")
        let compacted = try #require(
            desk.answer("GET /v1/kv/a?revision=3", when: .answer(.compacted(firstAvailable: Revision(50)))))
        #expect(compacted.status == 410)
        #expect(compacted.problem?.code == .compacted)
        #expect(compacted.problem?.revision == 50)
        let future = try #require(
            desk.answer("GET /v1/kv/a?revision=300", when: .answer(.futureRevision(current: Revision(71)))))
        #expect(future.status == 400)
        #expect(future.problem?.revision == 71)
    }

    @Test func whatWouldTakeTooLongIsRefusedAndNotToBeSentAgain() throws {
        for target in ["/v1/kv/a?revision=3", "/v1/kv/a?children&revision=3", "/v1/kv/a?children&recursive&count"] {
            let answer = try #require(desk.answer("GET \(target)", when: .answer(.tooMuchWork)))
            #expect(answer.status == 429, "\(target)")
            #expect(answer.problem?.code == .limitExceeded && answer.problem?.retryable == false, "\(target)")
            #expect(answer.problem?.path == "/a", "\(target)")
            #expect(answer.problem?.detail.contains("newer revision") == true, "\(target)")
        }
    }

    @Test func aPathIsCheckedBeforeAnythingIsAsked() {
        for path in ["/a/", "//a", "/a//b", "/.", "/a/..", "/%2e%2e/x", "/a%2Fb", "/%00", "/%C0%AF", "/%zz", "/%7F"] {
            for method in ["GET", "PUT", "DELETE", "HEAD", "PATCH"] {
                let body = method == "PUT" ? "v" : method == "PATCH" ? "{\"increment\":1}" : ""
                let answer = desk.answer("\(method) /v1/kv\(path)", body: body)
                #expect(answer?.status == 400, "\(method) \(path)")
                if method != "HEAD" { #expect(answer?.problem?.code == .invalidPath, "\(method) \(path)") }
            }
        }
        #expect(desk.answer("GET /v1/kv/?children")?.problem?.code == .invalidPath)
        #expect(desk.ask("GET /v1/kv/gr%C3%B6%C3%9Fe")?.query == .node(NodeQuery(key: key("/größe"))))
    }

    @Test func anAnswerToAnotherQuestionIsAnErrorOfTheServer() {
        let page = ListPage(revision: Revision(1), childRevision: Revision(1), nodes: [], count: 0, hasMore: false)
        #expect(desk.answer("GET /v1/kv/a", when: .answer(.page(page)))?.status == 500)
        #expect(desk.answer("GET /v1/kv/a?children", when: .answer(.node(Desk.node())))?.status == 500)
        #expect(desk.answer("PUT /v1/kv/a", body: "v", when: .answer(.node(Desk.node())))?.status == 500)
    }
}
