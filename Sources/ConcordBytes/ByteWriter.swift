/// Appends little-endian values to a byte array: the other half of `ByteReader`.
@usableFromInline package struct ByteWriter: Sendable {
    @usableFromInline package var bytes: [UInt8]

    @inlinable package init() {
        bytes = []
    }

    @inlinable package init(capacity: Int) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    @inlinable package var count: Int { bytes.count }

    @inlinable package mutating func write(_ value: UInt8) {
        bytes.append(value)
    }

    @inlinable package mutating func write(_ value: UInt16) { writeInteger(value) }
    @inlinable package mutating func write(_ value: UInt32) { writeInteger(value) }
    @inlinable package mutating func write(_ value: UInt64) { writeInteger(value) }

    @inlinable package mutating func write(_ value: UInt128) {
        writeInteger(UInt64(truncatingIfNeeded: value))
        writeInteger(UInt64(truncatingIfNeeded: value >> 64))
    }

    @inlinable package mutating func write(_ value: Int64) { writeInteger(UInt64(bitPattern: value)) }
    @inlinable package mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }

    /// Bytes as they are, without a length before them.
    @inlinable package mutating func writeRaw(_ value: [UInt8]) {
        bytes.append(contentsOf: value)
    }

    @inlinable package mutating func writeRaw(_ value: ArraySlice<UInt8>) {
        bytes.append(contentsOf: value)
    }

    @inlinable package mutating func writeRaw(_ value: StaticString) {
        // Safe: the buffer of a static string lives as long as the program, and is only read here.
        value.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
    }

    /// Bytes behind their 32-bit length.
    @inlinable package mutating func writeBytes(_ value: [UInt8]) {
        precondition(value.count <= Int(UInt32.max), "a byte string of 4 GiB or more cannot be encoded")
        write(UInt32(value.count))
        bytes.append(contentsOf: value)
    }

    /// UTF-8 behind its 32-bit length.
    @inlinable package mutating func writeString(_ value: String) {
        writeBytes([UInt8](value.utf8))
    }

    /// Overwrites four bytes written earlier: for lengths and checksums that are known at the end.
    @inlinable package mutating func patch(_ value: UInt32, at offset: Int) {
        precondition(offset >= 0 && offset + 4 <= bytes.count, "a patch lies outside of what was written")
        for index in 0..<4 {
            bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt32(8 * index))
        }
    }

    /// Appends zeros until the length is a multiple of `alignment` bytes.
    @inlinable package mutating func pad(to alignment: Int) {
        let excess = bytes.count % alignment
        if excess != 0 {
            bytes.append(contentsOf: repeatElement(0, count: alignment - excess))
        }
    }

    @inlinable package mutating func writeInteger<Value: FixedWidthInteger & UnsignedInteger>(_ value: Value) {
        var rest = value
        for _ in 0..<MemoryLayout<Value>.size {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }
}
