import ConcordBytes
import ConcordHTTP

/// What a parser made of some bytes, as text that tests compare.
struct Transcript: Equatable, CustomStringConvertible {
    var lines: [String] = []
    /// How often the parser asked for `100 Continue`: this may depend on how the bytes arrived.
    var continues = 0

    var description: String { lines.joined(separator: "\n") }

    static func == (left: Transcript, right: Transcript) -> Bool { left.lines == right.lines }

    /// Parses `pieces`, as if each had been received by itself.
    static func ofRequests(_ pieces: [[UInt8]], limits: HTTPLimits = HTTPLimits()) -> Transcript {
        var parser = HTTPRequestParser(limits: limits)
        var input = ByteQueue()
        var transcript = Transcript()
        for piece in pieces {
            input.append(piece)
            transcript.drain(&parser, &input)
        }
        return transcript
    }

    static func ofRequests(_ text: String, limits: HTTPLimits = HTTPLimits()) -> Transcript {
        ofRequests([[UInt8](text.utf8)], limits: limits)
    }

    private mutating func drain(_ parser: inout HTTPRequestParser, _ input: inout ByteQueue) {
        while true {
            switch parser.parse(&input) {
            case .needMore: return
            case .sendContinue: continues += 1
            case .request(let request): lines.append(Transcript.line(request))
            case .failed(let failure): lines.append("failed \(failure)")
            }
        }
    }

    private static func line(_ request: HTTPRequest) -> String {
        let target = text(request.path) + (request.hasQuery ? "?" + text(request.query) : "")
        var headers = ""
        for index in 0..<request.headers.count {
            let (name, value) = request.headers[index]
            headers += " \(text(name))=\(text(value))"
        }
        let connection = request.keepAlive ? "keep" : "close"
        return "\(request.method) \(target)\(headers) [\(text(request.body[...]))] \(connection)"
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}

/// The failure that `text` ends in; `nil` when none.
func failure(of text: String, limits: HTTPLimits = HTTPLimits()) -> HTTPParseFailure? {
    failure(of: [UInt8](text.utf8), limits: limits)
}

func failure(of bytes: [UInt8], limits: HTTPLimits = HTTPLimits()) -> HTTPParseFailure? {
    var parser = HTTPRequestParser(limits: limits)
    var input = ByteQueue()
    input.append(bytes)
    while true {
        switch parser.parse(&input) {
        case .needMore: return nil
        case .sendContinue, .request: continue
        case .failed(let failure): return failure
        }
    }
}

/// The first request in `text`.
func request(_ text: String, limits: HTTPLimits = HTTPLimits()) -> HTTPRequest? {
    var parser = HTTPRequestParser(limits: limits)
    var input = ByteQueue()
    input.append([UInt8](text.utf8))
    guard case .request(let request) = parser.parse(&input) else { return nil }
    return request
}

func string(_ bytes: ArraySlice<UInt8>?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
func string(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
