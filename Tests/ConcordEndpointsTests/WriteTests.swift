import ConcordAPI
import ConcordModel
import ConcordReplica
import Testing

@Suite struct WriteTests {
    private let desk = Desk()

    @Test func putTakesTheBodyAsItIs() throws {
        let question = try #require(desk.ask("PUT /v1/kv/a/b", body: "{\"not\":parsed"))
        #expect(question.operation == .put(PutOperation(key: key("/a/b"), value: [UInt8]("{\"not\":parsed".utf8))))
        #expect(question.retry == RetryIdentity.none)
        #expect(desk.ask("PUT /v1/kv/a")?.operation == .put(PutOperation(key: key("/a"), value: [])), "an empty value")
        #expect(
            desk.ask("PUT /v1/kv/a?parents", body: "v")?.operation
                == .put(PutOperation(key: key("/a"), value: [UInt8]("v".utf8), createsParents: true)))
        #expect(desk.ask("PUT /v1/kv/a?timeout=60s", body: "v")?.timeoutMilliseconds == 60_000)
    }

    @Test func aNewNodeIsCreatedAndAnOldOneReplaced() throws {
        let created = try #require(desk.answer("PUT /v1/kv/a", body: "v", when: Desk.applied(.created, Desk.node())))
        #expect(created.status == 201)
        #expect(created.header("etag") == "\"17\"")
        #expect(JSONDocument.decodeReply(NodeDocument.self, from: created.body)?.value == .omitted)
        #expect(created.header("idempotency-replayed") == nil)
        let replaced = try #require(desk.answer("PUT /v1/kv/a", body: "v", when: Desk.applied(.replaced, Desk.node())))
        #expect(replaced.status == 200)
    }

    @Test func conditionsAreThoseOfHTTP() throws {
        func condition(_ headers: [String]) -> Condition? {
            guard case .put(let put) = desk.ask("PUT /v1/kv/a", headers, body: "v")?.operation else { return nil }
            return put.condition
        }
        #expect(condition([]) == Condition.none)
        #expect(condition(["If-Match: *"]) == .exists)
        #expect(condition(["If-None-Match: *"]) == .absent)
        #expect(condition(["If-Match: \"5\""]) == .modifiedAt([Revision(5)]))
        #expect(condition(["If-Match: \"5\", \"7\""]) == .modifiedAt([Revision(5), Revision(7)]))
        #expect(condition(["If-Match: \"5\"", "If-Match:\"7\""]) == .modifiedAt([Revision(5), Revision(7)]))
        #expect(condition(["If-Match: \"c5\""]) == .modifiedAt([]), "the tag of a listing matches no node")
        #expect(condition(["If-Match: W/\"5\""]) == .modifiedAt([]), "a weak tag never matches a write")
        #expect(condition(["If-Match: \"9007199254740992\", \"x\""]) == .modifiedAt([]))
    }

    @Test func malformedConditionsAreRefused() {
        for headers in [
            ["If-Match: 5"], ["If-Match:"], ["If-Match: \"5"], ["If-Match: \"5\" \"6\""], ["If-Match: *, \"5\""],
            ["If-Match: \"5\","],
            ["If-Match: ,"], ["If-Match: w/\"5\""], ["If-Match: \"a b\""], ["If-Match: *", "If-Match: *"],
            ["If-None-Match: \"5\""],
            ["If-None-Match: x"], ["If-Match: \"5\"", "If-None-Match: *"], ["If-Match: *", "If-None-Match: *"],
        ] {
            for line in ["PUT /v1/kv/a", "DELETE /v1/kv/a", "PATCH /v1/kv/a"] {
                let body = line.hasPrefix("PUT") ? "v" : line.hasPrefix("PATCH") ? "{\"increment\":1}" : ""
                #expect(desk.answer(line, headers, body: body)?.problem?.code == .invalidRequest, "\(line) \(headers)")
            }
        }
    }

    @Test func aConditionNamesAtMost64Revisions() {
        func list(_ count: Int) -> String { (1...count).map { "\"\($0)\"" }.joined(separator: ",") }
        #expect(desk.ask("DELETE /v1/kv/a", ["If-Match: \(list(64))"]) != nil)
        #expect(desk.answer("DELETE /v1/kv/a", ["If-Match: \(list(65))"])?.status == 400)
    }

    @Test func sequentialNodesGetTheirNumberFromTheState() throws {
        let question = try #require(desk.ask("POST /v1/kv/jobs?sequential=job-&parents", body: "v"))
        let expected = CreateSequentialOperation(
            parent: key("/jobs"), prefix: [UInt8]("job-".utf8), value: [UInt8]("v".utf8), width: 20,
            createsParents: true)
        #expect(question.operation == .createSequential(expected))
        guard case .createSequential(let root) = desk.ask("POST /v1/kv?sequential", body: "v")?.operation else {
            Issue.record("not at the root")
            return
        }
        #expect(root.parent == .root)
        #expect(root.prefix == [])
        let node = Desk.node("/jobs/job ü-00000000000000000007")
        let answer = try #require(
            desk.answer(
                "POST /v1/kv/jobs?sequential=job%20%C3%BC-", body: "v", when: Desk.applied(.created, node, number: 7)))
        #expect(answer.status == 201)
        #expect(answer.header("location") == "/v1/kv/jobs/job%20%C3%BC-00000000000000000007")
        #expect(answer.header("etag") == "\"17\"")
        #expect(JSONDocument.decodeReply(NodeDocument.self, from: answer.body)?.path == node.key.text)
    }

    @Test func sequentialNodesThatCannotBeAreRefused() {
        #expect(desk.answer("POST /v1/kv/jobs", body: "v")?.problem?.code == .invalidRequest)
        for prefix in ["a%2Fb", "a/b", "%00", "%C0", String(repeating: "a", count: 236)] {
            #expect(
                desk.answer("POST /v1/kv/jobs?sequential=\(prefix)", body: "v")?.problem?.code == .invalidPath,
                "\(prefix)")
        }
        let deep = String(repeating: "/a", count: 64)
        #expect(desk.answer("POST /v1/kv\(deep)?sequential=x", body: "v")?.problem?.code == .invalidPath)
        #expect(desk.answer("POST /v1/kv/a?sequential=x", ["If-None-Match: *"], body: "v")?.status == 400)
    }

    @Test func countersAreIncremented() throws {
        let question = try #require(desk.ask("PATCH /v1/kv/n", ["If-Match: \"3\""], body: "{\"increment\":-5}"))
        #expect(
            question.operation
                == .increment(IncrementOperation(key: key("/n"), amount: -5, condition: .modifiedAt([Revision(3)]))))
        let answer = try #require(
            desk.answer(
                "PATCH /v1/kv/n", body: "{\"increment\":1}",
                when: Desk.applied(.replaced, Desk.node("/n", value: nil), number: -42)))
        #expect(answer.status == 200)
        #expect(answer.header("etag") == "\"17\"")
        #expect(JSONDocument.decodeReply(NodeDocument.self, from: answer.body)?.text == "-42")
        for body in [
            "", "1", "{}", "{\"increment\":\"1\"}", "{\"increment\":1,\"x\":1}", "{\"increment\":1.5}",
            "{\"increment\":1,\"increment\":1}",
        ] {
            #expect(desk.answer("PATCH /v1/kv/n", body: body)?.problem?.code == .invalidRequest, "\(body)")
        }
    }

    @Test func deletionsTellWhatWas() throws {
        #expect(desk.ask("DELETE /v1/kv/a")?.operation == .delete(DeleteOperation(key: key("/a"))))
        #expect(
            desk.ask("DELETE /v1/kv/a?recursive")?.operation
                == .delete(DeleteOperation(key: key("/a"), recursive: true)))
        #expect(
            desk.ask("DELETE /v1/kv/a?recursive&batch")?.operation
                == .delete(DeleteOperation(key: key("/a"), recursive: true, batch: 10_000)))
        #expect(
            desk.ask("DELETE /v1/kv/a?recursive&batch=7")?.operation
                == .delete(DeleteOperation(key: key("/a"), recursive: true, batch: 7)))
        let answer = try #require(
            desk.answer("DELETE /v1/kv/a?recursive", when: Desk.applied(.deleted, Desk.node(), number: 12)))
        #expect(answer.status == 200)
        #expect(answer.header("etag") == nil)
        let document = try #require(JSONDocument.decodeReply(DeletionDocument.self, from: answer.body))
        #expect(document.deletedCount == 12)
        #expect(document.node.revision == 17)
        #expect(document.node.value == .omitted)
        for line in [
            "DELETE /v1/kv/a?batch", "DELETE /v1/kv/a?recursive=false&batch", "DELETE /v1/kv/a?recursive&batch=0",
            "DELETE /v1/kv/a?recursive&batch=10001", "DELETE /v1/kv/a?recursive&batch=x",
        ] {
            #expect(desk.answer(line)?.problem?.code == .invalidRequest, "\(line)")
        }
    }

    @Test func aBatchThatLeavesNodesSaysSo() throws {
        let partial = OperationResult(status: .deleted, key: key("/a"), node: nil, number: 10_000)
        let outcome = Outcome(revision: Revision(44), verdict: .applied([partial]))
        let answer = try #require(desk.answer("DELETE /v1/kv/a?recursive&batch", when: .outcome(outcome)))
        #expect(answer.status == 200)
        #expect(answer.text == #"{"deleted_count":10000,"more":true,"path":"/a","revision":44}"#)
        #expect(
            JSONDocument.decodeReply(PartialDeletionDocument.self, from: answer.body)
                == PartialDeletionDocument(path: "/a", revision: 44, deletedCount: 10_000))
        let last = desk.answer("DELETE /v1/kv/a?recursive&batch", when: Desk.applied(.deleted, Desk.node(), number: 3))
        #expect(last?.text.contains("more") == false)
    }

    @Test func aDirectoryHasNoValue() {
        #expect(desk.ask("PUT /v1/kv/a?directory")?.operation == .put(PutOperation(key: key("/a"), value: nil)))
        guard case .createSequential(let create) = desk.ask("POST /v1/kv/a?sequential=s&directory")?.operation else {
            Issue.record("no sequential node")
            return
        }
        #expect(create.value == nil)
        for line in ["PUT /v1/kv/a?directory", "POST /v1/kv/a?sequential=s&directory"] {
            #expect(desk.answer(line, body: "v")?.problem?.code == .invalidRequest, "\(line)")
        }
        #expect(desk.answer("GET /v1/kv/a?directory")?.problem?.code == .invalidRequest)
        #expect(desk.ask("PUT /v1/kv/a?directory=false")?.operation == .put(PutOperation(key: key("/a"), value: [])))
    }

    @Test func theRootCannotBeWritten() {
        for method in ["PUT", "DELETE", "PATCH"] { #expect(desk.answer("\(method) /v1/kv")?.status == 405) }
    }

    @Test func aReplayTellsSo() throws {
        let replayed = try #require(
            desk.answer(
                "PUT /v1/kv/a", body: "v", when: Desk.applied(.created, Desk.node(), revision: 17, replayed: true)))
        #expect(replayed.status == 201)
        #expect(replayed.header("idempotency-replayed") == "true")
        #expect(replayed.header("concord-revision") == "17")
    }

    @Test func aReplayBelowTheHistoryOmitsTheNode() throws {
        func omitted(_ line: String, _ body: String, _ result: ReplicaReply.Result) throws -> OmittedNodeDocument {
            let answer = try #require(desk.answer(line, body: body, when: result))
            #expect(answer.header("idempotency-replayed") == "true")
            return try #require(JSONDocument.decodeReply(OmittedNodeDocument.self, from: answer.body))
        }
        let put = try omitted(
            "PUT /v1/kv/a", "v", Desk.applied(.created, nil, revision: 5, replayed: true, key: key("/a")))
        #expect(put == OmittedNodeDocument(path: "/a", revision: 5))
        #expect(put.valuesOmitted)
        let counter = try omitted(
            "PATCH /v1/kv/a", "{\"increment\":1}",
            Desk.applied(.replaced, nil, number: 8, replayed: true, key: key("/a")))
        #expect(counter.value == "8")
        let deletion = try omitted(
            "DELETE /v1/kv/a", "", Desk.applied(.deleted, nil, number: 3, replayed: true, key: key("/a")))
        #expect(deletion.deletedCount == 3)
        let created = desk.answer(
            "POST /v1/kv/a?sequential=s", body: "v",
            when: Desk.applied(.created, nil, number: 1, replayed: true, key: key("/a/s1")))
        #expect(created?.header("location") == "/v1/kv/a/s1")
        #expect(created?.status == 201)
    }

    @Test func whatThisVersionDoesNotServeIsToldApart() {
        for parameter in ["kind=container", "ttl=10m", "lease=1", "wait=30s", "after=5", "history"] {
            for line in ["GET /v1/kv/a?\(parameter)", "PUT /v1/kv/a?\(parameter)", "GET /v1/kv?children&\(parameter)"] {
                #expect(desk.answer(line)?.problem?.code == .unsupported, "\(line)")
            }
        }
        let token = desk.answer("PUT /v1/kv/a", ["Concord-Fencing-Token: 5"], body: "v")
        #expect(token?.problem?.code == .unsupported)
        #expect(token?.status == 501)
        #expect(desk.answer("GET /v1/status?wait=5s")?.problem?.code == .invalidRequest)
    }
}
