/// Writes the target of a request: path and query, percent-encoded once.
struct RequestTarget {
    private(set) var text: String
    private var hasQuery = false

    /// A target of fixed text: `/v1/cluster`.
    init(_ fixed: String) {
        text = fixed
    }

    /// The target of a node. Which components are well-formed is the member's to say; here only what would name
    /// another resource altogether is refused.
    init(node path: String) throws(ConcordError) {
        guard path.hasPrefix("/") else {
            throw ConcordError(.invalidPath, detail: "a path begins with /", path: path)
        }
        text = "/v1/kv"
        guard path != "/" else { return }
        for component in path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            // A dot segment would be removed on its way (RFC 3986 §5.2.4), and another node be changed.
            guard !component.isEmpty, !component.allSatisfy({ $0 == UInt8(ascii: ".") }) || component.count > 2 else {
                throw ConcordError(
                    .invalidPath, detail: "a component of a path is neither empty nor . nor ..", path: path)
            }
            text += "/"
            RequestTarget.appendEncoded(component, to: &text)
        }
    }

    /// Appends `name` or `name=value` to the query.
    mutating func add(_ name: String, _ value: String? = nil) {
        text += hasQuery ? "&" : "?"
        hasQuery = true
        text += name
        if let value {
            text += "="
            RequestTarget.appendEncoded(value.utf8, to: &text)
        }
    }

    /// Leaves the unreserved characters of RFC 3986 §2.3 as they are.
    private static func appendEncoded(_ bytes: some Sequence<UInt8>, to text: inout String) {
        let digits = Array("0123456789ABCDEF")
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                text.append("%")
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 15)])
            }
        }
    }
}
