import ConcordBytes
import ConcordHTTP

/// The bytes that a client sends on one connection. However they are cut into pieces, the same requests come out;
/// what comes out keeps the limits and holds nothing that could begin a line of its own.
func fuzz(_ input: [UInt8]) {
    // Small limits too: nobody writes an input of a megabyte.
    let isNarrow = CRC32C.checksum(input, seed: 1) % 4 == 0
    let limits =
        isNarrow
        ? HTTPLimits(targetBytesMax: 24, headerBytesMax: 96, headersMax: 4, bodyBytesMax: 12) : HTTPLimits()
    let whole = Reading(of: [input], limits: limits)
    let cut = Reading(of: pieces(of: input), limits: limits)
    precondition(whole.failure == cut.failure, "the cut changed the failure")
    precondition(whole.requests.count == cut.requests.count, "the cut changed the number of requests")
    for (one, other) in zip(whole.requests, cut.requests) {
        precondition(one.isSame(as: other), "the cut changed a request")
        one.check(limits)
    }
}

private struct Reading {
    var requests: [HTTPRequest] = []
    var failure: HTTPParseFailure?

    init(of pieces: [[UInt8]], limits: HTTPLimits) {
        var parser = HTTPRequestParser(limits: limits)
        var queue = ByteQueue()
        for piece in pieces {
            queue.append(piece)
            drain(&parser, &queue)
        }
        let isLast = requests.last?.keepAlive == false
        precondition(
            (parser.phase == .finished) == (failure != nil || isLast), "the connection goes on after its end")
    }

    private mutating func drain(_ parser: inout HTTPRequestParser, _ queue: inout ByteQueue) {
        while true {
            switch parser.parse(&queue) {
            case .needMore: return
            case .sendContinue: continue
            case .request(let request):
                precondition(failure == nil && requests.last?.keepAlive != false, "a request came after the last one")
                requests.append(request)
            case .failed(let new):
                precondition(failure == nil, "a failure came after a failure")
                failure = new
            }
        }
    }
}

extension HTTPRequest {
    fileprivate func isSame(as other: HTTPRequest) -> Bool {
        method == other.method && path == other.path && hasQuery == other.hasQuery && query == other.query
            && headers.head == other.headers.head && headers.fields == other.headers.fields && body == other.body
            && keepAlive == other.keepAlive
    }

    fileprivate func check(_ limits: HTTPLimits) {
        precondition(path.count + query.count <= limits.targetBytesMax, "a target is too long")
        precondition(headers.count <= limits.headersMax && body.count <= limits.bodyBytesMax, "a message is too long")
        precondition((path + query).allSatisfy { $0 > 0x20 && $0 != 0x7F }, "a target holds white space")
        for index in 0..<headers.count {
            let (name, value) = headers[index]
            precondition(!name.isEmpty && name.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x3A }, "a name is none")
            precondition(!name.contains { (0x41...0x5A).contains($0) }, "a name is not in lower case")
            precondition(value.allSatisfy { $0 == 0x09 || $0 >= 0x20 && $0 != 0x7F }, "a value holds a control byte")
        }
        let lengths = headers.count("content-length")
        precondition(lengths <= 1 && (lengths == 0 || headers.count("transfer-encoding") == 0), "two framings")
    }
}
