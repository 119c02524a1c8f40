import ConcordBytes
import ConcordHTTP
import Testing

/// A response whose body is taken out while it arrives.
@Suite struct ResponseBodyTests {
    private static let whole = [UInt8](
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n".utf8)

    @Test(arguments: 1...40)
    func aBodyIsHandedOverInOrderAndHeldNowhere(portion: Int) throws {
        var parser = HTTPResponseParser(limits: HTTPLimits(bodyBytesMax: 10))
        var (input, taken) = (ByteQueue(), [UInt8]())
        var rest = ResponseBodyTests.whole[...]
        while !rest.isEmpty {
            input.append(rest.prefix(portion))
            rest = rest.dropFirst(portion)
            switch parser.parse(&input) {
            case .needMore:
                taken += parser.takeBody()
                if !taken.isEmpty { #expect(parser.begun?.status == 200) }
            case .response(let response):
                #expect(rest.isEmpty && response.status == 200 && parser.begun == nil)
                taken += response.body
            case .failed(let failure):
                // The limit is for what is held at once: the whole body is longer.
                #expect(portion >= 10, "\(failure)")
                return
            }
        }
        #expect(String(decoding: taken, as: UTF8.self) == "hello world")
    }

    @Test func aBodyThatBreaksOffIsToldBroken() {
        for count in 40..<ResponseBodyTests.whole.count {
            var parser = HTTPResponseParser()
            var input = ByteQueue()
            input.append(ResponseBodyTests.whole.prefix(count))
            guard case .needMore = parser.parse(&input), case .failed = parser.endOfInput() else {
                Issue.record("\(count) bytes pass for the whole")
                return
            }
            #expect(parser.begun == nil)
        }
    }
}
