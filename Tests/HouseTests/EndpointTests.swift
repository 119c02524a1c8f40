import ConcordEndpoints
import ConcordHTTP
import Testing

/// The endpoints that are served and those that are described are the same.
@Suite struct EndpointTests {
    static let descriptionPath = "docs/openapi.yaml"

    @Test func everyEndpointIsDescribedAndEveryDescriptionServed() {
        let served = Set(Endpoints.table.map { EndpointTests.endpoint("\($0.method.name)", $0.pathTemplate) })
        #expect(served.contains("put /v1/kv/{}"))
        let description = Repository.text(of: EndpointTests.descriptionPath)
        expectNone(EndpointTests.findings(served, EndpointTests.described(description)))
    }

    @Test func anEndpointThatStandsOnOneSideOnlyIsFlagged() {
        let description = """
            openapi: 3.1.0
            paths:
              /v1/kv/{path}:
                parameters:
                  - name: path
                get:
                  summary: reads
                "put":
                  summary: writes
              '/v1/kv':
                get: {}
            components:
              schemas:
                delete:
                  type: object
            """
        let described = EndpointTests.described(description)
        #expect(described == ["get /v1/kv/{}", "put /v1/kv/{}", "get /v1/kv"])
        #expect(EndpointTests.endpoint("GET", "/v1/kv/{anything}") == "get /v1/kv/{}")
        #expect(EndpointTests.findings(["get /a"], ["get /a"]).isEmpty)
        #expect(EndpointTests.findings(["get /a", "put /a"], ["get /a"]).count == 1)
        #expect(EndpointTests.findings(["get /a"], ["get /a", "put /a"]).count == 1)
    }

    static let methods = ["get", "head", "put", "post", "patch", "delete", "options"]

    static func findings(_ served: Set<String>, _ described: Set<String>) -> [Finding] {
        served.subtracting(described).sorted().map { Finding(descriptionPath, "does not describe \($0)") }
            + described.subtracting(served).sorted().map { Finding(descriptionPath, "\($0) is not served") }
    }

    /// The operations under `paths` of an OpenAPI description, by their indentation.
    static func described(_ description: String) -> Set<String> {
        var found: Set<String> = []
        var isPaths = false
        var path = ""
        for line in description.split(separator: "\n") {
            let indentation = line.prefix { $0 == " " }.count
            let key = line.dropFirst(indentation).split(separator: ":").first ?? ""
            let word = key.filter { $0 != "\"" && $0 != "'" }
            if indentation == 0 { isPaths = word == "paths" }
            guard isPaths else { continue }
            if indentation == 2 { path = word }
            if indentation == 4, methods.contains(word) { found.insert(endpoint(word, path)) }
        }
        return found
    }

    /// A parameter's name does not matter.
    private static func endpoint(_ method: String, _ path: String) -> String {
        let parts = path.split(separator: "/").map { $0.hasPrefix("{") ? "{}" : $0 }
        return "\(method.lowercased()) /\(parts.joined(separator: "/"))"
    }
}
