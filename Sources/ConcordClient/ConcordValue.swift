public import Foundation

/// The value of a node: bytes, which may be text.
public struct ConcordValue: Hashable, Sendable {
    /// The bytes as they are.
    public let bytes: [UInt8]

    /// A value of these bytes.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// A value of these bytes.
    public init(_ data: Data) {
        self.bytes = [UInt8](data)
    }

    /// A value of the text's UTF-8.
    public init(_ text: String) {
        self.bytes = [UInt8](text.utf8)
    }

    /// The bytes as `Data`.
    public var data: Data { Data(bytes) }

    /// The text, or `nil` when the bytes are not well-formed UTF-8.
    public var string: String? { String(validating: bytes, as: UTF8.self) }
}

extension ConcordValue: ExpressibleByStringLiteral {
    /// A value of the literal's UTF-8.
    public init(stringLiteral value: String) {
        self.init(value)
    }
}

extension ConcordValue: CustomStringConvertible {
    /// The text, or how many bytes it is.
    public var description: String { string ?? "\(bytes.count) bytes" }
}
