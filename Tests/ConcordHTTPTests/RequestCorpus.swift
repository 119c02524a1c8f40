/// Requests and what they must be read as, each one followed by another request: whoever loses count of the
/// bytes does not find that one.
enum RequestCorpus {
    static let follower = "GET /after HTTP/1.1\r\nHost: h\r\n\r\n"
    static let followerLine = "get /after host=h [] keep"

    static let good: [(name: String, text: String, line: String)] = [
        (
            "a plain GET", "GET /v1/kv/a HTTP/1.1\r\nHost: localhost:7400\r\n\r\n",
            "get /v1/kv/a host=localhost:7400 [] keep"
        ),
        ("a query", "GET /a?b=c&d HTTP/1.1\r\nHost: h\r\n\r\n", "get /a?b=c&d host=h [] keep"),
        ("an empty query", "GET /a? HTTP/1.1\r\nHost: h\r\n\r\n", "get /a? host=h [] keep"),
        ("a second question mark", "GET /a?b?c HTTP/1.1\r\nHost: h\r\n\r\n", "get /a?b?c host=h [] keep"),
        (
            "a sized body", "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
            "put /a host=h content-length=5 [hello] keep"
        ),
        (
            "an empty body", "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
            "put /a host=h content-length=0 [] keep"
        ),
        (
            "a chunked body",
            "PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
            "put /a host=h transfer-encoding=chunked [hello world] keep"
        ),
        (
            "chunks with zeros before the size and hexadecimal letters",
            "PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n000A\r\n0123456789\r\nb\r\n0123456789a\r\n00\r\n\r\n",
            "put /a host=h transfer-encoding=Chunked [01234567890123456789a] keep"
        ),
        (
            "chunk extensions and trailers",
            "PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "2;a\r\nhi\r\n1 ; b = \"x;\\\"y\" ;c=d\r\n!\r\n0;e\r\nExpires: never\r\nContent-Length: 3\r\n\r\n",
            "put /a host=h transfer-encoding=chunked [hi!] keep"
        ),
        (
            "white space around a value", "GET /a HTTP/1.1\r\nHost: \t h \t\r\nX-Empty:\r\n\r\n",
            "get /a host=h x-empty= [] keep"
        ),
        (
            "names in any case", "GET /a HTTP/1.1\r\nhOsT: h\r\nX-MiXed: VaLue\r\n\r\n",
            "get /a host=h x-mixed=VaLue [] keep"
        ),
        (
            "bytes beyond ASCII in a value", "GET /a HTTP/1.1\r\nHost: h\r\nX-Name: größe\r\n\r\n",
            "get /a host=h x-name=größe [] keep"
        ),
        (
            "an absolute form with the authority of Host",
            "GET http://Localhost:7400/a?b HTTP/1.1\r\nHost: localhost:7400\r\n\r\n",
            "get /a?b host=localhost:7400 [] keep"
        ),
        ("an absolute form without a path", "GET HTTP://h HTTP/1.1\r\nHost: h\r\n\r\n", "get  host=h [] keep"),
        ("an asterisk form", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "options * host=h [] keep"),
        ("a method of another world", "BREW /pot HTTP/1.1\r\nHost: h\r\n\r\n", "other /pot host=h [] keep"),
        ("methods are case-sensitive", "get /a HTTP/1.1\r\nHost: h\r\n\r\n", "other /a host=h [] keep"),
        ("one empty line before a request", "\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n", "get /a host=h [] keep"),
        ("a later minor version", "GET /a HTTP/1.7\r\nHost: h\r\n\r\n", "get /a host=h [] keep"),
        (
            "an expectation, with the body sent at once",
            "PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\nhi",
            "put /a host=h expect=100-Continue content-length=2 [hi] keep"
        ),
        (
            "headers of proxies and of an upgrade mean nothing",
            "GET /a HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nConnection: upgrade, keep-alive\r\nX-Forwarded-Host: evil\r\n\r\n",
            "get /a host=h upgrade=h2c connection=upgrade, keep-alive x-forwarded-host=evil [] keep"
        ),
        (
            "an IPv6 address", "GET /a HTTP/1.1\r\nHost: [::1]:7400\r\n\r\n", "get /a host=[::1]:7400 [] keep"
        ),
        (
            "percent-encoding is left alone", "GET /a%2Fb%00?c=%26 HTTP/1.1\r\nHost: h\r\n\r\n",
            "get /a%2Fb%00?c=%26 host=h [] keep"
        ),
    ]

    /// Requests after which nothing more is read on the connection.
    static let last: [(name: String, text: String, line: String)] = [
        (
            "Connection: close", "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
            "get /a host=h connection=close [] close"
        ),
        (
            "close among other options, in any case",
            "GET /a HTTP/1.1\r\nHost: h\r\nConnection: x\r\nConnection: keep-alive ,\tCLOSE\r\n\r\n",
            "get /a host=h connection=x connection=keep-alive ,\tCLOSE [] close"
        ),
        ("HTTP/1.0", "GET /a HTTP/1.0\r\nHost: h\r\n\r\n", "get /a host=h [] close"),
        ("HTTP/1.0 without Host", "GET /a HTTP/1.0\r\n\r\n", "get /a [] close"),
        (
            "HTTP/1.0 that asks to be kept", "GET /a HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n",
            "get /a host=h connection=keep-alive [] close"
        ),
        (
            "HTTP/1.0 expects nothing",
            "PUT /a HTTP/1.0\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
            "put /a host=h expect=100-continue content-length=2 [hi] close"
        ),
    ]
}
