package import ConcordBytes

/// A response, read whole.
@usableFromInline package struct HTTPResponse: Sendable {
    @usableFromInline package let status: Int
    @usableFromInline package let headers: HTTPHeaders
    @usableFromInline package var body: [UInt8]
    /// Another request may be sent on the connection.
    @usableFromInline package let keepAlive: Bool
}

package enum HTTPResponseProgress: Sendable {
    case needMore
    case response(HTTPResponse)
    /// Close the connection. Whether the request took effect is unknown.
    case failed(HTTPParseFailure)
}

/// Parses the responses of one connection: the client's side. Interim responses (1xx) are skipped.
package struct HTTPResponseParser: Sendable {
    package let limits: HTTPLimits
    private var stage = Stage.head
    private var head = HTTPHeadReader()
    private var status = 0
    private var isOldVersion = false
    private var pending: HTTPResponse?
    private var body: [UInt8] = []
    private var chunks = HTTPChunkReader()

    private enum Stage: Equatable {
        case head
        case sized(remaining: Int)
        case chunked
        case untilClose
        case finished
    }

    /// - Parameter limits: for replies larger than the largest page, the body would be refused.
    package init(limits: HTTPLimits = HTTPLimits(bodyBytesMax: 64 << 20)) {
        self.limits = limits
    }

    package var phase: HTTPParsePhase {
        switch stage {
        case .head: head.isUntouched ? .idle : .readingHead
        case .sized, .chunked, .untilClose: .readingBody
        case .finished: .finished
        }
    }

    /// Takes the next response out of `input`.
    /// - Parameter answersHead: the response is the one to a HEAD request, which has no body.
    package mutating func parse(_ input: inout ByteQueue, answersHead: Bool = false) -> HTTPResponseProgress {
        do throws(HTTPParseFailure) {
            while stage == .head {
                guard let headers = try readHead(&input) else { return .needMore }
                if status < 200 { continue }
                try beginBody(&input, headers, answersHead: answersHead)
            }
            return try continueBody(&input)
        } catch {
            return fail(error)
        }
    }

    /// The response whose head has arrived and whose body is on its way, without the body.
    package var begun: HTTPResponse? { pending }

    /// Hands over what has arrived of the body, so that a long one is never held as a whole: the response that `parse`
    /// tells in the end has what arrived since.
    package mutating func takeBody() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &body)
        return taken
    }

    /// The peer closed its side: a response without a length ends here, any other begun one is broken.
    package mutating func endOfInput() -> HTTPResponseProgress {
        switch stage {
        case .untilClose:
            return finish()
        case .head where head.isUntouched:
            stage = .finished
            return .needMore
        case .head, .sized, .chunked:
            return fail(.closedInside)
        case .finished:
            return .needMore
        }
    }

    /// Reads up to the end of the head; `nil` when it has not arrived whole.
    private mutating func readHead(_ input: inout ByteQueue) throws(HTTPParseFailure) -> HTTPHeaders? {
        while true {
            switch try head.advance(input, limits: limits) {
            case .needMore:
                return nil
            case .startLine(let range):
                try readStatusLine(input.storage, front: input.head, line: range)
            case .complete(let byteCount):
                let headers = head.takeHead(&input, byteCount: byteCount)
                head = HTTPHeadReader()
                return headers
            }
        }
    }

    /// RFC 9112 §4: the reason phrase may be anything, and its space may be missing.
    private mutating func readStatusLine(
        _ bytes: [UInt8], front: Int, line: Range<Int>
    ) throws(HTTPParseFailure) {
        let start = front + line.lowerBound
        guard line.count >= 12, bytes.matches("HTTP/1.", in: start..<start + 7), bytes[start + 7].isASCIIDigit,
            bytes[start + 8] == 0x20, line.count == 12 || bytes[start + 12] == 0x20
        else { throw .statusLine }
        var value = 0
        for index in start + 9..<start + 12 {
            guard bytes[index].isASCIIDigit else { throw .statusLine }
            value = value * 10 + Int(bytes[index] - 0x30)
        }
        guard value >= 100, value != 101 else { throw .statusLine }
        status = value
        isOldVersion = bytes[start + 7] == UInt8(ascii: "0")
    }

    /// RFC 9112 §6.3.
    private mutating func beginBody(
        _ input: inout ByteQueue, _ headers: HTTPHeaders, answersHead: Bool
    ) throws(HTTPParseFailure) {
        let lines = HTTPFramingLines(headers)
        let framed = try lines.body(headers, isOldVersion: isOldVersion)
        let hasBody = !answersHead && !HTTPStatus.hasNoBody(status)
        let endsAtClose = hasBody && framed == .none && headers.count("content-length") == 0
        let keepAlive = !isOldVersion && !lines.closes && !endsAtClose
        pending = HTTPResponse(status: status, headers: headers, body: [], keepAlive: keepAlive)
        switch framed {
        case _ where endsAtClose:
            stage = .untilClose
        case .sized(let count) where hasBody:
            guard count <= limits.bodyBytesMax else { throw .bodyTooLarge }
            if input.count >= count {
                body = input.take(count)
                stage = .sized(remaining: 0)
            } else {
                stage = .sized(remaining: count)
            }
        case .chunked where hasBody:
            chunks = HTTPChunkReader()
            stage = .chunked
        case .none, .sized, .chunked:
            stage = .sized(remaining: 0)
        }
    }

    private mutating func continueBody(_ input: inout ByteQueue) throws(HTTPParseFailure) -> HTTPResponseProgress {
        switch stage {
        case .sized(let remaining):
            let count = min(remaining, input.count)
            if count > 0 { input.move(count, to: &body) }
            guard count == remaining else {
                stage = .sized(remaining: remaining - count)
                return .needMore
            }
            return finish()
        case .chunked:
            return try chunks.read(&input, into: &body, limits: limits) ? finish() : .needMore
        case .untilClose:
            guard input.count <= limits.bodyBytesMax - body.count else { throw .bodyTooLarge }
            input.move(input.count, to: &body)
            return .needMore
        case .head, .finished:
            return .needMore
        }
    }

    private mutating func finish() -> HTTPResponseProgress {
        guard var response = pending.take() else { return .needMore }
        swap(&response.body, &body)
        stage = response.keepAlive ? .head : .finished
        return .response(response)
    }

    private mutating func fail(_ failure: HTTPParseFailure) -> HTTPResponseProgress {
        stage = .finished
        pending = nil
        body = []
        return .failed(failure)
    }
}
