/// The number of a leadership (Raft dissertation §3.3).
@usableFromInline package struct Term: Comparable, Hashable, Sendable {
    @usableFromInline package let rawValue: UInt64

    @inlinable package init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Before any election.
    @inlinable package static var zero: Term { Term(0) }

    @inlinable package static func < (left: Term, right: Term) -> Bool { left.rawValue < right.rawValue }
    @inlinable package var next: Term { Term(rawValue + 1) }
}

/// The position of an entry in the log; the first entry has index 1.
@usableFromInline package struct LogIndex: Comparable, Hashable, Sendable {
    @usableFromInline package let rawValue: UInt64

    @inlinable package init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Before the first entry.
    @inlinable package static var zero: LogIndex { LogIndex(0) }

    @inlinable package static func < (left: LogIndex, right: LogIndex) -> Bool { left.rawValue < right.rawValue }
    @inlinable package var next: LogIndex { LogIndex(rawValue + 1) }
}

/// A member: 128 random bits, made once, durable before it is told to anyone and never used again.
@usableFromInline package struct MemberID: Comparable, Hashable, Sendable, CustomStringConvertible {
    @usableFromInline package let rawValue: UInt128

    @inlinable package init(_ rawValue: UInt128) {
        self.rawValue = rawValue
    }

    @inlinable package static func < (left: MemberID, right: MemberID) -> Bool { left.rawValue < right.rawValue }

    /// 32 hexadecimal digits.
    @usableFromInline package var description: String { hexadecimal(rawValue) }
}

/// A cluster: the hash of its initial configuration. Zero stands for none yet.
package struct ClusterID: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt128

    package init(_ rawValue: UInt128) {
        self.rawValue = rawValue
    }

    /// 32 hexadecimal digits.
    package var description: String { hexadecimal(rawValue) }
}

private func hexadecimal(_ value: UInt128) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 32 - digits.count) + digits
}
