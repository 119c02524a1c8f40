/// Why bytes are not a message. After it nothing on the connection can be trusted: where the next message would
/// begin is unknown (RFC 9112 §11.2).
package enum HTTPParseFailure: Error, Equatable, Sendable, CaseIterable {
    case controlByte
    case bareLineFeed
    case bareCarriageReturn
    case requestLine
    case version
    case target
    case targetTooLong
    case authorityDiffersFromHost
    case headerName
    case spaceBeforeColon
    case foldedHeader
    case headersTooLarge
    case tooManyHeaders
    case hostMissing
    case hostRepeated
    case hostMalformed
    case contentLength
    case contentLengthRepeated
    case contentLengthWithTransferEncoding
    case transferEncoding
    case transferEncodingInOldVersion
    case expectation
    case bodyTooLarge
    case chunkSize
    case chunkExtension
    case chunkExtensionTooLong
    case chunkEnd
    case trailer
    case statusLine
    case closedInside

    /// The status to answer before closing.
    package var status: Int {
        switch self {
        case .targetTooLong: 414
        case .headersTooLarge, .tooManyHeaders: 431
        case .bodyTooLarge: 413
        case .controlByte, .bareLineFeed, .bareCarriageReturn, .requestLine, .version, .target,
            .authorityDiffersFromHost, .headerName, .spaceBeforeColon, .foldedHeader, .hostMissing, .hostRepeated,
            .hostMalformed, .contentLength, .contentLengthRepeated, .contentLengthWithTransferEncoding,
            .transferEncoding, .transferEncodingInOldVersion, .expectation, .chunkSize, .chunkExtension,
            .chunkExtensionTooLong, .chunkEnd, .trailer, .statusLine, .closedInside:
            400
        }
    }

    /// What is wrong and what to send instead; it never repeats bytes of the input.
    package var detail: String {
        switch self {
        case .controlByte: "the head holds a control character; send only visible characters, spaces and tabs"
        case .bareLineFeed: "a line ends with LF alone; end each line with CR LF"
        case .bareCarriageReturn: "a CR stands alone; end each line with CR LF"
        case .requestLine: "the request line is malformed; send METHOD SP target SP HTTP/1.1"
        case .version: "the HTTP version is not spoken here; send HTTP/1.1 or HTTP/1.0"
        case .target: "the request target is malformed; begin it with / and percent-encode all other bytes"
        case .targetTooLong: "the request target is too long"
        case .authorityDiffersFromHost: "the authority of the target differs from Host; send the same in both"
        case .headerName: "a header line has no well-formed name; send Name: value"
        case .spaceBeforeColon: "white space stands before the colon of a header line; remove it"
        case .foldedHeader: "a header line is folded; send each header on one line"
        case .headersTooLarge: "the header lines are too large"
        case .tooManyHeaders: "there are too many header lines"
        case .hostMissing: "Host is missing; send exactly one"
        case .hostRepeated: "Host is repeated; send exactly one"
        case .hostMalformed: "Host is malformed; send host or host:port"
        case .contentLength: "Content-Length is malformed; send decimal digits only"
        case .contentLengthRepeated: "Content-Length is repeated; send it once"
        case .contentLengthWithTransferEncoding: "Content-Length and Transfer-Encoding exclude each other"
        case .transferEncoding: "Transfer-Encoding must be exactly: chunked"
        case .transferEncodingInOldVersion: "Transfer-Encoding needs HTTP/1.1"
        case .expectation: "the only expectation understood is 100-continue"
        case .bodyTooLarge: "the body is larger than any value may be; send less"
        case .chunkSize: "a chunk's size is malformed; send hexadecimal digits only"
        case .chunkExtension: "a chunk extension is malformed"
        case .chunkExtensionTooLong: "the chunk extensions are too long; send none"
        case .chunkEnd: "a chunk does not end with CR LF where its size says"
        case .trailer: "the trailer section is malformed or too large; send none"
        case .statusLine: "the status line is malformed"
        case .closedInside: "the connection was closed inside a message"
        }
    }
}
