import ConcordBytes
import ConcordHTTP

/// The bytes that a server sends to the client library. However they are cut into pieces, the same responses come out.
func fuzz(_ input: [UInt8]) {
    let checksum = CRC32C.checksum(input, seed: 1)
    let limits = HTTPLimits(bodyBytesMax: checksum % 4 == 0 ? 12 : 1 << 20)
    let whole = Reading(of: [input], limits: limits, answersHead: checksum & 16 == 0)
    let cut = Reading(of: pieces(of: input), limits: limits, answersHead: checksum & 16 == 0)
    precondition(whole.failure == cut.failure, "the cut changed the failure")
    precondition(whole.responses.count == cut.responses.count, "the cut changed the number of responses")
    for (one, other) in zip(whole.responses, cut.responses) {
        precondition(one.isSame(as: other), "the cut changed a response")
        precondition((200...999).contains(one.status), "a response has an interim status or none")
        precondition(one.body.count <= limits.bodyBytesMax, "a body is too long")
    }
}

private struct Reading {
    var responses: [HTTPResponse] = []
    var failure: HTTPParseFailure?

    init(of pieces: [[UInt8]], limits: HTTPLimits, answersHead: Bool) {
        var parser = HTTPResponseParser(limits: limits)
        var queue = ByteQueue()
        for piece in pieces {
            queue.append(piece)
            while take(parser.parse(&queue, answersHead: answersHead)) {}
        }
        while take(parser.endOfInput()) {}
        precondition(parser.phase == .finished, "the connection goes on after its end")
    }

    /// - Returns: whether to ask for more.
    private mutating func take(_ progress: HTTPResponseProgress) -> Bool {
        switch progress {
        case .needMore: return false
        case .response(let response):
            precondition(failure == nil && responses.last?.keepAlive != false, "a response came after the last one")
            responses.append(response)
            return true
        case .failed(let new):
            precondition(failure == nil, "a failure came after a failure")
            failure = new
            return true
        }
    }
}

extension HTTPResponse {
    fileprivate func isSame(as other: HTTPResponse) -> Bool {
        status == other.status && headers.head == other.headers.head && headers.fields == other.headers.fields
            && body == other.body && keepAlive == other.keepAlive
    }
}
