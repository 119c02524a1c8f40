import ConcordBytes

/// Reads a body in chunked coding (RFC 9112 §7.1). Extensions and trailers are checked and thrown away.
struct HTTPChunkReader: Sendable {
    private enum Stage {
        case size
        case data(remaining: Int)
        case dataEnd
        case trailer
    }

    private var stage = Stage.size
    /// Bytes of the line begun that are known to hold no line end.
    private var scanned = 0
    private var overhead = 0
    private var trailers = 0

    init() {}

    /// Moves what has arrived into `body`.
    /// - Returns: whether the body is complete.
    mutating func read(
        _ input: inout ByteQueue, into body: inout [UInt8], limits: HTTPLimits
    ) throws(HTTPParseFailure) -> Bool {
        while true {
            switch stage {
            case .size:
                guard let length = try findLineEnd(input, max: 16 + HTTPLimits.chunkExtensionBytesMax) else {
                    return false
                }
                let size = try readSize(input, length: length)
                guard size <= limits.bodyBytesMax - body.count else { throw .bodyTooLarge }
                input.consume(length + 2)
                stage = size == 0 ? .trailer : .data(remaining: size)
            case .data(let remaining):
                let count = min(remaining, input.count)
                input.move(count, to: &body)
                guard count == remaining else {
                    stage = .data(remaining: remaining - count)
                    return false
                }
                stage = .dataEnd
            case .dataEnd:
                if !input.isEmpty && input[0] != 0x0D { throw .chunkEnd }
                guard input.count >= 2 else { return false }
                guard input[1] == 0x0A else { throw .chunkEnd }
                input.consume(2)
                stage = .size
            case .trailer:
                guard let length = try findLineEnd(input, max: HTTPLimits.chunkOverheadBytesMax) else { return false }
                let isLast = length == 0
                if !isLast { try checkTrailer(input, length: length, limits: limits) }
                input.consume(length + 2)
                if isLast { return true }
            }
        }
    }

    /// The length of the line at the front, `nil` when its end has not arrived.
    private mutating func findLineEnd(_ input: ByteQueue, max: Int) throws(HTTPParseFailure) -> Int? {
        var offset = scanned
        while offset < input.count {
            let byte = input[offset]
            if byte == 0x0D {
                guard offset + 1 < input.count else { break }
                guard input[offset + 1] == 0x0A else { throw lineFailure }
                scanned = 0
                return offset
            }
            guard byte >= 0x20 && byte != 0x7F || byte == 0x09 else { throw lineFailure }
            guard offset < max else { throw tooLong }
            offset += 1
        }
        scanned = offset
        return nil
    }

    private var lineFailure: HTTPParseFailure {
        if case .trailer = stage { return .trailer }
        return .chunkSize
    }

    private var tooLong: HTTPParseFailure {
        if case .trailer = stage { return .trailer }
        return .chunkExtensionTooLong
    }

    /// `1*HEXDIG`, at most 16 of them, and extensions.
    private mutating func readSize(_ input: ByteQueue, length: Int) throws(HTTPParseFailure) -> Int {
        var size = 0
        var digits = 0
        while digits < length, let value = input[digits].hexadecimalValue {
            // Saturates far above every limit instead of wrapping round.
            size = size > Int.max / 32 ? size : size * 16 + Int(value)
            digits += 1
            guard digits <= 16 else { throw .chunkSize }
        }
        guard digits > 0 else { throw .chunkSize }
        let extensionBytes = length - digits
        guard extensionBytes > 0 else { return size }
        guard extensionBytes <= HTTPLimits.chunkExtensionBytesMax else { throw .chunkExtensionTooLong }
        try spend(extensionBytes, orThrow: .chunkExtensionTooLong)
        var extensions = HTTPChunkExtensions(input: input, position: digits, end: length)
        try extensions.check()
        return size
    }

    /// RFC 9112 §7.1.2: trailer fields have the form of header lines; none of them is merged into the headers,
    /// so one that pretends to frame the message has no effect.
    private mutating func checkTrailer(
        _ input: ByteQueue, length: Int, limits: HTTPLimits
    ) throws(HTTPParseFailure) {
        trailers += 1
        guard trailers <= limits.headersMax else { throw .trailer }
        try spend(length + 2, orThrow: .trailer)
        var name = 0
        while name < length && input[name].isTokenByte { name += 1 }
        guard name > 0, name < length, input[name] == UInt8(ascii: ":") else { throw .trailer }
    }

    private mutating func spend(_ count: Int, orThrow failure: HTTPParseFailure) throws(HTTPParseFailure) {
        overhead += count
        guard overhead <= HTTPLimits.chunkOverheadBytesMax else { throw failure }
    }
}

/// Checks `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )` (RFC 9112 §7.1.1).
private struct HTTPChunkExtensions {
    let input: ByteQueue
    var position: Int
    let end: Int

    mutating func check() throws(HTTPParseFailure) {
        while position < end {
            skipSpace()
            guard take(UInt8(ascii: ";")) else { throw .chunkSize }
            skipSpace()
            try token()
            let afterName = position
            skipSpace()
            guard take(UInt8(ascii: "=")) else {
                position = afterName
                continue
            }
            skipSpace()
            if take(UInt8(ascii: "\"")) {
                try quotedString()
            } else {
                try token()
            }
        }
    }

    private mutating func skipSpace() {
        while position < end && input[position].isSpaceOrTab { position += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard position < end, input[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func token() throws(HTTPParseFailure) {
        let start = position
        while position < end && input[position].isTokenByte { position += 1 }
        guard position > start else { throw .chunkExtension }
    }

    private mutating func quotedString() throws(HTTPParseFailure) {
        while position < end {
            let byte = input[position]
            position += 1
            if byte == UInt8(ascii: "\"") { return }
            if byte == UInt8(ascii: "\\") {
                guard position < end else { throw .chunkExtension }
                position += 1
            }
        }
        throw .chunkExtension
    }
}
