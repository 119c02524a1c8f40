import ConcordBytes
import ConcordHTTP
import Testing

@Suite struct RequestParserTests {
    @Test func everyRequestOfTheCorpusIsReadAndTheNextOneFound() {
        for (name, text, line) in RequestCorpus.good {
            let transcript = Transcript.ofRequests(text + RequestCorpus.follower)
            #expect(transcript.lines == [line, RequestCorpus.followerLine], "\(name)")
        }
    }

    @Test func nothingIsReadAfterTheLastRequest() {
        for (name, text, line) in RequestCorpus.last {
            let transcript = Transcript.ofRequests(text + RequestCorpus.follower)
            #expect(transcript.lines == [line], "\(name)")
        }
    }

    @Test func theVerdictDoesNotDependOnWhereTheBytesWereSplit() {
        let all = RequestCorpus.good + RequestCorpus.last
        for (name, text, _) in all {
            let bytes = [UInt8]((text + RequestCorpus.follower).utf8)
            let whole = Transcript.ofRequests([bytes])
            for split in 0...bytes.count {
                let pieces = [[UInt8](bytes[..<split]), [UInt8](bytes[split...])]
                #expect(Transcript.ofRequests(pieces) == whole, "\(name), split at \(split)")
            }
            #expect(Transcript.ofRequests(bytes.map { [$0] }) == whole, "\(name), byte by byte")
        }
    }

    @Test func theVerdictOnBadBytesDoesNotDependOnWhereTheyWereSplit() {
        for (name, text, expected) in BadRequests.all {
            let bytes = [UInt8](text.utf8)
            let whole = Transcript.ofRequests([bytes])
            #expect(whole.lines.last == "failed \(expected)", "\(name)")
            for split in 0...bytes.count {
                let pieces = [[UInt8](bytes[..<split]), [UInt8](bytes[split...])]
                #expect(Transcript.ofRequests(pieces) == whole, "\(name), split at \(split)")
            }
            #expect(Transcript.ofRequests(bytes.map { [$0] }) == whole, "\(name), byte by byte")
        }
    }

    @Test func aPipelineOfTheWholeCorpusStaysInStep() {
        let text = RequestCorpus.good.map(\.text).joined()
        // An empty line is allowed before each request, and is in the corpus once.
        #expect(Transcript.ofRequests(text).lines == RequestCorpus.good.map(\.line))
    }

    @Test func aLargeBodyArrivesInPieces() {
        let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var parser = HTTPRequestParser()
        var input = ByteQueue()
        input.append([UInt8]("PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n".utf8))
        for start in stride(from: 0, to: body.count, by: 4096) {
            guard case .needMore = parser.parse(&input) else {
                Issue.record("the request ended early")
                return
            }
            #expect(parser.phase == .readingBody)
            #expect(input.isEmpty, "what has arrived of a body does not stay in the queue")
            input.append(body[start..<min(start + 4096, body.count)])
        }
        guard case .request(let request) = parser.parse(&input) else {
            Issue.record("the request did not end")
            return
        }
        #expect(request.body == body)
    }

    @Test func thePhaseTellsWhatIsWaitedFor() {
        var parser = HTTPRequestParser()
        var input = ByteQueue()
        #expect(parser.phase == .idle)
        func feed(_ text: String) -> HTTPParseProgress {
            input.append([UInt8](text.utf8))
            return parser.parse(&input)
        }
        _ = feed("P")
        #expect(parser.phase == .readingHead)
        _ = feed("UT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n")
        #expect(parser.phase == .readingHead)
        _ = feed("\r\n")
        #expect(parser.phase == .readingBody)
        _ = feed("hi")
        #expect(parser.phase == .idle)
        _ = feed("\r\n")
        #expect(parser.phase == .idle, "an empty line is not the beginning of a request")
        _ = feed("oops\r\n")
        #expect(parser.phase == .finished)
    }

    @Test func theContinueResponseIsAskedForOnceAndBeforeTheBody() {
        let head = "PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        let waiting = Transcript.ofRequests([[UInt8](head.utf8), [UInt8]("h".utf8), [UInt8]("i".utf8)])
        #expect(waiting.continues == 1)
        #expect(waiting.lines.count == 1)
        let chunked = "PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(Transcript.ofRequests(chunked).continues == 1)
        #expect(Transcript.ofRequests(head + "h").continues == 0, "the client did not wait")
        let empty = "PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n"
        #expect(Transcript.ofRequests(empty).continues == 0, "there is no body to wait for")
    }

    @Test func headersAreFoundByTheirLowerCaseNames() throws {
        let text = "GET /a HTTP/1.1\r\nHost: h\r\nIf-Match: \"1\"\r\nX: 1\r\nIf-Match: \"2\"\r\n\r\n"
        let headers = try #require(request(text)).headers
        #expect(string(headers.first("if-match")) == "\"1\"")
        #expect(headers.all("if-match").map { string($0) } == ["\"1\"", "\"2\""])
        #expect(headers.count("if-match") == 2)
        #expect(headers.first("if-none-match") == nil)
        #expect(headers.count("host") == 1)
    }
}
