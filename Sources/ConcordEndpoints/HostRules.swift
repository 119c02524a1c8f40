import ConcordAPI
import ConcordBytes
import ConcordHTTP

/// Which requests a page of another site may not make: a browser sends the name that it was told in `Host` (so a
/// name that was rebound to this address is seen), and the site of the page in `Origin`.
struct HostRules: Sendable {
    /// In lower case.
    private let names: [[UInt8]]

    init(names: [String]) {
        self.names = names.map { $0.utf8.map(\.asciiLowercased) }
    }

    func check(_ request: HTTPRequest) throws(Problem) {
        let host = request.headers.first("host") ?? []
        guard allows(host) else {
            throw Problem(
                .hostNotAllowed,
                "Host must be an IP address, localhost or a name that the server was told to serve, not "
                    + UTF8Text.quoted(host))
        }
        guard let origin = request.headers.first("origin") else { return }
        let isOwn =
            request.headers.count("origin") == 1 && origin.starts(with: "http://")
            && origin.dropFirst(7).elementsEqual(host)
        guard isOwn else {
            throw Problem(
                .originNotAllowed, "a page of another origin may not use this API: \(UTF8Text.quoted(origin))")
        }
    }

    /// Whether this `Host`, with or without a port, is served.
    func allows(_ host: ArraySlice<UInt8>) -> Bool {
        guard let name = HostRules.withoutPort(host) else { return false }
        if name.first == UInt8(ascii: "[") { return AddressLiteral.isVersion6(name.dropFirst().dropLast()) }
        if AddressLiteral.isVersion4(name) { return true }
        if name.elementsEqual("localhost".utf8, by: { $0.asciiLowercased == $1 }) { return true }
        return names.contains { name.elementsEqual($0, by: { $0.asciiLowercased == $1 }) }
    }

    /// The host without `:port`; `nil` when it is malformed. An IPv6 literal keeps its brackets.
    private static func withoutPort(_ host: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        let nameEnd: Int
        if host.first == UInt8(ascii: "[") {
            guard let bracket = host.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            nameEnd = bracket + 1
        } else {
            nameEnd = host.firstIndex(of: UInt8(ascii: ":")) ?? host.endIndex
        }
        guard nameEnd > host.startIndex else { return nil }
        if nameEnd < host.endIndex {
            let port = host[(nameEnd + 1)...]
            guard host[nameEnd] == UInt8(ascii: ":"), port.count <= 5, port.allSatisfy(\.isASCIIDigit) else {
                return nil
            }
        }
        return host[..<nameEnd]
    }
}

/// IP addresses as text, in the strict forms of RFC 3986 §3.2.2: `127.1` or `0x7f000001` are names to it.
enum AddressLiteral {
    static func isVersion4(_ text: ArraySlice<UInt8>) -> Bool {
        var parts = 0
        var value = 0
        var digits = 0
        for byte in text {
            if byte == UInt8(ascii: ".") {
                guard digits > 0 else { return false }
                parts += 1
                value = 0
                digits = 0
                continue
            }
            guard byte.isASCIIDigit, digits == 0 || value > 0 else { return false }
            value = value * 10 + Int(byte - 0x30)
            digits += 1
            guard value <= 255 else { return false }
        }
        return parts == 3 && digits > 0
    }

    static func isVersion6(_ text: ArraySlice<UInt8>) -> Bool {
        var groups = 0
        var hasGap = false
        var index = text.startIndex
        if text.starts(with: "::") {
            hasGap = true
            index += 2
        }
        while index < text.endIndex {
            let end = text[index...].firstIndex(of: UInt8(ascii: ":")) ?? text.endIndex
            let group = text[index..<end]
            if end == text.endIndex && group.contains(UInt8(ascii: ".")) {
                guard isVersion4(group) else { return false }
                groups += 2
                index = end
                break
            }
            guard (1...4).contains(group.count), group.allSatisfy({ $0.hexadecimalValue != nil }) else { return false }
            groups += 1
            guard end < text.endIndex else {
                index = end
                break
            }
            index = end + 1
            guard index < text.endIndex else { return false }
            if text[index] == UInt8(ascii: ":") {
                guard !hasGap else { return false }
                hasGap = true
                index += 1
            }
        }
        return hasGap ? groups <= 7 : groups == 8
    }
}
