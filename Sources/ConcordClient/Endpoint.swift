/// The address of a member: `http://HOST:PORT`.
public struct ConcordEndpoint: Hashable, Sendable {
    /// `http` or `https`.
    public let scheme: String
    /// A name or an address; an IPv6 address without brackets.
    public let host: String
    /// From 1 to 65535.
    public let port: UInt16

    /// Parses `http://HOST[:PORT]`, `https://HOST[:PORT]` or `HOST:PORT` (which means `http`). The port is 7400
    /// unless told. A path, query, user or fragment makes it `nil`.
    public init?(_ text: String) {
        var rest = text[...]
        var scheme = "http"
        for known in ["http", "https"] where text.lowercased().hasPrefix("\(known)://") {
            scheme = known
            rest = rest.dropFirst(known.count + 3)
        }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard let (host, port) = ConcordEndpoint.hostAndPort(rest) else { return nil }
        self.scheme = scheme
        self.host = host
        self.port = port
    }

    /// `HOST:PORT`, as it stands in the header `Host`.
    public var authority: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private static func hostAndPort(_ text: Substring) -> (String, UInt16)? {
        var host = text
        var port: UInt16 = 7400
        let closing = text.lastIndex(of: "]")
        if let colon = text.lastIndex(of: ":"), closing.map({ $0 < colon }) ?? true {
            let digits = text[text.index(after: colon)...]
            guard !digits.isEmpty, digits.utf8.allSatisfy(isDigit), let number = UInt16(digits), number > 0 else {
                return nil
            }
            port = number
            host = text[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            let inner = host.dropFirst().dropLast()
            guard inner.contains(":"), inner.utf8.allSatisfy({ isHostByte($0) || $0 == UInt8(ascii: ":") }) else {
                return nil
            }
            return (String(inner), port)
        }
        guard !host.isEmpty, host.utf8.allSatisfy(isHostByte) else { return nil }
        return (String(host), port)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."),
            UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default:
            isDigit(byte)
        }
    }
}

extension ConcordEndpoint: CustomStringConvertible {
    /// `http://HOST:PORT`.
    public var description: String { "\(scheme)://\(authority)" }
}
