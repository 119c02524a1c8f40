package import ConcordBytes

/// Finds the end of HTTP replies with as little work as possible: a load generator on the servers' own machine takes
/// from them every cycle it needs. It understands what a member sends, and calls everything else broken.
package struct ReplyScanner: Sendable {
    package enum Progress: Equatable, Sendable {
        case needMore
        case reply(status: Int)
        case broken
    }

    /// Bytes of the head that were searched already.
    private var searched = 0

    package init() {}

    /// Takes the next reply out of `input`.
    package mutating func next(_ input: inout ByteQueue) -> Progress {
        guard let headBytes = headEnd(input) else {
            return input.count > 16_384 ? .broken : .needMore
        }
        guard let status = ReplyScanner.status(input), status >= 200,
            let bodyBytes = ReplyScanner.bodyBytes(input, headBytes, status)
        else { return .broken }
        guard input.count >= headBytes + bodyBytes else { return .needMore }
        input.consume(headBytes + bodyBytes)
        searched = 0
        return .reply(status: status)
    }

    /// Where the body begins.
    private mutating func headEnd(_ input: ByteQueue) -> Int? {
        let bytes = input.storage
        let (start, end) = (input.head, bytes.count)
        var index = start + max(searched, 3)
        while index < end {
            if bytes[index] == 0x0A, bytes[index - 1] == 0x0D, bytes[index - 2] == 0x0A, bytes[index - 3] == 0x0D {
                return index + 1 - start
            }
            index += 1
        }
        searched = max(0, end - start)
        return nil
    }

    /// `HTTP/1.1 200 …`
    private static func status(_ input: ByteQueue) -> Int? {
        guard input.count > 12, input[0] == 0x48, input[5] == 0x31, input[8] == 0x20 else { return nil }
        var status = 0
        for offset in 9..<12 {
            let digit = input[offset]
            guard digit >= 0x30, digit <= 0x39 else { return nil }
            status = status * 10 + Int(digit - 0x30)
        }
        return status
    }

    /// The value of `Content-Length`; 0 for a reply that has no body by its nature.
    private static func bodyBytes(_ input: ByteQueue, _ headBytes: Int, _ status: Int) -> Int? {
        let bytes = input.storage
        let (start, end) = (input.head, input.head + headBytes)
        var line = start
        while line < end {
            if bytes[line] | 0x20 == 0x63, line + 15 <= end,
                bytes.matchesIgnoringCase("content-length:", in: line..<line + 15)
            {
                return number(bytes, from: line + 15, end)
            }
            while line < end, bytes[line] != 0x0A { line += 1 }
            line += 1
        }
        return status == 204 || status == 304 ? 0 : nil
    }

    private static func number(_ bytes: [UInt8], from start: Int, _ end: Int) -> Int? {
        var index = start
        while index < end, bytes[index] == 0x20 { index += 1 }
        var value = 0
        var digits = 0
        while index < end, bytes[index] >= 0x30, bytes[index] <= 0x39, digits < 10 {
            value = value * 10 + Int(bytes[index] - 0x30)
            digits += 1
            index += 1
        }
        return digits > 0 && index < end && bytes[index] == 0x0D ? value : nil
    }
}
