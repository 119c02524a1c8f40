import ConcordClient
import Foundation
import Testing

@Suite struct RequestTests {
    private func sent(
        _ reply: TransportReply = .node(), _ body: (ConcordClient) async throws -> Void
    ) async throws -> TransportRequest {
        let transport = ScriptedTransport([.success(reply)])
        try await body(try client(transport))
        let request = try #require(transport.sent.first).request
        let withoutTimeout = request.target.replacingOccurrences(
            of: "[?&]timeout=3000ms$", with: "", options: .regularExpression)
        return TransportRequest(
            method: request.method, target: withoutTimeout,
            headers: request.headers.filter { $0.name != "Concord-Client" }, body: request.body)
    }

    @Test func pathsAreEncodedOnce() async throws {
        let request = try await sent { _ = try await $0.get("/a b/ü%2F/x?y#z~") }
        #expect(request.method == "GET")
        #expect(request.target == "/v1/kv/a%20b/%C3%BC%252F/x%3Fy%23z~")
        #expect(try await sent { _ = try await $0.get("/") }.target == "/v1/kv")
        #expect(try await sent { _ = try await $0.get("/...") }.target == "/v1/kv/...")
    }

    @Test func whatWouldNameAnotherResourceIsNotSent() async throws {
        let transport = ScriptedTransport([.success(.node())])
        let client = try client(transport)
        for path in ["", "a", "//", "/a/", "/a//b", "/.", "/..", "/a/../b", "/a/."] {
            let error = try await failure { () throws(ConcordError) in try await client.put(path, "x") }
            #expect(error.code == .invalidPath, "\(path)")
        }
        #expect(transport.sent.isEmpty)
    }

    @Test func conditionsAreThoseOfHTTP() async throws {
        let conditions: [(Condition, String?)] = [
            (.none, nil), (.absent, "If-None-Match: *"), (.present, "If-Match: *"),
            (.revision(5), "If-Match: \"5\""), (.anyRevision([5, 6]), "If-Match: \"5\", \"6\""),
        ]
        for (condition, expected) in conditions {
            let request = try await sent { try await $0.put("/a", "x", if: condition) }
            let header = request.headers.first { $0.name.hasPrefix("If") }
            #expect(header.map { "\($0.name): \($0.value)" } == expected)
        }
        let transport = ScriptedTransport([.success(.node())])
        let client = try client(transport)
        for wrong in [Condition.anyRevision([]), .anyRevision([UInt64](1...65))] {
            let error = try await failure { () throws(ConcordError) in try await client.put("/a", "x", if: wrong) }
            #expect(error.code == .invalidArgument)
        }
        let error = try await failure { () throws(ConcordError) in try await client.delete("/a", if: .absent) }
        #expect(error.code == .invalidArgument)
        #expect(transport.sent.isEmpty)
    }

    @Test func leadershipIsMovedByIdOrName() async throws {
        let text = #"{"leader":{"id":"0f","name":"b","client_url":"http://b:7400"},"epoch":9}"#
        let reply = TransportReply(status: 200, headers: [], body: [UInt8](text.utf8))
        let named = try await sent(reply) {
            let leader = try await $0.moveLeadership(to: "b")
            #expect(leader.name == "b" && leader.id == "0f" && leader.epoch == 9)
            #expect(leader.clientURL == "http://b:7400")
        }
        #expect(named.method == "POST" && named.target == "/v1/cluster/leader")
        #expect(named.body.map { String(decoding: $0, as: UTF8.self) } == #"{"to":"b"}"#)
        let free = try await sent(reply) { try await $0.moveLeadership() }
        #expect(free.body.map { String(decoding: $0, as: UTF8.self) } == "{}")
    }

    @Test func writesCarryTheirBodies() async throws {
        let put = try await sent { try await $0.put("/a", ConcordValue([0, 255])) }
        #expect(put.method == "PUT")
        #expect(put.body == [0, 255])
        #expect(try await sent { try await $0.put("/a", "") }.body == [])
        let increment = try await sent { try await $0.increment("/n", by: -3) }
        #expect(increment.method == "PATCH")
        #expect(increment.body == [UInt8]("{\"increment\":-3}".utf8))
        let sequential = try await sent { try await $0.createSequential(in: "/q", prefix: "a b", "x") }
        #expect(sequential.method == "POST")
        #expect(sequential.target == "/v1/kv/q?sequential=a%20b")
        let delete = try await sent { try await $0.delete("/a", recursive: true) }
        #expect(delete.method == "DELETE")
        #expect(delete.target == "/v1/kv/a?recursive")
        #expect(delete.body == nil)
    }

    @Test func readsSayHowFreshTheyMustBe() async throws {
        #expect(
            try await sent { _ = try await $0.get("/a", consistency: .local) }.target == "/v1/kv/a?consistency=local")
        let atLeast = try await sent { _ = try await $0.get("/a", consistency: .atLeast(revision: 9)) }
        #expect(atLeast.target == "/v1/kv/a?consistency=local&min_revision=9")
        #expect(try await sent { _ = try await $0.get("/a", at: 5) }.target == "/v1/kv/a?revision=5")
    }

    @Test func aMissingNodeIsNilWhereThatIsAskedFor() async throws {
        let client = try client(ScriptedTransport([.success(.problem(404, "not_found"))]))
        #expect(try await client.getIfPresent("/a") == nil)
        let error = try await failure { () throws(ConcordError) in _ = try await client.get("/a") }
        #expect(error.code == .notFound)
    }

    @Test func aListingReadsPageAfterPage() async throws {
        let transport = ScriptedTransport { sent, _ in
            let isFirst = !sent.request.target.contains("next=")
            let node = { (name: String) in
                """
                {"path":"/\(name)","kind":"persistent","revision":1,"create_revision":1,"version":1,"lease":null,\
                "child_revision":1,"children_count":0}
                """
            }
            let body =
                isFirst
                ? "{\"path\":\"/\",\"revision\":5,\"nodes\":[\(node("a")),\(node("b"))],\"next\":\"c+/\"}"
                : "{\"path\":\"/\",\"revision\":5,\"nodes\":[\(node("c"))],\"next\":null}"
            return .success(TransportReply(status: 200, body: [UInt8](body.utf8)))
        }
        let client = try client(transport)
        var paths: [String] = []
        for try await node in client.list("/", ListOptions(recursive: true, values: true, pageSize: 2)) {
            paths.append(node.path)
        }
        #expect(paths == ["/a", "/b", "/c"])
        #expect(
            transport.sent.map(\.request.target) == [
                "/v1/kv?children&recursive&values&limit=2&timeout=3000ms",
                "/v1/kv?children&recursive&values&limit=2&next=c%2B%2F&timeout=3000ms",
            ])
    }

    @Test func valuesAreBytesAndMaybeText() {
        #expect(ConcordValue("ü").bytes == [0xC3, 0xBC])
        #expect(ConcordValue([0xFF]).string == nil)
        #expect(ConcordValue(Data([1, 2])).data == Data([1, 2]))
        #expect(ConcordValue([0xFF]).description == "1 bytes")
    }
}
