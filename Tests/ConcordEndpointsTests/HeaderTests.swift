import ConcordAPI
import ConcordBytes
import ConcordEndpoints
import ConcordHTTP
import ConcordModel
import ConcordReplica
import Testing

/// What every reply carries, errors too.
@Suite struct HeaderTests {
    private func check(
        _ answer: Answer?, revision: String = "70", epoch: String = "4", leader: String? = "http://127.0.0.1:7400"
    ) {
        #expect(answer?.header("concord-revision") == revision)
        #expect(answer?.header("concord-epoch") == epoch)
        #expect(answer?.header("concord-member") == "one")
        #expect(answer?.header("concord-leader") == leader)
        #expect(answer?.header("cache-control") == "no-store")
    }

    @Test func everyAnswerOfTheMemberItselfCarriesThem() {
        let desk = Desk()
        for line in [
            "GET /livez", "GET /v1/status", "GET /nowhere", "PUT /livez", "GET /v1/kv/a?x", "GET /v1/kv//",
            "HEAD /readyz",
        ] {
            check(desk.answer(line))
        }
        check(desk.answer("GET /livez", host: "evil.example"))
    }

    @Test func everyAnswerOfTheReplicaCarriesItsOwnRevision() {
        let desk = Desk()
        let results: [ReplicaReply.Result] = [
            .answer(.node(Desk.node())), .answer(.notFound), .answer(.compacted(firstAvailable: Revision(5))),
            .answer(.futureRevision(current: Revision(71))), .answer(.tooMuchWork), .failed(.timeout),
            .failed(.outcomeUnknown), .failed(.noLeader(retryAfterMilliseconds: 20)), .failed(.overloaded),
            .failed(.recovering), .failed(.diverged), .failed(.readOnly),
        ]
        for result in results {
            check(desk.answer("GET /v1/kv/a", when: result), revision: "71", epoch: "5")
            check(desk.answer("HEAD /v1/kv/a", when: result), revision: "71", epoch: "5")
        }
    }

    @Test func aWriteCarriesTheRevisionOfItsOutcome() {
        let desk = Desk()
        check(
            desk.answer("PUT /v1/kv/a", body: "v", when: Desk.applied(.created, Desk.node(), revision: 44)),
            revision: "44", epoch: "5")
    }

    @Test func bytesThatAreNoRequestAreAnsweredAndTheConnectionCloses() {
        let desk = Desk()
        for failure in HTTPParseFailure.allCases {
            var output = ByteQueue()
            desk.endpoints.write(failure, facts: desk.facts, into: &output)
            let answer = Desk.read(output)
            check(answer)
            #expect(answer?.status == failure.status)
            #expect(answer?.keepAlive == false)
            #expect(answer?.header("connection") == "close")
            #expect(answer?.problem?.status == failure.status)
            #expect(answer?.header("content-type") == "application/problem+json")
        }
    }

    @Test func aProblemOfTheServerItselfIsAWholeResponse() {
        let desk = Desk()
        var output = ByteQueue()
        desk.endpoints.write(
            Problem(.overloaded, "too many connections"), keepAlive: false, facts: desk.facts, into: &output)
        let answer = Desk.read(output)
        check(answer)
        #expect(answer?.status == 429)
        #expect(answer?.keepAlive == false)
    }

    @Test func anUnknownLeaderIsNotNamed() {
        var desk = Desk()
        desk.facts = Desk.facts(leader: nil)
        check(desk.answer("GET /livez"), leader: nil)
    }

    @Test func factsAreRefreshed() {
        var desk = Desk()
        var status = Desk.status(leader: "http://127.0.0.1:7410")
        status.revision = Revision(99)
        desk.facts.refresh(status: status, readiness: .ready)
        check(desk.answer("GET /livez"), revision: "99", leader: "http://127.0.0.1:7410")
        desk.facts.refresh(status: Desk.status(leader: nil), readiness: .notReady("no leader"))
        check(desk.answer("GET /livez"), leader: nil)
        #expect(desk.answer("GET /readyz")?.status == 503)
    }

    @Test func aNameCannotSplitTheResponse() {
        var desk = Desk()
        desk.facts = MemberFacts(status: Desk.status(name: "one\r\nX-Evil: 1"), readiness: .ready)
        let answer = desk.answer("GET /livez")
        #expect(answer?.header("x-evil") == nil)
        #expect(answer?.header("concord-member") == "one??X-Evil: 1")
    }

    @Test func theLastRequestOfAConnectionIsAnsweredWithClose() {
        let desk = Desk()
        #expect(desk.answer("GET /livez", ["Connection: close"])?.keepAlive == false)
        #expect(desk.answer("GET /livez")?.keepAlive == true)
        #expect(desk.ask("GET /v1/kv/a", ["Connection: close"])?.pending.keepAlive == false)
        let answer = desk.answer("GET /v1/kv/a", ["Connection: close"], when: .answer(.node(Desk.node())))
        #expect(answer?.keepAlive == false)
    }
}
