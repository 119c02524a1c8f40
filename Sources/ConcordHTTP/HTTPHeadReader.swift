import ConcordBytes

/// Reads the head of a message, start line and header lines, where it lies: a line at a time, never a byte
/// twice, and with the same verdict however the bytes were split on the way.
struct HTTPHeadReader: Sendable {
    enum Step {
        case needMore
        /// The start line is complete: the caller judges it before any header line is looked at.
        case startLine(Range<Int>)
        /// The head is complete and this many bytes long.
        case complete(byteCount: Int)
    }

    /// Offsets are from the front of the queue, which stays where it is until the head is complete.
    private var lineStart = 0
    private var scanned = 0
    private var fieldsStart: Int?
    private(set) var fields: [HTTPField] = []

    /// Nothing of a head has arrived.
    var isUntouched: Bool { lineStart == 0 && scanned == 0 }

    mutating func advance(_ input: ByteQueue, limits: HTTPLimits) throws(HTTPParseFailure) -> Step {
        while true {
            guard let lineEnd = try findLineEnd(input.storage, front: input.head, limits: limits) else {
                return .needMore
            }
            let line = lineStart..<lineEnd
            lineStart = lineEnd + 2
            scanned = lineStart
            if fieldsStart == nil {
                fieldsStart = lineStart
                fields.reserveCapacity(12)
                return .startLine(line)
            }
            if line.isEmpty { return .complete(byteCount: lineStart) }
            guard fields.count < limits.headersMax else { throw .tooManyHeaders }
            fields.append(try HTTPHeadReader.field(input.storage, front: input.head, line: line))
        }
    }

    /// Forgets an empty line before the request line (RFC 9112 §2.2).
    mutating func restart() {
        lineStart = 0
        scanned = 0
        fieldsStart = nil
    }

    /// The offset of the CR LF that ends the line begun, `nil` when it has not arrived. Every byte before it is
    /// one that a line may hold; a LF alone ends nothing (RFC 9112 §2.2 allows to accept it, and so parsers
    /// came to differ).
    private mutating func findLineEnd(
        _ storage: [UInt8], front: Int, limits: HTTPLimits
    ) throws(HTTPParseFailure) -> Int? {
        let available = storage.count - front
        let limit = fieldsStart.map { $0 + limits.headerBytesMax } ?? limits.targetBytesMax + startLineRoom
        let tooLong: HTTPParseFailure = fieldsStart == nil ? .targetTooLong : .headersTooLarge
        let bytes = storage.span
        var offset = scanned
        while offset < available {
            let byte = bytes[front + offset]
            if byte >= 0x20 && byte != 0x7F || byte == 0x09 {
                guard offset + 3 <= limit else { throw tooLong }
                offset += 1
                continue
            }
            guard byte == 0x0D else { throw byte == 0x0A ? .bareLineFeed : .controlByte }
            guard offset + 1 < available else { break }
            guard bytes[front + offset + 1] == 0x0A else { throw .bareCarriageReturn }
            guard offset + 2 <= limit else { throw tooLong }
            return offset
        }
        scanned = offset
        return nil
    }

    /// One header line (RFC 9112 §5).
    private static func field(
        _ storage: [UInt8], front: Int, line: Range<Int>
    ) throws(HTTPParseFailure) -> HTTPField {
        let bytes = storage.span
        var nameEnd = line.lowerBound
        while nameEnd < line.upperBound && bytes[front + nameEnd].isTokenByte { nameEnd += 1 }
        guard nameEnd < line.upperBound, bytes[front + nameEnd] == UInt8(ascii: ":"), nameEnd > line.lowerBound else {
            let byte = nameEnd < line.upperBound ? bytes[front + nameEnd] : 0
            guard byte == 0x20 || byte == 0x09 else { throw .headerName }
            throw nameEnd == line.lowerBound ? .foldedHeader : .spaceBeforeColon
        }
        var start = nameEnd + 1
        var end = line.upperBound
        while start < end && bytes[front + start].isSpaceOrTab { start += 1 }
        while end > start && bytes[front + end - 1].isSpaceOrTab { end -= 1 }
        return HTTPField(nameStart: line.lowerBound, nameEnd: nameEnd, valueStart: start, valueEnd: end)
    }

    /// Takes the complete head out of the queue, its header names in lower case.
    consuming func takeHead(_ input: inout ByteQueue, byteCount: Int) -> HTTPHeaders {
        var head = input.take(byteCount)
        for field in fields {
            for index in field.name {
                head[index] = head[index].asciiLowercased
            }
        }
        return HTTPHeaders(head: head, fields: fields)
    }

    /// Method, spaces and version beside the target.
    private var startLineRoom: Int { 64 }
}

extension UInt8 {
    /// A byte of a token (RFC 9110 §5.6.2). This class and the next are sets of ASCII characters, a bit each.
    @inline(__always)
    var isTokenByte: Bool {
        isOneOf(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE)
    }

    /// A byte that a path, a query or a percent-encoding may hold (RFC 3986 §3.3, §3.4).
    @inline(__always)
    var isTargetByte: Bool {
        isOneOf(low: 0xAFFF_FFF2_0000_0000, high: 0x47FF_FFFE_87FF_FFFF)
    }

    /// A byte that host and port may hold (RFC 3986 §3.2.2).
    @inline(__always)
    var isAuthorityByte: Bool {
        isOneOf(low: 0x2FFF_7FF2_0000_0000, high: 0x47FF_FFFE_AFFF_FFFE)
    }

    @inline(__always)
    private func isOneOf(low: UInt64, high: UInt64) -> Bool {
        if self < 64 { return low >> UInt64(self) & 1 == 1 }
        return self < 128 && high >> UInt64(self & 63) & 1 == 1
    }

    @inline(__always)
    var isSpaceOrTab: Bool { self == 0x20 || self == 0x09 }
}
