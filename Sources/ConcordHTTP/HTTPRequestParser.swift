package import ConcordBytes

/// Where a parser stands: each phase has a time limit of its own.
package enum HTTPParsePhase: Equatable, Sendable {
    /// Between messages; nothing of the next one has arrived.
    case idle
    case readingHead
    case readingBody
    /// The last message of the connection was read, or its framing was wrong: further bytes are not looked at.
    case finished
}

package enum HTTPParseProgress: Sendable {
    case needMore
    /// The client waits for `HTTP/1.1 100 Continue` before it sends the body: write it, then parse on.
    case sendContinue
    case request(HTTPRequest)
    /// Answer with the failure's status and close.
    case failed(HTTPParseFailure)
}

/// Parses the requests of one connection (RFC 9112), strictly: whatever two parsers could read differently is
/// refused, because such a difference is how requests are smuggled past proxies (§11.2).
///
/// The bytes are parsed where they lie. A request costs three allocations: its head, its list of header lines,
/// its body. The verdict does not depend on how the bytes were split on the way.
///
/// HTTP/1.0 is accepted, always for one request: its keep-alive was never specified well (§C.2.2).
package struct HTTPRequestParser: Sendable {
    /// May be changed between requests.
    package var limits: HTTPLimits
    private var stage = Stage.head
    private var head = HTTPHeadReader()
    private var line = HTTPRequestLine.none
    private var request: HTTPRequest?
    private var body: [UInt8] = []
    private var chunks = HTTPChunkReader()
    private var sawEmptyLine = false

    private enum Stage: Equatable {
        case head
        case sized(remaining: Int)
        case chunked
        case finished
    }

    package init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits
    }

    package var phase: HTTPParsePhase {
        switch stage {
        case .head: head.isUntouched ? .idle : .readingHead
        case .sized, .chunked: .readingBody
        case .finished: .finished
        }
    }

    /// Takes the next request out of `input`. Call again after each request: more may have arrived.
    package mutating func parse(_ input: inout ByteQueue) -> HTTPParseProgress {
        do throws(HTTPParseFailure) {
            switch stage {
            case .head:
                guard let framing = try readHead(&input) else { return .needMore }
                return try readBody(&input, framing)
            case .sized, .chunked:
                return try continueBody(&input)
            case .finished:
                return .needMore
            }
        } catch {
            stage = .finished
            request = nil
            body = []
            return .failed(error)
        }
    }

    /// Reads up to the end of the head; `nil` when it has not arrived whole.
    private mutating func readHead(_ input: inout ByteQueue) throws(HTTPParseFailure) -> HTTPFraming? {
        while true {
            switch try head.advance(input, limits: limits) {
            case .needMore:
                return nil
            case .startLine(let range):
                if range.isEmpty {
                    guard !sawEmptyLine else { throw .requestLine }
                    sawEmptyLine = true
                    input.consume(2)
                    head.restart()
                } else {
                    line = try HTTPRequestLine(input.storage, front: input.head, line: range, limits: limits)
                }
            case .complete(let byteCount):
                let headers = head.takeHead(&input, byteCount: byteCount)
                head = HTTPHeadReader()
                sawEmptyLine = false
                let framing = try HTTPFraming(request: headers, line: line, limits: limits)
                request = HTTPRequest(
                    method: line.method, headers: headers, pathRange: line.path, queryRange: line.query, body: [],
                    keepAlive: framing.keepAlive)
                return framing
            }
        }
    }

    private mutating func readBody(
        _ input: inout ByteQueue, _ framing: HTTPFraming
    ) throws(HTTPParseFailure) -> HTTPParseProgress {
        switch framing.body {
        case .none:
            return finishRequest()
        case .sized(let count):
            if input.count >= count {
                body = input.take(count)
                return finishRequest()
            }
            stage = .sized(remaining: count)
        case .chunked:
            chunks = HTTPChunkReader()
            stage = .chunked
        }
        if framing.expectsContinue && input.isEmpty { return .sendContinue }
        return try continueBody(&input)
    }

    private mutating func continueBody(_ input: inout ByteQueue) throws(HTTPParseFailure) -> HTTPParseProgress {
        switch stage {
        case .sized(let remaining):
            let count = min(remaining, input.count)
            input.move(count, to: &body)
            stage = .sized(remaining: remaining - count)
            return count == remaining ? finishRequest() : .needMore
        case .chunked:
            let complete = try chunks.read(&input, into: &body, limits: limits)
            return complete ? finishRequest() : .needMore
        case .head, .finished:
            return .needMore
        }
    }

    private mutating func finishRequest() -> HTTPParseProgress {
        guard var request = request.take() else { return .needMore }
        swap(&request.body, &body)
        stage = request.keepAlive ? .head : .finished
        return .request(request)
    }
}
