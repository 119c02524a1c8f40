import ConcordAPI
import Testing

@Suite struct HostTests {
    private let desk = Desk()

    @Test func addressesLocalhostAndConfiguredNamesAreServed() {
        for host in [
            "127.0.0.1", "127.0.0.1:7400", "10.0.0.1", "255.255.255.255", "0.0.0.0:1", "[::1]", "[::1]:7400",
            "[2001:db8::1]",
            "[1:2:3:4:5:6:7:8]", "[::ffff:127.0.0.1]", "[::]", "[1::]", "localhost", "LOCALHOST:80", "concord.example",
            "Concord.Example:7400", "node-1", "127.0.0.1:",
        ] {
            #expect(desk.answer("GET /livez", host: host)?.status == 200, "\(host)")
        }
    }

    @Test func allOtherHostsAreRefused() {
        for host in [
            "evil.example", "localhost.evil.example", "localhost.", "127.0.0.1.evil.example", "127.1", "127.0.0.256",
            "127.0.0",
            "127.0.0.01", "0x7f.0.0.1", "2130706433", "1.2.3.4.5", "[::1", "::1", "[1:2:3]", "[1::2::3]", "[12345::]",
            "[::1]x",
            "[g::]", "[fe80::1%25eth0]", "localhost:80:80", "localhost:x", "localhost:123456", "[:::]",
            "[1:2:3:4:5:6:7:8:9]",
            "[1:2:3:4:5:6:7::8]", "[::1.2.3]", "[]", "concord.example.", "[1:]", "[:1]", "127.0.0.1:7400:1", ":7400",
            "1..2.3", "...",
        ] {
            let answer = desk.answer("GET /livez", host: host)
            #expect(answer?.status == 403, "\(host)")
            #expect(answer?.problem?.code == .hostNotAllowed, "\(host)")
        }
    }

    @Test func eightGroupsWithAGapAreTooMany() {
        #expect(desk.answer("GET /livez", host: "[1:2:3:4:5:6::8]")?.status == 200)
        #expect(desk.answer("GET /livez", host: "[1:2:3:4:5:6:7::]")?.status == 200)
    }

    @Test func requestsOfOldClientsWithoutHostAreRefused() {
        let answer = desk.answer(raw: "GET /livez HTTP/1.0\r\n\r\n")
        #expect(answer?.problem?.code == .hostNotAllowed)
        #expect(answer?.keepAlive == false)
    }

    @Test func pagesOfOtherOriginsAreRefused() {
        for origin in [
            "http://evil.example", "null", "https://localhost:7400", "http://localhost", "http://localhost:7401", "",
            "http://",
            "http://localhost:7400/", "http://localhost:7400.evil.example", "http://evil@localhost:7400",
        ] {
            let answer = desk.answer("PUT /v1/kv/a", ["Origin: \(origin)"], body: "v")
            #expect(answer?.status == 403, "\(origin)")
            #expect(answer?.problem?.code == .originNotAllowed, "\(origin)")
        }
        #expect(desk.answer("GET /livez", ["Origin: http://localhost:7400", "Origin: http://evil"])?.status == 403)
    }

    @Test func pagesOfOurOwnAreServed() {
        #expect(desk.answer("GET /livez", ["Origin: http://localhost:7400"])?.status == 200)
        #expect(desk.ask("PUT /v1/kv/a", ["Origin: http://localhost:7400"], body: "v") != nil)
    }

    @Test func theRefusalRepeatsNothingUnescaped() throws {
        let answer = try #require(desk.answer("GET /livez", host: String(repeating: "e", count: 5000)))
        #expect(answer.body.count < 600)
        let origin = try #require(desk.answer("GET /livez", ["Origin: ü\\\"'<script>"]))
        #expect(origin.problem?.detail.contains("\\xc3\\xbc\\x5c\"\\x27<script>") == true)
    }
}
