import ConcordAPI

/// Writes the target of a request: path and query, percent-encoded once.
struct RequestTarget {
    private(set) var text: String
    private var hasQuery = false

    /// A target of fixed text: `/v1/cluster`.
    init(_ fixed: String) {
        text = fixed
    }

    /// The target of a node. A path that no member would take is refused before it is sent.
    init(node path: String) throws(ConcordError) {
        do {
            let checked = try NodePath(path)
            text = "/v1/kv" + String(decoding: checked.percentEncoded, as: UTF8.self)
        } catch {
            throw ConcordError(.invalidPath, detail: error.detail, path: path)
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
