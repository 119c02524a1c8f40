/// Why bytes from outside could not be read.
@usableFromInline package enum ByteError: Error, Equatable, Sendable {
    /// The bytes ended before the value did.
    case truncated
    /// A length or count is greater than the caller's limit.
    case tooLong
    /// A tag, version or reserved bit has a value that this build does not know.
    case invalid
    /// The value was read whole and bytes were left over.
    case trailing
}

/// Reads little-endian values from a byte array and never past its end: what comes from a disk or a
/// peer is hostile until it was parsed.
@usableFromInline package struct ByteReader: Sendable {
    @usableFromInline package let bytes: [UInt8]
    @usableFromInline package var position: Int
    @usableFromInline package let end: Int

    /// Reads `bytes` from their first to their last.
    @inlinable package init(_ bytes: [UInt8]) {
        self.bytes = bytes
        self.position = 0
        self.end = bytes.count
    }

    /// Reads only `range` of `bytes`.
    @inlinable package init(_ bytes: [UInt8], in range: Range<Int>) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= bytes.count, "a reader's range lies outside its bytes")
        self.bytes = bytes
        self.position = range.lowerBound
        self.end = range.upperBound
    }

    /// How many bytes have not been read yet.
    @inlinable package var remaining: Int { end - position }

    @inlinable package mutating func advance(_ count: Int) throws(ByteError) -> Int {
        guard count >= 0, count <= end - position else { throw .truncated }
        let start = position
        position += count
        return start
    }

    @inlinable package mutating func readUInt8() throws(ByteError) -> UInt8 {
        bytes[try advance(1)]
    }

    @inlinable package mutating func readUInt16() throws(ByteError) -> UInt16 {
        try readInteger()
    }

    @inlinable package mutating func readUInt32() throws(ByteError) -> UInt32 {
        try readInteger()
    }

    @inlinable package mutating func readUInt64() throws(ByteError) -> UInt64 {
        try readInteger()
    }

    @inlinable package mutating func readUInt128() throws(ByteError) -> UInt128 {
        let low: UInt64 = try readInteger()
        let high: UInt64 = try readInteger()
        return UInt128(high) << 64 | UInt128(low)
    }

    @inlinable package mutating func readInt64() throws(ByteError) -> Int64 {
        Int64(bitPattern: try readUInt64())
    }

    /// A boolean of one byte; any byte but 0 and 1 is refused, so that one value has one encoding.
    @inlinable package mutating func readBool() throws(ByteError) -> Bool {
        switch try readUInt8() {
        case 0: return false
        case 1: return true
        default: throw .invalid
        }
    }

    @inlinable package mutating func readBytes(count: Int) throws(ByteError) -> [UInt8] {
        let start = try advance(count)
        return [UInt8](bytes[start..<start + count])
    }

    /// Bytes behind a 32-bit length of at most `limit`.
    @inlinable package mutating func readBytes(limit: Int) throws(ByteError) -> [UInt8] {
        let count = Int(try readUInt32())
        guard count <= limit else { throw .tooLong }
        return try readBytes(count: count)
    }

    /// UTF-8 behind a 32-bit length of at most `limit` bytes; ill-formed UTF-8 is refused.
    @inlinable package mutating func readString(limit: Int) throws(ByteError) -> String {
        let bytes = try readBytes(limit: limit)
        guard let string = String(validating: bytes, as: UTF8.self) else { throw .invalid }
        return string
    }

    /// A 32-bit count of things that take at least `bytesEach` bytes: a count that cannot fit into what
    /// remains is refused before anyone reserves memory for it.
    @inlinable package mutating func readCount(limit: Int, bytesEach: Int) throws(ByteError) -> Int {
        let count = Int(try readUInt32())
        guard count <= limit else { throw .tooLong }
        guard count <= remaining / Swift.max(1, bytesEach) else { throw .truncated }
        return count
    }

    /// Refuses bytes that were left over.
    @inlinable package func finish() throws(ByteError) {
        guard position == end else { throw .trailing }
    }

    @inlinable package mutating func readInteger<Value: FixedWidthInteger & UnsignedInteger>() throws(ByteError)
        -> Value
    {
        let size = MemoryLayout<Value>.size
        let start = try advance(size)
        var value: Value = 0
        for offset in 0..<size {
            value |= Value(truncatingIfNeeded: bytes[start + offset]) << Value(truncatingIfNeeded: 8 * offset)
        }
        return value
    }
}
