import ConcordBytes

/// How long a message's body is and whether another message may follow (RFC 9112 §6, §9.3).
struct HTTPFraming: Sendable {
    enum Body: Equatable {
        case none
        case sized(Int)
        case chunked
    }

    var body: Body
    var keepAlive: Bool
    var expectsContinue: Bool

    init(request headers: HTTPHeaders, line: HTTPRequestLine, limits: HTTPLimits) throws(HTTPParseFailure) {
        let lines = HTTPFramingLines(headers)
        try lines.checkHost(headers, line: line)
        body = try lines.body(headers, isOldVersion: line.isOldVersion)
        keepAlive = !line.isOldVersion && !lines.closes
        expectsContinue = false
        for index in lines.expectations {
            guard !line.isOldVersion else { continue }
            guard headers.head.matchesIgnoringCase("100-continue", in: headers.fields[index].value) else {
                throw .expectation
            }
            expectsContinue = true
        }
        if case .sized(let count) = body, count > limits.bodyBytesMax { throw .bodyTooLarge }
    }
}

/// The header lines that framing depends on, found in one pass.
struct HTTPFramingLines {
    private var host: Int?
    private var hosts = 0
    private var contentLength: Int?
    private var contentLengths = 0
    private var transferEncoding: Int?
    private var transferEncodings = 0
    /// `Connection` has the option `close`.
    private(set) var closes = false
    private(set) var expectations: [Int] = []

    init(_ headers: HTTPHeaders) {
        let head = headers.head
        for (index, field) in headers.fields.enumerated() {
            switch field.name.count {
            case 4 where head.matches("host", in: field.name):
                host = index
                hosts += 1
            case 6 where head.matches("expect", in: field.name):
                expectations.append(index)
            case 10 where head.matches("connection", in: field.name):
                closes = closes || HTTPFramingLines.hasClose(head, in: field.value)
            case 14 where head.matches("content-length", in: field.name):
                contentLength = index
                contentLengths += 1
            case 17 where head.matches("transfer-encoding", in: field.name):
                transferEncoding = index
                transferEncodings += 1
            default:
                continue
            }
        }
    }

    /// RFC 9112 §6.3, with every choice that it leaves made for refusal.
    func body(_ headers: HTTPHeaders, isOldVersion: Bool) throws(HTTPParseFailure) -> HTTPFraming.Body {
        if let transferEncoding {
            guard !isOldVersion else { throw .transferEncodingInOldVersion }
            guard contentLengths == 0 else { throw .contentLengthWithTransferEncoding }
            let value = headers.fields[transferEncoding].value
            guard transferEncodings == 1, headers.head.matchesIgnoringCase("chunked", in: value) else {
                throw .transferEncoding
            }
            return .chunked
        }
        guard let contentLength else { return .none }
        guard contentLengths == 1 else { throw .contentLengthRepeated }
        let value = headers.fields[contentLength].value
        guard !value.isEmpty else { throw .contentLength }
        var count = 0
        for index in value {
            let byte = headers.head[index]
            guard byte.isASCIIDigit else { throw .contentLength }
            // Saturates far above every limit instead of wrapping round.
            count = count > Int.max / 16 ? count : count * 10 + Int(byte - 0x30)
        }
        return count == 0 ? .none : .sized(count)
    }

    /// RFC 9112 §3.2: exactly one well-formed `Host`; an absolute form must name the same authority.
    func checkHost(_ headers: HTTPHeaders, line: HTTPRequestLine) throws(HTTPParseFailure) {
        guard let host else {
            guard line.isOldVersion, line.authority == nil else { throw .hostMissing }
            return
        }
        guard hosts == 1 else { throw .hostRepeated }
        let value = headers.fields[host].value
        guard !value.isEmpty, value.allSatisfy({ headers.head[$0].isAuthorityByte }) else { throw .hostMalformed }
        guard let authority = line.authority else { return }
        let sent = headers.head[authority].lazy.map(\.asciiLowercased)
        guard sent.elementsEqual(headers.head[value].lazy.map(\.asciiLowercased)) else {
            throw .authorityDiffersFromHost
        }
    }

    private static func hasClose(_ head: [UInt8], in value: Range<Int>) -> Bool {
        var start = value.lowerBound
        while start < value.upperBound {
            var end = start
            while end < value.upperBound && head[end] != UInt8(ascii: ",") { end += 1 }
            var option = start..<end
            while let first = option.first, head[first].isSpaceOrTab { option.removeFirst() }
            while let last = option.last, head[last].isSpaceOrTab { option.removeLast() }
            if head.matchesIgnoringCase("close", in: option) { return true }
            start = end + 1
        }
        return false
    }
}
