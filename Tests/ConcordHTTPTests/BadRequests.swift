import ConcordHTTP

/// Bytes that are no request, and why.
enum BadRequests {
    static func head(_ lines: String) -> String { "GET /a HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n\r\n" }

    static func chunked(_ body: String) -> String { head("Transfer-Encoding: chunked") + body }

    static let all: [(name: String, text: String, failure: HTTPParseFailure)] =
        requestLines + headers + framing + chunks

    static let requestLines: [(name: String, text: String, failure: HTTPParseFailure)] = [
        ("HTTP/0.9", "GET /a\r\n", .requestLine),
        ("no target", "GET HTTP/1.1\r\n", .requestLine),
        ("two spaces", "GET  /a HTTP/1.1\r\n", .requestLine),
        ("two spaces before the version", "GET /a  HTTP/1.1\r\n", .version),
        ("a tab", "GET\t/a HTTP/1.1\r\n", .requestLine),
        ("a tab in the target", "GET /a\tb HTTP/1.1\r\n", .requestLine),
        ("a space at the end", "GET /a HTTP/1.1 \r\n", .version),
        ("a space at the beginning", " GET /a HTTP/1.1\r\n", .requestLine),
        ("a method that is no token", "G@T /a HTTP/1.1\r\n", .requestLine),
        ("two empty lines", "\r\n\r\nGET /a HTTP/1.1\r\n", .requestLine),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .version),
        ("a version of two digits", "GET /a HTTP/1.10\r\n", .version),
        ("a version in lower case", "GET /a http/1.1\r\n", .version),
        ("a version without digits", "GET /a HTTP/1.x\r\n", .version),
        ("a TLS hello", "\u{16}\u{03}\u{01}", .controlByte),
        ("a relative target", "GET a HTTP/1.1\r\n", .target),
        ("CONNECT", "CONNECT h:7400 HTTP/1.1\r\n", .target),
        ("an asterisk for GET", "GET * HTTP/1.1\r\n", .target),
        ("a fragment", "GET /a#b HTTP/1.1\r\n", .target),
        ("another scheme", "GET ftp://h/a HTTP/1.1\r\n", .target),
        ("an absolute form without an authority", "GET http:///a HTTP/1.1\r\n", .target),
        ("user information", "GET http://u@h/a HTTP/1.1\r\nHost: h\r\n\r\n", .target),
        ("bare UTF-8 in the target", "GET /größe HTTP/1.1\r\n", .target),
        ("a backslash in the target", "GET /a\\b HTTP/1.1\r\n", .target),
        (
            "an absolute form with another authority", "GET http://evil/a HTTP/1.1\r\nHost: h\r\n\r\n",
            .authorityDiffersFromHost
        ),
        (
            "an absolute form with another port", "GET http://h:1/a HTTP/1.1\r\nHost: h:2\r\n\r\n",
            .authorityDiffersFromHost
        ),
        ("NUL in the request line", "GET /\0a HTTP/1.1\r\n", .controlByte),
        ("a line feed alone after the request line", "GET /a HTTP/1.1\nHost: h\r\n\r\n", .bareLineFeed),
        ("a carriage return alone", "GET /a\rHTTP/1.1\r\n", .bareCarriageReturn),
    ]

    static let headers: [(name: String, text: String, failure: HTTPParseFailure)] = [
        ("a line feed alone after a header", "GET /a HTTP/1.1\r\nHost: h\n\r\n", .bareLineFeed),
        ("a line feed alone at the end", "GET /a HTTP/1.1\r\nHost: h\r\n\n", .bareLineFeed),
        ("a carriage return in a value", head("X: a\rb"), .bareCarriageReturn),
        ("two carriage returns", "GET /a HTTP/1.1\r\nHost: h\r\r\n", .bareCarriageReturn),
        ("NUL in a value", head("X: a\0b"), .controlByte),
        ("an escape in a value", head("X: \u{1B}[2J"), .controlByte),
        ("DEL in a value", head("X: \u{7F}"), .controlByte),
        ("a folded header", head("X: a\r\n b"), .foldedHeader),
        ("a folded first header", "GET /a HTTP/1.1\r\n Host: h\r\n\r\n", .foldedHeader),
        ("a space before the colon", head("Content-Length : 3"), .spaceBeforeColon),
        ("a tab before the colon", head("Content-Length\t: 3"), .spaceBeforeColon),
        ("no colon", head("Nonsense"), .headerName),
        ("no name", head(": value"), .headerName),
        ("a name that is no token", head("X[1]: value"), .headerName),
        ("a name beyond ASCII", head("Größe: value"), .headerName),
        ("no Host", "GET /a HTTP/1.1\r\nX: y\r\n\r\n", .hostMissing),
        ("two Hosts", "GET /a HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", .hostRepeated),
        ("an empty Host", "GET /a HTTP/1.1\r\nHost:\r\n\r\n", .hostMalformed),
        ("a Host with a path", "GET /a HTTP/1.1\r\nHost: h/a\r\n\r\n", .hostMalformed),
        ("a Host with user information", "GET /a HTTP/1.1\r\nHost: u@h\r\n\r\n", .hostMalformed),
        ("a list of Hosts", "GET /a HTTP/1.1\r\nHost: a b\r\n\r\n", .hostMalformed),
        ("an absolute form in HTTP/1.0 without Host", "GET http://h/a HTTP/1.0\r\n\r\n", .hostMissing),
        ("another expectation", head("Expect: a-cake"), .expectation),
    ]

    static let framing: [(name: String, text: String, failure: HTTPParseFailure)] = [
        (
            "length and chunks", head("Content-Length: 5\r\nTransfer-Encoding: chunked"),
            .contentLengthWithTransferEncoding
        ),
        (
            "chunks and length", head("Transfer-Encoding: chunked\r\nContent-Length: 5"),
            .contentLengthWithTransferEncoding
        ),
        ("two lengths that agree", head("Content-Length: 5\r\nContent-Length: 5"), .contentLengthRepeated),
        ("two lengths that differ", head("Content-Length: 5\r\nContent-Length: 6"), .contentLengthRepeated),
        ("a list of lengths", head("Content-Length: 5, 5"), .contentLength),
        ("a length with a plus sign", head("Content-Length: +5"), .contentLength),
        ("a negative length", head("Content-Length: -1"), .contentLength),
        ("a hexadecimal length", head("Content-Length: 0x5"), .contentLength),
        ("a length with an underscore", head("Content-Length: 1_0"), .contentLength),
        ("a length with a fraction", head("Content-Length: 5.0"), .contentLength),
        ("an empty length", head("Content-Length:"), .contentLength),
        ("digits of another script", head("Content-Length: ５"), .contentLength),
        ("a length of 2^63", head("Content-Length: 9223372036854775808"), .bodyTooLarge),
        ("a length of 2^64", head("Content-Length: 18446744073709551616"), .bodyTooLarge),
        ("a length of 10^40", head("Content-Length: 1" + String(repeating: "0", count: 40)), .bodyTooLarge),
        ("chunked, identity", head("Transfer-Encoding: chunked, identity"), .transferEncoding),
        ("identity", head("Transfer-Encoding: identity"), .transferEncoding),
        ("gzip, chunked", head("Transfer-Encoding: gzip, chunked"), .transferEncoding),
        ("chunked twice", head("Transfer-Encoding: chunked, chunked"), .transferEncoding),
        (
            "Transfer-Encoding twice", head("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
            .transferEncoding
        ),
        ("chunked with a parameter", head("Transfer-Encoding: chunked;q=1"), .transferEncoding),
        ("xchunked", head("Transfer-Encoding: xchunked"), .transferEncoding),
        ("quoted chunked", head("Transfer-Encoding: \"chunked\""), .transferEncoding),
        ("a vertical tab before chunked", head("Transfer-Encoding: \u{0B}chunked"), .controlByte),
        ("an empty Transfer-Encoding", head("Transfer-Encoding:"), .transferEncoding),
        (
            "chunks in HTTP/1.0", "PUT /a HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            .transferEncodingInOldVersion
        ),
    ]

    static let chunks: [(name: String, text: String, failure: HTTPParseFailure)] = [
        ("no size", chunked("\r\nhi\r\n0\r\n\r\n"), .chunkSize),
        ("a size with 0x", chunked("0x2\r\nhi\r\n0\r\n\r\n"), .chunkSize),
        ("a size with a plus sign", chunked("+2\r\nhi\r\n0\r\n\r\n"), .chunkSize),
        ("a negative size", chunked("-2\r\nhi\r\n0\r\n\r\n"), .chunkSize),
        ("a size with an underscore", chunked("1_0\r\nhi\r\n0\r\n\r\n"), .chunkSize),
        ("a space before the size", chunked(" 2\r\nhi\r\n0\r\n\r\n"), .chunkSize),
        ("a space behind the size", chunked("2 \r\nhi\r\n0\r\n\r\n"), .chunkSize),
        ("a size of 17 digits", chunked("00000000000000002\r\nhi\r\n0\r\n\r\n"), .chunkSize),
        ("a size of 2^63", chunked("8000000000000000\r\n"), .bodyTooLarge),
        ("a size of 2^64 - 1", chunked("FFFFFFFFFFFFFFFF\r\n"), .bodyTooLarge),
        ("a line feed alone behind the size", chunked("2\nhi\r\n0\r\n\r\n"), .chunkSize),
        ("a carriage return alone behind the size", chunked("2\rhi\r\n0\r\n\r\n"), .chunkSize),
        ("more data than the size says", chunked("2\r\nhi!\r\n0\r\n\r\n"), .chunkEnd),
        ("less data than the size says", chunked("3\r\nhi\r\n0\r\n\r\n"), .chunkEnd),
        ("data that ends with a line feed alone", chunked("2\r\nhi\n0\r\n\r\n"), .chunkEnd),
        ("data that ends with a carriage return alone", chunked("2\r\nhi\rx0\r\n\r\n"), .chunkEnd),
        ("an extension without a name", chunked("2;\r\nhi\r\n0\r\n\r\n"), .chunkExtension),
        ("an extension without a value", chunked("2;a=\r\nhi\r\n0\r\n\r\n"), .chunkExtension),
        ("an extension with an open quotation", chunked("2;a=\"b\r\nhi\r\n0\r\n\r\n"), .chunkExtension),
        ("an extension with a line feed", chunked("2;a\nb\r\nhi\r\n0\r\n\r\n"), .chunkSize),
        ("an extension that ends in a space", chunked("2;a \r\nhi\r\n0\r\n\r\n"), .chunkSize),
        ("a trailer without a colon", chunked("0\r\nnonsense\r\n\r\n"), .trailer),
        ("a folded trailer", chunked("0\r\nX: a\r\n b\r\n\r\n"), .trailer),
        ("a trailer with a line feed alone", chunked("0\r\nX: a\n\r\n"), .trailer),
        ("a trailer with NUL", chunked("0\r\nX: a\0\r\n\r\n"), .trailer),
        ("a space before the colon of a trailer", chunked("0\r\nX : a\r\n\r\n"), .trailer),
    ]
}
