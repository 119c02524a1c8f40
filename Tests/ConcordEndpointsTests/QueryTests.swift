import ConcordAPI
import Testing

@Suite struct QueryTests {
    private let desk = Desk()

    private func detail(_ line: String) -> String? {
        guard let problem = desk.answer(line)?.problem, problem.code == .invalidRequest else { return nil }
        return problem.detail
    }

    @Test func unknownParametersAreToldTheNearestName() {
        #expect(detail("GET /v1/kv/a?chldren")?.contains("did you mean children?") == true)
        #expect(detail("GET /v1/kv/a?Raw")?.contains("did you mean raw?") == true)
        #expect(detail("GET /v1/kv/a?minrevision=5")?.contains("did you mean min_revision?") == true)
        #expect(detail("GET /v1/kv/a?cuont")?.contains("did you mean count?") == true)
        #expect(detail("DELETE /v1/kv/a?recurse")?.contains("did you mean recursive?") == true)
        #expect(detail("GET /v1/kv/a?zzzzzzzz")?.contains("known are raw, revision") == true)
        #expect(detail("GET /v1/kv/a?")?.isEmpty == nil, "an empty query has no parameters")
        #expect(detail("GET /livez?x")?.contains("there are none here") == true)
    }

    @Test func parametersOfOtherEndpointsAreMisplaced() {
        #expect(detail("PUT /v1/kv/a?raw")?.contains("does not go with PUT") == true)
        #expect(detail("GET /v1/kv/a?parents")?.contains("does not go with GET") == true)
        #expect(detail("GET /v1/status?timeout=5s")?.contains("it takes none") == true)
        #expect(detail("POST /v1/kv?sequential=a&parents") != nil)
    }

    @Test func repeatedParametersAreRefused() {
        #expect(detail("GET /v1/kv/a?raw&raw")?.contains("repeated") == true)
        #expect(detail("GET /v1/kv/a?revision=1&revision=1")?.contains("repeated") == true)
        #expect(detail("GET /v1/kv/a?raw&%72aw")?.contains("repeated") == true, "however it is spelt")
    }

    @Test func emptyPiecesAreRefused() {
        for query in ["&raw", "raw&", "raw&&children", "=", "=raw", "&"] {
            #expect(detail("GET /v1/kv/a?\(query)") != nil, "\(query)")
        }
    }

    @Test func valuesAreDecodedOnce() {
        #expect(desk.ask("GET /v1/kv/a?consistency=%6cocal") != nil)
        #expect(detail("GET /v1/kv/a?consistency=%256cocal") != nil)
        #expect(detail("GET /v1/kv/a?consistency=%6") != nil)
        #expect(detail("GET /v1/kv/a?%zz") != nil)
        #expect(detail("GET /v1/kv/a?raw=%") != nil)
    }

    @Test func flagsAreTrueOrFalse() {
        for value in ["raw", "raw=true", "raw=false"] { #expect(desk.ask("GET /v1/kv/a?\(value)") != nil, "\(value)") }
        for value in ["raw=", "raw=1", "raw=yes", "raw=TRUE", "raw=true=true"] {
            #expect(detail("GET /v1/kv/a?\(value)") != nil, "\(value)")
        }
    }

    @Test func numbersAreDecimalAndFit() {
        for value in ["1", "9007199254740991", "01"] {
            #expect(desk.ask("GET /v1/kv/a?revision=\(value)") != nil, "\(value)")
        }
        for value in [
            "", "-1", "+1", "1.0", "0x1", "1e3", "9007199254740992", "18446744073709551616", "1_0", "0", "%20" + "1",
        ] {
            #expect(detail("GET /v1/kv/a?revision=\(value)") != nil, "\(value)")
        }
        #expect(detail("GET /v1/kv/a?revision") != nil)
        #expect(desk.ask("GET /v1/kv/a?min_revision=0") != nil)
    }

    @Test func durationsHaveUnitsAndARange() {
        for value in ["1ms", "60s", "60000ms", "1m"] {
            #expect(desk.ask("GET /v1/kv/a?timeout=\(value)") != nil, "\(value)")
        }
        for value in ["", "5", "0s", "0ms", "61s", "60001ms", "2m", "1h", "5d", "-1s", "1.5s", "99999999999999999999s"]
        {
            #expect(detail("GET /v1/kv/a?timeout=\(value)")?.contains("timeout") == true, "\(value)")
        }
    }

    @Test func consistencyIsAWord() {
        #expect(desk.ask("GET /v1/kv/a?consistency=linearizable") != nil)
        for value in ["", "=", "=Local", "=strong"] {
            #expect(detail("GET /v1/kv/a?consistency\(value)") != nil, "\(value)")
        }
    }

    @Test func theErrorRepeatsNothingUnescapedOrLong() throws {
        let long = try #require(detail("GET /v1/kv/a?" + String(repeating: "x", count: 10_000)))
        #expect(long.utf8.count < 300)
        let control = try #require(detail("GET /v1/kv/a?%0d%0aERROR:%1b%5B31m"))
        #expect(control.contains("'\\x0d\\x0aERROR:\\x1b[31m'"))
        #expect(!control.contains("\n"))
    }
}
