import ConcordAPI
import ConcordModel
import ConcordReplica
import Testing

@Suite struct RetryTests {
    private let desk = Desk()
    private let client = "0123456789abcdef0123456789abcdef"
    private let writes = [
        ("PUT /v1/kv/a", "v"), ("DELETE /v1/kv/a", ""), ("PATCH /v1/kv/a", "{\"increment\":1}"),
        ("POST /v1/kv/a?sequential=s", "v"), ("PUT /v1/cluster/settings", "{\"settings\":{\"clients_max\":5}}"),
    ]

    @Test func everyWriteTakesAKey() {
        for (line, body) in writes {
            #expect(desk.ask(line, ["Idempotency-Key: k-1"], body: body)?.retry == .key([UInt8]("k-1".utf8)), "\(line)")
        }
    }

    @Test func everyWriteTakesTheCallOfAClient() {
        let call = ClientCall(client: 0x0123_4567_89AB_CDEF_0123_4567_89AB_CDEF, sequence: 7, done: 5)
        for (line, body) in writes {
            for value in [
                "\(client); seq=7; done=5", "\(client);seq=7;done=5", "\(client.uppercased()) ;  seq=7 ; done=5",
            ] {
                #expect(desk.ask(line, ["Concord-Client: \(value)"], body: body)?.retry == .client(call), "\(value)")
            }
        }
        #expect(desk.ask("DELETE /v1/kv/a", ["Concord-Client: \(client); seq=1; done=0"]) != nil)
    }

    @Test func aKeyHas1To128VisibleCharacters() {
        func answer(_ key: String) -> Int? { desk.answer("DELETE /v1/kv/a", ["Idempotency-Key: \(key)"])?.status }
        #expect(answer(String(repeating: "k", count: 128)) == nil)
        #expect(answer(String(repeating: "k", count: 129)) == 400)
        #expect(answer("") == 400)
        #expect(answer("a b") == 400)
        #expect(answer("ü") == 400)
        #expect(answer("!~\"',;") == nil)
        #expect(desk.answer("DELETE /v1/kv/a", ["Idempotency-Key: a", "Idempotency-Key: a"])?.status == 400)
    }

    @Test func malformedCallsOfAClientAreRefused() {
        for value in [
            "", "\(client)", "\(client); seq=1", "\(client); done=0; seq=1", "\(client.dropLast()); seq=1; done=0",
            "\(client)0; seq=1; done=0", "\(client); seq=0; done=0", "\(client); seq=1; done=1",
            "\(client); seq=1; done=2",
            "\(client); seq=-1; done=0", "\(client); seq=1; done=0; x=1", "\(client); seq=1; done=0;",
            "\(client); seq=1;",
            "\(client); seq=9007199254740992; done=0", "\(client); seq=99999999999999999999999; done=0",
            "\(client), seq=1, done=0",
            "g\(client.dropFirst()); seq=1; done=0", "\(client); Seq=1; done=0", "\(client); seq=1x; done=0",
            "\(client); seq=; done=",
        ] {
            #expect(
                desk.answer("DELETE /v1/kv/a", ["Concord-Client: \(value)"])?.problem?.code == .invalidRequest,
                "\(value)")
        }
        let twice = Array(repeating: "Concord-Client: \(client); seq=1; done=0", count: 2)
        #expect(desk.answer("DELETE /v1/kv/a", twice)?.status == 400)
        #expect(desk.answer("DELETE /v1/kv/a", ["Idempotency-Key: a", twice[0]])?.status == 400)
    }

    @Test func anUnknownOutcomeIsRetryableWithAKeyOnly() throws {
        let without = try #require(desk.answer("DELETE /v1/kv/a", when: .failed(.outcomeUnknown)))
        #expect(without.status == 504)
        #expect(without.problem?.code == .timeout)
        #expect(without.problem?.retryable == false)
        #expect(without.problem?.outcomeUnknown == true)
        for header in ["Idempotency-Key: k", "Concord-Client: \(client); seq=1; done=0"] {
            let with = try #require(desk.answer("DELETE /v1/kv/a", [header], when: .failed(.outcomeUnknown)))
            #expect(with.status == 504)
            #expect(with.problem?.retryable == true)
            #expect(with.problem?.outcomeUnknown == true)
        }
    }
}
