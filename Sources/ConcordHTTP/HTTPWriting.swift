package import ConcordBytes

// Messages are written straight into the bytes that will be sent, front to back. The order is: start line,
// headers, then one of the `…Body` functions, which ends the head.

/// A body whose length was not known when its head was written.
package struct HTTPBodyMark: Sendable {
    let digitsStart: Int
    let bodyStart: Int
}

extension ByteWriter {
    /// `HTTP/1.1 100 Continue`: the whole interim response.
    package mutating func writeContinueResponse() {
        writeRaw("HTTP/1.1 100 Continue\r\n\r\n")
    }

    /// The status line, and `Connection: close` when no further request is read on this connection.
    package mutating func writeStatusLine(_ status: Int, keepAlive: Bool) {
        if let line = HTTPStatus.line(status) {
            writeRaw(line)
        } else {
            writeRaw("HTTP/1.1 ")
            writeDecimal(UInt64(clamping: max(100, min(status, 599))))
            writeRaw(" \r\n")
        }
        if !keepAlive { writeRaw("Connection: close\r\n") }
    }

    /// The request line and `Host`. `target` must be percent-encoded already.
    package mutating func writeRequestLine(_ method: HTTPMethod, target: [UInt8], host: [UInt8]) {
        precondition(method != .other, "a request of no known method was written")
        writeRaw(method.name)
        write(0x20 as UInt8)
        writeHeaderText(target)
        writeRaw(" HTTP/1.1\r\nHost: ")
        writeHeaderText(host)
        writeRaw("\r\n")
    }

    /// A header whose name and value are words of ours.
    package mutating func writeHeader(_ name: StaticString, _ value: StaticString) {
        writeRaw(name)
        writeRaw(": ")
        writeRaw(value)
        writeRaw("\r\n")
    }

    package mutating func writeHeader(_ name: StaticString, _ value: [UInt8]) {
        writeRaw(name)
        writeRaw(": ")
        writeHeaderText(value)
        writeRaw("\r\n")
    }

    package mutating func writeHeader(_ name: StaticString, decimal value: UInt64) {
        writeRaw(name)
        writeRaw(": ")
        writeDecimal(value)
        writeRaw("\r\n")
    }

    /// Text within a start line or header. A control character would begin a line of the writer's making
    /// (response splitting), so each becomes `?`.
    package mutating func writeHeaderText(_ text: [UInt8]) {
        for byte in text {
            write(byte < 0x20 || byte == 0x7F ? UInt8(ascii: "?") : byte)
        }
    }

    package mutating func writeDecimal(_ value: UInt64) {
        let digits = decimalDigits(value)
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0x30, count: digits))
        setDecimal(value, digits: digits, at: start)
    }

    private func decimalDigits(_ value: UInt64) -> Int {
        var digits = 1
        var rest = value / 10
        while rest > 0 {
            digits += 1
            rest /= 10
        }
        return digits
    }

    private mutating func setDecimal(_ value: UInt64, digits: Int, at start: Int) {
        var rest = value
        var index = start + digits
        while index > start {
            index -= 1
            bytes[index] = UInt8(truncatingIfNeeded: rest % 10) + 0x30
            rest /= 10
        }
    }

    // MARK: Bodies

    /// The body and its length.
    package mutating func writeBody(_ body: [UInt8]) {
        writeBodyLength(body.count)
        writeRaw(body)
    }

    /// Ends the head; exactly `count` bytes of body must follow, none in the answer to HEAD.
    package mutating func writeBodyLength(_ count: Int) {
        writeHeader("Content-Length", decimal: UInt64(count))
        writeRaw("\r\n")
    }

    /// For a message that has no body by its nature: 204, 304, a request without one.
    package mutating func writeNoBody() {
        writeRaw("\r\n")
    }

    /// Ends the head; what is written from here to `endBody` is the body.
    package mutating func beginBody() -> HTTPBodyMark {
        writeRaw("Content-Length: ")
        let digitsStart = bytes.count
        writeRaw("0000000\r\n\r\n")
        return HTTPBodyMark(digitsStart: digitsStart, bodyStart: bytes.count)
    }

    /// Puts the length in its place.
    /// - Parameter keepingBody: false in the answer to HEAD, which has the length of a body that is not sent.
    package mutating func endBody(_ mark: HTTPBodyMark, keepingBody: Bool = true) {
        precondition(mark.bodyStart <= bytes.count, "a body ends before it began")
        let length = bytes.count - mark.bodyStart
        if !keepingBody { bytes.removeLast(length) }
        let reserved = mark.bodyStart - 4 - mark.digitsStart
        let digits = decimalDigits(UInt64(length))
        if digits <= reserved {
            bytes.removeSubrange(mark.digitsStart + digits..<mark.digitsStart + reserved)
        } else {
            bytes.insert(contentsOf: repeatElement(0x30, count: digits - reserved), at: mark.digitsStart)
        }
        setDecimal(UInt64(length), digits: digits, at: mark.digitsStart)
    }

    /// Ends the head of a message in chunked coding (RFC 9112 §7.1); chunks follow, the last one empty.
    package mutating func beginChunkedBody() {
        writeRaw("Transfer-Encoding: chunked\r\n\r\n")
    }

    /// One chunk; nothing for an empty one, which would end the body.
    package mutating func writeChunk(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        writeRaw([UInt8](String(bytes.count, radix: 16).utf8))
        writeRaw("\r\n")
        writeRaw(bytes)
        writeRaw("\r\n")
    }

    package mutating func endChunkedBody() {
        writeRaw("0\r\n\r\n")
    }
}
