import ConcordAPI
import ConcordModel
import ConcordReplica
import Testing

/// Every refusal and failure, at every endpoint that can meet it.
@Suite struct RefusalTests {
    private let desk = Desk()
    private let writes = [
        ("PUT /v1/kv/a", "v"), ("DELETE /v1/kv/a", ""), ("PATCH /v1/kv/a", "{\"increment\":1}"),
        ("POST /v1/kv/a?sequential=s", "v"), ("PUT /v1/cluster/settings", "{\"settings\":{\"clients_max\":5}}"),
    ]
    private let reads = ["GET /v1/kv/a", "GET /v1/kv/a?children", "GET /v1/cluster", "GET /v1/cluster/settings"]

    private let table: [(RefusalCode, Int, ErrorCode)] = [
        (.notFound, 404, .notFound), (.parentNotFound, 404, .parentNotFound), (.notEmpty, 409, .notEmpty),
        (.revisionMismatch, 412, .revisionMismatch), (.alreadyExists, 412, .alreadyExists),
        (.limitExceeded, 429, .limitExceeded), (.overloaded, 429, .overloaded),
        (.idempotencyConflict, 422, .idempotencyConflict), (.clientExpired, 410, .clientExpired),
        (.conflict, 409, .conflict), (.noSpace, 507, .noSpace), (.tooLarge, 413, .tooLarge),
        (.invalidRequest, 400, .invalidRequest), (.superseded, 504, .timeout), (.otherTerm, 500, .internal),
        (.memberChangeUnderWay, 409, .conflict), (.memberKnown, 409, .conflict), (.memberNotFound, 404, .notFound),
        (.noVoterLeft, 409, .conflict), (.noMemberChange, 409, .conflict), (.memberChangeTooFar, 409, .conflict),
        (.featureLevelTooLow, 409, .conflict), (.memberInfoOutdated, 500, .internal),
    ]

    @Test func everyRefusalHasItsStatusAndCode() throws {
        #expect(table.count == RefusalCode.allCases.count)
        for (code, status, word) in table {
            for (line, body) in writes {
                let refusal = Refusal(code, key: key("/a"))
                let answer = try #require(desk.answer(line, body: body, when: Desk.refused(refusal)))
                let problem = try #require(answer.problem, "\(code) at \(line)")
                #expect(answer.status == status, "\(code) at \(line)")
                #expect(problem.code == word, "\(code) at \(line)")
                #expect(problem.status == status)
                #expect(!problem.detail.isEmpty)
                #expect(answer.header("content-type") == "application/problem+json")
                #expect(answer.header("concord-revision") == "71")
            }
        }
    }

    @Test func everyFailureHasItsStatusAndCode() throws {
        let failures: [(RequestFailure, Int, ErrorCode, UInt64?)] = [
            (.timeout, 408, .timeout, nil), (.outcomeUnknown, 504, .timeout, nil),
            (.noLeader(retryAfterMilliseconds: 25), 503, .noLeader, 25), (.overloaded, 429, .overloaded, 100),
            (.noSpace, 507, .noSpace, 1000),
            (.recovering, 503, .recovering, 100), (.diverged, 503, .recovering, 1000),
            (.readOnly, 503, .readOnly, nil),
        ]
        for (failure, status, code, retryAfter) in failures {
            for (line, body) in writes + reads.map({ ($0, "") }) {
                let answer = try #require(desk.answer(line, body: body, when: .failed(failure)))
                let problem = try #require(answer.problem, "\(failure) at \(line)")
                #expect(answer.status == status, "\(failure) at \(line)")
                #expect(problem.code == code)
                #expect(problem.retryAfterMilliseconds == retryAfter)
                #expect(problem.outcomeUnknown == (failure == .outcomeUnknown))
                #expect(problem.retryable == (failure != .outcomeUnknown && failure != .readOnly))
            }
        }
    }

