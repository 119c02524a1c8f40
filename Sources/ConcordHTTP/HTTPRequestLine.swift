import ConcordBytes

/// The first line of a request (RFC 9112 §3). Ranges are offsets into the head.
struct HTTPRequestLine: Sendable {
    var method: HTTPMethod
    var isOldVersion: Bool
    /// Of an absolute form (§3.2.2).
    var authority: Range<Int>?
    var path: Range<Int>
    var query: Range<Int>?

    static let none = HTTPRequestLine(method: .other, isOldVersion: false, authority: nil, path: 0..<0, query: nil)

    init(method: HTTPMethod, isOldVersion: Bool, authority: Range<Int>?, path: Range<Int>, query: Range<Int>?) {
        self.method = method
        self.isOldVersion = isOldVersion
        self.authority = authority
        self.path = path
        self.query = query
    }

    /// Exactly one space each between method, target and version.
    init(
        _ storage: [UInt8], front: Int, line: Range<Int>, limits: HTTPLimits
    ) throws(HTTPParseFailure) {
        let bytes = storage.span
        var methodEnd = line.lowerBound
        while methodEnd < line.upperBound && bytes[front + methodEnd].isTokenByte { methodEnd += 1 }
        guard methodEnd > line.lowerBound, methodEnd < line.upperBound, bytes[front + methodEnd] == 0x20 else {
            throw .requestLine
        }
        let targetStart = methodEnd + 1
        var targetEnd = targetStart
        while targetEnd < line.upperBound && bytes[front + targetEnd] > 0x20 { targetEnd += 1 }
        guard targetEnd > targetStart, targetEnd < line.upperBound, bytes[front + targetEnd] == 0x20 else {
            throw .requestLine
        }
        guard targetEnd - targetStart <= limits.targetBytesMax else { throw .targetTooLong }
        let version = front + targetEnd + 1..<front + line.upperBound
        self.init(
            method: HTTPMethod(storage, in: front + line.lowerBound..<front + methodEnd),
            isOldVersion: try HTTPRequestLine.isOldVersion(storage, in: version), authority: nil, path: 0..<0,
            query: nil)
        try readTarget(storage, front: front, target: targetStart..<targetEnd)
    }

    /// HTTP/1.1 and any later 1.x are read as 1.1 (RFC 9110 §2.5), HTTP/1.0 as itself.
    private static func isOldVersion(_ bytes: [UInt8], in range: Range<Int>) throws(HTTPParseFailure) -> Bool {
        guard range.count == 8, bytes.matches("HTTP/1.", in: range.lowerBound..<range.lowerBound + 7) else {
            throw .version
        }
        let minor = bytes[range.lowerBound + 7]
        guard minor.isASCIIDigit else { throw .version }
        return minor == UInt8(ascii: "0")
    }

    private mutating func readTarget(
        _ storage: [UInt8], front: Int, target: Range<Int>
    ) throws(HTTPParseFailure) {
        var start = target.lowerBound
        if storage[front + start] != UInt8(ascii: "/") {
            if target.count == 1 && storage[front + start] == UInt8(ascii: "*") && method == .options {
                path = target
                return
            }
            let scheme = front + start..<front + min(start + 7, target.upperBound)
            guard storage.matchesIgnoringCase("http://", in: scheme) else { throw .target }
            start += 7
            let authorityStart = start
            while start < target.upperBound && storage[front + start].isAuthorityByte { start += 1 }
            guard start > authorityStart else { throw .target }
            authority = authorityStart..<start
        }
        let pathStart = start
        var questionMark: Int?
        let bytes = storage.span
        while start < target.upperBound {
            let byte = bytes[front + start]
            guard byte.isTargetByte else { throw .target }
            if byte == UInt8(ascii: "?") && questionMark == nil { questionMark = start }
            start += 1
        }
        path = pathStart..<(questionMark ?? target.upperBound)
        query = questionMark.map { $0 + 1..<target.upperBound }
        if let first = path.first, storage[front + first] != UInt8(ascii: "/") { throw .target }
    }
}
