import ConcordBytes

/// The methods that mean something here; names are case-sensitive (RFC 9110 §9.1).
@usableFromInline package enum HTTPMethod: UInt8, Sendable, CaseIterable {
    case get
    case head
    case put
    case post
    case patch
    case delete
    case options
    /// Any other well-formed name.
    case other

    package var name: StaticString {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .put: "PUT"
        case .post: "POST"
        case .patch: "PATCH"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .other: "(other)"
        }
    }

    init(_ head: [UInt8], in range: Range<Int>) {
        for method in HTTPMethod.allCases where method != .other && head.matches(method.name, in: range) {
            self = method
            return
        }
        self = .other
    }
}

/// A request whose framing was well-formed. What it means is for the caller to judge.
@usableFromInline package struct HTTPRequest: Sendable {
    @usableFromInline package let method: HTTPMethod
    @usableFromInline package let headers: HTTPHeaders
    /// Where the path lies in the head; `/` for an absolute form without a path is not in it.
    @usableFromInline let pathRange: Range<Int>
    @usableFromInline let queryRange: Range<Int>?
    @usableFromInline package var body: [UInt8]
    /// Another request may follow on the connection.
    @usableFromInline package let keepAlive: Bool

    init(
        method: HTTPMethod, headers: HTTPHeaders, pathRange: Range<Int>, queryRange: Range<Int>?, body: [UInt8],
        keepAlive: Bool
    ) {
        self.method = method
        self.headers = headers
        self.pathRange = pathRange
        self.queryRange = queryRange
        self.body = body
        self.keepAlive = keepAlive
    }

    /// The path as it was sent, not decoded; empty for an absolute form without one, `*` for `OPTIONS *`.
    @inlinable package var path: ArraySlice<UInt8> { headers.head[pathRange] }

    /// What stands behind the first `?` of the target, not decoded; empty without one.
    @inlinable package var query: ArraySlice<UInt8> {
        guard let queryRange else { return [] }
        return headers.head[queryRange]
    }

    @inlinable package var hasQuery: Bool { queryRange != nil }

    /// The client speaks HTTP/1.0, which has no chunked coding.
    package var isOldVersion: Bool {
        guard let end = headers.head.firstIndex(of: 0x0D) else { return false }
        return headers.head[..<end].suffix(8).elementsEqual("HTTP/1.0".utf8)
    }
}
