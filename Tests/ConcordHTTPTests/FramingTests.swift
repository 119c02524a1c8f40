import ConcordBytes
import ConcordHTTP
import Testing

/// The attacks on framing, each by its name: 400, and nothing more is read on the connection.
@Suite struct FramingTests {
    /// Every failure ends the connection: whatever follows, even a well-formed request, is not looked at.
    private func expectRefusals(_ cases: [(name: String, text: String, failure: HTTPParseFailure)]) {
        for (name, text, expected) in cases {
            let transcript = Transcript.ofRequests([[UInt8](text.utf8), [UInt8](RequestCorpus.follower.utf8)])
            #expect(transcript.lines == ["failed \(expected)"], "\(name)")
        }
    }

    @Test func malformedRequestLinesAreRefused() { expectRefusals(BadRequests.requestLines) }

    @Test func malformedHeadersAreRefused() { expectRefusals(BadRequests.headers) }

    @Test func ambiguousLengthsAreRefused() { expectRefusals(BadRequests.framing) }

    @Test func malformedChunksAreRefused() { expectRefusals(BadRequests.chunks) }

    @Test func contentLengthWithTransferEncodingIsRefusedInEitherOrder() {
        #expect(
            failure(of: BadRequests.head("Content-Length: 5\r\nTransfer-Encoding: chunked"))
                == .contentLengthWithTransferEncoding)
        #expect(
            failure(of: BadRequests.head("Transfer-Encoding: chunked\r\nContent-Length: 5"))
                == .contentLengthWithTransferEncoding)
    }

    @Test func duplicateContentLengthIsRefusedEvenWhenBothAgree() {
        #expect(failure(of: BadRequests.head("Content-Length: 5\r\ncontent-length: 5")) == .contentLengthRepeated)
    }

    @Test func numbersWithSignsPrefixesOrUnderscoresAreNoLengths() {
        for number in ["+5", "-5", "0x5", "1_0", "5 5", "５", "", "5,", ",5", "1e1", "5h"] {
            #expect(failure(of: BadRequests.head("Content-Length: " + number)) == .contentLength, "\(number)")
        }
    }

    @Test func obsoleteFoldingIsRefused() {
        #expect(failure(of: BadRequests.head("X: a\r\n\tb")) == .foldedHeader)
        #expect(failure(of: BadRequests.head("X: a\r\n \r\nY: b")) == .foldedHeader)
    }

    @Test func chunkedThenIdentityIsRefused() {
        #expect(failure(of: BadRequests.head("Transfer-Encoding: chunked, identity")) == .transferEncoding)
        #expect(
            failure(of: BadRequests.head("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"))
                == .transferEncoding)
    }

    @Test func aGetWithALengthConsumesItsBody() {
        let smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
        let text = "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: \(smuggled.utf8.count)\r\n\r\n" + smuggled
        let transcript = Transcript.ofRequests(text + RequestCorpus.follower)
        #expect(transcript.lines.count == 2)
        #expect(transcript.lines.last == RequestCorpus.followerLine)
    }

    @Test func aBodyOfZeroBytesLeavesTheNextRequestAlone() {
        let text = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n" + RequestCorpus.follower
        #expect(Transcript.ofRequests(text).lines.last == RequestCorpus.followerLine)
    }

    @Test func pipelinedGarbageAfterARequestEndsTheConnection() {
        let text = "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGARBAGE\r\n\r\n" + RequestCorpus.follower
        #expect(Transcript.ofRequests(text).lines == ["get /a host=h [] keep", "failed requestLine"])
    }

    @Test func aRequestAfterConnectionCloseIsNeverSeen() {
        let text = "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" + RequestCorpus.follower
        #expect(Transcript.ofRequests(text).lines == ["get /a host=h connection=close [] close"])
    }

    @Test func whatComesWithoutARequestedContinueIsStillTheBody() {
        let text =
            "PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 36\r\n\r\n" + RequestCorpus.follower
            + String(repeating: "x", count: 36 - RequestCorpus.follower.utf8.count) + RequestCorpus.follower
        let lines = Transcript.ofRequests(text).lines
        #expect(lines.count == 2)
        #expect(lines.last == RequestCorpus.followerLine)
    }

    @Test func failuresAskForTheRightStatus() {
        for failure in HTTPParseFailure.allCases {
            switch failure {
            case .targetTooLong: #expect(failure.status == 414)
            case .headersTooLarge, .tooManyHeaders: #expect(failure.status == 431)
            case .bodyTooLarge: #expect(failure.status == 413)
            default: #expect(failure.status == 400)
            }
            #expect(!failure.detail.isEmpty)
        }
    }
}
