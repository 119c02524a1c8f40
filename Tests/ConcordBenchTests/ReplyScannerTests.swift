import ConcordBench
import ConcordBytes
import Testing

@Suite struct ReplyScannerTests {
    private func queue(_ text: String) -> ByteQueue {
        var queue = ByteQueue()
        queue.append([UInt8](text.utf8))
        return queue
    }

    @Test func repliesAreTakenOneAfterTheOther() {
        var input = queue(
            "HTTP/1.1 200 OK\r\nX: content-length\r\nContent-Length: 5\r\n\r\nhello"
                + "HTTP/1.1 503 Unavailable\r\ncontent-length:2\r\n\r\n{}HTTP/1.1 304 Not Modified\r\n\r\n")
        var scanner = ReplyScanner()
        #expect(scanner.next(&input) == .reply(status: 200))
        #expect(scanner.next(&input) == .reply(status: 503))
        #expect(scanner.next(&input) == .reply(status: 304))
        #expect(scanner.next(&input) == .needMore)
        #expect(input.isEmpty)
    }

    @Test func aReplyMayComeInAnyPieces() {
        let text = "HTTP/1.1 201 Created\r\nConcord-Revision: 7\r\nContent-Length: 12\r\n\r\nhello\r\n\r\nyou"
        for size in 1...text.utf8.count {
            var scanner = ReplyScanner()
            var input = ByteQueue()
            var rest = [UInt8](text.utf8)[...]
            var seen: [ReplyScanner.Progress] = []
            while !rest.isEmpty {
                input.append(rest.prefix(size))
                rest = rest.dropFirst(size)
                let progress = scanner.next(&input)
                if progress != .needMore { seen.append(progress) }
            }
            #expect(seen == [.reply(status: 201)], "in pieces of \(size)")
            #expect(input.isEmpty)
        }
    }

    @Test(arguments: [
        "HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "SSH-2.0-OpenSSH\r\n\r\n", "\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    ])
    func anythingElseIsBroken(_ text: String) {
        var input = queue(text)
        var scanner = ReplyScanner()
        #expect(scanner.next(&input) == .broken)
    }

    @Test func aHeadWithoutEndIsBroken() {
        var input = queue("HTTP/1.1 200 OK\r\n" + String(repeating: "X: y\r\n", count: 5000))
        var scanner = ReplyScanner()
        #expect(scanner.next(&input) == .broken)
    }
}
