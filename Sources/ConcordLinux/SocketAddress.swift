internal import CConcordLinux

/// `HOST:PORT`, `[IPV6]:PORT`, as people write it.
package struct HostAndPort: Hashable, Sendable, CustomStringConvertible {
    package let host: String
    package let port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// `nil` when `text` is no host and port.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
            text[text.index(after: colon)...].utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 })
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":") else { return nil }
        } else if host.contains(":") {
            return nil
        }
        let allowed = host.utf8.allSatisfy {
            ($0 >= 0x30 && $0 <= 0x3A) || ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) || $0 == 0x2D || $0 == 0x2E
                || $0 == 0x5F || $0 == 0x25
        }
        guard !host.isEmpty, host.utf8.count <= 255, allowed else { return nil }
        self.init(host: String(host), port: port)
    }

    package var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

/// An address that a socket can listen on or connect to.
package struct SocketAddress: Hashable, Sendable {
    /// The bytes of a `sockaddr_in` or `sockaddr_in6`.
    let bytes: [UInt8]

    package var isIPv6: Bool { bytes.count == SocketAddress.ipv6Bytes }

    /// Reaches this machine only: 127.0.0.0/8 or ::1.
    package var isLoopback: Bool {
        isIPv6 ? bytes[8..<23].allSatisfy { $0 == 0 } && bytes[23] == 1 : bytes[4] == 127
    }

    /// Means every address of this machine: 0.0.0.0 or ::.
    package var isWildcard: Bool {
        (isIPv6 ? bytes[8..<24] : bytes[4..<8]).allSatisfy { $0 == 0 }
    }

    /// Translates an IP literal or `localhost`, without asking anyone; `nil` for any other name.
    package static func literal(_ target: HostAndPort) -> SocketAddress? {
        let host = target.host.lowercased() == "localhost" ? "127.0.0.1" : target.host
        return try? lookup(host, port: target.port, numericOnly: true).first
    }

    /// Asks the resolver of the system, which may take seconds; never on an event loop.
    package static func resolve(_ target: HostAndPort) throws(SystemError) -> [SocketAddress] {
        if let literal = literal(target) { return [literal] }
        return try lookup(target.host, port: target.port, numericOnly: false)
    }

    private static func lookup(
        _ host: String, port: UInt16, numericOnly: Bool
    ) throws(SystemError) -> [SocketAddress] {
        let (slot, capacity) = (128, 16)
        var buffer = [UInt8](repeating: 0, count: slot * capacity)
        // Safe: the shim writes at most `capacity` slots of 128 bytes, which is what the buffer holds.
        let count = unsafe buffer.withUnsafeMutableBufferPointer {
            unsafe concord_resolve(host, port, numericOnly ? 1 : 0, $0.baseAddress, Int32(capacity))
        }
        if count <= 0 {
            throw SystemError(operation: "resolve \(host)", text: "no address is known for this host name")
        }
        return (0..<Int(count)).map { index in
            let start = index * slot
            let family = UInt16(buffer[start]) | UInt16(buffer[start + 1]) << 8
            let length = family == ipv6Family ? ipv6Bytes : ipv4Bytes
            return SocketAddress(bytes: [UInt8](buffer[start..<start + length]))
        }
    }

    // `AF_INET6` and the sizes of the two structures are part of Linux' binary interface.
    private static let ipv6Family: UInt16 = 10
    private static let ipv4Bytes = 16
    private static let ipv6Bytes = 28
}
