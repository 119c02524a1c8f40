import ConcordBytes
import ConcordHTTP
import Testing

@Suite struct WritingTests {
    private func written(_ body: (inout ByteWriter) -> Void) -> String {
        var writer = ByteWriter()
        body(&writer)
        return string(writer.bytes)
    }

    @Test func aResponseIsWrittenAsItIsSent() {
        let text = written { writer in
            writer.writeStatusLine(200, keepAlive: true)
            writer.writeHeader("ETag", [UInt8]("\"5\"".utf8))
            writer.writeHeader("Concord-Revision", decimal: 1_234_567_890)
            writer.writeBody([UInt8]("hi".utf8))
        }
        #expect(
            text
                == "HTTP/1.1 200 OK\r\nETag: \"5\"\r\nConcord-Revision: 1234567890\r\nContent-Length: 2\r\n\r\nhi")
    }

    @Test func aRequestIsReadAsItWasWritten() throws {
        var writer = ByteWriter()
        writer.writeRequestLine(.put, target: [UInt8]("/v1/kv/a?parents".utf8), host: [UInt8]("localhost:7400".utf8))
        writer.writeHeader("If-None-Match", "*")
        writer.writeBody([0, 1, 255])
        let request = try #require(parsed(writer.bytes))
        #expect(request.method == .put)
        #expect(string(request.path) == "/v1/kv/a")
        #expect(string(request.query) == "parents")
        #expect(string(request.headers.first("if-none-match")) == "*")
        #expect(request.body == [0, 1, 255])
    }

    private func parsed(_ bytes: [UInt8]) -> HTTPRequest? {
        var parser = HTTPRequestParser()
        var input = ByteQueue()
        input.append(bytes)
        guard case .request(let request) = parser.parse(&input) else { return nil }
        return request
    }

    @Test func theLastResponseOfAConnectionSaysSo() {
        #expect(
            written { $0.writeStatusLine(503, keepAlive: false) }
                == "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n")
        #expect(written { $0.writeStatusLine(418, keepAlive: true) } == "HTTP/1.1 418 \r\n")
    }

    @Test func aHeaderCannotBeginAnotherLine() {
        let text = written { $0.writeHeader("X", [UInt8]("a\r\nSet-Cookie: b\0\u{7F}ü".utf8)) }
        #expect(text == "X: a??Set-Cookie: b??ü\r\n")
        let line = written { $0.writeRequestLine(.get, target: [UInt8]("/a\r\nb".utf8), host: [UInt8]("h\n".utf8)) }
        #expect(line == "GET /a??b HTTP/1.1\r\nHost: h?\r\n")
    }

    @Test func decimalNumbersOfAllLengths() {
        for number: UInt64 in [0, 1, 9, 10, 11, 99, 100, 12_345, 999_999_999, .max - 1, .max] {
            #expect(written { $0.writeDecimal(number) } == String(number))
        }
    }

    @Test func theLengthOfABodyIsPutInItsPlace() {
        for count in [0, 1, 9, 10, 1234, 999_999, 9_999_999, 10_000_000] {
            var writer = ByteWriter()
            writer.writeRaw("before")
            let mark = writer.beginBody()
            writer.writeRaw([UInt8](repeating: 120, count: count))
            writer.endBody(mark)
            let head = "beforeContent-Length: \(count)\r\n\r\n"
            #expect(string([UInt8](writer.bytes.prefix(head.utf8.count))) == head)
            #expect(writer.count == head.utf8.count + count)
        }
    }

    @Test func theAnswerToHeadKeepsTheLengthOnly() {
        let text = written { writer in
            let mark = writer.beginBody()
            writer.writeRaw("hello")
            writer.endBody(mark, keepingBody: false)
        }
        #expect(text == "Content-Length: 5\r\n\r\n")
    }

    @Test func chunksAreReadAsTheyWereWritten() {
        let text = written { writer in
            writer.writeStatusLine(200, keepAlive: true)
            writer.beginChunkedBody()
            writer.writeChunk([UInt8]("{}\n".utf8))
            writer.writeChunk([])
            writer.writeChunk([UInt8](repeating: 97, count: 300))
            writer.endChunkedBody()
        }
        #expect(ResponseTranscript.of(text) == ["200 [{}\n\(String(repeating: "a", count: 300))] keep"])
        #expect(text.contains("\r\n12c\r\n"))
    }

    @Test func theInterimResponseIsSkippedByClients() {
        let text = written { writer in
            writer.writeContinueResponse()
            writer.writeStatusLine(204, keepAlive: true)
            writer.writeNoBody()
        }
        #expect(ResponseTranscript.of(text) == ["204 [] keep"])
    }
}
