import ConcordBytes
import ConcordHTTP
import Testing

/// Each limit at its edge and one past it, and refused before it is buffered.
@Suite struct LimitTests {
    private func repeated(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

    @Test func theTarget() {
        let limits = HTTPLimits(targetBytesMax: 100)
        func text(_ count: Int) -> String {
            "GET /" + repeated("a", count - 1) + " HTTP/1.1\r\nHost: h\r\n\r\n"
        }
        #expect(failure(of: text(100), limits: limits) == nil)
        #expect(failure(of: text(101), limits: limits) == .targetTooLong)
    }

    @Test func anEndlessRequestLineIsRefusedWithoutItsEnd() {
        #expect(failure(of: "GET /" + repeated("a", 20_000)) == .targetTooLong)
        #expect(failure(of: repeated("A", 20_000)) == .targetTooLong)
    }

    @Test func theHeaderBlock() {
        let limits = HTTPLimits(headerBytesMax: 200)
        func text(_ count: Int) -> String {
            // Host: h and the empty line take 11 bytes, X: and the line end 5.
            "GET /a HTTP/1.1\r\nHost: h\r\nX: " + repeated("a", count - 16) + "\r\n\r\n"
        }
        #expect(failure(of: text(200), limits: limits) == nil)
        #expect(failure(of: text(201), limits: limits) == .headersTooLarge)
    }

    @Test func anEndlessHeaderIsRefusedWithoutItsEnd() {
        #expect(failure(of: "GET /a HTTP/1.1\r\nHost: h\r\nX: " + repeated("a", 17_000)) == .headersTooLarge)
        #expect(failure(of: "GET /a HTTP/1.1\r\nHost: h\r\n" + repeated("X", 17_000)) == .headersTooLarge)
    }

    @Test func theNumberOfHeaders() {
        func text(_ count: Int) -> String {
            "GET /a HTTP/1.1\r\nHost: h\r\n" + repeated("X: y\r\n", count - 1) + "\r\n"
        }
        #expect(failure(of: text(100)) == nil)
        #expect(failure(of: text(101)) == .tooManyHeaders)
    }

    @Test func aSizedBodyIsRefusedByItsHeadAlone() {
        let limits = HTTPLimits(bodyBytesMax: 10)
        func head(_ count: Int) -> String { BadRequests.head("Content-Length: \(count)") }
        #expect(failure(of: head(10), limits: limits) == nil)
        #expect(failure(of: head(11), limits: limits) == .bodyTooLarge)
        #expect(
            failure(of: BadRequests.head("Expect: 100-continue\r\nContent-Length: 11"), limits: limits) == .bodyTooLarge
        )
    }

    @Test func aChunkedBodyIsRefusedByTheSizeOfTheChunkThatIsTooMuch() {
        let limits = HTTPLimits(bodyBytesMax: 10)
        #expect(failure(of: BadRequests.chunked("5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n"), limits: limits) == nil)
        #expect(failure(of: BadRequests.chunked("5\r\nhello\r\n6\r\n"), limits: limits) == .bodyTooLarge)
        #expect(failure(of: BadRequests.chunked("b\r\n"), limits: limits) == .bodyTooLarge)
    }

    @Test func theExtensionsOfAChunk() {
        func text(_ count: Int) -> String {
            BadRequests.chunked("2;" + repeated("a", count - 1) + "\r\nhi\r\n0\r\n\r\n")
        }
        #expect(failure(of: text(256)) == nil)
        #expect(failure(of: text(257)) == .chunkExtensionTooLong)
        #expect(failure(of: BadRequests.chunked("2;" + repeated("a", 1000))) == .chunkExtensionTooLong)
    }

    @Test func theExtensionsOfAllChunksTogether() {
        let chunk = "1;" + repeated("a", 255) + "\r\nx\r\n"
        #expect(failure(of: BadRequests.chunked(repeated(chunk, 64) + "0\r\n\r\n")) == nil)
        #expect(failure(of: BadRequests.chunked(repeated(chunk, 65) + "0\r\n\r\n")) == .chunkExtensionTooLong)
    }

    @Test func theTrailers() {
        #expect(failure(of: BadRequests.chunked("0\r\n" + repeated("X: y\r\n", 100) + "\r\n")) == nil)
        #expect(failure(of: BadRequests.chunked("0\r\n" + repeated("X: y\r\n", 101) + "\r\n")) == .trailer)
        #expect(failure(of: BadRequests.chunked("0\r\nX: " + repeated("y", 17_000))) == .trailer)
    }
}
