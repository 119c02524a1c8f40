import ConcordAPI
import ConcordBytes
import ConcordHTTP
import ConcordModel

// The headers that belong to writes: conditions, and how a repetition is recognised.

extension Condition {
    /// `If-Match` and `If-None-Match` of a write.
    init(_ headers: HTTPHeaders) throws(Problem) {
        let match = try EntityTags(headers, "if-match", weakly: false)
        let noneMatch = try EntityTags(headers, "if-none-match", weakly: true)
        switch (match, noneMatch) {
        case (nil, nil): self = .none
        case (.any, nil): self = .exists
        case (.revisions(let revisions), nil): self = .modifiedAt(revisions)
        case (nil, .any): self = .absent
        case (nil, .revisions):
            throw Problem(
                .invalidRequest, "a write takes If-None-Match: * (create only); use If-Match for a revision")
        case (.some, .some):
            throw Problem(.invalidRequest, "If-Match and If-None-Match exclude each other on a write; send one")
        }
    }
}

extension RetryIdentity {
    /// `Idempotency-Key` or `Concord-Client`.
    init(_ headers: HTTPHeaders) throws(Problem) {
        let key = headers.first("idempotency-key")
        let client = headers.first("concord-client")
        switch (key, client) {
        case (nil, nil): self = .none
        case (let key?, nil): self = .key(try RetryIdentity.key(key, headers))
        case (nil, let client?): self = .client(try ClientCall(client, headers))
        case (.some, .some):
            throw Problem(.invalidRequest, "Idempotency-Key and Concord-Client exclude each other; send one")
        }
    }

    private static func key(_ value: ArraySlice<UInt8>, _ headers: HTTPHeaders) throws(Problem) -> [UInt8] {
        guard headers.count("idempotency-key") == 1 else {
            throw Problem(.invalidRequest, "Idempotency-Key is repeated; send it once")
        }
        guard (1...ModelLimits.idempotencyKeyBytesMax).contains(value.count),
            value.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else {
            throw Problem(
                .invalidRequest,
                "Idempotency-Key must be 1 to \(ModelLimits.idempotencyKeyBytesMax) visible ASCII characters")
        }
        return [UInt8](value)
    }
}

extension ClientCall {
    /// `<32 hexadecimal digits>; seq=n; done=m`
    fileprivate init(_ value: ArraySlice<UInt8>, _ headers: HTTPHeaders) throws(Problem) {
        guard headers.count("concord-client") == 1, let call = ClientCall(value) else {
            throw Problem(
                .invalidRequest,
                "Concord-Client must be sent once, as 32 hexadecimal digits; seq=n; done=m with done below seq")
        }
        self = call
    }

    private init?(_ value: ArraySlice<UInt8>) {
        guard let client = HexadecimalText.number128(value.prefix(32)) else { return nil }
        var rest = value.dropFirst(32)
        guard let sequence = ClientCall.member("seq=", &rest), let done = ClientCall.member("done=", &rest),
            rest.isEmpty, sequence > done
        else { return nil }
        self.init(client: client, sequence: sequence, done: done)
    }

    /// `; name=number`, with any spaces or none.
    private static func member(_ name: StaticString, _ rest: inout ArraySlice<UInt8>) -> UInt64? {
        rest = rest.drop { $0 == 0x20 }
        guard rest.first == UInt8(ascii: ";") else { return nil }
        rest = rest.dropFirst().drop { $0 == 0x20 }
        guard rest.starts(with: name) else { return nil }
        rest = rest.dropFirst(name.utf8CodeUnitCount)
        let digits = rest.prefix { $0.isASCIIDigit }
        rest = rest[digits.endIndex...]
        guard let number = DecimalText.number(digits), number < DecimalText.limit else { return nil }
        return number
    }
}
