import Testing

/// The endpoints that are served and those that are described are the same.
@Suite struct EndpointTests {
    static let tablePath = "Sources/ConcordEndpoints/EndpointTable.swift"
    static let descriptionPath = "docs/openapi.yaml"

    @Test func everyEndpointIsDescribedAndEveryDescriptionServed() {
        guard Repository.exists(EndpointTests.tablePath) || Repository.exists(EndpointTests.descriptionPath) else {
            return
        }
        let table = EndpointTests.served(Repository.text(of: EndpointTests.tablePath))
        #expect(!table.isEmpty)
        expectNone(
            EndpointTests.findings(table, EndpointTests.described(Repository.text(of: EndpointTests.descriptionPath))))
    }

    @Test func anEndpointThatStandsOnOneSideOnlyIsFlagged() {
        let table = """
            package static let table = [
                Endpoint(.get, "/v1/kv/{path}"),
                (method: .put, pathTemplate: "/v1/kv/{path}"),
                // (.delete, "/v1/kv/{path}")
            ]
            """
        let description = """
            openapi: 3.1.0
            paths:
              /v1/kv/{path}:
                parameters:
                  - name: path
                get:
                  summary: reads
                put:
                  summary: writes
            components:
              schemas:
                delete:
                  type: object
            """
        #expect(EndpointTests.served(table) == ["get /v1/kv/{}", "put /v1/kv/{}"])
        #expect(EndpointTests.described(description) == ["get /v1/kv/{}", "put /v1/kv/{}"])
        #expect(EndpointTests.findings(["get /a"], ["get /a"]).isEmpty)
        #expect(EndpointTests.findings(["get /a", "put /a"], ["get /a"]).count == 1)
        #expect(EndpointTests.findings(["get /a"], ["get /a", "put /a"]).count == 1)
    }

    static let methods = ["get", "head", "put", "post", "patch", "delete", "options"]

    static func findings(_ served: Set<String>, _ described: Set<String>) -> [Finding] {
        served.subtracting(described).sorted().map { Finding(descriptionPath, "does not describe \($0)") }
            + described.subtracting(served).sorted().map { Finding(tablePath, "does not serve \($0)") }
    }

    /// The pairs of method and path in the source of the table: each on one line.
    static func served(_ source: String) -> Set<String> {
        let file = SourceText(path: tablePath, text: source)
        return Set(
            zip(file.lines, file.code).flatMap { line, code in
                let words = code.tokens
                let method = zip(words, words.dropFirst()).first { $0 == "." && methods.contains($1) }?.1
                let path = DocumentTests.between("\"", "\"", in: line).first { $0.hasPrefix("/") }
                guard let method, let path else { return [String]() }
                return [endpoint(method, path)]
            })
    }

    /// The operations under `paths` of an OpenAPI description, by their indentation.
    static func described(_ description: String) -> Set<String> {
        var found: Set<String> = []
        var isPaths = false
        var path = ""
        for line in description.split(separator: "\n") {
            let indentation = line.prefix { $0 == " " }.count
            guard let word = line.dropFirst(indentation).split(separator: ":").first.map(String.init) else { continue }
            if indentation == 0 { isPaths = word == "paths" }
            guard isPaths else { continue }
            if indentation == 2 { path = word.filter { $0 != "\"" && $0 != "'" } }
            if indentation == 4, methods.contains(word) { found.insert(endpoint(word, path)) }
        }
        return found
    }

    /// A parameter's name does not matter.
    private static func endpoint(_ method: String, _ path: String) -> String {
        let parts = path.split(separator: "/").map { $0.hasPrefix("{") ? "{}" : $0 }
        return "\(method) /\(parts.joined(separator: "/"))"
    }
}
