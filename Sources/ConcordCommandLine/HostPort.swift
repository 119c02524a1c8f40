/// `HOST:PORT`; an IPv6 address stands in brackets, as in a URL (RFC 3986 §3.2.2).
package struct HostPort: Hashable, Sendable, CustomStringConvertible {
    /// Without brackets.
    package let host: String
    package let port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    package init?(_ text: some StringProtocol) {
        let text = String(text)
        guard let colon = text.lastIndex(of: ":") else { return nil }
        guard let port = DecimalText.port(text[text.index(after: colon)...]) else { return nil }
        guard let host = HostPort.unbracketed(text[..<colon]) else { return nil }
        self.host = host
        self.port = port
    }

    package var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// The host without its brackets; `nil` when it is empty, an IPv6 address without brackets, or holds a
    /// character that no host name has.
    private static func unbracketed(_ text: Substring) -> String? {
        if text.hasPrefix("["), text.hasSuffix("]"), text.count > 2 {
            let inner = text.dropFirst().dropLast()
            let isAddress = inner.contains(":") && inner.utf8.allSatisfy { isHostByte($0) || $0 == UInt8(ascii: ":") }
            return isAddress ? String(inner) : nil
        }
        return !text.isEmpty && text.utf8.allSatisfy(isHostByte) ? String(text) : nil
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default:
            false
        }
    }
}

/// `http://HOST:PORT` (or `https`): where a member listens for clients. A trailing slash is dropped; a path,
/// query, fragment or user is refused.
package struct WebAddress: Hashable, Sendable, CustomStringConvertible {
    package let scheme: String
    package let address: HostPort

    package init(scheme: String = "http", address: HostPort) {
        self.scheme = scheme
        self.address = address
    }

    package init?(_ text: String) {
        for scheme in ["http", "https"] where text.hasPrefix("\(scheme)://") {
            var rest = text.dropFirst(scheme.count + 3)
            if rest.hasSuffix("/") { rest = rest.dropLast() }
            guard let address = HostPort(rest), address.port > 0 else { return nil }
            self.scheme = scheme
            self.address = address
            return
        }
        return nil
    }

    package var description: String { "\(scheme)://\(address)" }
}
