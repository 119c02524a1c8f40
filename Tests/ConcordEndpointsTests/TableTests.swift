import ConcordAPI
import ConcordEndpoints
import ConcordHTTP
import Testing

@Suite struct TableTests {
    private let desk = Desk()

    /// A request that each endpoint takes.
    private func example(_ method: HTTPMethod, _ template: String) -> (line: String, body: String) {
        let path = template.replacing("{path}", with: "a")
        switch method {
        case .post where template.hasSuffix("leader"): return ("POST \(path)", "{\"to\":\"b\"}")
        case .post where template.hasSuffix("change"):
            return ("POST \(path)", "{\"remove\":[\"0000000000000000000000000000000b\"]}")
        case .post: return ("POST \(path)?sequential=s-", "v")
        case .put where template.hasSuffix("settings"): return ("PUT \(path)", "{\"settings\":{\"clients_max\":5}}")
        case .put: return ("PUT \(path)", "v")
        case .patch: return ("PATCH \(path)", "{\"increment\":1}")
        case .get, .head, .delete, .options, .other: return ("\(method.name) \(path)", "")
        }
    }

    @Test func everyEndpointAnswers() {
        for (method, template) in Endpoints.table {
            let (line, body) = example(method, template)
            if let answer = desk.answer(line, body: body) {
                #expect(answer.status == 200, "\(line)")
            } else {
                #expect(desk.ask(line, body: body) != nil, "\(line)")
            }
        }
    }

    @Test func theTableNamesEachEndpointOnce() {
        let names = Endpoints.table.map { "\($0.method.name) \($0.pathTemplate)" }
        #expect(Set(names).count == names.count)
        #expect(names.contains("GET /v1/kv/{path}"))
        #expect(names.contains("GET /readyz"))
    }

    @Test func otherMethodsAreToldWhichThereAre() {
        for template in Set(Endpoints.table.map(\.pathTemplate)) {
            let known = Set(Endpoints.table.filter { $0.pathTemplate == template }.map { "\($0.method.name)" })
            let path = template.replacing("{path}", with: "a")
            for method in ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "get"]
            where !known.contains(method) && !(method == "HEAD" && known.contains("GET")) {
                let answer = desk.answer("\(method) \(path)")
                #expect(answer?.status == 405, "\(method) \(path)")
                let allow = Set((answer?.header("allow") ?? "").split(separator: ", ").map(String.init))
                #expect(allow == (known.contains("GET") ? known.union(["HEAD"]) : known), "\(method) \(path)")
                if method != "HEAD" { #expect(answer?.problem?.code == .methodNotAllowed) }
            }
        }
    }

    @Test func headWorksWhereverGetDoes() throws {
        for (method, template) in Endpoints.table where method == .get && !template.hasPrefix("/v1/kv") {
            guard let get = desk.answer("GET \(template)") else {
                #expect(desk.ask("HEAD \(template)") != nil)
                continue
            }
            let head = try #require(desk.answer("HEAD \(template)"))
            #expect(head.body.isEmpty)
            #expect(head.header("content-length") == String(get.body.count))
            #expect(head.status == get.status)
        }
    }

    @Test func unknownPathsAreNotFound() {
        for path in [
            "/", "/v1", "/v1/", "/v2/kv/a", "/v1/kvs", "/v1/KV/a", "//v1/kv/a", "/v1/%6bv/a", "/v1/status/",
            "/v1/cluster/x",
            "/metrics", "/livez/", "/v1/%73tatus",
        ] {
            let answer = desk.answer("GET \(path)")
            #expect(answer?.status == 404, "\(path)")
            #expect(answer?.problem?.code == .notFound)
        }
        #expect(desk.answer("OPTIONS *")?.status == 404)
        #expect(desk.answer("GET http://localhost:7400")?.status == 404)
    }

    @Test func anAbsoluteFormIsTheSameEndpoint() {
        #expect(desk.answer("GET http://localhost:7400/livez")?.status == 200)
    }

    @Test func requestsThatTakeNoBodyRefuseOne() {
        for line in ["GET /v1/kv/a", "DELETE /v1/kv/a", "GET /v1/status", "GET /livez", "GET /v1/cluster"] {
            let answer = desk.answer(line, body: "x")
            #expect(answer?.problem?.code == .invalidRequest, "\(line)")
        }
    }
}
