import ConcordBytes
import ConcordHTTP
import Testing

enum ResponseTranscript {
    static func of(_ pieces: [[UInt8]], answersHead: Bool = false, closes: Bool = true) -> [String] {
        var parser = HTTPResponseParser()
        var input = ByteQueue()
        var lines: [String] = []
        func note(_ progress: HTTPResponseProgress) -> Bool {
            switch progress {
            case .needMore: return false
            case .response(let response):
                lines.append("\(response.status) [\(string(response.body))] \(response.keepAlive ? "keep" : "close")")
                return true
            case .failed(let failure):
                lines.append("failed \(failure)")
                return false
            }
        }
        for piece in pieces {
            input.append(piece)
            while note(parser.parse(&input, answersHead: answersHead)) {}
        }
        if closes { _ = note(parser.endOfInput()) }
        return lines
    }

    static func of(_ text: String, answersHead: Bool = false, closes: Bool = true) -> [String] {
        of([[UInt8](text.utf8)], answersHead: answersHead, closes: closes)
    }
}

@Suite struct ResponseParserTests {
    private let next = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"

    private var corpus: [(text: String, lines: [String])] {
        [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi" + next, ["200 [hi] keep", "201 [] keep"]),
            ("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", ["200 [hi] keep"]),
            ("HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nhi", ["200 [hi] keep"]),
            ("HTTP/1.1 204 No Content\r\n\r\n" + next, ["204 [] keep", "201 [] keep"]),
            ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n" + next, ["304 [] keep", "201 [] keep"]),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nhi\r\n1\r\n!\r\n0\r\nT: v\r\n\r\n" + next,
                ["200 [hi!] keep", "201 [] keep"]
            ),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" + next, ["201 [] keep"]
            ),
            ("HTTP/1.1 200 OK\r\n\r\nto the end", ["200 [to the end] close"]),
            ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", ["200 [hi] close"]),
            ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi" + next, ["200 [hi] close"]),
        ]
    }

    @Test func responsesAreReadAtEverySplit() {
        for (text, lines) in corpus {
            let bytes = [UInt8](text.utf8)
            for split in 0...bytes.count {
                let pieces = [[UInt8](bytes[..<split]), [UInt8](bytes[split...])]
                #expect(ResponseTranscript.of(pieces) == lines, "\(text), split at \(split)")
            }
            #expect(ResponseTranscript.of(bytes.map { [$0] }) == lines, "\(text), byte by byte")
        }
    }

    @Test func theAnswerToHeadHasALengthAndNoBody() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
        #expect(ResponseTranscript.of(text + text, answersHead: true) == ["200 [] keep", "200 [] keep"])
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(ResponseTranscript.of(chunked, answersHead: true) == ["200 [] keep"])
    }

    @Test func aResponseThatIsCutOffIsNoResponse() {
        for (text, lines) in corpus where !text.hasSuffix("to the end") {
            let bytes = [UInt8](text.utf8)
            for count in 0..<bytes.count {
                let read = ResponseTranscript.of([[UInt8](bytes[..<count])])
                #expect(
                    read == Array(lines.prefix(read.count)) || read.last == "failed closedInside",
                    "\(text), cut after \(count)")
                #expect(read != lines || lines.count > 1 || text.contains("close"), "\(text), cut after \(count)")
            }
        }
    }

    @Test func malformedResponsesAreRefused() {
        let cases: [(String, HTTPParseFailure)] = [
            ("HTTP/2 200\r\n\r\n", .statusLine), ("HTTP/1.1 20 OK\r\n\r\n", .statusLine),
            ("HTTP/1.1 2000 OK\r\n\r\n", .statusLine), ("HTTP/1.1  200 OK\r\n\r\n", .statusLine),
            ("HTTP/1.1 OK\r\n\r\n", .statusLine), ("ICY 200 OK\r\n\r\n", .statusLine),
            ("HTTP/1.1 101 Switching Protocols\r\n\r\n", .statusLine), ("HTTP/1.1 099 No\r\n\r\n", .statusLine),
            ("\r\n", .statusLine), ("HTTP/1.1 200 OK\nX: y\r\n\r\n", .bareLineFeed),
            ("HTTP/1.1 200 OK\r\nX : y\r\n\r\n", .spaceBeforeColon),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n", .contentLengthRepeated),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
                .contentLengthWithTransferEncoding
            ),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", .transferEncoding),
            ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", .bodyTooLarge),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi!", .chunkEnd),
        ]
        for (text, failure) in cases {
            #expect(ResponseTranscript.of(text + next) == ["failed \(failure)"], "\(text)")
        }
    }

    @Test func aClosedIdleConnectionIsNoFailure() {
        #expect(ResponseTranscript.of("") == [])
        #expect(ResponseTranscript.of(next) == ["201 [] keep"])
    }

    @Test func bodiesUntilCloseHaveALimit() {
        var parser = HTTPResponseParser(limits: HTTPLimits(bodyBytesMax: 4))
        var input = ByteQueue()
        input.append([UInt8]("HTTP/1.1 200 OK\r\n\r\n1234".utf8))
        guard case .needMore = parser.parse(&input) else {
            Issue.record("four bytes are allowed")
            return
        }
        input.append([5])
        guard case .failed(.bodyTooLarge) = parser.parse(&input) else {
            Issue.record("five bytes are not")
            return
        }
    }
}
