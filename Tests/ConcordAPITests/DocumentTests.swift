import ConcordAPI
import Foundation
import Testing

@Suite struct DocumentTests {
    private func problem<Document: RequestDocument>(_ type: Document.Type, _ text: String) -> Problem? {
        do {
            _ = try JSONDocument.decodeRequest(type, from: [UInt8](text.utf8))
            return nil
        } catch {
            return error
        }
    }

    @Test func requestsAreReadStrictly() throws {
        let request = try JSONDocument.decodeRequest(
            IncrementRequest.self, from: [UInt8](" {\"increment\" : -5} ".utf8))
        #expect(request.increment == -5)
        for text in [
            "", "{}", "[]", "null", "5", "\"increment\"", "{\"increment\":1.5}", "{\"increment\":\"1\"}",
            "{\"increment\":null}",
            "{\"increment\":true}", "{\"increment\":1,\"increment\":1}", "{\"increment\":1,}",
            "{\"increment\":1,\"x\":2}",
            "{\"Increment\":1}", "{\"increment\":1e999}", "{\"increment\":9007199254740992}", "{\"increment\":[1]}",
            "{\"increment\":1}x", "{\"increment\":NaN}", "{\"incr\\u00e9ment\":1}", "{\"increment\":1e300}",
        ] {
            let problem = problem(IncrementRequest.self, text)
            #expect(problem?.code == .invalidRequest, "\(text)")
            #expect(problem?.detail.isEmpty == false, "\(text)")
        }
    }

    @Test func unknownMembersAreNamed() {
        let problem = problem(IncrementRequest.self, "{\"increment\":1,\"evil\\n\":2}")
        #expect(problem?.detail.contains("'evil\\x0a'") == true)
        #expect(problem?.detail.contains("\"increment\"") == true)
        #expect(self.problem(SettingsRequest.self, "{\"settings\":{\"a\":-1}}")?.code == .invalidRequest)
        #expect(self.problem(SettingsRequest.self, "{\"settings\":{\"a\":1}}") == nil)
    }

    @Test func problemsHaveAllTheirMembers() throws {
        let problem = Problem(
            .revisionMismatch, "no", retryAfterMilliseconds: 5, outcomeUnknown: true, path: "/a", revision: 7, index: 2,
            node: NodeDocument(path: "/a", revision: 7, createRevision: 1, version: 2, childRevision: 1))
        let bytes = JSONDocument.encode(problem)
        try StrictJSON.check(bytes)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(
            text
                == #"{"code":"revision_mismatch","detail":"no","index":2,"node":{"child_revision":1,"children_count":0,"#
                + #""create_revision":1,"kind":"persistent","lease":null,"path":"/a","revision":7,"version":2},"#
                + #""outcome":"unknown","path":"/a","retry_after_ms":5,"retryable":false,"revision":7,"status":412,"#
                + #""title":"The node is not at this revision","type":"urn:concord:error:revision_mismatch"}"#)
        #expect(JSONDocument.decodeReply(Problem.self, from: bytes) == problem)
    }

    @Test func aCodeOfALaterVersionIsKept() throws {
        let text = #"{"type":"x","status":499,"code":"brand_new","retryable":true,"extra":1}"#
        let problem = try #require(JSONDocument.decodeReply(Problem.self, from: [UInt8](text.utf8)))
        #expect(problem.word == "brand_new")
        #expect(problem.code == nil)
        #expect(problem.retryable)
        #expect(problem.status == 499)
    }

    @Test func theTableOfErrorsIsThatOfTheAPI() {
        let table: [(ErrorCode, Int, Bool)] = [
            (.invalidRequest, 400, false), (.invalidPath, 400, false), (.guarded, 403, false), (.notFound, 404, false),
            (.parentNotFound, 404, false), (.leaseNotFound, 404, false), (.methodNotAllowed, 405, false),
            (.timeout, 408, true), (.notEmpty, 409, false), (.staleToken, 409, false), (.lockTimeout, 409, false),
            (.conflict, 409, false), (.leaseExpired, 410, false), (.compacted, 410, false),
            (.revisionMismatch, 412, false), (.alreadyExists, 412, false), (.uriTooLong, 414, false),
            (.headerTooLarge, 431, false), (.hostNotAllowed, 403, false), (.originNotAllowed, 403, false),
            (.clientExpired, 410, false), (.tooLarge, 413, false), (.idempotencyConflict, 422, false),
            (.overloaded, 429, true), (.limitExceeded, 429, false), (.internal, 500, false), (.noLeader, 503, true),
            (.noSpace, 507, true), (.unsupported, 501, false), (.recovering, 503, true), (.readOnly, 503, false),
        ]
        #expect(table.count == ErrorCode.allCases.count)
        for (code, status, isRetryable) in table {
            #expect(code.status == status, "\(code)")
            #expect(code.isRetryable == isRetryable, "\(code)")
            #expect(!code.title.isEmpty)
        }
        #expect(Set(ErrorCode.allCases.map(\.title)).count == table.count)
    }

    @Test func documentsHaveTheNamesOfTheAPI() {
        func text(_ document: some Encodable) -> String {
            String(decoding: JSONDocument.encode(document), as: UTF8.self)
        }
        #expect(
            text(ListingDocument(path: "/", revision: 4, nodes: [], next: nil))
                == #"{"nodes":[],"path":"/","revision":4}"#)
        #expect(text(CountDocument(path: "/a", revision: 4, count: 2)) == #"{"count":2,"path":"/a","revision":4}"#)
        #expect(
            text(OmittedNodeDocument(path: "/a", revision: 4, value: "7"))
                == #"{"path":"/a","revision":4,"value":"7","values_omitted":true}"#)
        #expect(
            text(VersionDocument(version: "0.1", build: "x", featureLevel: 2, clusterFeatureLevel: 1))
                == #"{"api":["v1"],"build":"x","cluster_feature_level":1,"feature_level":2,"version":"0.1"}"#)
        #expect(
            text(SettingsDocument(settings: ["b": 1, "a": 2], featureLevel: 1))
                == #"{"feature_level":1,"settings":{"a":2,"b":1}}"#)
    }
}