    @Test func aFailedConditionComesWithTheNodeAsItIs() throws {
        for code in [RefusalCode.revisionMismatch, .alreadyExists] {
            let refusal = Refusal(code, key: key("/a"), node: Desk.node(value: nil, revision: 33))
            let answer = try #require(
                desk.answer("PUT /v1/kv/a", ["If-Match: \"5\""], body: "v", when: Desk.refused(refusal)))
            #expect(answer.problem?.node?.revision == 33)
            #expect(answer.problem?.revision == 33)
            #expect(answer.problem?.node?.value == NodeDocument.Value.none, "a mere directory")
            #expect(answer.problem?.path == "/a")
            let full = Refusal(code, key: key("/a"), node: Desk.node(value: [255]))
            let other = try #require(desk.answer("DELETE /v1/kv/a", when: Desk.refused(full)))
            #expect(other.problem?.node?.bytes == [255])
        }
        let missing = try #require(
            desk.answer(
                "DELETE /v1/kv/a", ["If-Match: *"], when: Desk.refused(Refusal(.revisionMismatch, key: key("/a")))))
        #expect(missing.status == 412)
        #expect(missing.problem?.node == nil)
        #expect(!missing.text.contains("\"node\""))
    }

    @Test func aLimitIsNamed() throws {
        let refusal = Refusal(.limitExceeded, key: key("/a"), number: 10_000, setting: .nodesChangedMax)
        let answer = try #require(desk.answer("DELETE /v1/kv/a?recursive", when: Desk.refused(refusal)))
        #expect(answer.problem?.detail.contains("nodes_changed_max (10000)") == true)
        #expect(answer.problem?.detail.contains("batch") == true)
        let large = Refusal(.tooLarge, key: key("/a"), number: 1 << 20, setting: .valueBytesMax)
        #expect(
            desk.answer("PUT /v1/kv/a", body: "v", when: Desk.refused(large))?.problem?.detail.contains(
                "value_bytes_max") == true)
        let full = Refusal(.noSpace, setting: .stateBytesMax)
        #expect(
            desk.answer("PUT /v1/kv/a", body: "v", when: Desk.refused(full))?.problem?.detail.contains(
                "state_bytes_max") == true)
    }

    @Test func aRefusedReplayTellsSo() {
        let outcome = Outcome(
            revision: Revision(12), verdict: .refused(Refusal(.notEmpty, key: key("/a"))), replayed: true)
        let answer = desk.answer("DELETE /v1/kv/a", ["Idempotency-Key: k"], when: .outcome(outcome))
        #expect(answer?.status == 409)
        #expect(answer?.header("idempotency-replayed") == "true")
        #expect(answer?.header("concord-revision") == "12")
    }

    @Test func aReplayedConditionBelowTheHistoryOmitsTheNode() {
        let refusal = Refusal(.revisionMismatch, key: key("/a"))
        let outcome = Outcome(
            revision: Revision(12), verdict: .refused(refusal), replayed: true, valuesOmitted: true)
        let answer = desk.answer("DELETE /v1/kv/a", ["If-Match: \"3\""], when: .outcome(outcome))
        #expect(answer?.status == 412)
        #expect(answer?.problem?.valuesOmitted == true)
        let plain = desk.answer("DELETE /v1/kv/a", when: Desk.refused(Refusal(.notFound)))
        #expect(plain?.text.contains("values_omitted") == false)
    }

    @Test func conflictsSayWhatConflicts() {
        func detail(_ line: String, _ body: String, _ refusal: Refusal) -> String? {
            desk.answer(line, body: body, when: Desk.refused(refusal))?.problem?.detail
        }
        let number = detail("PATCH /v1/kv/n", "{\"increment\":1}", Refusal(.conflict, key: key("/n")))
        #expect(number?.contains("decimal 64-bit number") == true)
        let call = detail("PATCH /v1/kv/n", "{\"increment\":1}", Refusal(.conflict, key: key("/n"), number: 7))
        #expect(call?.contains("seq") == true)
        #expect(detail("PUT /v1/kv/n", "v", Refusal(.conflict, number: 7))?.contains("seq") == true)
        #expect(detail("POST /v1/kv/n?sequential=a", "v", Refusal(.conflict, number: 7))?.contains("names") == true)
        let setting = detail(
            "PUT /v1/cluster/settings", "{\"settings\":{\"clients_max\":5}}",
            Refusal(.invalidRequest, number: 5, setting: .clientsMax))
        #expect(setting?.contains("clients_max must be from 1 to 100000000") == true)
    }

    @Test func aPathInAnErrorIsJSON() throws {
        let refusal = Refusal(.notFound, key: key("/a\"b\\"))
        let answer = try #require(desk.answer("DELETE /v1/kv/a", when: Desk.refused(refusal)))
        try StrictJSON.check(answer.body)
        #expect(answer.problem?.path == "/a\"b\\")
    }
}
